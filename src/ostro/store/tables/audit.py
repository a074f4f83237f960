"""Who did, or tried, what no workflow's change log tells."""

from datetime import datetime

import msgspec

from ostro.store.database import Connection, Database
from ostro.values import UUID


class Audited(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the trail. `who` is a token's id; `detail` is one readable sentence."""

    id: UUID
    at: datetime
    who: str
    what: str
    detail: str


async def write(database: Database | Connection, namespace: int, line: Audited) -> None:
    """Adds a line."""
    await database.execute("audit_write", namespace, line.id, line.at, line.who, line.what, line.detail)


async def read(database: Database, namespace: int, limit: int) -> list[Audited]:
    """The newest lines first."""
    rows = await database.fetch("audit_read", namespace, limit)
    return [
        Audited(id=row["id"], at=row["at"], who=row["who"], what=row["what"], detail=row["detail"])
        for row in rows
    ]
