"""Brings a database to the schema that this code expects: forward only, each step once.

The steps are `migrations/NNNN_name.sql`, numbered from 1 without gaps. Each is applied in one
transaction that holds a transaction-level advisory lock, so two servers may start on one empty
database, also through a transaction pooler.
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import NamedTuple

import asyncpg

from ostro.errors import StorageError
from ostro.store.database import Record, speaking_ostro

OLDEST_POSTGRES = 15

_FILE = re.compile(r"^(\d{4})_([a-z0-9_]+)\.sql$")
_LOCK = 0x05720  # any number that is always the same

_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    number     integer PRIMARY KEY,
    name       text NOT NULL,
    checksum   text NOT NULL,
    applied_at timestamptz NOT NULL
)
"""


class Migration(NamedTuple):
    """One step: its number, its name, and the SQL that it runs."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """Of the text: an applied step never changes."""
        return sha256(self.text.encode()).hexdigest()


def migrations(folder: Traversable | None = None) -> list[Migration]:
    """All steps in order; a ValueError if their numbers are not 1, 2, 3..."""
    found = sorted(
        Migration(int(match[1]), match[2], file.read_text("utf-8"))
        for file in (folder or files("ostro.store") / "migrations").iterdir()
        if (match := _FILE.match(file.name))
    )
    if [step.number for step in found] != list(range(1, len(found) + 1)):
        raise ValueError(f"The migrations are not numbered 1 to {len(found)}: {[m.number for m in found]}")
    return found


async def upgrade(dsn: str, *, steps: Sequence[Migration] | None = None) -> list[str]:
    """Applies what is missing and returns the names of what it applied; [] if there was nothing to do.

    StorageError if the database is newer than this code, was made by other steps, or is a PostgreSQL
    older than 15. A step that fails leaves the database as the one before it left it.
    """
    known = migrations() if steps is None else list(steps)
    applied: list[str] = []
    with speaking_ostro():
        connection = await _connect(dsn)
        try:
            while step := await _next_step(connection, known):
                applied.append(f"{step.number:04d}_{step.name}")
        finally:
            await connection.close()
    return applied


async def check(dsn: str, *, steps: Sequence[Migration] | None = None) -> None:
    """Returns if the database has exactly the schema that this code expects, else StorageError."""
    known = migrations() if steps is None else list(steps)
    with speaking_ostro():
        connection = await _connect(dsn)
        try:
            there = await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
            rows = await _applied(connection) if there else []
        finally:
            await connection.close()
    _compare(rows, known)
    if not rows:
        raise StorageError("The database is empty.", hint="Make its tables with: ostro db upgrade")
    if len(rows) < len(known):
        missing = ", ".join(f"{step.number:04d}_{step.name}" for step in known[len(rows) :])
        raise StorageError(
            f"The database lacks {missing}.", hint="Bring it up to date with: ostro db upgrade"
        )


async def _connect(dsn: str) -> "asyncpg.Connection[Record]":
    connection = await asyncpg.connect(dsn, timeout=10, statement_cache_size=0)
    major = connection.get_server_version().major
    if major < OLDEST_POSTGRES:
        await connection.close()
        raise StorageError(
            f"This is PostgreSQL {major}; Ostro needs {OLDEST_POSTGRES} or later.",
            hint="Give another one with OSTRO_DATABASE_URL, or none for the embedded one.",
        )
    return connection


async def _next_step(connection: "asyncpg.Connection[Record]", known: list[Migration]) -> Migration | None:
    """Applies one step, or finds that there is none left. What is left is looked at under the lock."""
    async with connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _LOCK)
        await connection.execute(_TABLE)
        rows = await _applied(connection)
        _compare(rows, known)
        if len(rows) == len(known):
            return None
        step = known[len(rows)]
        await connection.execute(step.text)
        await connection.execute(
            "INSERT INTO schema_migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, now())",
            step.number,
            step.name,
            step.checksum,
        )
        return step


async def _applied(connection: "asyncpg.Connection[Record]") -> list[Record]:
    return await connection.fetch("SELECT number, name, checksum FROM schema_migrations ORDER BY number")


def _compare(rows: list[Record], known: list[Migration]) -> None:
    """Every applied step must be one of ours, unchanged."""
    if len(rows) > len(known):
        raise StorageError(
            f"The database is newer than this Ostro: it has {rows[-1]['number']:04d}_{rows[-1]['name']}.",
            hint="Start the version of Ostro that upgraded it, or a later one.",
        )
    for row, step in zip(rows, known, strict=False):
        if (row["number"], row["name"], row["checksum"]) != (step.number, step.name, step.checksum):
            raise StorageError(
                f"The database was made with another {row['number']:04d}_{row['name']} than this Ostro's.",
                hint="It comes from a different build: dump it with that one, or start on an empty database.",
            )
