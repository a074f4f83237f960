"""A whole database into one file, and out of it again, with PostgreSQL's own tools."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from ostro.errors import StorageError
from ostro.store.database import speaking_ostro
from ostro.store.embedded.binaries import Binaries, find, installed


async def dump(dsn: str, file: Path) -> None:
    """Writes the database to `file` (owner-only, PostgreSQL's custom format), as of one instant.

    The file appears when it is whole. StorageError if the tools or the database refuse.
    """
    major = await _server_major(dsn)
    half = file.with_name(f"{file.name}.half")
    try:
        half.touch(mode=0o600)
        half.chmod(0o600)
    except OSError as refused:
        raise StorageError(f"{file} cannot be written: {refused.strerror}.") from refused
    try:
        options = ["--format=custom", "--no-owner", "--no-privileges", f"--file={half}"]
        await _use("pg_dump", _tools_for(major), dsn, options)
        half.replace(file)
    finally:
        with suppress(FileNotFoundError):
            half.unlink()


async def restore(dsn: str, file: Path) -> None:
    """Fills an empty database from `file`, whole or not at all.

    StorageError if the database already has tables, or the file is not a dump.
    """
    if not file.is_file():
        raise StorageError(f"There is no file {file}.")
    major = await _server_major(dsn)
    await _refuse_unless_empty(dsn)
    options = ["--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(file)]
    await _use("pg_restore", _tools_for(major), dsn, options)


def _tools_for(major: int) -> Binaries:
    """Those of the server's own major if there are any, else the next later ones."""
    later = [found for found in sorted(installed()) if found >= major]
    if not later:
        raise StorageError(
            f"The database is PostgreSQL {major}, and there are no tools of that version or later here.",
            hint=f"Install PostgreSQL {major}'s client programs.",
        )
    return find(later[0])


async def _server_major(dsn: str) -> int:
    with speaking_ostro():
        connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0)
        major: int = connection.get_server_version().major
        await connection.close()
    return major


async def _refuse_unless_empty(dsn: str) -> None:
    with speaking_ostro():
        connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0)
        try:
            tables = await connection.fetchval(
                "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            )
        finally:
            await connection.close()
    if tables:
        raise StorageError(
            f"The database has {tables} tables already.",
            hint="Restore into an empty database or a new data directory.",
        )


async def _use(tool: str, binaries: Binaries, dsn: str, options: list[str]) -> None:
    address, secret = _without_password(dsn)
    command = [str(binaries.tool(tool)), f"--dbname={address}", "--no-password", *options]
    environment = {**os.environ, **({"PGPASSWORD": secret} if secret else {})}
    process = await asyncio.create_subprocess_exec(
        *command,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        said = (await process.communicate())[1].decode(errors="replace").strip()
    except BaseException:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        raise
    if process.returncode != 0:
        raise StorageError(f"{tool} failed: {said}")


def _without_password(dsn: str) -> tuple[str, str]:
    """The URL without its password, and the password: a command line is there for all to read."""
    parts = urlsplit(dsn)
    if not parts.password:
        return dsn, ""
    user, _, place = parts.netloc.rpartition("@")
    return urlunsplit(parts._replace(netloc=f"{user.split(':')[0]}@{place}")), unquote(parts.password)
