"""Definitions by name, with their versions."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec

from ostro.store.database import Connection, Database, Record
from ostro.store.loading.reading import Reader, id_of
from ostro.values import UUID

SEPARATOR = "\x1f"
Kind = Literal["workflow", "action"]


class DefinitionView(msgspec.Struct, frozen=True, kw_only=True):
    """A definition with its newest version. `library` is the key of that one's text."""

    id: UUID
    kind: Kind
    name: str
    version: int
    workbook: str
    description: str
    tags: tuple[str, ...]
    labels: dict[str, str]
    created_at: datetime
    updated_at: datetime
    updated_by: str
    library: str


class VersionView(msgspec.Struct, frozen=True, kw_only=True):
    """One version: when it came, and by whose token."""

    version: int
    library: str
    created_at: datetime
    created_by: str


class Locked(msgspec.Struct, frozen=True, kw_only=True):
    """A name that is locked. `version` is its last one, `library` the key of its text; `lives` unless deleted or new."""

    id: UUID
    version: int
    lives: bool
    library: str


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """The next version of a definition. `workflows` and `actions` are the full names that it may mean beside its own."""

    id: UUID
    library: str
    workbook: str
    description: str
    tags: tuple[str, ...]
    workflows: tuple[str, ...]
    actions: tuple[str, ...]


Name = tuple[Kind, str]


async def lock(
    connection: Connection, namespace: int, wanted: Mapping[Name, UUID], now: datetime
) -> dict[Name, Locked]:
    """These names, locked until the transaction ends; the ids are for those that are new."""
    kinds, names = [kind for kind, _ in wanted], [name for _, name in wanted]
    rows = await connection.fetch("definitions_lock", namespace, list(wanted.values()), kinds, names, now)
    return {
        (row["kind"], row["name"]): Locked(
            id=id_of(row["id"]), version=row["version"], lives=row["lives"], library=row["library"]
        )
        for row in rows
    }


async def write(
    connection: Connection, namespace: int, written: Sequence[Written], now: datetime, who: str
) -> None:
    """Adds a version to each."""
    await connection.execute(
        "definitions_write",
        namespace,
        [one.id for one in written],
        [one.library for one in written],
        [one.workbook for one in written],
        [one.description for one in written],
        [SEPARATOR.join(one.tags) for one in written],
        [SEPARATOR.join(one.workflows) for one in written],
        [SEPARATOR.join(one.actions) for one in written],
        now,
        who,
    )


async def label(
    connection: Connection, namespace: int, ids: Iterable[UUID], labels: Mapping[str, str]
) -> None:
    """Gives them these labels, and no others."""
    await connection.execute(
        "definitions_label", namespace, list(ids), msgspec.json.encode(labels, order="sorted").decode()
    )


async def find(
    database: Reader, namespace: int, names: Sequence[str], kind: Kind | None = None
) -> list[DefinitionView]:
    """Those of these full names, by name."""
    return [_view(row) for row in await database.fetch("definitions_find", namespace, list(names), kind)]


async def hold(
    connection: Connection, namespace: int, name: str, kind: Kind
) -> tuple[UUID, int, dict[str, str]] | None:
    """Id, version and labels of one, locked until the transaction ends."""
    row = await connection.fetchrow("definitions_hold", namespace, name, kind)
    return (id_of(row["id"]), row["version"], _labels(row)) if row else None


async def page(
    database: Database,
    namespace: int,
    *,
    after: Name | None,
    kind: Kind | None,
    prefix: str | None,
    label: tuple[str, str | None] | None,
    limit: int,
) -> list[DefinitionView]:
    """At most `limit` by name, later than `after`. `label` is a key, with the value that it must have, if any."""
    kind_after, name_after = after or ("", "")
    key, value = label or (None, None)
    rows = await database.fetch(
        "definitions_list", namespace, name_after, kind_after, kind, prefix, key, value, limit
    )
    return [_view(row) for row in rows]


async def version(database: Reader, namespace: int, definition: UUID, number: int) -> VersionView | None:
    """One version."""
    row = await database.fetchrow("definitions_version", namespace, definition, number)
    return _version(row) if row else None


async def versions(
    database: Database, namespace: int, definition: UUID, *, before: int | None, limit: int
) -> list[VersionView]:
    """At most `limit`, the newest first."""
    rows = await database.fetch("definitions_versions", namespace, definition, before, limit)
    return [_version(row) for row in rows]


async def running(
    connection: Connection, namespace: int, definition: UUID, most: int
) -> list[tuple[UUID, str]]:
    """Id and name of unended workflows that were made from it."""
    rows = await connection.fetch("definitions_running", namespace, definition, most)
    return [(id_of(row["workflow"]), row["name"]) for row in rows]


async def naming(
    connection: Connection, namespace: int, definition: UUID, name: Name, most: int
) -> list[str]:
    """Names of other definitions that name it."""
    kind, full_name = name
    rows = await connection.fetch("definitions_naming", namespace, definition, full_name, kind, most)
    return [row["name"] for row in rows]


async def delete(connection: Connection, namespace: int, definition: UUID, now: datetime) -> None:
    """Takes it away with its versions."""
    await connection.execute("definitions_delete", namespace, definition, now)


def _view(row: Record) -> DefinitionView:
    return DefinitionView(
        id=id_of(row["id"]),
        kind=cast("Kind", row["kind"]),
        name=row["name"],
        version=row["version"],
        workbook=row["workbook"],
        description=row["description"],
        tags=tuple(row["tags"]),
        labels=_labels(row),
        created_at=row["created_at"],
        updated_at=row["updated_at"],
        updated_by=row["updated_by"],
        library=row["library"],
    )


def _version(row: Any) -> VersionView:
    return VersionView(
        version=row["version"],
        library=row["library"],
        created_at=row["created_at"],
        created_by=row["created_by"],
    )


def _labels(row: Record) -> dict[str, str]:
    return msgspec.json.decode(row["labels"], type=dict[str, str])
