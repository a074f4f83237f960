"""The worker that a server brings along, with real processes and no other worker."""

import asyncio
import os
import signal
from pathlib import Path

import msgspec
import pytest

from ostro.client.client import Client
from tests.actions.test_http import certificate
from tests.actions.web import Web
from tests.e2e.test_main_job import until
from tests.faults.processes import Fleet, fleet

ALLOWED = {"OSTRO_EGRESS_ALLOW": "127.0.0.1"}


async def built_in(client: Client) -> str:
    """Its name, once it is there."""
    async with asyncio.timeout(30):
        while not (found := [one.name for one in await client.workers.list() if one.state == "live"]):
            await asyncio.sleep(0.05)
    return found[0]


def child_of(parent: int) -> int | None:
    """The process of the built-in worker."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            command = (stat.parent / "cmdline").read_bytes()
            words = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(words[1]) == parent and command.endswith(b"worker\0built-in\0") and words[0] != "Z":
            return int(stat.parent.name)
    return None


async def gone(pid: int) -> None:
    async with asyncio.timeout(20):
        while Path(f"/proc/{pid}/cmdline").exists() and Path(f"/proc/{pid}/cmdline").read_bytes():
            await asyncio.sleep(0.05)


def server_of(running: Fleet) -> int:
    return running.processes["server-1"].pid


async def test_std_actions_run_without_any_other_worker_and_scripts_do_not(tmp_path: Path) -> None:
    async with (
        Web({"/": ("200 OK", {}, b'"fetched"')}) as web,
        fleet(tmp_path, servers=1, **ALLOWED) as running,
        Client(running.urls[0], running.admin) as client,
    ):
        workflow = await client.workflows.create("fetch")
        await workflow.add("get", action="std.http", input={"url": web.url})
        await workflow.add("script", run="true")
        await until(workflow, get="SUCCESS", script="RUNNING")
        assert b'"content":"fetched"' in msgspec.json.encode((await workflow.task("get")).result)
        await workflow.add("inside", action="std.http", input={"url": f"http://127.0.0.2:{web.port}/"})
        await until(workflow, inside="ERROR")
        assert "does not connect to 127.0.0.2" in ((await workflow.task("inside")).error or "")
    assert not (tmp_path / "server-1.log").read_text().count("ostro_worker_")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="it looks at /proc")
@pytest.mark.long
async def test_it_is_started_again_and_ends_with_its_server_both_after_kill_9(tmp_path: Path) -> None:
    async with Web({}) as web, fleet(tmp_path, servers=1, **ALLOWED) as running:
        async with Client(running.urls[0], running.admin, patience=30) as client:
            name = await built_in(client)
            workflow = await client.workflows.create("fetch")
            await workflow.add("get", action="std.http", input={"url": web.url}, safe_rerun=True)
            await web.hung.wait()
            first = child_of(server_of(running))
            assert first is not None
            web.answers["/"] = ("200 OK", {}, b"1")
            os.kill(first, signal.SIGKILL)
            await until(workflow, get="SUCCESS")  # the same worker again, at once: no lease is waited for
            assert await built_in(client) == name
            second = child_of(server_of(running))
            assert second is not None
            await running.kill("server-1")
            await gone(second)
            await running.start_again("server-1")
            await running.until_healthy(running.urls[0])
            assert await built_in(client) == name
            third = child_of(server_of(running))
            assert third is not None
        running.processes["server-1"].terminate()
        assert await running.processes["server-1"].wait() == 0
        await gone(third)


@pytest.mark.long
async def test_each_of_several_servers_has_its_own_and_tls_is_nothing_to_it(tmp_path: Path) -> None:
    certificate(tmp_path)
    tls = {"OSTRO_TLS_CERT": str(tmp_path / "ca.pem"), "OSTRO_TLS_KEY": str(tmp_path / "key.pem")}
    async with fleet(tmp_path, servers=1) as running:
        await running.start("tls", "server", "--listen", "127.0.0.1:0", **tls)
        async with Client(running.urls[0], running.admin) as client, asyncio.timeout(30):
            while len({one.name for one in await client.workers.list()}) < 2:
                await asyncio.sleep(0.05)


@pytest.mark.long
async def test_there_need_be_none(tmp_path: Path) -> None:
    async with fleet(tmp_path, servers=1, OSTRO_BUILT_IN_SLOTS="0") as running:
        async with Client(running.urls[0], running.admin) as client:
            assert await client.workers.list() == []
        assert child_of(server_of(running)) is None
