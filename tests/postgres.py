"""The PostgreSQL that tests run on: one per test process, one migrated template, a clone per test."""

import asyncio
import os
import shutil
import threading
from collections.abc import Coroutine, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Self, TypeVar

import asyncpg

from ostro.store.embedded import EmbeddedPostgres
from ostro.store.migrate import upgrade

T = TypeVar("T")

_MEMORY = Path("/dev/shm")
_ROOM = 2 << 30


def chosen_major() -> int | None:
    """The PostgreSQL major that this run is on; None for the default."""
    major = os.environ.get("OSTRO_TEST_PG_MAJOR")
    return int(major) if major else None


def chosen_bin_dir() -> Path | None:
    """The folder of the PostgreSQL that this run is on; None for the wheel's."""
    folder = os.environ.get("OSTRO_TEST_PG_BIN")
    return Path(folder) if folder else None


def embedded(data_dir: Path, *, durable: bool = False) -> EmbeddedPostgres:
    """An embedded PostgreSQL of the version that this run is on."""
    return EmbeddedPostgres(data_dir, major=chosen_major(), bin_dir=chosen_bin_dir(), durable=durable)


@contextmanager
def roomy(otherwise: Path) -> Iterator[Path]:
    """A folder in memory where there is room for it: a clone is 300 files, for which a disk takes ten times as long."""
    if not Path("/proc/self").exists() or not _MEMORY.is_dir() or shutil.disk_usage(_MEMORY).free < _ROOM:
        yield otherwise
        return
    for left in _MEMORY.glob("ostro-tests-*-*"):  # of a run that was killed: memory is too dear to keep it
        if not Path("/proc", left.name.split("-")[2]).exists():
            shutil.rmtree(left, ignore_errors=True)
    with TemporaryDirectory(prefix=f"ostro-tests-{os.getpid()}-", dir=_MEMORY) as folder:
        yield Path(folder)


class TestPostgres:
    """Runs PostgreSQL in a thread and loop of its own, so that it outlives the loops of the tests."""

    __test__ = False

    def __init__(self, data_dir: Path) -> None:
        self._postgres = embedded(data_dir)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="postgres", daemon=True)
        self._numbers = count(1)
        self._maintenance: asyncpg.Connection[asyncpg.Record] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._ahead: Future[str] | None = None
        self._dropping: list[Future[None]] = []

    def __enter__(self) -> Self:
        self._thread.start()
        self._do(self._postgres.start())
        return self

    def __exit__(self, *_exc: object) -> None:
        for dropping in self._dropping:
            dropping.result(timeout=120)
        if self._ahead is not None:
            self._ahead.result(timeout=120)
        if self._maintenance is not None:
            self._do(self._maintenance.close())
        self._do(self._postgres.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def dsn_of(self, name: str) -> str:
        """The URL of one database of this PostgreSQL."""
        return self._postgres.dsn.replace("/ostro?", f"/{name}?")

    def make_template(self) -> None:
        """The database that clones are made from, migrated once."""
        self._do(self._sql('CREATE DATABASE "template_ostro"'))
        self._do(upgrade(self.dsn_of("template_ostro")))

    def clone(self) -> str:
        """The URL of a new database with the whole schema and nothing else in it. The next one is made meanwhile."""
        made = self._ahead or self._begin(self._clone())
        self._ahead = self._begin(self._clone())
        return made.result(timeout=120)

    async def _clone(self) -> str:
        name = f"clone_{next(self._numbers)}"
        await self._sql(f'CREATE DATABASE "{name}" TEMPLATE "template_ostro" STRATEGY FILE_COPY')
        return self.dsn_of(name)

    def create_empty(self) -> str:
        """The URL of a new database without any tables."""
        name = f"empty_{next(self._numbers)}"
        self._do(self._sql(f'CREATE DATABASE "{name}" STRATEGY FILE_COPY'))
        return self.dsn_of(name)

    def drop(self, dsn: str) -> None:
        """Removes a database, whoever is still connected; waits for the one before."""
        name = dsn.partition("?")[0].rpartition("/")[2]
        while self._dropping:
            self._dropping.pop().result(timeout=120)
        self._dropping.append(self._begin(self._sql(f'DROP DATABASE "{name}" WITH (FORCE)')))

    def cut_connections(self, dsn: str) -> int:
        """Ends all sessions of a database, as a restart of PostgreSQL would; how many there were."""
        name = dsn.partition("?")[0].rpartition("/")[2]
        return self._do(self._cut(name))

    async def _sql(self, statement: str) -> None:
        async with self._one_at_a_time:
            if self._maintenance is None:
                self._maintenance = await asyncpg.connect(self.dsn_of("postgres"), statement_cache_size=0)
            await self._maintenance.execute(statement)

    async def _cut(self, name: str) -> int:
        connection = await asyncpg.connect(self.dsn_of("postgres"), statement_cache_size=0)
        try:
            ended = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = $1"
            return len(await connection.fetch(ended, name))
        finally:
            await connection.close()

    def _do(self, work: Coroutine[Any, Any, T]) -> T:
        return self._begin(work).result(timeout=120)

    def _begin(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        return asyncio.run_coroutine_threadsafe(work, self._loop)
