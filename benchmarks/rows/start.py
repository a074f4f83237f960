"""Starts: of a server on its own data, and of the command line; what an idle server and worker hold; install size."""

import asyncio
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from benchmarks import processes
from benchmarks.figures import Found, Scale
from benchmarks.house import OSTRO, Server, clean_environment, free_port, house, ready, start, stop
from ostro.store.embedded import EmbeddedPostgres

_ROOT = Path(__file__).parents[2]


async def cold_start(scale: Scale) -> Found:
    """The floors: PostgreSQL alone on the same data, and a Python that does nothing."""
    tries = scale.of(7, 2)
    found: Found = {}
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as folder:
        data = Path(folder) / "data"
        postgres = await _postgres(data)  # makes the files
        await asyncio.to_thread(_ostro, "db", "upgrade", "--data-dir", str(data))
        postgres = statistics.median([await _postgres(data) for _ in range(tries)])
        server = statistics.median([await _server(data) for _ in range(tries)])
        found |= {"floor PostgreSQL ready s": postgres, "server ready s": server}
        found["server ready / floor"] = server / postgres
    python = median_of(lambda: seconds([sys.executable, "-c", "pass"]), 3 * tries)
    help_ = median_of(lambda: seconds([str(Path(sys.executable).parent / "ostro"), "--help"]), 3 * tries)
    found |= {"floor python s": python, "ostro --help s": help_, "ostro --help / floor": help_ / python}
    found |= await _memory(scale)
    found["light install MiB"] = _light_install() / 2**20
    return found


async def _postgres(data: Path) -> float:
    began = time.perf_counter()
    postgres = EmbeddedPostgres(data)
    await postgres.start()
    took = time.perf_counter() - began
    await postgres.stop()
    return took


async def _server(data: Path) -> float:
    """Seconds from the start of the process until it answers that it can work."""
    port = free_port()
    command = [*OSTRO, "server", "--data-dir", str(data), "--listen", f"127.0.0.1:{port}"]
    began = time.perf_counter()
    process = await start(command, clean_environment())
    try:
        await ready(Server(f"http://127.0.0.1:{port}", process))
        return time.perf_counter() - began
    finally:
        await stop([process])


async def _memory(scale: Scale) -> Found:
    """Of a server and a worker that have done nothing yet."""
    async with house() as where:
        await where.grow_to(1, 1)
        await asyncio.sleep(scale.of(5, 1))
        return {
            "idle server MiB": processes.memory_mib(where.servers[0].process.pid),
            "idle worker MiB": processes.memory_mib(where.workers[0].pid),
            "idle PostgreSQL MiB": processes.memory_mib(where.postgres_pid),
        }


def _light_install() -> int:
    """Bytes of what `pip install ostro` brings: the packages of its lock as they lie here, and Ostro itself."""
    lock = (_ROOT / "locks" / "light.txt").read_text()
    total = sum(file.stat().st_size for file in (_ROOT / "src").rglob("*") if file.suffix in {".py", ".sql"})
    for name in re.findall(r"^([A-Za-z0-9._-]+)==", lock, re.MULTILINE):
        try:
            files = distribution(name).files or []
        except PackageNotFoundError:
            continue  # for another system
        places = [Path(str(file.locate())) for file in files if file.suffix != ".pyc"]
        total += sum(place.stat().st_size for place in places if place.exists())
    return total


def _ostro(*arguments: str) -> None:
    subprocess.run([*OSTRO, *arguments], env=clean_environment(), check=True, stdout=subprocess.DEVNULL)


def seconds(command: list[str]) -> float:
    """How long a command takes, from its start to its end."""
    began = time.perf_counter()
    subprocess.run(command, env=clean_environment(), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began


def median_of(measure: Callable[[], float], times: int) -> float:
    """Of so many tries."""
    return statistics.median(measure() for _ in range(times))
