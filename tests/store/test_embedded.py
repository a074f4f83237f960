"""The embedded PostgreSQL: one holder, owner-only, no orphans, back after a crash."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ostro.errors import StorageError, StorageUnavailable
from ostro.store.database import Database
from ostro.store.embedded import EmbeddedPostgres, orphans, reachable
from ostro.store.embedded.binaries import Binaries, find, installed
from ostro.store.embedded.cluster import socket_folder
from ostro.store.embedded.identity import SHARED_HOME, choose, unprivileged
from ostro.store.migrate import Migration, upgrade
from tests.postgres import chosen_bin_dir, chosen_major, embedded

KEPT = Migration(1, "kept", "CREATE TABLE kept (x integer)")

# A holder in a process of its own: says the process id of its PostgreSQL, then waits to be killed.
HOLDER = """
import asyncio, sys
from pathlib import Path
from tests.postgres import embedded

async def hold():
    postgres = embedded(Path(sys.argv[1]))
    await postgres.start()
    print(postgres.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(hold())
"""


@pytest.fixture
async def postgres(tmp_path: Path) -> AsyncIterator[EmbeddedPostgres]:
    running = embedded(tmp_path / "data", durable=True)
    await running.start()
    yield running
    await running.stop()


async def answer(dsn: str) -> str:
    database = await Database.connect(dsn, size=1)
    try:
        return str(await database.now())
    finally:
        await database.close()


async def answer_at_last(dsn: str) -> str:
    """Waits for a PostgreSQL that is on its way; the next attempt waits for the last one to fail."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await answer(dsn)
            except StorageUnavailable:
                continue


async def test_a_new_folder_becomes_a_database_that_answers_and_stops(tmp_path: Path) -> None:
    postgres = embedded(tmp_path / "new" / "data", durable=True)
    dsn = await postgres.start()
    assert await answer(dsn)
    pid = postgres.pid
    assert pid is not None
    await postgres.stop()
    assert postgres.pid is None
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    with pytest.raises(StorageUnavailable):
        await answer(dsn)


async def test_what_was_written_is_there_after_a_restart(postgres: EmbeddedPostgres) -> None:
    await write_a_table(postgres.dsn)
    await postgres.stop()
    assert await has_the_table(await postgres.start())


async def test_nobody_else_can_enter_the_data_directory_or_reach_the_socket(
    postgres: EmbeddedPostgres,
) -> None:
    folders = [postgres.data_dir, postgres.data_dir / "postgres", socket_folder(postgres.data_dir, choose())]
    assert [oct(folder.stat().st_mode & 0o777) for folder in folders] == ["0o700"] * 3
    assert (postgres.data_dir / "postgres.log").stat().st_mode & 0o077 == 0


async def test_a_parent_folder_keeps_its_permissions(tmp_path: Path) -> None:
    parent = tmp_path / "parent"
    parent.mkdir(mode=0o750)
    postgres = embedded(parent / "data")
    await postgres.start()
    await postgres.stop()
    assert parent.stat().st_mode & 0o777 == 0o750


async def test_a_second_holder_is_refused_with_the_first_ones_process_id(postgres: EmbeddedPostgres) -> None:
    with pytest.raises(StorageError, match=rf"in use by process {os.getpid()} .*another data directory"):
        await embedded(postgres.data_dir).start()
    assert await answer(postgres.dsn)


async def test_a_holder_in_another_process_is_refused_too(postgres: EmbeddedPostgres) -> None:
    other = await start_holder(postgres.data_dir)
    _, complaint = await other.communicate()
    assert other.returncode != 0
    assert f"in use by process {os.getpid()}" in complaint.decode()


async def test_after_a_kill_of_the_holder_its_postgres_is_ended_and_the_data_used_again(
    tmp_path: Path,
) -> None:
    holder = await start_holder(tmp_path / "data")
    left_behind = await postgres_of(holder)
    holder.kill()
    await holder.communicate()
    postgres = embedded(tmp_path / "data")
    assert await answer(await postgres.start())
    assert postgres.pid != left_behind
    assert orphans.living_in(tmp_path / "data" / "postgres").count(left_behind) == 0
    await postgres.stop()


async def test_after_a_kill_of_holder_and_postgres_at_once_the_data_is_used_again(tmp_path: Path) -> None:
    holder = await start_holder(tmp_path / "data")
    os.kill(await postgres_of(holder), signal.SIGKILL)
    holder.kill()
    await holder.communicate()
    postgres = embedded(tmp_path / "data")
    assert await answer(await postgres.start())
    await postgres.stop()


async def test_a_stopped_orphan_that_hears_nothing_is_ended_all_the_same(tmp_path: Path) -> None:
    holder = await start_holder(tmp_path / "data")
    left_behind = await postgres_of(holder)
    os.kill(left_behind, signal.SIGSTOP)
    holder.kill()
    await holder.communicate()
    os.kill(left_behind, signal.SIGCONT)
    postgres = embedded(tmp_path / "data")
    assert await answer(await postgres.start())
    await postgres.stop()


async def test_a_pid_file_with_the_number_of_a_stranger_does_not_bar_the_start(tmp_path: Path) -> None:
    postgres = embedded(tmp_path / "data")
    await postgres.start()
    await postgres.stop()
    sleeper = subprocess.Popen(["sleep", "60"])
    try:
        (tmp_path / "data" / "postgres" / "postmaster.pid").write_text(
            f"{sleeper.pid}\n/somewhere\n0\n5432\n\n\n0 0\n"
        )
        assert await answer(await postgres.start())
    finally:
        await postgres.stop()
        sleeper.kill()
        sleeper.wait()


async def test_a_zombie_counts_as_dead(tmp_path: Path) -> None:
    postgres = embedded(tmp_path / "data")
    await postgres.start()
    await postgres.stop()
    zombie = subprocess.Popen(["true"])
    os.waitid(os.P_PID, zombie.pid, os.WEXITED | os.WNOWAIT)
    (tmp_path / "data" / "postgres" / "postmaster.pid").write_text(
        f"{zombie.pid}\n/somewhere\n0\n5432\n\n\n0 0\n"
    )
    assert await answer(await postgres.start())
    await postgres.stop()
    zombie.wait()


async def test_a_postgres_that_died_is_started_again(postgres: EmbeddedPostgres) -> None:
    await write_a_table(postgres.dsn)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(postgres.watch())
        for _ in range(2):
            killed = postgres.pid
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            await another_than(killed, postgres)
            assert await has_the_table(postgres.dsn)
        await postgres.stop()
        await watching


async def test_a_backend_that_died_takes_nothing_with_it(postgres: EmbeddedPostgres) -> None:
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(postgres.watch())
        workers = [pid for pid in orphans.living_in(postgres.data_dir / "postgres") if pid != postgres.pid]
        os.kill(workers[0], signal.SIGKILL)
        assert await answer_at_last(postgres.dsn)
        await postgres.stop()
        await watching


async def test_a_folder_made_by_another_major_is_refused_with_the_way_out(postgres: EmbeddedPostgres) -> None:
    await postgres.stop()
    made_by = find(chosen_major(), chosen_bin_dir()).major
    other = next(major for major in installed() if major != made_by)
    with pytest.raises(
        StorageError, match=rf"made by PostgreSQL {made_by}.*this is PostgreSQL {other}.*ostro db dump"
    ):
        await EmbeddedPostgres(postgres.data_dir, major=other).start()
    assert await answer(await postgres.start())


async def test_a_folder_with_files_of_others_that_others_can_read_is_refused(tmp_path: Path) -> None:
    public = tmp_path / "public"
    public.mkdir(mode=0o755)
    (public / "thesis.txt").write_text("not yours")
    with pytest.raises(StorageError, match="files that are not Ostro's"):
        await embedded(public).start()
    assert public.stat().st_mode & 0o777 == 0o755


async def test_a_path_that_cannot_be_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be used: Not a directory"):
        await embedded(tmp_path / "file" / "data").start()


async def test_a_start_that_failed_lets_go_of_the_folder(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="not installed here"):
        await EmbeddedPostgres(tmp_path / "data", major=99).start()
    postgres = embedded(tmp_path / "data")
    await postgres.start()
    await postgres.stop()


async def test_files_half_made_by_a_killed_start_do_not_count(tmp_path: Path) -> None:
    half = tmp_path / "data" / "postgres.half"
    half.mkdir(parents=True, mode=0o700)
    (tmp_path / "data").chmod(0o700)
    (half / "PG_VERSION").write_text("18\n")
    postgres = embedded(tmp_path / "data")
    assert await answer(await postgres.start())
    assert not half.exists()
    await postgres.stop()


async def test_a_path_too_long_for_a_socket_gets_a_short_folder_of_its_own(tmp_path: Path) -> None:
    postgres = embedded(tmp_path / ("a" * 100))
    dsn = await postgres.start()
    assert await answer(dsn)
    assert str(tmp_path) not in dsn
    await postgres.stop()


async def test_a_path_with_blanks_and_other_letters_works(tmp_path: Path) -> None:
    postgres = embedded(tmp_path / "Daten für & 100 %")
    assert await answer(await postgres.start())
    await postgres.stop()


async def test_a_postgres_that_cannot_start_says_why(postgres: EmbeddedPostgres) -> None:
    await postgres.stop()
    (postgres.data_dir / "postgres" / "postgresql.conf").write_text("no_such_setting = 1\n")
    with pytest.raises(StorageError, match=r"did not start.*no_such_setting"):
        await postgres.start()


async def test_a_data_directory_is_reachable_whether_its_server_runs_or_not(
    postgres: EmbeddedPostgres,
) -> None:
    async with reachable(postgres.data_dir, bin_dir=chosen_bin_dir()) as dsn:
        assert await answer(dsn)
    assert await answer(postgres.dsn)
    await postgres.stop()
    async with reachable(postgres.data_dir, bin_dir=chosen_bin_dir()) as dsn:
        assert await answer(dsn)
    with pytest.raises(StorageUnavailable):
        await answer(dsn)


async def test_an_empty_folder_has_no_database_to_reach(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no database"):
        async with reachable(tmp_path / "nothing"):
            pass
    assert not (tmp_path / "nothing").exists()


def test_a_folder_of_programs_must_hold_the_major_that_is_asked_for(tmp_path: Path) -> None:
    here = find()
    assert find(bin_dir=here.folder) == Binaries(here.folder, here.major)
    with pytest.raises(StorageError, match="not 15"):
        find(15, here.folder)
    with pytest.raises(StorageError, match="no working postgres"):
        find(bin_dir=tmp_path)


@pytest.mark.long
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
async def test_root_without_user_namespaces_runs_postgres_as_an_unprivileged_user(tmp_path: Path) -> None:
    postgres = EmbeddedPostgres(
        tmp_path / "data",
        major=chosen_major(),
        bin_dir=chosen_bin_dir(),
        durable=False,
        run_as=unprivileged(),
    )
    try:
        await write_a_table(await postgres.start())
        assert Path(f"/proc/{postgres.pid}").stat().st_uid == unprivileged().uid
        await postgres.stop()
        assert await has_the_table(await postgres.start())
        home = unprivileged().place(postgres.data_dir.resolve())
        assert home.parent == SHARED_HOME
    finally:
        await postgres.stop()
    subprocess.run(["rm", "-rf", str(home)], check=True)


async def start_holder(data_dir: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        HOLDER,
        str(data_dir),
        cwd=Path(__file__).parents[2],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def postgres_of(holder: asyncio.subprocess.Process) -> int:
    assert holder.stdout is not None
    return int(await holder.stdout.readline())


async def another_than(killed: int, postgres: EmbeddedPostgres) -> None:
    """Waits until the database answers from another process."""
    async with asyncio.timeout(30):
        while postgres.pid in (killed, None):
            await asyncio.sleep(0)
    assert await answer_at_last(postgres.dsn)


async def write_a_table(dsn: str) -> None:
    await upgrade(dsn, steps=[KEPT])


async def has_the_table(dsn: str) -> bool:
    return await upgrade(dsn, steps=[KEPT]) == []
