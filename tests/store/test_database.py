"""Connections, transactions, errors and hints, on a real PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import asyncpg
import pytest

from ostro.errors import StorageError, StorageUnavailable
from ostro.store.database import Database, StatementRefused, speaking_ostro
from tests.postgres import TestPostgres

# A table of the test's own would need statements of its own; advisory and catalogue functions do not.


@pytest.fixture
async def uncached(database_url: str) -> AsyncIterator[Database]:
    connected = await Database.connect(database_url, size=2, statement_cache=False)
    yield connected
    await connected.close()


async def test_now_is_the_time_of_the_database_in_utc(database: Database) -> None:
    first, second = await database.now(), await database.now()
    assert first.tzinfo is UTC or first.utcoffset() == timedelta(0)
    assert first < second


async def test_all_works_without_a_statement_cache(uncached: Database) -> None:
    async with uncached.transaction() as connection:
        assert await connection.fetchval("database_now") is not None
    assert len(await uncached.fetch("database_now")) == 1
    assert await uncached.fetchrow("database_now") is not None


async def test_an_unknown_statement_is_a_mistake_of_the_caller(database: Database) -> None:
    with pytest.raises(KeyError, match="database_now"):
        await database.fetch("database_nwo")


async def test_arguments_that_do_not_fit_are_not_taken_for_an_outage(database: Database) -> None:
    with pytest.raises(asyncpg.InterfaceError):
        await database.fetch("database_now", "too much")


async def test_what_a_transaction_sends_counts_when_it_commits_and_not_when_it_fails(
    database: Database,
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        listener = group.create_task(database.listen("news", heard.put_nowait))
        assert await heard.get() == ""
        with pytest.raises(ZeroDivisionError):
            async with database.transaction() as connection:
                await connection.execute("database_notify", "news", "lost")
                raise ZeroDivisionError
        async with database.transaction() as connection:
            await connection.execute("database_notify", "news", "kept")
        assert await heard.get() == "kept"
        listener.cancel()


async def test_a_transaction_that_postgresql_gave_up_is_not_taken_for_committed(database: Database) -> None:
    with pytest.raises(StorageError, match="rolled the transaction back"):
        async with database.transaction() as connection:
            with pytest.raises(StatementRefused):
                await connection.execute("database_notify", "", "a channel needs a name")


async def test_a_refused_statement_says_what_postgresql_said(database: Database) -> None:
    with pytest.raises(StatementRefused, match="channel name") as refused:
        await database.execute("database_notify", "", "x")
    assert refused.value.sqlstate == "22023"
    assert not refused.value.try_again
    assert await database.now() is not None


@pytest.mark.parametrize("failure", [asyncpg.SerializationError, asyncpg.DeadlockDetectedError])
def test_conflicts_between_transactions_say_that_they_may_be_tried_again(
    failure: type[asyncpg.PostgresError],
) -> None:
    with pytest.raises(StatementRefused) as refused, speaking_ostro():
        raise failure("two at once")
    assert refused.value.try_again


async def test_a_database_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await Database.connect(f"postgresql://nobody@/nothing?host={tmp_path}")


async def test_a_pool_heals_after_its_connections_were_cut(
    database: Database, database_url: str, postgres: TestPostgres
) -> None:
    assert await database.now() is not None
    assert postgres.cut_connections(database_url) >= 1
    with pytest.raises(StorageUnavailable):
        for _ in range(5):
            await database.now()
            postgres.cut_connections(database_url)
    assert await answers(database)


async def test_a_connection_cut_inside_a_transaction_is_unavailable_and_not_committed(
    database: Database, database_url: str, postgres: TestPostgres
) -> None:
    with pytest.raises(StorageUnavailable):
        async with database.transaction() as connection:
            postgres.cut_connections(database_url)
            await connection.fetchval("database_now")
    assert await answers(database)


async def test_hints_reach_listeners_and_the_listener_connects_again_by_itself(
    database: Database, database_url: str, postgres: TestPostgres
) -> None:
    heard: asyncio.Queue[str] = asyncio.Queue()
    async with asyncio.TaskGroup() as group:
        listener = group.create_task(database.listen("wake", heard.put_nowait))
        assert await heard.get() == ""
        await database.notify("wake", "queue 7")
        assert await heard.get() == "queue 7"
        await asyncio.to_thread(postgres.cut_connections, database_url)
        assert await heard.get() == ""
        assert await answers(database)
        await database.notify("wake", "queue 8")
        assert await heard.get() == "queue 8"
        listener.cancel()


async def test_hints_can_be_switched_off(database_url: str) -> None:
    silent = await Database.connect(database_url, notify=False)
    heard: list[str] = []
    await silent.listen("wake", heard.append)
    await silent.notify("wake", "nobody")
    await silent.close()
    assert heard == []


async def test_a_cancelled_transaction_gives_its_connection_back(database_url: str) -> None:
    single = await Database.connect(database_url, size=1)
    inside = asyncio.Event()

    async def hold() -> None:
        async with single.transaction():
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        holder = group.create_task(hold())
        await inside.wait()
        holder.cancel()
    assert await single.now() is not None
    await single.close()


async def answers(database: Database) -> bool:
    """Whether the database answers; a connection that was cut unnoticed costs one failure each."""
    for _ in range(10):
        try:
            await database.now()
        except StorageUnavailable:
            continue
        return True
    return False


class Relay:
    """Stands between a pool and PostgreSQL, counts who comes, and sends them away while `away`."""

    def __init__(self, url: str) -> None:
        self._url = urlsplit(url)
        self._open: list[asyncio.StreamWriter] = []
        self.came = 0
        self.away = False

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.came += 1
        if self.away:
            writer.close()
            return
        folder = parse_qs(self._url.query).get("host")
        if folder:
            back, forth = await asyncio.open_unix_connection(f"{folder[0]}/.s.PGSQL.5432")
        else:
            back, forth = await asyncio.open_connection(self._url.hostname, self._url.port or 5432)
        self._open += [writer, forth]
        await asyncio.gather(self._carry(reader, forth), self._carry(back, writer))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while piece := await reader.read(65_536):
                writer.write(piece)
        writer.close()

    def cut(self) -> None:
        self.away = True
        for writer in self._open:
            writer.close()


async def test_while_the_database_is_away_one_in_a_moment_tries_to_connect_and_not_everybody(
    database_url: str,
) -> None:
    relay, url = Relay(database_url), urlsplit(database_url)
    async with await asyncio.start_server(relay.meet, "127.0.0.1", 0) as door:
        port = door.sockets[0].getsockname()[1]
        who = url.username if url.password is None else f"{url.username}:{url.password}"
        there = f"postgresql://{who}@127.0.0.1:{port}{url.path}?sslmode=disable"
        database = await Database.connect(there, size=4)
        await database.now()
        relay.cut()
        with pytest.raises(StorageUnavailable):
            await database.now()
        before = relay.came
        for _ in range(50):
            with pytest.raises(StorageUnavailable):
                await database.now()
        assert relay.came - before <= 2
        relay.away = False
        async with asyncio.timeout(5):
            while True:
                with suppress(StorageUnavailable):
                    await database.now()
                    break
                await asyncio.sleep(0.02)
        await database.close()
