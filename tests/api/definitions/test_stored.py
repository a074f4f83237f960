"""Definitions stored by name: uploaded, read, compared, labelled, deleted."""

from typing import Any

import pytest

from ostro.protocol import paths
from ostro.values import Limits
from tests.api.world import Caller, World, a_world, both
from tests.engine.fleet import sql

HEAD = "version: '2.0'\n"
ONE = (
    HEAD
    + "one:\n  description: The first.\n  tags: [x]\n  input: [n: {type: integer, default: 3}]\n  tasks: {a: {}}\n"
)
HOLD = HEAD + "hold:\n  tasks: {ask: {action: std.async_noop}}\n"
TWO = """\
# All of the shop.
version: '2.0'

# Lays the first stone.
first:
  tasks:
    a: {action: std.noop}  # does nothing

# Calls the first.
second:
  tasks:
    b: {workflow: first}
"""
BOOK = "version: '2.0'\nname: kit\nworkflows:\n  main:\n    tasks: {a: {workflow: helper}}\n  helper:\n    tasks: {b: {action: say}}\nactions:\n  say: {base: std.echo output=hello}\n"


async def upload(caller: Caller, *texts: str, **more: Any) -> dict[str, tuple[int, str]]:
    """Name -> version and outcome."""
    answer = await caller.post(paths.DEFINITIONS, {"texts": [{"text": one} for one in texts], **more})
    return {one["name"]: (one["version"], one["outcome"]) for one in answer["definitions"]}


async def get(world: World, name: str, **query: Any) -> Any:
    return await world.admin.get(paths.at(paths.DEFINITION, name=name), **query)


async def listed(world: World, **query: Any) -> list[str]:
    """Names over all pages, of two each."""
    found: list[str] = []
    while True:
        page = await world.admin.get(paths.DEFINITIONS, limit=2, **query)
        found += [one["name"] for one in page["definitions"]]
        if page["next"] is None:
            return found
        query["cursor"] = page["next"]


async def test_a_text_is_stored_and_told_with_what_it_declares(world: World) -> None:
    assert await upload(world.admin, ONE, labels={"team": "shop"}) == {"one": (1, "created")}
    told = await get(world, "one")
    assert (told["text"], told["kind"], told["type"]) == (ONE, "workflow", "direct")
    assert (told["description"], told["tags"], told["labels"]) == ("The first.", ["x"], {"team": "shop"})
    assert told["input"] == [
        {"name": "n", "required": False, "default": 3, "type": "integer", "description": ""}
    ]


async def test_another_text_is_the_next_version_and_the_same_one_none(world: World) -> None:
    await upload(world.admin, ONE, labels={"team": "shop"})
    assert await upload(world.admin, ONE) == {"one": (1, "unchanged")}
    changed = ONE.replace("first.", "very first.")
    assert await upload(world.admin, changed) == {"one": (2, "changed")}
    assert await upload(world.admin, ONE) == {"one": (3, "changed")}
    versions = await world.admin.get(paths.at(paths.DEFINITION_VERSIONS, name="one"))
    hashes = {one["version"]: one["hash"] for one in versions["versions"]}
    assert list(hashes) == [3, 2, 1]
    assert hashes[1] == hashes[3] != hashes[2]
    first, told = await get(world, "one", version=1), await get(world, "one", version=2)
    assert (first["text"], told["text"], told["version"], told["labels"]) == (
        ONE,
        changed,
        3,
        {"team": "shop"},
    )


async def test_versions_are_compared(world: World) -> None:
    await upload(world.admin, ONE)
    await upload(world.admin, ONE.replace("tags: [x]", "tags: [x, y]"))
    at = paths.at(paths.DEFINITION_DIFF, name="one")
    last = await world.admin.get(at)
    assert (last["from"], last["to"]) == (1, 2)
    assert "@@ -1,6 +1,6 @@" in last["diff"]
    assert "-  tags: [x]\n+  tags: [x, y]\n" in last["diff"]
    assert (await world.admin.get(at, **{"from": 2, "to": 2}))["diff"] == ""
    assert await world.admin.refused("GET", at, params={"from": 7}) == (404, "version_not_found")


async def test_each_workflow_of_a_text_stands_alone_with_its_comments(world: World) -> None:
    assert await upload(world.admin, TWO) == {"first": (1, "created"), "second": (1, "created")}
    first = await get(world, "first")
    assert first["text"] == (
        "# All of the shop.\nversion: '2.0'\n\n# Lays the first stone.\nfirst:\n  tasks:\n"
        "    a: {action: std.noop}  # does nothing\n"
    )
    assert "# Calls the first.\nsecond:" in (await get(world, "second"))["text"]
    assert await upload(world.admin, first["text"]) == {"first": (1, "unchanged")}
    other = TWO.replace("std.noop", "std.echo output=1")
    assert await upload(world.admin, other) == {"first": (2, "changed"), "second": (1, "unchanged")}


async def test_anchors_keep_a_text_whole(world: World) -> None:
    text = (
        HEAD + "one:\n  vars: &v {x: 1}\n  tasks: {a: {}}\ntwo:\n  vars: *v\n  tasks: {a: {workflow: one}}\n"
    )
    await upload(world.admin, text)
    assert (await get(world, "two"))["text"] == text
    assert await upload(world.admin, text) == {"one": (1, "unchanged"), "two": (1, "unchanged")}


async def test_a_workbook_is_stored_whole_for_each_of_its_members(world: World) -> None:
    assert await upload(world.admin, BOOK) == {
        "kit.main": (1, "created"),
        "kit.helper": (1, "created"),
        "kit.say": (1, "created"),
    }
    told = await get(world, "kit.say")
    assert (told["text"], told["kind"], told["workbook"]) == (BOOK, "action", "kit")
    changed = await upload(world.admin, BOOK.replace("hello", "hallo"))
    assert set(changed.values()) == {(2, "changed")}


async def test_an_upload_is_all_or_nothing_and_says_everything_that_is_wrong(world: World) -> None:
    bad = ONE.replace("tasks", "taks")
    body = {"texts": [{"text": TWO}, {"text": bad}, {"text": "version: '1.0'\n"}]}
    refused = await world.admin.ask("POST", paths.DEFINITIONS, body)
    assert refused.json()["type"].endswith(":invalid_definition")
    assert {one["path"] for one in refused.json()["fields"]} == {"$.texts[1].text", "$.texts[2].text"}
    assert await listed(world) == []
    twice = {"texts": [{"text": ONE}, {"text": ONE}]}
    assert await world.admin.refused("POST", paths.DEFINITIONS, twice) == (422, "invalid_upload")
    named = {"texts": [{"text": ONE.replace("one:", "validate:")}]}
    assert await world.admin.refused("POST", paths.DEFINITIONS, named) == (422, "invalid_upload")
    assert await world.admin.refused("POST", paths.DEFINITIONS, {"texts": []}) == (422, "invalid")


async def test_a_workflow_that_is_named_and_not_stored_is_a_warning(world: World) -> None:
    text = HEAD + "w:\n  tasks:\n    a: {workflow: later}\n    b: {workflow: one}\n"
    answer = await world.admin.post(paths.DEFINITIONS, {"texts": [{"text": text}, {"text": ONE}]})
    assert answer["warnings"] == ["w runs the workflow later, which is not stored: upload it before that."]


async def test_who_saw_another_version_is_refused_unless_his_text_is_there(world: World) -> None:
    await upload(world.admin, ONE)
    mine, yours = ONE.replace("first", "1st"), ONE.replace("first", "I")
    body = {"texts": [{"text": mine}], "if_version": {"one": 1}}
    assert await upload(world.admin, mine, if_version={"one": 1}) == {"one": (2, "changed")}
    assert await upload(world.admin, mine, if_version={"one": 1}) == {"one": (2, "unchanged")}
    body = {"texts": [{"text": yours}], "if_version": {"one": 1}}
    assert await world.admin.refused("POST", paths.DEFINITIONS, body) == (409, "definition_changed")
    body = {"texts": [{"text": yours}], "if_version": {"one": 0}}
    assert await world.admin.refused("POST", paths.DEFINITIONS, body) == (409, "definition_changed")
    body = {"texts": [{"text": yours}], "if_version": {"other": 0}}
    assert await world.admin.refused("POST", paths.DEFINITIONS, body) == (422, "invalid_upload")


async def test_of_uploads_at_once_each_is_a_version_and_with_a_guard_one_gets_through(world: World) -> None:
    texts = [ONE.replace("first", f"number {n}") for n in range(8)]
    done = await both(*(upload(world.admin, text) for text in texts))
    assert sorted(one["one"][0] for one in done) == list(range(1, 9))
    assert [one["one"][1] for one in done].count("created") == 1
    again = [
        {"texts": [{"text": ONE.replace("first", f"guarded {n}")}], "if_version": {"one": 8}}
        for n in range(8)
    ]
    answers = await both(*(world.admin.ask("POST", paths.DEFINITIONS, body) for body in again))
    assert sorted(one.status_code for one in answers) == [200, *[409] * 7]
    same = await both(*(upload(world.admin, TWO) for _ in range(6)))
    assert [one["first"] for one in same].count((1, "created")) == 1
    assert {one["second"][0] for one in same} == {1}


async def test_lists_go_by_name_kind_prefix_and_label(world: World) -> None:
    await upload(world.admin, ONE, TWO, labels={"team": "shop"})
    await upload(world.admin, BOOK, labels={"team": "kit", "old": ""})
    await upload(world.admin, HEAD + "one: {base: std.noop}\n")
    assert await listed(world) == ["first", "kit.helper", "kit.main", "kit.say", "one", "one", "second"]
    assert await listed(world, kind="action") == ["kit.say", "one"]
    assert await listed(world, prefix="kit.") == ["kit.helper", "kit.main", "kit.say"]
    assert await listed(world, label="team=shop") == ["first", "one", "second"]
    assert await listed(world, label="old") == ["kit.helper", "kit.main", "kit.say"]
    at = paths.at(paths.DEFINITION, name="one")
    assert await world.admin.refused("GET", at) == (422, "which_kind")
    assert (await get(world, "one", kind="action"))["kind"] == "action"
    assert await world.admin.refused("GET", paths.DEFINITIONS, params={"cursor": "x"}) == (422, "bad_query")


async def test_labels_are_put_on_and_taken_off(world: World) -> None:
    await upload(world.admin, ONE, labels={"team": "shop", "stage": "test"})
    at = paths.at(paths.DEFINITION, name="one")
    told = (await world.admin.ask("PATCH", at, {"labels": {"stage": None, "owner": "Kim"}})).json()
    assert (told["labels"], told["version"]) == ({"team": "shop", "owner": "Kim"}, 1)
    assert await world.admin.refused("PATCH", at, {"labels": {"a=b": "c"}}) == (422, "invalid")
    many = {"labels": {f"k{n}": "v" for n in range(31)}}
    assert await world.admin.refused("PATCH", at, many) == (422, "too_many_labels")


async def test_a_definition_in_use_is_not_deleted_and_says_what_uses_it(world: World) -> None:
    await upload(world.admin, HOLD, HEAD + "calls:\n  tasks: {a: {workflow: hold}}\n")
    made = await world.admin.post(paths.WORKFLOWS, {"definition": {"name": "hold"}})
    at = paths.at(paths.DEFINITION, name="hold")
    refused = await world.admin.ask("DELETE", at)
    assert (refused.status_code, refused.json()["more"]) == (
        409,
        {"workflows": [made["id"]], "definitions": ["calls"]},
    )
    await world.admin.post(paths.at(paths.CANCEL, workflow=made["id"]))
    await world.admin.ask("DELETE", paths.at(paths.DEFINITION, name="calls"))
    assert (await world.admin.ask("DELETE", at)).status_code == 204
    assert await world.admin.refused("GET", at) == (404, "definition_not_found")
    assert await world.admin.refused("DELETE", at) == (404, "definition_not_found")
    shown = await world.admin.get(paths.at(paths.WORKFLOW, workflow=made["id"]))
    assert shown["definition"] == {"name": "hold", "version": 1}
    assert await upload(world.admin, HOLD) == {"hold": (2, "created")}
    versions = await world.admin.get(paths.at(paths.DEFINITION_VERSIONS, name="hold"))
    assert [one["version"] for one in versions["versions"]] == [2]


async def test_with_force_one_in_use_goes_and_what_runs_goes_on(world: World) -> None:
    await upload(world.admin, HOLD)
    made = await world.admin.post(paths.WORKFLOWS, {"definition": {"name": "hold"}})
    at = paths.at(paths.DEFINITION, name="hold")
    assert (await world.admin.ask("DELETE", at, params={"force": "true"})).status_code == 204
    jobs = await world.admin.get(paths.at(paths.TASK_JOBS, workflow=made["id"], task="ask"))
    await world.admin.post(paths.at(paths.JOB_COMPLETE, job=jobs["jobs"][0]["id"]), {"state": "SUCCESS"})
    assert (await world.admin.get(paths.at(paths.WORKFLOW, workflow=made["id"])))["state"] == "SUCCESS"
    body = {"definition": {"name": "hold"}}
    assert await world.admin.refused("POST", paths.WORKFLOWS, body) == (404, "definition_not_found")


async def test_starts_against_a_delete_either_are_refused_or_run_to_their_end(world: World) -> None:
    await upload(world.admin, ONE)
    start = {"definition": {"name": "one"}}

    async def delete() -> int:
        return (await world.admin.ask("DELETE", paths.at(paths.DEFINITION, name="one"))).status_code

    answers = await both(*(world.admin.ask("POST", paths.WORKFLOWS, start) for _ in range(20)), delete())
    assert answers.pop() in (204, 409)
    assert {one.status_code for one in answers} <= {201, 404}
    for made in (one.json()["id"] for one in answers if one.status_code == 201):
        assert (await world.admin.get(paths.at(paths.WORKFLOW, workflow=made)))["state"] == "SUCCESS"


async def test_what_is_written_stands_in_the_audit_trail(world: World) -> None:
    await upload(world.admin, TWO)
    await upload(world.admin, TWO)
    at = paths.at(paths.DEFINITION, name="second")
    await world.admin.ask("PATCH", at, {"labels": {"a": "b"}})
    await world.admin.ask("DELETE", at)
    async with world.desk.database.connection() as connection:
        lines = await connection.fetch("audit_read", 1, 10)
    told = [(one["what"], one["detail"]) for one in lines if one["what"].startswith("definition")]
    assert told == [
        ("definition_deleted", "workflow second (version 1)"),
        ("definition_labelled", "workflow second: a=b"),
        ("definitions_uploaded", "workflow first 1, workflow second 1"),
    ]


async def test_who_may_only_read_stores_nothing_and_may_validate(world: World) -> None:
    reader = await world.token("read")
    body = {"texts": [{"text": ONE}]}
    assert await reader.refused("POST", paths.DEFINITIONS, body) == (403, "not_allowed")
    await upload(world.admin, ONE)
    at = paths.at(paths.DEFINITION, name="one")
    assert await reader.refused("DELETE", at) == (403, "not_allowed")
    assert await reader.refused("PATCH", at, {"labels": {}}) == (403, "not_allowed")
    assert (await reader.post(paths.DEFINITIONS_VALIDATE, {"text": ONE}))["valid"]
    worker = await world.token("worker", pool=True)
    for path in (paths.DEFINITIONS, at):
        assert await worker.refused("GET", path) == (403, "not_allowed")


async def test_validate_says_everything_with_its_line_and_what_was_probably_meant(world: World) -> None:
    text = HEAD + "w:\n  tasks:\n    a: {action: std.ecko, on-sucess: b}\n"
    told = await world.admin.post(paths.DEFINITIONS_VALIDATE, {"text": text})
    assert not told["valid"]
    error, warning = sorted(told["problems"], key=lambda one: one["severity"])
    assert (error["code"], error["line"], error["column"]) == ("unknown-key", 4, 27)
    assert error["source"] == "    a: {action: std.ecko, on-sucess: b}"
    assert error["hint"] == "Did you mean `on-success`?"
    assert (warning["severity"], warning["code"]) == ("warning", "unknown-action")
    assert await world.admin.post(paths.DEFINITIONS_VALIDATE, {"text": ""}) == {
        "valid": False,
        "problems": [
            {
                "code": "empty",
                "severity": "error",
                "message": "The text holds nothing.",
                "hint": "Begin with `version: '2.0'`.",
                "line": 1,
                "column": 1,
                "width": 1,
                "source": "",
            }
        ],
    }


@pytest.mark.parametrize("path", [paths.DEFINITIONS_VALIDATE, paths.DEFINITIONS])
async def test_a_text_above_the_limit_is_refused(database_url: str, tmp_path: Any, path: str) -> None:
    async with a_world(database_url, tmp_path, Limits(definition_bytes=100)) as world:
        body = {"text": ONE} if path == paths.DEFINITIONS_VALIDATE else {"texts": [{"text": ONE}]}
        assert await world.admin.refused("POST", path, body) == (413, "text_too_large")


async def test_namespaces_do_not_see_each_others_definitions(world: World) -> None:
    await upload(world.admin, ONE)
    other = await elsewhere(world)
    assert (await other.get(paths.DEFINITIONS))["definitions"] == []
    at = paths.at(paths.DEFINITION, name="one")
    assert await other.refused("GET", at) == (404, "definition_not_found")
    assert await other.refused("DELETE", at) == (404, "definition_not_found")
    body = {"definition": {"name": "one"}}
    assert await other.refused("POST", paths.WORKFLOWS, body) == (404, "definition_not_found")
    assert await upload(other, ONE.replace("first", "other")) == {"one": (1, "created")}
    assert (await get(world, "one"))["description"] == "The first."


async def elsewhere(world: World) -> Caller:
    """An admin of another namespace."""
    caller = await world.token("admin")
    async with sql(world.desk.database.dsn) as raw:
        await raw.execute("INSERT INTO namespaces (id, name) VALUES (2, 'other')")
        await raw.execute("UPDATE tokens SET namespace = 2 WHERE id = $1", str(caller.token).split("_")[2])
    return caller
