"""One PostgreSQL from start to end: our child process, restarted when it dies, stopped with us."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import structlog

from ostro.errors import StorageError
from ostro.store.embedded import binaries as programs
from ostro.store.embedded import cluster, holder, identity, orphans

_LOOK_EVERY = 0.005
_READY_SECONDS = 300.0  # a long recovery after a crash
_STOP_SECONDS = 30.0
_TRIES = 50
_BETWEEN_TRIES = 0.1
_FIRST_BACK_OFF = 0.1
_LONGEST_BACK_OFF = 5.0
_LONGEST_LOG = 10 * 2**20
_STILL_IN_USE = ("pre-existing shared memory block", "is still in use", "database system is shutting down")


@dataclass(frozen=True)
class _Place:
    """What a start needs: who runs, which programs, and where the files and the socket are."""

    who: identity.Identity
    binaries: programs.Binaries
    home: Path
    cluster: Path
    sockets: Path


_log = structlog.get_logger("ostro.store.embedded")


class EmbeddedPostgres:
    """A PostgreSQL in `data_dir`, which no other live process may use at the same time.

    `major` and `bin_dir` choose which PostgreSQL; by default the wheel's 18. `durable=False` gives up
    safety in a crash for speed: for tests. `run_as` is who it runs as, by default whoever may.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        major: int | None = None,
        bin_dir: Path | None = None,
        durable: bool = True,
        run_as: identity.Identity | None = None,
    ) -> None:
        self.data_dir = data_dir.expanduser().absolute()
        self.dsn = ""
        self._wanted = (major, bin_dir)
        self._durable = durable
        self._run_as = run_as
        self._place: _Place | None = None
        self._holder: holder.Holder | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._starting = asyncio.Lock()

    @property
    def pid(self) -> int | None:
        """The process id of the PostgreSQL that runs now; None if none does."""
        process = self._process
        return process.pid if process is not None and process.returncode is None else None

    async def start(self) -> str:
        """Starts PostgreSQL, making its files the first time; returns the URL of its database.

        StorageError if the directory is in use, of another major, not ours, or the disk is full.
        What a killed predecessor left running is stopped first. Call it in a thread that lives as long
        as the database shall: on Linux, PostgreSQL is told to stop when that thread ends.
        """
        self._holder = holder.take(self.data_dir)
        try:
            self._place = place = await self._prepare()
            await self._run(place)
            await _make_database(place.sockets)
        except BaseException:
            await self.stop()
            raise
        self.dsn = cluster.address(place.sockets)
        return self.dsn

    async def stop(self) -> None:
        """Stops PostgreSQL cleanly and lets go of the directory. Harmless when repeated."""
        held, self._holder = self._holder, None
        try:
            async with self._starting:
                await self._end()
        finally:
            if held is not None:
                held.release()

    async def watch(self) -> None:
        """Starts PostgreSQL again whenever it dies; returns after `stop`. For a task of its own."""
        pause = _FIRST_BACK_OFF
        while self._is_wanted():
            if self._process is not None:
                await self._process.wait()
            try:
                await self._run_again()
                pause = _FIRST_BACK_OFF
            except StorageError as failed:
                _log.error("postgres.not_restarted", why=str(failed), again_in=pause)
                await asyncio.sleep(pause)
                pause = min(_LONGEST_BACK_OFF, pause * 2)

    def _is_wanted(self) -> bool:
        return self._holder is not None

    async def _run_again(self) -> None:
        async with self._starting:
            if self._is_wanted() and self._place is not None and self.pid is None:
                _log.warning("postgres.died")
                await self._run(self._place)
                _log.info("postgres.restarted", pid=self.pid)

    async def _prepare(self) -> _Place:
        """Everything that is the same for each start of the process."""
        who = self._run_as if self._run_as is not None else await asyncio.to_thread(identity.choose)
        found = await asyncio.to_thread(programs.find, *self._wanted)
        home = who.place(self.data_dir.resolve())
        cluster.refuse_another_major(home, found)
        place = _Place(
            who=who,
            binaries=await asyncio.to_thread(who.reachable, found),
            home=home,
            cluster=cluster.folder_of(home),
            sockets=cluster.socket_folder(home, who),
        )
        await cluster.make(home, place.binaries, who, durable=self._durable)
        return place

    async def _run(self, place: _Place) -> None:
        """Starts the process, and again while something of the one before still lingers."""
        for _ in range(_TRIES):
            await orphans.clear(place.cluster, place.sockets)
            said = await self._try(place)
            if said is None:
                return
            if not any(sign in said for sign in _STILL_IN_USE):
                break
            await asyncio.sleep(_BETWEEN_TRIES)
        holder.refuse_a_full_disk(place.home)
        raise cluster.why_it_failed("PostgreSQL did not start", said or "")

    async def _try(self, place: _Place) -> str | None:
        """One start: None when connections are accepted, else what PostgreSQL said before it ended."""
        arguments = cluster.options(place.cluster, place.sockets, durable=self._durable)
        command = place.who.command(place.binaries.tool("postgres"), *arguments, dies_with_us=True)
        log = _open_log(place.home / "postgres.log")
        try:
            process = self._process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,  # Ctrl-C is for us; we stop it when we are done
            )
            if await _accepts(process, place.cluster):
                return None
            await self._end()
            return os.pread(log, _LONGEST_LOG, 0).decode(errors="replace").strip()
        finally:
            os.close(log)

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
            if process.returncode is None:
                process.send_signal(how)
            try:
                async with asyncio.timeout(_STOP_SECONDS):
                    await process.wait()
                    return
            except TimeoutError:
                _log.warning("postgres.does_not_stop", pid=process.pid, asked=how.name)


@asynccontextmanager
async def reachable(data_dir: Path, *, bin_dir: Path | None = None) -> AsyncIterator[str]:
    """The URL of a data directory's database, whether a server runs on it now or not.

    Runs PostgreSQL for as long as the block lasts if nobody else does. The major is the one that made
    the files. StorageError if there is no database in the directory.
    """
    home = data_dir.expanduser().absolute()
    who = await asyncio.to_thread(identity.choose)
    major = cluster.made_by(who.place(home.resolve())) if home.exists() else None
    if major is None:
        raise StorageError(f"There is no database in {home}.", hint="Name the data directory of your server.")
    postgres = EmbeddedPostgres(home, major=None if bin_dir else major, bin_dir=bin_dir, run_as=who)
    try:
        dsn = await postgres.start()
    except holder.Held:
        yield cluster.address(cluster.socket_folder(who.place(home.resolve()), who))
        return
    try:
        yield dsn
    finally:
        await postgres.stop()


async def _make_database(sockets: Path) -> None:
    address = cluster.address(sockets)
    template = address.replace(f"/{cluster.DATABASE}?", "/postgres?")
    connection = await asyncpg.connect(template, timeout=30, statement_cache_size=0)
    try:
        known = "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)"
        if not await connection.fetchval(known, cluster.DATABASE):
            await connection.execute(f'CREATE DATABASE "{cluster.DATABASE}"')
    finally:
        await connection.close()


async def _accepts(process: asyncio.subprocess.Process, place: Path) -> bool:
    """True once this very process accepts connections; False if it ended, or never did."""
    for _ in range(round(_READY_SECONDS / _LOOK_EVERY)):
        if process.returncode is not None:
            return False
        if orphans.postmaster_of(place) == process.pid and orphans.is_ready(place):
            return True
        await asyncio.sleep(_LOOK_EVERY)
    return False


def _open_log(log: Path) -> int:
    """A new log for each life; the one before is kept beside it."""
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
