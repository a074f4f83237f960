"""What is measured: real `ostro server` and `ostro worker` processes on an embedded PostgreSQL, everything durable."""

import asyncio
import ctypes
import os
import signal
import socket
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import msgspec

from benchmarks.hands import CAPABILITY
from benchmarks.load import Order
from benchmarks.wire import Refused, Wire
from ostro.protocol.paths import HEALTH, TOKENS
from ostro.protocol.tokens import CreatedToken, TokenRequest
from ostro.store.embedded import EmbeddedPostgres
from ostro.values import UUID

OSTRO = [sys.executable, "-m", "ostro.cli.main"]

_ROOMY = {
    # Limits against mistakes and misuse, not of what is measured.
    "OSTRO_LIMIT_REQUESTS_PER_SECOND": "1000000",
    "OSTRO_LIMIT_SESSIONS_PER_TOKEN": "100000",
    "OSTRO_LIMIT_TASKS_PER_WORKFLOW": "200000",
}
_STATE = "SELECT state FROM workflows WHERE id = $1"
_UNENDED = {"RUNNING", "PAUSED"}
_STOP_SECONDS = 20.0
_PDEATHSIG = 1
_PRCTL = getattr(ctypes.CDLL(None), "prctl", None) or (lambda *_: 0)


class Tenant(msgspec.Struct, frozen=True):
    """A namespace's tokens: an admin's, and a pool worker's that may claim `bench=…`."""

    admin: str
    worker: str


class Server(msgspec.Struct, frozen=True):
    """A running server."""

    url: str
    process: asyncio.subprocess.Process


class House:
    """A database and what runs on it. `tenant` is the default namespace's."""

    def __init__(self, folder: Path, dsn: str, postgres_pid: int, settings: dict[str, str]) -> None:
        self.dsn, self.postgres_pid = dsn, postgres_pid
        self.servers: list[Server] = []
        self.workers: list[asyncio.subprocess.Process] = []
        self.tenant = Tenant("", "")
        self._folder = folder
        self._environment = clean_environment() | _ROOMY | settings | {"OSTRO_DATABASE_URL": dsn}
        self._others: list[asyncio.subprocess.Process] = []

    @property
    def url(self) -> str:
        """The first server's."""
        return self.servers[0].url

    @property
    def urls(self) -> list[str]:
        """All servers'."""
        return [server.url for server in self.servers]

    async def open(self, servers: int) -> None:
        """Makes the schema and the first token, starts the servers."""
        await self.ostro("db", "upgrade")
        admin = await self.ostro("token", "create", "--scope", "admin")
        for _ in range(servers):
            await self.add_server()
        self.tenant = Tenant(admin, await self._worker_token(admin))

    async def add_server(self) -> Server:
        """One more; ready when this returns."""
        port = free_port()
        process = await start([*OSTRO, "server", "--listen", f"127.0.0.1:{port}"], self._environment)
        server = Server(f"http://127.0.0.1:{port}", process)
        self.servers.append(server)
        await ready(server)
        return server

    async def restart(self, **settings: str) -> None:
        """Ends the servers and starts as many new ones: nothing is left in their memory. `settings` are added."""
        self._environment |= settings
        count, old, self.servers = len(self.servers), self.servers, []
        await stop([server.process for server in old])
        for _ in range(count):
            await self.add_server()

    async def grow_to(self, workers: int, slots: int) -> None:
        """So many `ostro worker` processes, spread over the servers; registered when this returns."""
        for number in range(len(self.workers), workers):
            options = ["--name", f"worker-{number}", "--state-dir", str(self._folder / f"worker-{number}")]
            options += ["--capability", f"{CAPABILITY}=1", "--slots", str(slots)]
            where = {"OSTRO_SERVER": self.urls[number % len(self.urls)], "OSTRO_TOKEN": self.tenant.worker}
            self.workers.append(await start([*OSTRO, "worker", *options], self._environment | where))
        live = "SELECT count(*) FROM workers WHERE name LIKE 'worker-%' AND left_at IS NULL"
        for _ in range(400):
            if await self.value(live) >= workers:
                return
            await asyncio.sleep(0.05)
        raise RuntimeError("the workers did not register")

    async def add_namespace(self, name: str) -> Tenant:
        """A namespace of its own. There is no call for that yet: the row and its tokens' home are written here."""
        admin = await self._token(self.tenant.admin, TokenRequest(kind="admin", label=name))
        worker = await self._worker_token(self.tenant.admin)
        known = await self.value(
            "INSERT INTO namespaces (id, name) SELECT max(id) + 1, $1 FROM namespaces RETURNING id", name
        )
        labels = [token.split("_")[2] for token in (admin, worker)]
        await self.value("UPDATE tokens SET namespace = $1 WHERE id = ANY ($2)", known, labels)
        return Tenant(admin, worker)

    async def order(self, order: Order) -> Any:
        """Lets a process of its own do that; what it says at its end."""
        process = await self.send(order)
        assert process.stdout is not None
        said = await process.stdout.read()
        if await process.wait() != 0:
            raise RuntimeError(f"the load {order} failed")
        return msgspec.json.decode(said)

    async def send(self, order: Order) -> asyncio.subprocess.Process:
        """The same without waiting: it writes one line when it is under way, and ends with `stop`."""
        text = msgspec.json.encode(order).decode()
        command = [sys.executable, "-m", "benchmarks.load", text]
        process = await start(command, clean_environment(), stdout=asyncio.subprocess.PIPE)
        self._others.append(process)
        return process

    async def value(self, query: str, *arguments: object) -> Any:
        """The first value that the query finds."""
        connection = await asyncpg.connect(self.dsn)
        try:
            return await connection.fetchval(query, *arguments)
        finally:
            await connection.close()

    async def until_nothing_is_queued(self) -> None:
        """Until no job waits and none runs: for sealed workflows of plain tasks, until they have ended."""
        connection = await asyncpg.connect(self.dsn)
        try:
            while await connection.fetchval("SELECT EXISTS (SELECT FROM queue)"):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    async def until_ended(self, workflow: UUID) -> str:
        """Until the workflow has ended; in which state."""
        connection = await asyncpg.connect(self.dsn)
        try:
            while (state := await connection.fetchval(_STATE, workflow)) in _UNENDED:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            return str(state)
        finally:
            await connection.close()

    async def close(self) -> None:
        """Ends all processes: who asks first, then who answers."""
        await stop([*self._others, *self.workers])
        await stop([server.process for server in self.servers])

    async def ostro(self, *arguments: str) -> str:
        """Runs the command line; what it printed."""
        process = await start([*OSTRO, *arguments], self._environment, stdout=asyncio.subprocess.PIPE)
        said, _ = await process.communicate()
        if process.returncode != 0:
            raise RuntimeError(f"ostro {' '.join(arguments)} failed")
        return said.decode().strip()

    async def _worker_token(self, admin: str) -> str:
        return await self._token(admin, TokenRequest(kind="worker", pool=True, grants=[CAPABILITY]))

    async def _token(self, admin: str, wanted: TokenRequest) -> str:
        wire = Wire(self.url, admin)
        try:
            return msgspec.json.decode(await wire.post(TOKENS, wanted), type=CreatedToken).token
        finally:
            wire.close()


@asynccontextmanager
async def house(servers: int = 1, **settings: str) -> AsyncIterator[House]:
    """Servers and their database, for as long as the block lasts. `settings` are variables of the servers."""
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as name:
        folder = Path(name)
        postgres = EmbeddedPostgres(folder / "data")
        dsn = await postgres.start()
        try:
            where = House(folder, dsn, postgres.pid or 0, settings)
            try:
                await where.open(servers)
                yield where
            finally:
                await where.close()
        finally:
            await postgres.stop()


def clean_environment() -> dict[str, str]:
    """This one without what somebody set for their own Ostro."""
    return {key: text for key, text in os.environ.items() if not key.startswith("OSTRO_")}


async def start(
    command: list[str], environment: dict[str, str], *, stdout: int = asyncio.subprocess.DEVNULL
) -> asyncio.subprocess.Process:
    """A process. Its warnings go where ours go if OSTRO_BENCH_LOUD is set, else nowhere."""
    quiet = None if "OSTRO_BENCH_LOUD" in os.environ else asyncio.subprocess.DEVNULL
    return await asyncio.create_subprocess_exec(
        *command, env=environment, stdout=stdout, stderr=quiet, preexec_fn=_end_with_us
    )


def _end_with_us() -> None:
    """Runs in the new process: where the kernel can (Linux), it is killed when the bench is, however that ends."""
    if sys.platform == "linux":
        _PRCTL(_PDEATHSIG, signal.SIGKILL)


async def stop(processes: list[asyncio.subprocess.Process]) -> None:
    """Asks them all, then waits, and kills who does not go."""
    for signs in (
        (signal.SIGTERM,),
        (signal.SIGTERM, signal.SIGKILL),
    ):  # a worker's second TERM ends its drain
        alive = [process for process in processes if process.returncode is None]
        for process in alive:
            for sign in signs:
                with suppress(ProcessLookupError):
                    process.send_signal(sign)
        if alive:
            await asyncio.wait([asyncio.ensure_future(one.wait()) for one in alive], timeout=_STOP_SECONDS)


async def ready(server: Server) -> None:
    """Until it answers. RuntimeError if it does not start."""
    wire = Wire(server.url, "")
    for _ in range(2_000):
        if server.process.returncode is not None:
            break
        with suppress(OSError, Refused, asyncio.IncompleteReadError):
            await wire.get(HEALTH)
            wire.close()
            return
        await asyncio.sleep(0.01)
    raise RuntimeError("the server did not start; OSTRO_BENCH_LOUD=1 shows what it says")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port
