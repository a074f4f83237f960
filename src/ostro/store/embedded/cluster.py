"""The files of one PostgreSQL: made once, of one major version, reached through one socket folder."""

import asyncio
import hashlib
import os
import shutil
import stat
import tempfile
from pathlib import Path
from urllib.parse import quote

from ostro.errors import StorageError
from ostro.store.embedded import holder
from ostro.store.embedded.binaries import Binaries
from ostro.store.embedded.identity import Identity

DATABASE = "ostro"
USER = "ostro"
PORT = 5432
_FOLDER = "postgres"
_SOCKET_NAME = f".s.PGSQL.{PORT}"
_LONGEST_SOCKET_PATH = 103  # of macOS; Linux allows four more

_SETTINGS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "effective_cache_size": "1GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "minimal",  # nothing replicates an embedded database
    "max_wal_senders": "0",
    "max_wal_size": "2GB",
    "min_wal_size": "256MB",
    "wal_buffers": "16MB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "jit": "off",  # our statements are small: compiling them costs more than running them
    "max_parallel_workers_per_gather": "0",
    "autovacuum_naptime": "5s",  # queues die young: their rows are swept before they pile up
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_cost_delay": "0",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] ",
    "lc_messages": "C",
}
# For tests: what a crash loses does not matter there.
_FORGETFUL = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "128MB",
    "max_connections": "200",
}


def folder_of(home: Path) -> Path:
    """Where PostgreSQL's own files are."""
    return home / _FOLDER


def made_by(home: Path) -> int | None:
    """The major version that made the files; None if there are none yet."""
    try:
        return int((folder_of(home) / "PG_VERSION").read_text().strip())
    except (OSError, ValueError):
        return None


def refuse_another_major(home: Path, binaries: Binaries) -> None:
    """StorageError if the files are of another major: PostgreSQL does not read those."""
    found = made_by(home)
    if found not in (None, binaries.major):
        raise StorageError(
            f"{home} was made by PostgreSQL {found}, and this is PostgreSQL {binaries.major}.",
            hint=f"Start it with PostgreSQL {found}; or move it: `ostro db dump` with {found}, "
            f"then `ostro db restore` into a new data directory with {binaries.major}.",
        )


async def make(home: Path, binaries: Binaries, identity: Identity, *, durable: bool) -> None:
    """Makes the files if there are none. Killed half way, it leaves nothing that counts."""
    final = folder_of(home)
    if final.exists():
        return
    holder.room_for_a_database(home)
    half = home / f"{_FOLDER}.half"
    shutil.rmtree(half, ignore_errors=True)
    half.mkdir(mode=0o700)
    identity.own(half)
    locale = (
        ["--locale-provider=builtin", "--locale=C.UTF-8"] if binaries.has_builtin_locale else ["--locale=C"]
    )
    options = [
        "-D",
        str(half),
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--data-checksums",
        "--no-instructions",
    ]
    command = identity.command(
        binaries.tool("initdb"), *options, *locale, *([] if durable else ["--no-sync"]), dies_with_us=True
    )
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said = (await process.communicate())[0].decode(errors="replace").strip()
    if process.returncode != 0:
        shutil.rmtree(half, ignore_errors=True)
        raise why_it_failed("PostgreSQL could not make its files", said)
    half.rename(final)


def options(cluster: Path, sockets: Path, *, durable: bool) -> list[str]:
    """The arguments of `postgres`. They are given anew at each start: no file of settings grows stale."""
    settings = _SETTINGS if durable else {**_SETTINGS, **_FORGETFUL}
    settings = {**settings, "port": str(PORT), "unix_socket_directories": str(sockets)}
    return [
        "-D",
        str(cluster),
        *(part for name, value in settings.items() for part in ("-c", f"{name}={value}")),
    ]


def socket_folder(home: Path, identity: Identity) -> Path:
    """An owner-only folder for the socket: in `home`, or a short one of its own where that is too long."""
    inside = home / "socket"
    folder = inside if _fits(inside) else _short_folder(home)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        identity.own(folder)
        there = folder.lstat()
    except OSError as failed:
        raise StorageError(f"The socket folder {folder} cannot be used: {failed.strerror}.") from failed
    if (
        not stat.S_ISDIR(there.st_mode)
        or there.st_uid not in (os.geteuid(), identity.uid)
        or there.st_mode & 0o077
    ):
        raise StorageError(f"{folder} is not a folder of ours alone.", hint="Remove it, then start again.")
    return folder


def address(sockets: Path) -> str:
    """The database's URL, as asyncpg and libpq both read it."""
    return f"postgresql://{USER}@/{DATABASE}?host={quote(str(sockets), safe='')}&port={PORT}"


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder / _SOCKET_NAME)) <= _LONGEST_SOCKET_PATH and "," not in str(folder)


def _short_folder(home: Path) -> Path:
    name = f"ostro-{os.geteuid()}-{hashlib.sha256(os.fsencode(home)).hexdigest()[:10]}"
    of_user = os.environ.get("XDG_RUNTIME_DIR", "")
    bases = [Path(base) for base in (of_user, tempfile.gettempdir(), "/tmp") if base]  # noqa: S108 - owner-only below it
    return next((base / name for base in bases if base.is_dir() and _fits(base / name)), bases[-1] / name)


def why_it_failed(what: str, said: str) -> StorageError:
    """PostgreSQL's own last words, with what to do where that is known."""
    hint = ""
    if "No space left on device" in said:
        hint = "The disk is full: make room, then start again."
    elif "Permission denied" in said:
        hint = "The user that PostgreSQL runs as must be able to enter the data directory and those above it."
    elif "could not map anonymous shared memory" in said or "Cannot allocate memory" in said:
        hint = "There is too little memory."
    last = " ".join(said.splitlines()[-4:]) or "it said nothing."
    return StorageError(f"{what}: {last}", hint=hint)
