"""Workers as people read them."""

from datetime import datetime

import msgspec

from ostro.store.database import Database
from ostro.values import UUID


class WorkerView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A worker. `running` counts the jobs in its hands; `tags` None: it does not filter."""

    name: str
    session: UUID
    token: str
    capabilities: dict[str, list[str]]
    binding: dict[str, str]
    pool: bool
    actions: tuple[str, ...]
    tags: tuple[str, ...] | None
    slots: int
    version: str
    registered_at: datetime
    seen_at: datetime
    expires_at: datetime
    left_at: datetime | None
    running: int


async def page(
    database: Database, namespace: int, *, after: str | None, live: bool, limit: int, now: datetime
) -> list[WorkerView]:
    """At most `limit` by name, later than `after`; with `live` only those whose lease lasts."""
    rows = await database.fetch("fleet_list", namespace, after, live, now, limit)
    return [
        WorkerView(
            name=row["name"],
            session=row["session"],
            token=row["token"],
            capabilities=msgspec.json.decode(row["capabilities"], type=dict[str, list[str]]),
            binding=msgspec.json.decode(row["binding"], type=dict[str, str]),
            pool=row["pool"],
            actions=tuple(row["actions"]),
            tags=None if row["tags"] is None else tuple(row["tags"]),
            slots=row["slots"],
            version=row["version"],
            registered_at=row["registered_at"],
            seen_at=row["seen_at"],
            expires_at=row["expires_at"],
            left_at=row["left_at"],
            running=row["running"],
        )
        for row in rows
    ]
