"""The change log, read forwards."""

from datetime import datetime

import msgspec

from ostro.core.effects import Entry
from ostro.store.database import Database
from ostro.values import UUID


class ChangeView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What one commit did."""

    version: int
    at: datetime
    tasks: tuple[UUID, ...]
    entries: tuple[Entry, ...]


async def after(
    database: Database, namespace: int, workflow: UUID, version: int, limit: int
) -> list[ChangeView]:
    """The next changes after a version, oldest first."""
    rows = await database.fetch("changes_after", namespace, workflow, version, limit)
    return [
        ChangeView(
            version=row["version"],
            at=row["at"],
            tasks=tuple(row["tasks"]),
            entries=msgspec.json.decode(row["entries"], type=tuple[Entry, ...]),
        )
        for row in rows
    ]
