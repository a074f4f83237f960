"""Stored definitions with real processes: two servers, killed with `kill -9` in the middle of uploads and of runs."""

import asyncio
import json
from contextlib import suppress
from pathlib import Path

import pytest

from ostro.client.client import Client
from ostro.errors import OstroError
from tests.e2e.test_main_job import until
from tests.faults.processes import fleet

RUNS = """
version: '2.0'
calls:
  output: {said: <% task(b).result.said %>, host: <% env().host %>}
  tasks:
    wait: {action: std.async_noop, on-success: b}
    b: {workflow: callee}
callee:
  output: {said: 'number N'}
  tasks: {a: {}}
"""
_UPLOADS_BEFORE_THE_KILL = 5


def runs(number: int) -> str:
    return RUNS.replace("number N", f"number {number}")


def many(number: int) -> str:
    """A text of twenty definitions, all of them other ones for another number."""
    return "version: '2.0'\n" + "".join(
        f"part_{n}:\n  description: number {number}\n  tasks: {{a: {{}}}}\n" for n in range(20)
    )


@pytest.mark.long
async def test_an_upload_under_kill_9_is_there_wholly_or_not_at_all(tmp_path: Path) -> None:
    async with fleet(tmp_path, servers=1) as running:
        some = asyncio.Event()

        async def upload_for_ever(client: Client) -> None:
            with suppress(OstroError):
                for number in range(10_000):
                    await client.definitions.upload(many(number))
                    if number == _UPLOADS_BEFORE_THE_KILL:
                        some.set()

        async with Client(running.urls[0], running.admin, patience=1) as client:
            uploading = asyncio.create_task(upload_for_ever(client))
            await some.wait()
            await running.kill("server-1")
            await uploading
            await running.start_again("server-1")
            await running.until_healthy(running.urls[0])
        async with Client(running.urls[0], running.admin, patience=30) as client:
            found = [await client.definitions.get(f"part_{n}") for n in range(20)]
            assert len({(one.version, one.description) for one in found}) == 1
            assert len(await client.definitions.versions("part_7")) == found[7].version
            assert found[0].version > _UPLOADS_BEFORE_THE_KILL


@pytest.mark.long
async def test_a_run_by_name_keeps_its_text_and_its_environment_through_kill_9(tmp_path: Path) -> None:
    async with fleet(tmp_path, servers=2) as running:
        one, two = running.urls
        async with (
            Client(one, running.admin, patience=30) as here,
            Client(two, running.admin, patience=30) as there,
        ):
            await here.definitions.upload(runs(1))
            await there.environments.create("lab", {"host": "h1"})
            older = await there.workflows.start(definition="calls", env="lab")
            await until(older, wait="RUNNING")
            for victim in ("server-1", "server-2"):
                await running.kill(victim)
                await running.start_again(victim)
            await running.kill("postgres")
            await running.until_healthy(one)
            await running.until_healthy(two)
            await there.definitions.upload(runs(2))
            await here.environments.replace("lab", {"host": "h2"})
            newer = await here.workflows.start(definition="calls", env="lab")
            await here.definitions.delete("calls", force=True)
            for workflow, host in ((older, "h1"), (newer, "h2")):
                (job,) = await here.jobs.of_task(workflow.id, "wait")
                await here.jobs.complete(job.id)
                assert await workflow.wait(30) == "SUCCESS"
                # The workflow that a task runs is the newest one when it is called.
                assert await workflow.output() == {"said": "number 2", "host": host}
            shown = await running.ostro(
                "workflow", "list", "--definition", "calls", "-o", "json",
                OSTRO_SERVER=one, OSTRO_TOKEN=running.admin,
            )  # fmt: skip
            assert [each["definition"]["version"] for each in json.loads(shown)] == [1, 1]
