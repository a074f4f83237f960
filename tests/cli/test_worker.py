"""`ostro worker` as a service starts it."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from ostro.client.profile import Profile, WorkerProfile, read_profile, write_profile
from tests.worker.server import PlayedServer


async def worker(folder: Path, *options: str, **environment: str) -> int:
    """Runs one to its end, with nothing in its environment but this."""
    settled = {"PATH": "/usr/bin:/bin", "HOME": str(folder), "OSTRO_PROFILE": str(folder / "profile.json")}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ostro.cli.main", "worker", *options),
        env=settled | environment,
        stderr=asyncio.subprocess.DEVNULL,
    )
    async with asyncio.timeout(20):
        return await process.wait()


def profile(folder: Path, server: PlayedServer, **told: Any) -> None:
    kept = Profile(server=server.url, token="secret", worker=WorkerProfile(**told))
    write_profile(kept, folder / "profile.json")


async def test_all_that_it_is_told_may_stand_in_the_profile(tmp_path: Path) -> None:
    state = tmp_path / "state"
    async with PlayedServer() as server:
        told = {"capabilities": {"server": "a", "role": ["web", "db"]}, "tags": ["T"], "slots": 3}
        profile(tmp_path, server, name="kept", state_dir=str(state), **told)
        assert await worker(tmp_path, "--once") == 0
    (said,) = server.registers
    assert (said.name, said.slots, said.tags) == ("kept", 3, ["T"])
    assert said.capabilities == {"server": ["a"], "role": ["web", "db"]}
    assert (state / "instance").exists()


async def test_an_option_counts_before_the_environment_and_that_before_the_profile(tmp_path: Path) -> None:
    async with PlayedServer() as server:
        profile(tmp_path, server, name="kept", capabilities={"server": "kept"}, tags=["kept"], slots=3)
        around = {"OSTRO_WORKER_SLOTS": "2", "OSTRO_WORKER_CAPABILITIES": "role=web role=db"}
        assert await worker(tmp_path, "--once", "--name", "told", "--slots", "1", **around) == 0
    (said,) = server.registers
    assert (said.name, said.slots, said.tags) == ("told", 1, ["kept"])
    assert said.capabilities == {"role": ["web", "db"]}


async def test_a_script_finds_ostro_also_where_path_does_not_name_it(tmp_path: Path) -> None:
    async with PlayedServer() as server:
        profile(tmp_path, server)
        grant = await server.grant("script", {"run": 'command -v ostro; echo "$PATH"'})
        assert await worker(tmp_path, "--drain-after", "1") == 0
        result = await server.result_of(grant)
    found, path = json.loads(bytes(result.result))["stdout"].split()  # type: ignore[arg-type]
    assert Path(found) == Path(sys.executable).with_name("ostro")
    assert path == f"/usr/bin:/bin:{Path(sys.executable).parent}"


def test_what_a_profile_says_of_the_worker_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_profile(Profile(server="http://a", worker=WorkerProfile(slots=2)), tmp_path / "p.json")
    assert read_profile(path).worker == WorkerProfile(slots=2)
