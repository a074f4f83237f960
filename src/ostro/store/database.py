"""Connections to PostgreSQL: a pool, transactions, statements by name, hints between servers.

No session state is used, so that all but `listen` works behind a transaction pooler (with
`statement_cache=False`). READ COMMITTED is asked for by name in each transaction.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from typing import Any, Self

import asyncpg

from ostro.clock import monotonic
from ostro.errors import StorageError, StorageUnavailable
from ostro.store.statements import statements

Record = asyncpg.Record

_CONNECT_SECONDS = 10.0
_FIRST_BACK_OFF = 0.1
_LONGEST_BACK_OFF = 5.0
_LISTENER_LOOKS_EVERY = 30.0
_MOMENT = 0.1

# What PostgreSQL says when it is not there to be asked: the statement itself may be fine.
_AWAY = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.ReadOnlySQLTransactionError,  # a standby: the failover has not reached us yet
    asyncpg.InternalClientError,  # the driver, on a connection that broke while it lay in the pool
)


class StatementRefused(StorageError):
    """PostgreSQL was reached and refused a statement; the transaction is rolled back.

    `sqlstate` is PostgreSQL's code, `constraint` the name of the violated one, if any. With
    `try_again` the same transaction may succeed when it is repeated (40001, 40P01).
    """

    def __init__(self, cause: asyncpg.PostgresError) -> None:
        super().__init__(f"PostgreSQL refused: {cause}")
        self.sqlstate: str = cause.sqlstate or ""
        self.constraint: str | None = getattr(cause, "constraint_name", None)
        self.try_again: bool = self.sqlstate in {"40001", "40P01"}


@contextmanager
def speaking_ostro() -> Iterator[None]:
    """Turns the driver's errors into StorageUnavailable (not reached) and StatementRefused."""
    try:
        yield
    except _AWAY as away:
        why = str(away) or type(away).__name__
        raise StorageUnavailable(f"The database cannot be reached: {why}") from away
    except asyncpg.InterfaceError as misuse:
        if "clos" not in str(misuse):  # anything but a closed connection is a mistake of ours
            raise
        raise StorageUnavailable(f"The database cannot be reached: {misuse}") from misuse
    except asyncpg.PostgresError as refused:
        raise StatementRefused(refused) from refused


class Connection:
    """One connection, for as long as its `async with` block lasts. Statements are named."""

    def __init__(self, raw: "asyncpg.pool.PoolConnectionProxy[Record]") -> None:
        self._raw = raw

    async def fetch(self, name: str, *args: object) -> list[Record]:
        """All rows of the statement."""
        with speaking_ostro():
            return await self._raw.fetch(statements[name], *args)

    async def fetchrow(self, name: str, *args: object) -> Record | None:
        """The first row, or None."""
        with speaking_ostro():
            return await self._raw.fetchrow(statements[name], *args)

    async def fetchval(self, name: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        with speaking_ostro():
            return await self._raw.fetchval(statements[name], *args)

    async def execute(self, name: str, *args: object) -> int:
        """Runs the statement; how many rows it touched."""
        with speaking_ostro():
            return _touched(await self._raw.execute(statements[name], *args))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Self]:
        """Commits at the end of the block, rolls back when it raises. Does not nest."""
        with speaking_ostro():
            await self._raw.execute("BEGIN ISOLATION LEVEL READ COMMITTED")
        try:
            yield self
        except BaseException:
            with suppress(*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._raw.execute("ROLLBACK")
            raise
        with speaking_ostro():
            outcome = await self._raw.execute("COMMIT")
        if outcome != "COMMIT":
            raise StorageError("PostgreSQL rolled the transaction back: a statement in it had failed.")


class Database:
    """A pool of connections to one database, made by `Database.connect` and ended by `close`."""

    def __init__(self, dsn: str, pool: "asyncpg.Pool[Record]", *, listen_dsn: str, notify: bool) -> None:
        self.dsn = dsn
        self._pool = pool
        self._listen_dsn = listen_dsn
        self._notify = notify
        self._try_again_at = 0.0

    @classmethod
    async def connect(
        cls,
        dsn: str,
        *,
        size: int = 10,
        statement_cache: bool = True,
        notify: bool = True,
        listen_dsn: str | None = None,
        statement_timeout: float | None = 60.0,
    ) -> Self:
        """Opens one connection now and up to `size` on demand; StorageUnavailable if that fails.

        `statement_cache=False` is for transaction poolers, with `listen_dsn` past the pooler.
        `notify=False` sends and hears no hints. `statement_timeout` (seconds) bounds each wait.
        """
        with speaking_ostro():
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=size,
                timeout=_CONNECT_SECONDS,
                command_timeout=statement_timeout,
                statement_cache_size=256 if statement_cache else 0,
                max_cached_statement_lifetime=0,
                max_cacheable_statement_size=0,
                reset=_leave_as_it_is,
                init=_plan_for_large_tables if statement_cache else None,
            )
        return cls(dsn, pool, listen_dsn=listen_dsn or dsn, notify=notify)

    async def close(self) -> None:
        """Waits up to 5 s for connections in use, then cuts them."""
        try:
            async with asyncio.timeout(5):
                await self._pool.close()
        except TimeoutError:
            self._pool.terminate()

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """A connection of the pool; waits for a free one. Each statement is its own transaction."""
        raw = await self._acquire()
        try:
            yield Connection(raw)
        except StorageUnavailable:
            with suppress(asyncpg.InterfaceError):  # the driver may have dropped it itself
                raw.terminate()  # whatever state it is in, nobody else shall find out
            raise
        finally:
            with suppress(*_AWAY, asyncpg.PostgresError, asyncpg.InterfaceError):
                await self._pool.release(raw)

    async def _acquire(self) -> "asyncpg.pool.PoolConnectionProxy[Record]":
        """After a failure to connect nobody tries again for a moment: each request would, and an outage be a storm."""
        if monotonic() < self._try_again_at and not self._pool.get_idle_size():
            raise StorageUnavailable("The database cannot be reached: it could not a moment ago.")
        try:
            with speaking_ostro():
                return await self._pool.acquire()
        except StorageUnavailable:
            self._try_again_at = monotonic() + _MOMENT
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A connection inside a READ COMMITTED transaction, committed at the end of the block."""
        async with self.connection() as connection, connection.transaction():
            yield connection

    async def fetch(self, name: str, *args: object) -> list[Record]:
        """All rows of one statement, on a connection of its own."""
        async with self.connection() as connection:
            return await connection.fetch(name, *args)

    async def fetchrow(self, name: str, *args: object) -> Record | None:
        """The first row of one statement, or None."""
        async with self.connection() as connection:
            return await connection.fetchrow(name, *args)

    async def fetchval(self, name: str, *args: object) -> Any:
        """The first column of the first row, or None."""
        async with self.connection() as connection:
            return await connection.fetchval(name, *args)

    async def execute(self, name: str, *args: object) -> int:
        """Runs one statement; how many rows it touched."""
        async with self.connection() as connection:
            return await connection.execute(name, *args)

    @property
    def connections(self) -> tuple[int, int]:
        """Connections that are open, and those of them that are in use."""
        opened = self._pool.get_size()
        return opened, opened - self._pool.get_idle_size()

    async def now(self) -> datetime:
        """The database's time, UTC. For `ostro.clock`; everybody else asks the clock."""
        moment: datetime = await self.fetchval("database_now")
        return moment

    async def notify(self, channel: str, payload: str) -> None:
        """Sends a hint to whoever listens, here and on other servers (at most 8,000 bytes)."""
        if self._notify:
            await self.execute("database_notify", channel, payload)

    async def listen(self, channel: str, callback: Callable[[str], None]) -> None:
        """Calls `callback` with the payload of each hint, until cancelled; returns at once if hints are off.

        On a connection of its own, opened again (after 0.1 to 5 s) whenever it breaks. After each
        opening `callback("")` is called, since hints may have been missed. Hints are never more than
        hints: nothing may depend on them.
        """
        pause = _FIRST_BACK_OFF
        while self._notify:
            try:
                with speaking_ostro():
                    raw = await asyncpg.connect(
                        self._listen_dsn, timeout=_CONNECT_SECONDS, statement_cache_size=0
                    )
                pause = _FIRST_BACK_OFF
                await _hear(raw, channel, callback)
            except StorageError:
                await asyncio.sleep(pause)
                pause = min(_LONGEST_BACK_OFF, pause * 2)


async def _hear(raw: "asyncpg.Connection[Record]", channel: str, callback: Callable[[str], None]) -> None:
    """Until the connection breaks (StorageUnavailable); a silent cut is found by looking now and then."""
    ended = asyncio.Event()
    raw.add_termination_listener(lambda _connection: ended.set())
    try:
        with speaking_ostro():
            await raw.add_listener(
                channel, lambda _connection, _pid, _channel, payload: callback(str(payload))
            )
            callback("")
            while not ended.is_set():
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LISTENER_LOOKS_EVERY):
                        await ended.wait()
                await raw.fetchval(statements["database_now"], timeout=_CONNECT_SECONDS)
    finally:
        raw.terminate()


async def _leave_as_it_is(_raw: object) -> None:
    """We leave no session state behind: saves the round trip that the driver would make to clear it."""


async def _plan_for_large_tables(raw: "asyncpg.Connection[Record]") -> None:
    """Plans are made once and kept, perhaps while the tables are empty: they must suit large ones.

    A hint only, and only where statements are cached: without a cache each plan is made for what is there.
    """
    await raw.execute("SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off")


def _touched(tag: str) -> int:
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else 0
