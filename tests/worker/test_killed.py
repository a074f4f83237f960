"""A worker that is killed with `kill -9` and started again, as real processes."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from ostro.actions.marks import Mark, all_in, boot, leave, living_in, members, started_at
from ostro.worker.orphans import end_orphans
from tests.worker.server import PlayedServer


@asynccontextmanager
async def worker(
    server: PlayedServer, folder: Path, *options: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    command = ["-m", "ostro.cli.main", "worker", "--server", server.url, "--token", "secret"]
    command += ["--name", "w", "--state-dir", str(folder), *options]
    process = await asyncio.create_subprocess_exec(
        sys.executable, *command, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(20):
            await process.wait()


async def test_the_next_life_ends_what_the_killed_one_left_running(tmp_path: Path) -> None:
    async with PlayedServer() as server:
        async with worker(server, tmp_path) as first:
            # The leader ends, its child goes on: the group is found nevertheless.
            grant = await server.grant("script", {"run": "trap '' HUP; sleep 1000 & echo up; wait"})
            await server.until(lambda: server.log_of(grant) == b"up\n")
            (_, mark) = all_in(tmp_path / "marks")[0]
            assert mark is not None
            first.kill()
            await first.wait()
        assert len(living_in(mark.pid)) == 2
        async with worker(server, tmp_path):
            await server.until(lambda: len(server.registers) == 2)
            assert living_in(mark.pid) == []
            assert server.registers[1].held == []
            assert server.registers[1].instance == server.registers[0].instance
            done = await server.grant("script", {"run": "echo again"})
            assert (await server.result_of(done)).state == "SUCCESS"


async def test_sigterm_drains_and_exits_well(tmp_path: Path) -> None:
    async with PlayedServer() as server:
        async with worker(server, tmp_path) as process:
            grant = await server.grant("script", {"run": "echo up; sleep 0.5"})
            await server.until(lambda: server.log_of(grant) == b"up\n")
            process.send_signal(signal.SIGTERM)
            assert (await server.result_of(grant)).state == "SUCCESS"
        assert process.returncode == 0
        assert server.left == 1


async def test_a_group_whose_leader_is_dead_is_found(tmp_path: Path) -> None:
    # The child says itself that it is there: from then on its environment is its own.
    child_script = f"OSTRO_JOB=j sh -c 'echo $$ > {tmp_path}/child; exec sleep 1000' &"
    script = f"{child_script} until test -s {tmp_path}/child; do :; done; read -r _"
    leader = await asyncio.create_subprocess_exec(
        "/bin/sh", "-c", script, stdin=asyncio.subprocess.PIPE, start_new_session=True
    )
    leave(tmp_path, leader.pid, "j", tmp_path)
    assert leader.stdin is not None
    leader.stdin.close()
    await leader.wait()
    child = int((tmp_path / "child").read_text())
    assert started_at(child)
    assert await end_orphans(tmp_path, 5.0) == 1
    assert started_at(child) == ""


async def test_a_number_that_another_process_has_now_is_left_alone(tmp_path: Path) -> None:
    stranger = await asyncio.create_subprocess_exec("sleep", "1000", start_new_session=True)
    try:
        true = Mark(stranger.pid, started_at(stranger.pid), boot(), "j", str(tmp_path))
        assert members(true) == [stranger.pid]
        for wrong in ({"started": "1"}, {"boot": "another"}):
            assert members(msgspec.structs.replace(true, **wrong)) == []
    finally:
        stranger.kill()
        await stranger.wait()
