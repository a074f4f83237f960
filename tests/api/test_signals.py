"""Signals over HTTP: tasks that wait for one, and those that come before anybody waits."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ostro.core.events import AddTasks, SendSignal
from ostro.core.specs import TaskSpec
from ostro.protocol import paths
from ostro.values import Limits
from tests.api.world import World, a_world, both

WAITS = {"name": "approve", "action": "std.wait_signal"}
DEFINED = """
version: '2.0'
two:
  tasks:
    first:
      action: std.wait_signal name="go"
      publish: {by: <% task().result.by %>}
      on-success: second
    second:
      action: std.wait_signal name="<% $.by %>"
      timeout: 3600
  output: {last: <% task(second).result %>}
"""


async def send(world: World, workflow: UUID, name: str, payload: Any = None, **more: Any) -> Any:
    path = paths.at(paths.SIGNAL, workflow=workflow, name=name)
    return await world.admin.post(path, {"payload": payload}, **more)


async def task(world: World, workflow: UUID, name: str) -> Any:
    return await world.admin.get(paths.at(paths.TASK, workflow=workflow, task=name))


@pytest.fixture
async def other(world: World, database_url: str, tmp_path: Path) -> AsyncIterator[World]:
    """Another server on the same database: it has in memory what it has read."""
    async with a_world(database_url, tmp_path / "other") as second:
        yield second


async def test_a_signal_ends_the_task_that_waits_for_it_with_what_it_brings(world: World) -> None:
    workflow = await world.workflow(
        WAITS, {"name": "ship", "action": "std.noop", "requires": ["approve"]}, seal=True
    )
    assert await send(world, workflow, "aprove") == {"taken_by": None, "awaited": ["approve"]}
    told = await task(world, workflow, "approve")
    assert (told["state"], told["why"]["says"]) == ("RUNNING", "it waits for the signal 'approve'")
    assert told["why"]["because"][0]["command"] == f"ostro workflow signal {workflow} approve"
    assert await send(world, workflow, "approve", {"by": "Kim"}) == {"taken_by": "approve", "awaited": []}
    told = await task(world, workflow, "approve")
    assert (told["state"], told["result"]) == ("SUCCESS", {"by": "Kim"})
    refused = await world.admin.refused("POST", paths.at(paths.SIGNAL, workflow=workflow, name="approve"))
    assert refused == (409, "workflow_ended")


async def test_signals_that_come_first_are_kept_in_their_order_for_those_who_wait_later(
    world: World, other: World
) -> None:
    workflow = await world.workflow()
    for number in (1, 2):
        assert await send(world, workflow, "go", number) == {"taken_by": None, "awaited": []}
    for name in ("a", "b", "c"):
        wants = {"name": name, "action": "std.wait_signal", "input": {"name": "go"}}
        await other.admin.post(paths.at(paths.TASKS, workflow=workflow), {"tasks": [wants]})
    ends = [(await task(world, workflow, name))["result"] for name in ("a", "b", "c")]
    assert ends == [1, 2, None]
    assert await send(world, workflow, "go", 3) == {"taken_by": "c", "awaited": []}


async def test_tasks_of_a_definition_wait_for_names_that_they_compute(world: World, other: World) -> None:
    workflow = await world.workflow(definition={"text": DEFINED})
    assert await send(world, workflow, "go", {"by": "Kim"}) == {"taken_by": "first", "awaited": []}
    assert await send(other, workflow, "Kim", 7) == {"taken_by": "second", "awaited": []}
    assert await world.admin.get(paths.at(paths.OUTPUT, workflow=workflow)) == {
        "state": "SUCCESS", "output": {"last": 7}, "references": {}, "missing": [],
    }  # fmt: skip


async def test_who_begins_to_wait_in_the_commit_that_brings_the_signal_has_it(world: World) -> None:
    for defined in (False, True):
        text = "version: '2.0'\nw:\n  type: graph\n  open: true\n  tasks: {a: {}}\n"
        workflow = await world.workflow(**({"definition": {"text": text}} if defined else {}))
        specs = [TaskSpec(name=f"w{n}", action="std.wait_signal", input=b'{"name": "go"}') for n in range(10)]
        sent = [SendSignal(name="go", payload=str(n).encode()) for n in range(10)]
        events = [
            one
            for pair in zip((AddTasks(tasks=(spec,)) for spec in specs), sent, strict=True)
            for one in pair
        ]
        await both(*(world.desk.lanes.submit(1, workflow, event) for event in events))  # together: one batch
        found = [(await task(world, workflow, f"w{n}"))["result"] for n in range(10)]
        assert found == list(range(10))


async def test_a_signal_that_is_sent_twice_under_one_key_counts_once(world: World) -> None:
    workflow = await world.workflow()
    key = {"headers": {paths.IDEMPOTENCY_KEY: "k"}}
    assert await send(world, workflow, "go", 1, **key) == await send(world, workflow, "go", 1, **key)
    wants = [{"name": name, "action": "std.wait_signal", "input": {"name": "go"}} for name in "ab"]
    await world.admin.post(paths.at(paths.TASKS, workflow=workflow), {"tasks": wants})
    assert [(await task(world, workflow, name))["state"] for name in "ab"] == ["SUCCESS", "RUNNING"]


async def test_who_was_cancelled_or_ran_out_of_time_takes_no_signal(world: World) -> None:
    hasty = {**WAITS, "name": "hasty", "input": {"name": "go"}, "timeout": 0.05}
    workflow = await world.workflow(hasty, {**WAITS, "name": "gone", "input": {"name": "go"}})
    await world.admin.post(paths.at(paths.TASK_CANCEL, workflow=workflow, task="gone"))
    while (await task(world, workflow, "hasty"))["state"] == "RUNNING":
        await asyncio.sleep(0)
    assert (await task(world, workflow, "hasty"))["error"] == "timed out after 0.05 s"
    assert await send(world, workflow, "go") == {"taken_by": None, "awaited": []}


async def test_a_wait_that_says_something_else_fails_with_what_is_wrong(world: World) -> None:
    workflow = await world.workflow({**WAITS, "input": {"nam": "go"}}, seal=True)
    told = await task(world, workflow, "approve")
    assert (told["state"], told["error"]) == (
        "ERROR",
        "the input of std.wait_signal: Object contains unknown field `nam`",
    )


async def test_a_job_that_nobody_runs_is_ended_from_outside_in_a_callers_workflow_too(world: World) -> None:
    workflow = await world.workflow({"name": "a", "action": "std.async_noop"}, seal=True)
    job = (await task(world, workflow, "a"))["job"]["id"]
    await world.admin.post(paths.at(paths.JOB_COMPLETE, job=job), {"state": "SUCCESS", "result": 1})
    assert (await task(world, workflow, "a"))["result"] == 1


async def test_no_more_signals_are_kept_than_the_limit_says(database_url: str, tmp_path: Path) -> None:
    async with a_world(database_url, tmp_path, Limits(signals_per_workflow=2)) as few:
        workflow = await few.workflow()
        for name in ("go", "come"):
            await send(few, workflow, name)
        path = paths.at(paths.SIGNAL, workflow=workflow, name="go")
        assert await few.admin.refused("POST", path) == (409, "too_many_signals")
    async with a_world(database_url, tmp_path / "small", Limits(result_bytes=100)) as small:
        workflow = await small.workflow()
        path = paths.at(paths.SIGNAL, workflow=workflow, name="go")
        await send(small, workflow, "go", "x" * 60)
        assert await small.admin.refused("POST", path, {"payload": "x" * 60}) == (409, "too_many_signals")
