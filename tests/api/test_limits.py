"""The limits of section 4: each can be set, and says what it is."""

from pathlib import Path
from typing import Any

import pytest

from ostro.protocol import paths
from ostro.values import Limits
from tests.api.world import World, a_world

FEW = Limits(
    input_bytes=100,
    log_bytes=8,
    output_bytes=20,
    tags_per_task=2,
    tasks_per_workflow=3,
    tasks_per_batch=2,
    queues_per_namespace=2,
    sessions_per_token=1,
    request_bytes=4_000,
)


def task(name: str, **more: Any) -> dict[str, Any]:
    return {"name": name, "action": "script", "target": {"server": "x"}, **more}


@pytest.fixture
async def few(database_url: str, tmp_path: Path) -> Any:
    async with a_world(database_url, tmp_path, FEW) as world:
        yield world


async def problem(world: World, path: str, body: Any) -> tuple[int, str, str]:
    response = await world.admin.ask("POST", path, body)
    told = response.json()
    return response.status_code, told["type"].rpartition(":")[2], told["detail"]


async def test_a_request_says_which_limit_it_is_above(few: World) -> None:
    add = paths.at(paths.TASKS, workflow=await few.workflow(task("a"), task("b")))
    batch = {"tasks": [task(f"t{n}") for n in range(3)]}
    for body, status, kind, number in (
        ({"tasks": [task("c", input={"x": "y" * 100})]}, 413, "input_too_large", "100"),
        ({"tasks": [task("c", tags=["1", "2", "3"])]}, 422, "invalid", "2"),
        (batch, 413, "batch_too_large", "2"),
        ({"tasks": [task("c"), task("d")]}, 409, "too_many_tasks", "3"),
        ({"tasks": [task("c", description="x" * 4_000)]}, 413, "request_too_large", ""),
    ):
        status_, kind_, detail = await problem(few, add, body)
        assert (status_, kind_) == (status, kind), detail
        assert number in detail
    assert len((await few.admin.get(add))["tasks"]) == 2


async def test_a_namespace_has_so_many_queues_and_a_token_so_many_sessions(few: World) -> None:
    for server in ("x", "y"):
        await few.workflow(task("a", target={"server": server}))
    status, kind, detail = await problem(few, paths.WORKFLOWS, {"tasks": [task("a", target={"server": "z"})]})
    assert (status, kind) == (429, "too_many_queues"), detail
    first = await few.worker("one", server="x")
    body = {"protocol": 1, "name": "two", "instance": str(few.desk.new_id())}
    assert await first.caller.refused("POST", paths.REGISTER, body) == (429, "too_many_sessions")


async def test_a_log_that_is_full_is_cut_with_a_mark(few: World) -> None:
    await few.workflow(task("a"))
    x = await few.worker("x", server="x")
    job = await x.job()
    quoted = {key: job[key] for key in ("workflow", "job", "fence")}
    chunks = [{**quoted, "offset": at, "stream": "stdout", "data": "aGVsbG8="} for at in (0, 5, 10)]
    written = await x.caller.post(paths.LOGS, {"session": x.session, "chunks": chunks})
    assert written["full"] == [job["job"]]
    pieces = (await few.admin.get(paths.at(paths.JOB_LOGS, job=job["job"])))["pieces"]
    assert [(one["offset"], one["stream"]) for one in pieces] == [(0, "stdout"), (5, "stdout"), (8, "ostro")]


async def test_an_output_that_is_too_large_comes_by_reference(few: World) -> None:
    echo = {"action": "std.echo", "input": {"output": "x" * 16}}
    workflow = await few.workflow({"name": "a", **echo}, {"name": "b", **echo}, seal=True)
    told = await few.admin.get(paths.at(paths.OUTPUT, workflow=workflow))
    assert (list(told["output"]), list(told["references"])) == (["a"], ["b"])
    path = told["references"]["b"]["path"]
    assert (await few.admin.get(path))["result"] == "x" * 16


async def test_a_server_with_too_much_to_do_asks_to_come_back_before_it_reads_or_decides_anything(
    database_url: str, tmp_path: Path
) -> None:
    for full, number in ((Limits(pending_events=0), "0 events"), (Limits(bytes_in_flight=10), "10 bytes")):
        async with a_world(database_url, tmp_path, full) as world:
            response = await world.admin.ask("POST", paths.WORKFLOWS, {"name": "one too many"})
            told = response.json()
            assert (response.status_code, told["type"].rpartition(":")[2]) == (503, "overloaded")
            assert number in told["detail"]
            assert int(response.headers["retry-after"]) >= 1
            assert (await world.admin.get(paths.WORKFLOWS))["workflows"] == []
