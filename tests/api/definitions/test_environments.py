"""Environments: values by name, which a start takes as they are then."""

from typing import Any

from ostro.protocol import paths
from ostro.values import Limits
from tests.api.definitions.test_stored import elsewhere
from tests.api.world import World, a_world, both

TEXT = "version: '2.0'\nw:\n  output: {host: <% env().host %>}\n  tasks: {a: {action: std.async_noop}}\n"


def at(name: str) -> str:
    return paths.at(paths.ENVIRONMENT, name=name)


async def create(world: World, name: str, **variables: Any) -> Any:
    return await world.admin.post(paths.ENVIRONMENTS, {"name": name, "variables": variables})


async def test_an_environment_is_made_read_replaced_and_deleted(world: World) -> None:
    made = await create(world, "lab", host="h1", port=8080)
    assert (made["version"], made["variables"]) == (1, {"host": "h1", "port": 8080})
    body = {"description": "The bench.", "variables": {"host": "h2"}, "if_version": 1}
    changed = (await world.admin.ask("PUT", at("lab"), body)).json()
    assert (changed["version"], changed["variables"], changed["description"]) == (
        2,
        {"host": "h2"},
        "The bench.",
    )
    assert await world.admin.get(at("lab")) == changed
    assert await world.admin.refused("PUT", at("lab"), body) == (409, "environment_changed")
    assert await world.admin.refused("DELETE", f"{at('lab')}?if_version=1") == (409, "environment_changed")
    assert (await world.admin.ask("DELETE", at("lab"))).status_code == 204
    for method in ("GET", "DELETE"):
        assert await world.admin.refused(method, at("lab")) == (404, "environment_not_found")
    assert await world.admin.refused("PUT", at("lab"), {}) == (404, "environment_not_found")


async def test_values_stay_as_they_were_written(world: World) -> None:
    raw = b'{"name": "exact", "variables": {"price": 1.50, "big": 123456789012345678901234567890}}'
    response = await world.admin.ask("POST", paths.ENVIRONMENTS, raw)
    assert b"1.50" in response.content
    assert b"123456789012345678901234567890" in response.content


async def test_of_two_of_one_name_one_is_made_and_of_two_changes_one_counts(world: World) -> None:
    body = {"name": "lab", "variables": {}}
    made = await both(*(world.admin.ask("POST", paths.ENVIRONMENTS, body) for _ in range(4)))
    assert sorted(one.status_code for one in made) == [201, 409, 409, 409]
    change = {"variables": {"a": 1}, "if_version": 1}
    done = await both(*(world.admin.ask("PUT", at("lab"), change) for _ in range(4)))
    assert sorted(one.status_code for one in done) == [200, 409, 409, 409]


async def test_they_are_listed_by_name_without_their_values(world: World) -> None:
    for name in ("c", "a", "b"):
        await create(world, name, x=1)
    page = await world.admin.get(paths.ENVIRONMENTS, limit=2)
    assert [one["name"] for one in page["environments"]] == ["a", "b"]
    assert "variables" not in page["environments"][0]
    rest = await world.admin.get(paths.ENVIRONMENTS, cursor=page["next"])
    assert ([one["name"] for one in rest["environments"]], rest["next"]) == (["c"], None)


async def test_a_workflow_keeps_the_values_of_its_start(world: World) -> None:
    await create(world, "lab", host="h1")
    body = {"definition": {"text": TEXT}, "env": "lab"}
    workflow = (await world.admin.post(paths.WORKFLOWS, body))["id"]
    await world.admin.ask("PUT", at("lab"), {"variables": {"host": "h2"}})
    await world.admin.ask("DELETE", at("lab"))
    jobs = await world.admin.get(paths.at(paths.TASK_JOBS, workflow=workflow, task="a"))
    await world.admin.post(paths.at(paths.JOB_COMPLETE, job=jobs["jobs"][0]["id"]), {"state": "SUCCESS"})
    told = await world.admin.get(paths.at(paths.OUTPUT, workflow=workflow))
    assert told["output"] == {"host": "h1"}
    assert await world.admin.refused("POST", paths.WORKFLOWS, body) == (422, "environment_not_found")


async def test_what_is_no_environment_is_refused(database_url: str, tmp_path: Any) -> None:
    async with a_world(database_url, tmp_path, Limits(input_bytes=100)) as world:
        for body, refusal in (
            ({"name": "", "variables": {}}, (422, "invalid")),
            ({"name": "..", "variables": {}}, (422, "invalid")),
            ({"name": "a", "variables": [1]}, (422, "invalid")),
            ({"name": "a", "variables": {"x": "y" * 100}}, (413, "input_too_large")),
        ):
            assert await world.admin.refused("POST", paths.ENVIRONMENTS, body) == refusal


async def test_who_may_only_read_changes_none_and_namespaces_are_apart(world: World) -> None:
    await create(world, "lab", host="h1")
    reader = await world.token("read")
    assert (await reader.get(at("lab")))["variables"] == {"host": "h1"}
    assert await reader.refused("POST", paths.ENVIRONMENTS, {"name": "x"}) == (403, "not_allowed")
    assert await reader.refused("PUT", at("lab"), {}) == (403, "not_allowed")
    assert await reader.refused("DELETE", at("lab")) == (403, "not_allowed")
    other = await elsewhere(world)
    assert await other.refused("GET", at("lab")) == (404, "environment_not_found")
    body = {"definition": {"text": TEXT}, "env": "lab"}
    assert await other.refused("POST", paths.WORKFLOWS, body) == (422, "environment_not_found")


async def test_what_is_written_stands_in_the_audit_trail(world: World) -> None:
    await create(world, "lab", host="h1")
    await world.admin.ask("PUT", at("lab"), {})
    await world.admin.ask("DELETE", at("lab"))
    async with world.desk.database.connection() as connection:
        lines = await connection.fetch("audit_read", 1, 10)
    told = [one["what"] for one in lines if one["what"].startswith("environment")]
    assert told == ["environment_deleted", "environment_changed", "environment_created"]
