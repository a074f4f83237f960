"""The SDK says what users mean in the wire's words, async and sync alike."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

import ostro
from ostro.client.profile import Profile, find_link, write_profile
from ostro.errors import Invalid, OstroError, WaitTimedOut, WorkflowFailed
from tests.client.played import Played, played

W = "01890000-0000-7000-8000-000000000001"
ADDED = {"tasks": [{"id": W, "name": "a", "state": "WAITING"}]}
AT = "2027-01-01T00:00:00Z"
WORKFLOW = {"id": W, "state": "ERROR", "sealed": True, "version": 3, "created_at": AT, "error": "x failed"}
TASK = {"id": W, "workflow": W, "name": "a", "action": "script", "version": 1, "created_at": AT}


@pytest.fixture
async def server() -> AsyncIterator[Played]:
    async with played() as running:
        yield running


@pytest.fixture
async def client(server: Played) -> AsyncIterator[ostro.Client]:
    async with ostro.Client(server.url, "t") as made:
        yield made


def page(state: str, *versions: int) -> dict[str, Any]:
    changes = [{"version": v, "at": AT, "tasks": [], "entries": [{"what": "x"}]} for v in versions]
    return {"changes": changes, "next": versions[-1] if versions else 9, "state": state}


async def test_a_workflow_is_made_filled_and_sealed(server: Played, client: ostro.Client) -> None:
    server.will({"id": W})
    workflow = await client.workflows.create("deploy", tags=["x"], output={"url": "a"})
    assert workflow.id == UUID(W)
    assert server.asked[-1].json["output"] == {"url": {"task": "a"}}
    assert server.asked[-1].headers["idempotency-key"]

    server.answers[:] = [(200, ADDED, {})]
    await workflow.add(
        "a", run="echo", requires=["b", {"tags": ["D"], "optional": True}], target={"server": "w"}, retry=2
    )
    assert server.asked[-1].json == {
        "tasks": [
            {
                "name": "a",
                "action": "script",
                "input": {"run": "echo"},
                "requires": ["b", {"tags": ["D"], "optional": True}],
                "target": {"server": "w"},
                "retry": {"count": 2},
            }
        ]
    }
    server.answers[:] = [(200, {"changed": True}, {})]
    assert await workflow.seal("D") is True
    assert server.asked[-1].json == {"tag": "D"}


async def test_a_task_with_nothing_to_do_is_refused_here(client: ostro.Client) -> None:
    with pytest.raises(Invalid):
        await client.workflows.get(W).add("a")


async def test_waiting_raises_when_it_failed_unless_asked_not_to(
    server: Played, client: ostro.Client
) -> None:
    server.will({**WORKFLOW, "state": "RUNNING"})
    server.will(page("RUNNING", 4))
    server.will(page("ERROR", 5))
    server.will(WORKFLOW)
    workflow = client.workflows.get(W)
    with pytest.raises(WorkflowFailed, match="x failed"):
        await workflow.wait()
    assert "after=3" in server.asked[1].query
    server.answers[:] = [(200, WORKFLOW, {})]
    assert await workflow.wait(check=False) == "ERROR"


async def test_waiting_can_time_out(server: Played, client: ostro.Client) -> None:
    server.will({**WORKFLOW, "state": "RUNNING"})
    server.will(page("RUNNING", 1))
    with pytest.raises(WaitTimedOut):
        await client.workflows.get(W).wait(0.05)


async def test_the_history_so_far_is_read_without_waiting(server: Played, client: ostro.Client) -> None:
    server.will(page("RUNNING", *range(3, 1003)))
    server.will(page("RUNNING", 1003))
    found = await client.workflows.get(W).history(2)
    assert [change.version for change in found] == list(range(3, 1004))
    assert ["after=2&wait=0.0" in server.asked[0].query, "after=1002&wait=0.0" in server.asked[1].query] == [
        True,
        True,
    ]


async def test_changes_come_one_by_one_until_the_end(server: Played, client: ostro.Client) -> None:
    server.will(page("RUNNING", 1, 2))
    server.will(page("SUCCESS", 3))
    server.will(page("SUCCESS"))
    assert [change.version async for change in client.workflows.get(W).changes()] == [1, 2, 3]
    assert "after=2" in server.asked[1].query


async def test_a_task_alone_waits_again_under_the_same_key(server: Played, client: ostro.Client) -> None:
    server.will({"workflow": W, "task": {**TASK, "state": "RUNNING"}}, 202)
    server.will({"workflow": W, "task": {**TASK, "state": "SUCCESS", "result": 1.50}})
    task = await client.run("a", run="true", wait=30)
    assert task.state == "SUCCESS"
    assert len({asked.headers["idempotency-key"] for asked in server.asked}) == 1


async def test_the_sync_side_is_the_async_one(server: Played) -> None:
    server.will({"id": W})
    server.will(page("RUNNING", 1, 2))
    server.will(page("SUCCESS"))

    def program() -> list[int]:
        with ostro.SyncClient(server.url, "t") as client:
            workflow = client.workflows.create("x")
            assert workflow.id == UUID(W)
            return [change.version for change in workflow.changes()]

    before = threading.active_count()
    assert await asyncio.to_thread(program) == [1, 2]
    assert threading.active_count() <= before + 1  # to_thread's own


async def test_a_job_knows_itself_and_adds(
    server: Played, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requires").mkdir()
    (tmp_path / "requires.json").write_text('{"b": 2}')
    (tmp_path / "input.json").write_text('{"run": "x"}')
    for name, value in {
        "WORKFLOW": W,
        "TASK": "a",
        "JOB": W,
        "RUN": "1",
        "SERVER": server.url,
        "TOKEN": "t",
        "INPUT": str(tmp_path / "input.json"),
        "REQUIRES": str(tmp_path / "requires"),
        "RESULT": str(tmp_path / "result.json"),
    }.items():
        monkeypatch.setenv(f"OSTRO_{name}", value)
    server.will(ADDED)
    job = ostro.current()
    assert (job.requires, job.input) == ({"b": 2}, {"run": "x"})
    job.set_result({"n": 1})
    assert json.loads((tmp_path / "result.json").read_text()) == {"n": 1}
    added = await asyncio.to_thread(job.add, "c", action="std.noop", tags=["D"])
    assert added.name == "a"
    assert server.asked[-1].path == f"/v1/workflows/{W}/tasks"


def test_outside_of_a_job_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OSTRO_JOB", raising=False)
    with pytest.raises(OstroError, match="not inside a job"):
        ostro.current()


def test_an_option_counts_before_the_environment_before_the_profile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OSTRO_SERVER", "OSTRO_TOKEN", "OSTRO_CA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OSTRO_PROFILE", str(tmp_path / "p.json"))
    with pytest.raises(OstroError, match="No server is named"):
        find_link()
    path = write_profile(Profile(server="http://p", token="tp"))
    assert path.stat().st_mode & 0o077 == 0
    assert (find_link().server, find_link().token) == ("http://p", "tp")
    monkeypatch.setenv("OSTRO_SERVER", "http://e")
    assert (find_link().server, find_link().token) == ("http://e", "")  # its token is for its own server
    assert (find_link("http://o", "to").server, find_link("http://o", "to").token) == ("http://o", "to")


async def test_the_sync_side_knows_definitions_and_environments_too(server: Played) -> None:
    server.will({"definitions": [{"name": "w", "kind": "workflow", "version": 1, "outcome": "created"}]})
    server.will({"definitions": [], "next": None})
    server.will({"environments": [], "next": None})

    def work() -> str:
        with ostro.SyncClient(server.url, "t") as client:
            uploaded = client.definitions.upload("text", labels={"a": "b"}, if_version={"w": 0})
            assert client.definitions.list(label="a=b") == []
            assert client.environments.list() == []
            return uploaded.definitions[0].outcome

    assert await asyncio.to_thread(work) == "created"
    assert server.asked[0].json == {
        "texts": [{"text": "text"}],
        "labels": {"a": "b"},
        "if_version": {"w": 0},
    }
    assert [one.path for one in server.asked] == ["/v1/definitions", "/v1/definitions", "/v1/environments"]
    assert server.asked[1].query == "label=a%3Db&limit=100"
