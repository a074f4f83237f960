"""What is measured: a real `ostro server` process on an embedded PostgreSQL, everything durable."""

import asyncio
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import msgspec

from ostro.client import Client
from ostro.errors import OstroError
from ostro.store.embedded import EmbeddedPostgres

OSTRO = [sys.executable, "-m", "ostro.cli.main"]


class House(msgspec.Struct):
    """Where the server is, an admin token for it, a pool worker's token, and its database."""

    url: str
    admin: str
    worker: str
    dsn: str


@asynccontextmanager
async def house() -> AsyncIterator[House]:
    """A server and its database, for as long as the block lasts."""
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as folder:
        postgres = EmbeddedPostgres(Path(folder) / "data")
        dsn = await postgres.start()
        environment = dict(os.environ, OSTRO_DATABASE_URL=dsn, OSTRO_LIMIT_REQUESTS_PER_SECOND="1000000")
        for name in ("OSTRO_SERVER", "OSTRO_TOKEN"):
            environment.pop(name, None)

        def ostro(*arguments: str) -> str:
            done = subprocess.run(
                [*OSTRO, *arguments], env=environment, capture_output=True, text=True, check=False
            )
            if done.returncode != 0:
                raise SystemExit(f"ostro {' '.join(arguments)}: {done.stderr}")
            return done.stdout.strip()

        await asyncio.to_thread(ostro, "db", "upgrade")
        admin = await asyncio.to_thread(ostro, "token", "create", "--scope", "admin")
        port = free_port()
        server = await asyncio.to_thread(serve, port, environment)
        url = f"http://127.0.0.1:{port}"
        try:
            async with Client(url, admin) as client:
                await ready(client)
                made = await client.tokens.create("worker", label="bench", pool=True, grants=["bench"])
            yield House(url, admin, made.token, dsn)
        finally:
            server.terminate()
            server.wait(20)
            await postgres.stop()


def serve(port: int, environment: dict[str, str]) -> "subprocess.Popen[bytes]":
    """The server's process."""
    return subprocess.Popen(
        [*OSTRO, "server", "--listen", f"127.0.0.1:{port}"], env=environment, stdout=subprocess.DEVNULL
    )


async def ready(client: Client) -> None:
    """Until the server answers."""
    for _ in range(400):
        with suppress(OstroError):
            await client.health()
            return
        await asyncio.sleep(0.05)
    raise SystemExit("the server did not start")


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port
