"""Forward-only migrations, by two servers at once as well."""

import asyncio
from pathlib import Path

import asyncpg
import msgspec
import pytest

from ostro.core.plans.rows import FlowRow
from ostro.errors import StorageError, StorageUnavailable
from ostro.store.migrate import Migration, check, migrations, upgrade
from ostro.values import UUID

FIRST = Migration(1, "first", "CREATE TABLE a (x integer); INSERT INTO a VALUES (1);")
SECOND = Migration(2, "second", "ALTER TABLE a ADD COLUMN y text;")
BROKEN = Migration(2, "second", "ALTER TABLE a ADD COLUMN y text; SELECT no_such_column FROM a;")


async def test_an_empty_database_gets_the_whole_schema_once(empty_database_url: str) -> None:
    assert await upgrade(empty_database_url) == [f"{m.number:04d}_{m.name}" for m in migrations()]
    assert await upgrade(empty_database_url) == []
    await check(empty_database_url)


async def test_only_what_is_missing_is_applied(empty_database_url: str) -> None:
    await upgrade(empty_database_url, steps=[FIRST])
    assert await upgrade(empty_database_url, steps=[FIRST, SECOND]) == ["0002_second"]


async def test_two_servers_upgrade_one_empty_database_at_once(empty_database_url: str) -> None:
    async with asyncio.TaskGroup() as group:
        both = [group.create_task(upgrade(empty_database_url, steps=[FIRST, SECOND])) for _ in range(2)]
    assert sorted(name for one in both for name in one.result()) == ["0001_first", "0002_second"]


async def test_a_step_that_fails_leaves_nothing_behind(empty_database_url: str) -> None:
    with pytest.raises(StorageError, match="no_such_column"):
        await upgrade(empty_database_url, steps=[FIRST, BROKEN])
    assert await upgrade(empty_database_url, steps=[FIRST, SECOND]) == ["0002_second"]


async def test_an_empty_database_is_refused_with_the_command_that_mends_it(empty_database_url: str) -> None:
    with pytest.raises(StorageError, match="ostro db upgrade"):
        await check(empty_database_url)


async def test_a_database_that_lacks_a_step_is_refused_with_its_name(empty_database_url: str) -> None:
    await upgrade(empty_database_url, steps=[FIRST])
    with pytest.raises(StorageError, match=r"lacks 0002_second.*ostro db upgrade"):
        await check(empty_database_url, steps=[FIRST, SECOND])


async def test_a_database_newer_than_the_code_is_refused(empty_database_url: str) -> None:
    await upgrade(empty_database_url, steps=[FIRST, SECOND])
    for refuse in (check, upgrade):
        with pytest.raises(StorageError, match=r"newer than this Ostro: it has 0002_second"):
            await refuse(empty_database_url, steps=[FIRST])


async def test_a_step_that_was_changed_after_it_was_applied_is_refused(empty_database_url: str) -> None:
    await upgrade(empty_database_url, steps=[FIRST])
    changed = FIRST._replace(text=FIRST.text + " -- changed")
    for refuse in (check, upgrade):
        with pytest.raises(StorageError, match="another 0001_first"):
            await refuse(empty_database_url, steps=[changed])


async def test_a_database_that_cannot_be_reached_is_named_as_such(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable):
        await check(f"postgresql://nobody@/nothing?host={tmp_path}")


def test_steps_are_numbered_without_gaps(tmp_path: Path) -> None:
    (tmp_path / "0001_a.sql").write_text("SELECT 1")
    (tmp_path / "0003_c.sql").write_text("SELECT 1")
    with pytest.raises(ValueError, match="not numbered"):
        migrations(tmp_path)


async def test_the_table_of_steps_says_when_each_was_applied(empty_database_url: str) -> None:
    await upgrade(empty_database_url, steps=[FIRST])
    connection = await asyncpg.connect(empty_database_url)
    try:
        row = await connection.fetchrow("SELECT number, name, checksum, applied_at FROM schema_migrations")
    finally:
        await connection.close()
    assert row is not None
    assert (row["number"], row["name"], row["checksum"]) == (1, "first", FIRST.checksum)
    assert row["applied_at"].tzinfo is not None


async def test_workflows_of_a_former_version_are_known_to_need_their_library(empty_database_url: str) -> None:
    await upgrade(empty_database_url, steps=migrations()[:2])
    full = FlowRow(library=f"{2:064x}", name="w", vars=b'{"x": 1}', output=b"{}", message="m" * 300)
    rows = {1: FlowRow(library=f"{1:064x}", name="w"), 2: full}
    connection = await asyncpg.connect(empty_database_url)
    try:
        for n, row in rows.items():
            await connection.execute("INSERT INTO workflow_specs VALUES (1, $1, '', '', '{}')", UUID(int=n))
            body = msgspec.msgpack.encode(row)
            await connection.execute("INSERT INTO flows VALUES (1, $1, $2)", UUID(int=n), body)
        await upgrade(empty_database_url)
        found = await connection.fetch("SELECT workflow, library FROM workflow_specs")
    finally:
        await connection.close()
    assert {one["workflow"].int: one["library"] for one in found} == {
        n: row.library for n, row in rows.items()
    }
