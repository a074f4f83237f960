"""Environments by name."""

from datetime import datetime
from typing import Any

import msgspec

from ostro.store.database import Connection, Database


class EnvironmentView(msgspec.Struct, frozen=True, kw_only=True):
    """An environment. `variables` is a JSON object, empty in lists."""

    name: str
    version: int
    description: str
    variables: bytes
    created_at: datetime
    updated_at: datetime


async def get(database: Database, namespace: int, name: str) -> EnvironmentView | None:
    """One, with its values."""
    row = await database.fetchrow("environments_get", namespace, name)
    return _view(row) if row else None


async def page(database: Database, namespace: int, *, after: str | None, limit: int) -> list[EnvironmentView]:
    """At most `limit` by name, later than `after`, without their values."""
    return [_view(row) for row in await database.fetch("environments_list", namespace, after, limit)]


async def create(
    connection: Connection, namespace: int, name: str, description: str, variables: bytes, now: datetime
) -> bool:
    """A new one; whether the name was free."""
    made = await connection.fetchval("environments_create", namespace, name, description, variables, now)
    return made is not None


async def hold(connection: Connection, namespace: int, name: str) -> int | None:
    """Its version, locked until the transaction ends."""
    found: int | None = await connection.fetchval("environments_hold", namespace, name)
    return found


async def replace(
    connection: Connection, namespace: int, name: str, description: str, variables: bytes, now: datetime
) -> None:
    """All of it anew, as the next version."""
    await connection.execute("environments_replace", namespace, name, description, variables, now)


async def delete(connection: Connection, namespace: int, name: str) -> None:
    """Takes it away."""
    await connection.execute("environments_delete", namespace, name)


def _view(row: Any) -> EnvironmentView:
    return EnvironmentView(
        name=row["name"],
        version=row["version"],
        description=row["description"],
        variables=row["variables"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )
