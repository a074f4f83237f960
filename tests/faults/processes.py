"""A whole Ostro as real processes: PostgreSQL, servers and workers, each of which can be killed and comes again."""

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TypeVar

from ostro.client.client import Client
from ostro.errors import OstroError, ServerUnreachable
from ostro.store.embedded import EmbeddedPostgres
from ostro.store.migrate import upgrade
from tests.postgres import embedded

T = TypeVar("T")

OSTRO = (sys.executable, "-m", "ostro.cli.main")

QUICK = {
    "OSTRO_TIME_LEASE": "4",
    "OSTRO_TIME_POLL": "2",
    "OSTRO_TIME_TIMERS": "0.2",
    "OSTRO_CONNECTIONS": "12",
}
"""Times for machines that die every second."""


class Fleet:
    """`postgres` runs inside this process's loop; servers and workers are children of it."""

    def __init__(self, folder: Path, postgres: EmbeddedPostgres, environment: dict[str, str]) -> None:
        self.folder = folder
        self.postgres = postgres
        self.environment = environment
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.commands: dict[str, tuple[tuple[str, ...], dict[str, str]]] = {}
        self.urls: list[str] = []
        self.admin = ""

    async def ostro(self, *arguments: str, **environment: str) -> str:
        """Runs a command to its end; what it printed."""
        process = await asyncio.create_subprocess_exec(
            *OSTRO, *arguments, env={**self.environment, **environment},
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        )  # fmt: skip
        said, complained = await process.communicate()
        assert process.returncode == 0, f"ostro {' '.join(arguments)}: {complained.decode()}"
        return said.decode().strip()

    async def start(self, name: str, *arguments: str, **environment: str) -> None:
        """Starts a server or worker under a name; `start_again` repeats it."""
        self.commands[name] = (arguments, environment)
        await self.start_again(name)

    async def start_again(self, name: str) -> None:
        arguments, environment = self.commands[name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self.processes[name] = await asyncio.create_subprocess_exec(
                *OSTRO, *arguments, env={**self.environment, **environment}, stdout=log, stderr=log
            )

    async def start_server(self) -> str:
        """One more server; its URL."""
        url = f"http://127.0.0.1:{free_port()}"
        await self.start(f"server-{len(self.urls) + 1}", "server", "--listen", url.removeprefix("http://"))
        self.urls.append(url)
        await self.until_healthy(url)
        return url

    async def start_worker(self, name: str, url: str, slots: int = 4) -> None:
        """A worker whose token is bound to `server=<name>`."""
        async with Client(url, self.admin) as client:
            made = await client.tokens.create("worker", label=name, binding={"server": name})
        options = ["--name", name, "--capability", f"server={name}", "--slots", str(slots)]
        state = ["--state-dir", str(self.folder / f"state-{name}")]
        await self.start(name, "worker", *options, *state, OSTRO_SERVER=url, OSTRO_TOKEN=made.token)

    async def until_healthy(self, url: str) -> None:
        async with asyncio.timeout(30), Client(url, self.admin) as client:
            while True:
                with suppress(OstroError):
                    await client.health()
                    return
                await asyncio.sleep(0.05)

    async def kill(self, name: str) -> None:
        """`kill -9`; PostgreSQL's postmaster is started again by its watcher."""
        if name == "postgres":
            if self.postgres.pid is not None:
                os.kill(self.postgres.pid, signal.SIGKILL)
            return
        with suppress(ProcessLookupError):
            self.processes[name].kill()
        await self.processes[name].wait()

    async def keep_up(self) -> None:
        """Starts again who ended by itself, as systemd would: a server that finds no database at its start does."""
        for name, process in list(self.processes.items()):
            if process.returncode is not None:
                await self.start_again(name)

    async def stop(self) -> None:
        """Workers first, then servers."""
        for process in self.processes.values():
            with suppress(ProcessLookupError):
                process.terminate()
        for process in self.processes.values():
            try:
                async with asyncio.timeout(15):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    def logs(self) -> str:
        """The ends of all logs, for a report of what went wrong."""
        return "\n".join(
            f"--- {log.name}\n{log.read_text(errors='replace')[-3000:]}" for log in self.folder.glob("*.log")
        )


@asynccontextmanager
async def fleet(folder: Path, *, servers: int, **environment: str) -> AsyncIterator[Fleet]:
    """A PostgreSQL with all tables, and so many servers on it; all gone afterwards."""
    postgres = embedded(folder / "postgres", durable=True)
    dsn = await postgres.start()
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("OSTRO_")}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    where = {
        "OSTRO_DATABASE_URL": dsn,
        "OSTRO_DATA_DIR": str(folder / "data"),
        "OSTRO_PROFILE": str(folder / "profile.json"),
        "PATH": path,
    }
    running = Fleet(folder, postgres, {**inherited, **where, **QUICK, **environment})
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(postgres.watch())
            try:
                await upgrade(dsn)
                running.admin = await running.ostro("token", "create", "--scope", "admin")
                for _ in range(servers):
                    await running.start_server()
                yield running
            finally:
                await running.stop()
                watching.cancel()
    finally:
        await postgres.stop()


async def again(call: Callable[[], Awaitable[T]]) -> T:
    """Until there is a server to answer: some die while they are asked."""
    while True:
        try:
            return await call()
        except ServerUnreachable:
            await asyncio.sleep(0.1)


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port
