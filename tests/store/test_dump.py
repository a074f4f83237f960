"""A database into one file, and out of it again."""

from pathlib import Path

import pytest

from ostro.errors import StorageError
from ostro.store.dump import dump, restore
from ostro.store.embedded import reachable
from ostro.store.migrate import check
from tests.postgres import chosen_bin_dir, embedded


async def test_a_dump_restored_into_an_empty_database_is_the_same_again(
    database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "ostro.dump"
    await dump(database_url, file)
    assert file.stat().st_mode & 0o077 == 0
    await restore(empty_database_url, file)
    await check(empty_database_url)


async def test_a_database_with_tables_is_not_restored_into(database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "ostro.dump"
    await dump(database_url, file)
    with pytest.raises(StorageError, match="tables already"):
        await restore(database_url, file)


async def test_what_is_not_a_dump_leaves_the_database_empty(empty_database_url: str, tmp_path: Path) -> None:
    file = tmp_path / "ostro.dump"
    file.write_text("not a dump")
    with pytest.raises(StorageError, match="pg_restore failed"):
        await restore(empty_database_url, file)
    with pytest.raises(StorageError, match="There is no file"):
        await restore(empty_database_url, tmp_path / "other")
    with pytest.raises(StorageError, match="is empty"):
        await check(empty_database_url)


async def test_a_dump_that_fails_leaves_no_file_and_an_old_one_as_it_was(
    database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "ostro.dump"
    file.write_text("the last good one")
    with pytest.raises(StorageError):
        await dump(database_url.replace("clone_", "no_clone_"), file)
    assert [entry.name for entry in tmp_path.iterdir()] == ["ostro.dump"]
    assert file.read_text() == "the last good one"


async def test_a_stopped_data_directory_is_dumped_and_restored_into_a_new_one(
    database_url: str, tmp_path: Path
) -> None:
    await dump(database_url, tmp_path / "first")
    old, new = embedded(tmp_path / "old"), embedded(tmp_path / "new")
    await restore(await old.start(), tmp_path / "first")
    await old.stop()
    async with reachable(old.data_dir, bin_dir=chosen_bin_dir()) as dsn:
        await dump(dsn, tmp_path / "second")
    await restore(await new.start(), tmp_path / "second")
    await check(new.dsn)
    await new.stop()
