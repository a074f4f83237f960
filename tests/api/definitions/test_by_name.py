"""Workflows made from stored definitions: by name, with what they name, in the version of the time."""

from typing import Any

from ostro.clock import pause
from ostro.loops.prune import Prune
from ostro.protocol import paths
from tests.api.definitions.test_stored import elsewhere, upload
from tests.api.world import Caller, World, a_world
from tests.engine.fleet import sql

HEAD = "version: '2.0'\n"


def says(name: str, what: str, then: str = "std.noop") -> str:
    """A workflow that waits for somebody, and then says something."""
    return (
        f"{HEAD}{name}:\n  output: {{said: {what}}}\n  tasks:\n"
        f"    wait: {{action: std.async_noop, on-success: then}}\n    then: {{action: {then}}}\n"
    )


async def start(caller: Caller, name: str, **more: Any) -> str:
    return str((await caller.post(paths.WORKFLOWS, {"definition": {"name": name}, **more}))["id"])


async def show(caller: Caller, workflow: str) -> Any:
    return await caller.get(paths.at(paths.WORKFLOW, workflow=workflow))


async def release(caller: Caller, workflow: str, task: str = "wait") -> None:
    """Somebody outside says that what the task waits for is done."""
    jobs = await caller.get(paths.at(paths.TASK_JOBS, workflow=workflow, task=task))
    await caller.post(paths.at(paths.JOB_COMPLETE, job=jobs["jobs"][-1]["id"]), {"state": "SUCCESS"})


async def output(caller: Caller, workflow: str) -> Any:
    """What it returned, once it has ended."""
    while (await show(caller, workflow))["state"] == "RUNNING":
        await pause(0.02)
    return (await caller.get(paths.at(paths.OUTPUT, workflow=workflow)))["output"]


async def test_a_running_workflow_keeps_its_version_while_the_next_one_is_started(world: World) -> None:
    await upload(world.admin, says("w", "old"))
    older = await start(world.admin, "w")
    await upload(world.admin, says("w", "new"))
    newer = await start(world.admin, "w")
    chosen = (await world.admin.post(paths.WORKFLOWS, {"definition": {"name": "w", "version": 1}}))["id"]
    for workflow, version, said in ((older, 1, "old"), (newer, 2, "new"), (chosen, 1, "old")):
        assert (await show(world.admin, workflow))["definition"] == {"name": "w", "version": version}
        await release(world.admin, workflow)
        assert await output(world.admin, workflow) == {"said": said}


async def test_a_version_or_a_name_that_is_not_there_is_refused_and_mixed_words_are(world: World) -> None:
    await upload(world.admin, says("w", "x"))
    for definition, refusal in (
        ({"name": "v"}, (404, "definition_not_found")),
        ({"name": "w", "version": 2}, (404, "version_not_found")),
        ({}, (422, "invalid")),
        ({"name": "w", "also": [{"text": HEAD}]}, (422, "invalid")),
        ({"text": says("w", "x"), "version": 1}, (422, "invalid")),
    ):
        body = {"definition": definition}
        assert await world.admin.refused("POST", paths.WORKFLOWS, body) == refusal


async def test_workflows_are_listed_by_their_definition(world: World) -> None:
    await upload(world.admin, says("w", "x"), says("v", "x"))
    made = [await start(world.admin, name) for name in ("w", "v", "w")]
    page = await world.admin.get(paths.WORKFLOWS, definition="w")
    assert [one["id"] for one in page["workflows"]] == [made[2], made[0]]
    assert page["workflows"][0]["definition"] == {"name": "w", "version": 1}
    assert (await world.admin.get(paths.WORKFLOWS, definition="u"))["workflows"] == []


ACTIONS = HEAD + "greet: {base: polite, base-input: {to: <% $.to %>}, input: [to]}\n"
POLITE = HEAD + "polite: {base: std.echo, base-input: {output: 'Dear <% $.to %>'}, input: [to]}\n"
GREETS = HEAD + (
    "w:\n  output: {said: <% task(b).result %>}\n  tasks:\n    wait: {action: std.async_noop, on-success: b}\n"
    "    b: {action: greet to=Kim}\n"
)


async def test_stored_actions_are_taken_along_as_they_are_at_the_start(world: World) -> None:
    await upload(world.admin, ACTIONS, POLITE, GREETS)
    older = await start(world.admin, "w")
    given = (await world.admin.post(paths.WORKFLOWS, {"definition": {"text": GREETS}}))["id"]
    await upload(world.admin, POLITE.replace("Dear", "Hi"))
    newer = await start(world.admin, "w")
    await world.admin.ask("DELETE", paths.at(paths.DEFINITION, name="greet"), params={"force": "true"})
    for workflow, said in ((older, "Dear Kim"), (given, "Dear Kim"), (newer, "Hi Kim")):
        await release(world.admin, workflow)
        assert await output(world.admin, workflow) == {"said": said}


async def test_an_action_that_another_definition_names_is_not_deleted(world: World) -> None:
    await upload(world.admin, ACTIONS, POLITE, GREETS)
    for name, user in (("greet", "w"), ("polite", "greet")):
        refused = await world.admin.ask("DELETE", paths.at(paths.DEFINITION, name=name))
        assert (refused.status_code, refused.json()["more"]["definitions"]) == (409, [user])


CALLS = HEAD + (
    "calls:\n  output: {said: <% task(b).result.said %>}\n  tasks:\n"
    "    wait: {action: std.async_noop, on-success: b}\n    b: {workflow: callee}\n"
)
CALLEE = HEAD + "callee:\n  output: {said: old}\n  tasks: {a: {}}\n"


async def test_a_workflow_that_a_task_runs_is_the_newest_when_it_is_called(world: World) -> None:
    await upload(world.admin, CALLS)
    workflow = await start(world.admin, "calls")
    await upload(world.admin, CALLEE)
    await upload(world.admin, CALLEE.replace("old", "new"))
    await release(world.admin, workflow)
    assert await output(world.admin, workflow) == {"said": "new"}
    (callee,) = (await world.admin.get(paths.WORKFLOWS, definition="callee"))["workflows"]
    assert (callee["definition"], callee["parent"]) == ({"name": "callee", "version": 2}, workflow)


async def test_what_the_text_of_a_start_holds_comes_before_what_is_stored(world: World) -> None:
    await upload(world.admin, CALLEE)
    text = CALLS + CALLEE.replace("old", "own").removeprefix(HEAD)
    made = await world.admin.post(paths.WORKFLOWS, {"definition": {"text": text, "name": "calls"}})
    await release(world.admin, made["id"])
    assert await output(world.admin, made["id"]) == {"said": "own"}


async def test_a_workflow_that_is_not_there_when_it_is_called_fails_the_task(world: World) -> None:
    await upload(world.admin, CALLS)
    workflow = await start(world.admin, "calls")
    await release(world.admin, workflow)
    await output(world.admin, workflow)
    told = await show(world.admin, workflow)
    assert (told["state"], "no workflow 'callee'" in told["error"]) == ("ERROR", True)


BOOK = """\
version: '2.0'
name: kit
workflows:
  main:
    output: {said: <% task(b).result.said %>}
    tasks:
      wait: {action: std.async_noop, on-success: b}
      b: {workflow: helper}
  helper:
    output: {said: <% task(c).result %>}
    tasks: {c: {action: say}}
actions:
  say: {base: std.echo output=old}
"""


async def test_a_workbook_runs_as_it_was_when_its_workflow_was_made(world: World) -> None:
    await upload(world.admin, BOOK)
    older = await start(world.admin, "kit.main")
    await upload(world.admin, BOOK.replace("old", "new"))
    newer = await start(world.admin, "kit.main")
    for workflow, said in ((older, "old"), (newer, "new")):
        await release(world.admin, workflow)
        assert await output(world.admin, workflow) == {"said": said}


async def test_a_member_of_a_workbook_is_called_and_named_from_elsewhere(world: World) -> None:
    text = HEAD + (
        "w:\n  output: {said: '<% task(a).result.said %> <% task(b).result %>'}\n  tasks:\n"
        "    a: {workflow: kit.helper, on-success: b}\n    b: {action: kit.say}\n"
    )
    await upload(world.admin, BOOK, text)
    assert await output(world.admin, await start(world.admin, "w")) == {"said": "old old"}


MANY = HEAD + (
    "many:\n  input: [n]\n  output: {n: <% task(each).result.len() %>}\n"
    "  tasks: {each: {with-items: i in <% range($.n) %>, workflow: leaf}}\n"
)
LEAF = HEAD + "leaf:\n  tasks: {a: {action: own}}\n"


async def test_a_fan_out_looks_a_name_up_once_for_many_of_its_workflows(
    database_url: str, tmp_path: Any
) -> None:
    async with a_world(database_url, tmp_path) as world:
        await upload(world.admin, MANY, LEAF, HEAD + "own: {base: std.noop}\n")
        workflow = await start(world.admin, "many", input={"n": 300})
        assert await output(world.admin, workflow) == {"n": 300}
    assert 0 < await scans(database_url) < 150


async def scans(database_url: str) -> int:
    """How often the index of definitions by name was looked into, once all connections have ended and said so."""
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    figure = "SELECT idx_scan FROM pg_stat_user_indexes WHERE indexrelname = 'definitions_by_name'"
    async with sql(database_url) as raw:
        while await raw.fetchval(others):
            await pause(0.02)
        return int(await raw.fetchval(figure))


async def test_a_new_version_at_one_server_is_used_at_the_other(database_url: str, tmp_path: Any) -> None:
    async with a_world(database_url, tmp_path / "a") as one, a_world(database_url, tmp_path / "b") as two:
        await upload(one.admin, CALLS, CALLEE)
        for said in ("old", "new", "newest"):
            await upload(one.admin, CALLEE.replace("old", said))
            workflow = await start(two.admin, "calls")
            await release(one.admin, workflow)
            assert await output(two.admin, workflow) == {"said": said}


async def test_the_names_of_one_namespace_mean_nothing_in_another(world: World) -> None:
    await upload(world.admin, CALLEE, ACTIONS, POLITE)
    other = await elsewhere(world)
    for text, said in ((CALLS, "no workflow 'callee'"), (GREETS, "no action 'greet'")):
        made = (await other.post(paths.WORKFLOWS, {"definition": {"text": text}}))["id"]
        await release(other, made)
        await output(other, made)
        assert said in (await show(other, made))["error"]


async def keys(world: World) -> set[str]:
    async with sql(world.desk.database.dsn) as raw:
        return {row["key"] for row in await raw.fetch("SELECT key FROM libraries")}


async def prune(world: World, *, after_days: int = 2) -> None:
    """As if nobody had said for days that he needs any text."""
    async with sql(world.desk.database.dsn) as raw:
        await raw.execute("UPDATE libraries SET used_at = used_at - $1 * interval '1 day'", after_days)
        await raw.execute("UPDATE definitions SET deleted_at = deleted_at - interval '31 days'")
    loop = Prune(world.desk.database, world.desk.clock, world.desk.lanes._queues, Everywhere())  # type: ignore[arg-type]
    assert await loop.tick() is False


class Everywhere:
    async def ids(self) -> list[int]:
        return [1]


async def test_texts_stay_while_a_workflow_or_a_version_needs_them_and_then_go(world: World) -> None:
    text = says("kept", "for a while")
    await upload(world.admin, text)
    workflow = await start(world.admin, "kept")
    await prune(world, after_days=0)
    (key,) = await keys(world)
    await world.admin.ask("DELETE", paths.at(paths.DEFINITION, name="kept"), params={"force": "true"})
    await prune(world)
    assert await keys(world) == {key}
    await prune(world)  # it was marked anew, and is looked at again
    assert await keys(world) == {key}
    await release(world.admin, workflow)
    await output(world.admin, workflow)
    await world.admin.ask("DELETE", paths.at(paths.WORKFLOW, workflow=workflow))
    await prune(world)
    assert await keys(world) == set()
    assert await upload(world.admin, text) == {"kept": (1, "created")}
