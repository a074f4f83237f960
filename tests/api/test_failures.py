"""How the API says no: a stable type, the field's path, what to do."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostro.api.app import make_app
from ostro.protocol import paths
from ostro.values import Limits
from tests.api.world import Worker, World, a_world, both
from tests.postgres import TestPostgres

TASK = {"name": "a", "action": "std.noop"}


async def fields(world: World, task: Any) -> list[str]:
    response = await world.admin.ask("POST", paths.WORKFLOWS, {"tasks": [TASK, task]})
    assert response.status_code == 422, response.text
    return [one["path"] for one in response.json()["fields"]]


@pytest.mark.parametrize(
    ("wrong", "path"),
    [
        ({"name": ""}, "$.tasks[1].name"),
        ({"name": "x" * 256}, "$.tasks[1].name"),
        ({"name": "a\nb"}, "$.tasks[1].name"),
        ({"name": ".."}, "$.tasks[1].name"),
        ({"name": "01890a5d-ac96-774b-bcce-b302099a8057"}, "$.tasks[1].name"),
        ({"action": ""}, "$.tasks[1].action"),
        ({"tags": ["ok", ""]}, "$.tasks[1].tags[1]"),
        ({"tags": ["t"] * 33}, "$.tasks[1].tags"),
        ({"target": {"a=b": "c"}}, "$.tasks[1].target.a=b"),
        ({"priority": 101}, "$.tasks[1].priority"),
        ({"timeout": 0}, "$.tasks[1].timeout"),
        ({"retry": {"count": -1}}, "$.tasks[1].retry.count"),
        ({"may_spawn": {"max": -1}}, "$.tasks[1].may_spawn.max"),
        ({"input": []}, "$.tasks[1].input"),
        ({"requires": [{"tags": ["x"], "task": "y"}]}, "$.tasks[1].requires[0]"),
        ({"priority": "high"}, "$.tasks[1].priority"),
        ({"colour": "red"}, "$.tasks[1]"),
        ({"requires": [""]}, "$.tasks[1].requires[0].task"),
        ({"requires": [{"tags": ["x", "a\u0007"]}]}, "$.tasks[1].requires[0].tags[1]"),
        ({"requires": [{"all_tags": ["x" * 256]}]}, "$.tasks[1].requires[0].all_tags[0]"),
        ({"requires": [{"tags": ["x"], "enough": 10**30}]}, "$.tasks[1].requires[0].enough"),
        ({"requires": [{"tags": ["x"], "at_least": 100_001}]}, "$.tasks[1].requires[0].at_least"),
    ],
)
async def test_a_mistake_is_told_with_its_place(world: World, wrong: dict[str, Any], path: str) -> None:
    assert path in await fields(world, {"name": "b", "action": "std.noop", **wrong})


async def test_all_mistakes_of_a_task_are_told_at_once(world: World) -> None:
    found = await fields(world, {"name": "", "action": "", "priority": 1000})
    assert found == ["$.tasks[1].name", "$.tasks[1].action", "$.tasks[1].priority"]


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        (b"{", 400, "not_json"),
        (b'{"name":"\xff"}', 422, "not_utf8"),
        (b'{"name":"a\\u0000b"}', 422, "nul"),
        (b'{"name":"\\ud800"}', 422, "lone_surrogate"),
        (b'{"tasks":[{"name":"a","action":"b","input":{"n":1e999}}]}', 422, "number_too_large"),
        (
            b'{"tasks":[{"name":"a","action":"b","input":{"n":' + b"[" * 70 + b"]" * 70 + b"}}]}",
            422,
            "too_deep",
        ),
        (b'{"tasks":[{"name":"a","action":"b","input":' + b"[" * 9999, 422, "too_deep"),
        (
            b'{"tasks":[{"name":"a","action":"b","input":{"x":"' + b"x" * 300_000 + b'"}}]}',
            413,
            "input_too_large",
        ),
        (b'{"name":1}', 422, "invalid"),
        (b"[]", 422, "invalid"),
    ],
)
async def test_what_cannot_be_kept_is_refused_at_the_edge(
    world: World, body: bytes, status: int, kind: str
) -> None:
    assert await world.admin.refused("POST", paths.WORKFLOWS, body) == (status, kind)


@pytest.mark.parametrize("year", ["0001", "1969", "9999"])
async def test_a_deadline_that_cannot_be_kept_is_refused_and_the_timers_go_on(
    world: World, year: str
) -> None:
    for when in (f"{year}-01-01T00:00:00+14:00", f"{year}-12-31T23:59:59-14:00"):
        workflow = paths.at(paths.WORKFLOW, workflow=await world.workflow())
        for method, path in (("POST", paths.WORKFLOWS), ("PATCH", workflow)):
            response = await world.admin.ask(method, path, {"deadline": when})
            assert (response.status_code, response.json()["fields"][0]["path"]) == (422, "$.deadline")


async def test_what_a_workflow_says_of_its_end_is_checked_like_the_rest(world: World) -> None:
    long = "x" * 256
    for body, path in (
        ({"output": {"": {"task": "a"}}}, "$.output."),
        ({"output": {"url": {"task": long}}}, "$.output.url.task"),
        ({"output": {f"k{n}": {"task": "a"} for n in range(1001)}}, "$.output"),
        ({"done_when": [{"task": long}]}, "$.done_when[0].task"),
        ({"done_when": ["a"] * 101}, "$.done_when"),
    ):
        response = await world.admin.ask("POST", paths.WORKFLOWS, body)
        assert (response.status_code, response.json()["fields"][0]["path"]) == (422, path)
    seal = paths.at(paths.SEAL, workflow=await world.workflow())
    assert await world.admin.refused("POST", seal, {"output": {"url": {"task": ""}}}) == (422, "invalid")


@pytest.mark.parametrize("part", ["%00", "a%00b", "%ff", "%ED%A0%80"])
async def test_a_path_that_is_no_text_leads_nowhere(world: World, part: str) -> None:
    task = f"{paths.at(paths.TASKS, workflow=await world.workflow())}/{part}"
    for method, path in (("GET", task), ("DELETE", task), ("DELETE", f"{paths.TOKENS}/{part}")):
        assert await world.admin.refused(method, path) == (404, "no_such_path")


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=1001", "colour=red", "state=DONE", "cursor=x", "name=a&name=b"]
)
async def test_a_query_is_read_strictly(world: World, query: str) -> None:
    response = await world.admin.ask("GET", f"{paths.WORKFLOWS}?{query}")
    assert (response.status_code, response.json()["type"]) == (422, "urn:ostro:problem:bad_query")
    assert response.json()["fields"][0]["path"].startswith("?")


@pytest.mark.parametrize(
    ("path", "name", "some"),
    [
        (f"{paths.WORKFLOWS}?state=SUCCESS,NOPE", "?state", "RUNNING, "),
        (f"{paths.TOKENS}?kind=NOPE", "?kind", "admin, write, read, worker, join"),
    ],
)
async def test_a_query_that_names_no_known_value_is_told_those_that_are(
    world: World, path: str, name: str, some: str
) -> None:
    problem = (await world.admin.ask("GET", path)).json()
    assert [one["path"] for one in problem["fields"]] == [name]
    assert "'NOPE'" in problem["detail"]
    assert some in problem["detail"]


async def test_the_router_says_no_in_the_same_words(world: World) -> None:
    assert await world.admin.refused("GET", "/v1/nothing") == (404, "no_such_path")
    for path in (paths.WORKFLOWS, paths.POLL):
        assert await world.admin.refused("PUT", path) == (405, "method_not_allowed")
    assert await world.admin.refused("GET", "/v1/workflows/x") == (404, "workflow_not_found")
    assert await world.admin.refused("GET", paths.at(paths.JOB, job="x")) == (404, "job_not_found")


async def test_a_deleted_task_is_gone(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "script", "requires": ["never"]})
    path = paths.at(paths.TASK, workflow=workflow, task="a")
    assert (await world.admin.ask("DELETE", path)).status_code == 204
    assert await world.admin.refused("GET", path) == (410, "task_deleted")
    assert await world.admin.refused("GET", path + "b") == (404, "task_not_found")


async def test_who_asks_too_often_is_told_when_to_come_back(database_url: str, tmp_path: Path) -> None:
    async with a_world(database_url, tmp_path, Limits(requests_per_second=5)) as world:
        answers = await both(*(world.admin.ask("GET", paths.WORKFLOWS) for _ in range(20)))
    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert all(one.headers["retry-after"] == "1" for one in refused)


async def test_a_result_that_cannot_be_kept_ends_its_job_in_error(world: World) -> None:
    workflow = await world.workflow(
        *({"name": name, "action": "script", "target": {"server": "x"}} for name in ("a", "b", "c"))
    )
    x = await world.worker("x", server="x")
    a, b, c = [await x.job() for _ in range(3)]
    nul = x.result(b, "nul \0 here")
    await x.poll(results=[x.result(a, "x" * 1_100_000), nul, x.result(c, [1])])
    states = {}
    for one in (a, b, c):
        task = await world.admin.get(paths.at(paths.TASK, workflow=workflow, task=one["name"]))
        states[one["name"]] = (task["state"], (task["error"] or "").partition(":")[0])
    assert states == {"a": ("ERROR", "result_too_large"), "b": ("ERROR", "nul"), "c": ("SUCCESS", "")}


async def test_a_worker_that_hangs_up_gives_its_job_to_another(world: World) -> None:
    first, second = await both(world.worker("one", server="x"), world.worker("two", server="x"))
    body, left = first.body(wait=2), asyncio.Event()

    async def receive() -> Any:
        nonlocal body
        if body:
            message = {"type": "http.request", "body": _json(body), "more_body": False}
            body = {}
            return message
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        raise AssertionError(message)

    headers = [(b"authorization", f"Bearer {first.caller.token}".encode())]
    scope = {"type": "http", "method": "POST", "path": paths.POLL, "headers": headers, "query_string": b""}
    async with asyncio.TaskGroup() as group:
        group.create_task(make_app(world.desk)(scope, receive, send))  # type: ignore[arg-type]
        left.set()
    workflow = await world.workflow({"name": "a", "action": "script", "target": {"server": "x"}})
    assert (await second.job())["workflow"] == str(workflow)


async def test_parked_polls_and_feeds_end_when_the_server_closes(world: World) -> None:
    workflow = await world.workflow()
    x = await world.worker("x", server="x")
    version = (await world.admin.get(paths.at(paths.WORKFLOW, workflow=workflow)))["version"]
    feed = paths.at(paths.CHANGES, workflow=workflow)

    async def close() -> None:
        world.app.close()

    poll, news, _ = await both(
        x.caller.ask("POST", paths.POLL, x.body(wait=2)),
        world.admin.get(feed, after=version, wait=60),
        close(),
    )
    assert poll.status_code == 503
    assert news["changes"] == []


async def test_a_lost_database_is_told_as_such(
    world: World, postgres: TestPostgres, database_url: str
) -> None:
    await world.admin.get(paths.WORKFLOWS)
    await world.desk.database.close()
    status, kind = await world.admin.refused("GET", paths.HEALTH)
    assert (status, kind) == (503, "storage_unavailable")


async def test_a_protocol_that_is_not_spoken_is_refused(world: World) -> None:
    worker = Worker(await world.token("worker", pool=True), "w")
    body = {"protocol": 2, "name": "w", "instance": str(worker.instance)}
    assert await worker.caller.refused("POST", paths.REGISTER, body) == (409, "protocol_unknown")


def _json(body: Any) -> bytes:
    import msgspec

    return msgspec.json.encode(body)
