"""Watching where there is no terminal."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.cli.test_main import ostro
from tests.client.played import Asked, Played, played
from tests.client.test_client import AT, TASK, WORKFLOW, W

CHILD = W.replace("0001", "0002")
TOP = {**WORKFLOW, "name": "top", "version": 2, "error": "call failed", "counts": {"ERROR": 1}}
BELOW = {**WORKFLOW, "id": CHILD, "name": "leaf", "version": 1, "parent": W, "parent_task": TASK["id"]}
CALL = {**TASK, "name": "call", "state": "ERROR", "error": "work ended in ERROR"}
WORK = {
    **TASK,
    "id": CHILD,
    "workflow": CHILD,
    "name": "work",
    "state": "ERROR",
    "error": "no\ndisk",
    "ended_at": AT,
}


def change(version: int, second: int, **entry: Any) -> dict[str, Any]:
    return {"version": version, "at": f"2027-01-01T00:00:0{second}Z", "tasks": [], "entries": [entry]}


HISTORY = {
    W: [change(1, 1, what="started", task="call"), change(2, 4, what="workflow_ended", state="ERROR")],
    CHILD: [change(1, 2, what="ended", task="work", state="ERROR", error="no\ndisk")],
}


def answer(asked: Asked) -> Any:
    """A family of two that has ended."""
    workflow, _, about = asked.path.removeprefix("/v1/workflows/").partition("/")
    tasks = ([CALL], [WORK]) if "tasks=0" not in asked.query else ([], [])
    return {
        "family": {
            "at": AT,
            "seen": "1",
            "workflows": [{"workflow": TOP, "tasks": tasks[0]}, {"workflow": BELOW, "tasks": tasks[1]}],
        },
        "changes": {"changes": HISTORY[workflow], "next": 2, "state": "ERROR"},
        "output": {"state": "ERROR", "output": {"done": 1}},
        "": TOP,
    }[about]


@pytest.fixture
async def server() -> AsyncIterator[Played]:
    async with played() as running:
        running.answers[:] = [answer]
        yield running


async def test_lines_of_all_workflows_come_in_the_order_of_time_then_what_failed_and_the_output(
    server: Played,
) -> None:
    said = await ostro(server, "workflow", "watch", W, TZ="UTC")
    assert said.code == 3
    assert said.out.splitlines() == [
        "00:00:01.000  started  call",
        "00:00:02.000  leaf > ended  work  ERROR  no disk",
        "00:00:04.000  workflow_ended  ERROR",
        "The workflow ended in ERROR: call failed",
        "  call > work failed: no disk",
        "{",
        '  "done": 1',
        "}",
    ]
    assert len([one for one in server.asked if one.path.endswith("/changes")]) == 2


async def test_json_is_the_changes_of_the_workflow_alone(server: Played) -> None:
    def empty_at_the_end(asked: Asked) -> Any:
        found = answer(asked)
        return found if "after=0" in asked.query or "changes" not in asked.path else {**found, "changes": []}

    server.answers[:] = [empty_at_the_end]
    said = await ostro(server, "workflow", "watch", W, "-o", "json")
    assert said.code == 3
    assert [json.loads(line)["version"] for line in said.out.splitlines()] == [1, 2]


async def test_a_server_that_was_never_there_is_not_waited_for_long() -> None:
    said = await ostro(None, "workflow", "watch", W, "--server", "http://127.0.0.1:9", "--token", "t")
    assert said.code == 8


async def test_it_gives_up_when_told_to_and_says_how_to_come_back(server: Played) -> None:
    running = {**TOP, "state": "RUNNING", "ended_at": None}
    page = {"at": AT, "seen": "1", "workflows": [{"workflow": running}]}
    server.answers[:] = [lambda asked: page if "family" in asked.path else answer(asked)]
    said = await ostro(server, "workflow", "watch", W, "--timeout", "0.5")
    assert said.code == 7
    assert f"It goes on: ostro workflow watch {W}" in said.err
