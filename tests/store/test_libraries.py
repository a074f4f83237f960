"""Texts that workflows are made from: kept under their hash, marked as needed, dropped when nobody needs them."""

import asyncio
from datetime import UTC, datetime, timedelta

from ostro.core.plans.library import Library, Text, key_of, read_again
from ostro.store import due
from ostro.store.database import Database
from ostro.store.loading import flows
from tests.engine.fleet import sql

NOW = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def library(name: str) -> Library:
    """Of one text; its name makes it this test's own."""
    return read_again((Text("workflows", f"version: '2.0'\n{name}:\n  tasks: {{a: {{}}}}\n"),))


async def keys(database: Database) -> dict[str, datetime]:
    async with sql(database.dsn) as raw:
        return {row["key"]: row["used_at"] for row in await raw.fetch("SELECT key, used_at FROM libraries")}


async def pruned(database: Database, now: datetime, most: int = 10) -> int:
    return await due.prune_libraries(database, [1], now - DAY, now, most)


async def test_who_needs_a_text_marks_it_now_and_then_and_not_each_time(database: Database) -> None:
    one = library("marked")
    for hours, marked in ((0, 0), (5, 0), (7, 7), (8, 7)):
        await flows.keep_library(database, 1, one, NOW + hours * HOUR)
        assert await keys(database) == {one.key: NOW + marked * HOUR}


async def test_a_text_that_was_dropped_under_a_servers_cache_is_kept_anew(database: Database) -> None:
    one = library("cached")
    await flows.keep_library(database, 1, one, NOW)
    assert await pruned(database, NOW + 23 * HOUR) == 0
    assert await pruned(database, NOW + 25 * HOUR) == 1
    assert await keys(database) == {}
    await flows.keep_library(database, 1, one, NOW + 25 * HOUR)
    assert await keys(database) == {one.key: NOW + 25 * HOUR}


async def test_a_mark_and_a_pruning_at_once_leave_the_text_to_who_needs_it(database: Database) -> None:
    one = library("raced")
    for day in range(1, 40, 2):
        await flows.keep_library(database, 1, one, NOW + (day - 2) * DAY)
        later = NOW + day * DAY
        await asyncio.gather(
            flows.keep_library(database, 1, one, later), pruned(database, later), pruned(database, later)
        )
        assert list(await keys(database)) == [one.key]


async def test_pruning_looks_at_a_bounded_part_and_not_twice_at_what_is_needed(database: Database) -> None:
    many = [library(f"part{n}") for n in range(5)]
    for one in many:
        await flows.keep_library(database, 1, one, NOW)
    async with sql(database.dsn) as raw:
        await raw.execute(
            "INSERT INTO definition_versions SELECT 1, gen_random_uuid(), 1, key, used_at, '' FROM libraries WHERE key <> $1",
            many[0].key,
        )
    later = NOW + 2 * DAY
    assert [await pruned(database, later, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert set((await keys(database)).items()) == {(one.key, later) for one in many[1:]}


def test_the_key_of_a_text_of_a_former_version_is_still_its_own() -> None:
    """Libraries in databases are known by it; who adds a field to `Text` leaves it out where it says nothing."""
    key = "7ab8a9ac7a6dee639ed89059a78f5c67cdcff3c5df8b9a364cab2966d60f3c42"
    assert key_of((Text("workflows", "version: '2.0'\n"),)) == key
