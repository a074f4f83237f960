"""`ostro worker` as a service starts it."""

import asyncio
import json
import subprocess
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


MINE = """
import ostro
@ostro.action
def greet(name: str = "you") -> str:
    "Greets."
    return f"hello {name}"
"""


async def test_it_offers_the_actions_of_modules_that_it_is_told_to_import(tmp_path: Path) -> None:
    (tmp_path / "my_actions.py").write_text(MINE)
    async with PlayedServer() as server:
        profile(tmp_path, server, imports=["my_actions"])
        grant = await server.grant("greet", {"name": "all"})
        assert await worker(tmp_path, "--drain-after", "1", PYTHONPATH=str(tmp_path)) == 0
        result = await server.result_of(grant)
    assert bytes(result.result) == b'"hello all"'  # type: ignore[arg-type]
    assert "greet" in server.registers[0].actions


async def test_a_module_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    async with PlayedServer() as server:
        profile(tmp_path, server)
        assert await worker(tmp_path, OSTRO_WORKER_IMPORTS="one two") == 1
    assert server.registers == []


def test_the_actions_of_a_worker_can_be_listed(tmp_path: Path) -> None:
    (tmp_path / "my_actions.py").write_text(MINE)  # found in the folder that one stands in
    command = [sys.executable, "-m", "ostro.cli.main", "worker", "actions", "--import", "my_actions"]
    shown = subprocess.run([*command, "-o", "json"], cwd=tmp_path, capture_output=True, check=True)
    found = {one["name"]: one for one in json.loads(shown.stdout)}
    assert found["greet"]["says"] == "Greets."
    assert found["greet"]["input"]["$defs"]["greet"]["properties"] == {
        "name": {"type": "string", "default": "you"}
    }
    assert found["script"]["input"]["$defs"]["Script"]["required"] == ["run"]


def test_what_a_profile_says_of_the_worker_is_read_as_it_was_written(tmp_path: Path) -> None:
    path = write_profile(Profile(server="http://a", worker=WorkerProfile(slots=2)), tmp_path / "p.json")
    assert read_profile(path).worker == WorkerProfile(slots=2)
