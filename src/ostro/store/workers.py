"""Workers, one row a name, and their sessions."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from ostro.store.database import Connection, Database, Record
from ostro.values import UUID

Capabilities = Mapping[str, frozenset[str]]


class Worker(msgspec.Struct, frozen=True, kw_only=True):
    """One who registers. `capabilities` are those that count; `tags` filters (None: takes any).

    `binding` is its token's: it takes only jobs whose target contains all of it. `pool`: untargeted jobs too.
    """

    namespace: int
    name: str
    instance: UUID
    token: str
    capabilities: dict[str, frozenset[str]] = {}
    binding: dict[str, str] = {}
    pool: bool = False
    actions: frozenset[str] = frozenset()
    tags: frozenset[str] | None = None
    slots: int = 1
    version: str = ""


class Former(msgspec.Struct, frozen=True):
    """Who has a worker's name now, or had it last. `token_counts`: neither revoked nor expired."""

    instance: UUID
    session: UUID
    token: str
    binding: dict[str, str]
    expires_at: datetime
    left_at: datetime | None
    token_counts: bool


class LiveWorker(msgspec.Struct, frozen=True, kw_only=True):
    """A worker with a live session. `busy` counts its jobs in hand, those that it is told to stop included."""

    name: str
    capabilities: dict[str, frozenset[str]]
    binding: dict[str, str]
    pool: bool
    actions: frozenset[str]
    tags: frozenset[str] | None
    slots: int
    busy: int
    version: str
    registered_at: datetime
    seen_at: datetime


_CAPABILITIES = msgspec.json.Decoder(dict[str, frozenset[str]])
_BINDING = msgspec.json.Decoder(dict[str, str])


async def former(connection: Connection, namespace: int, name: str, now: datetime) -> Former | None:
    """Who has the name, locked until the transaction ends."""
    row = await connection.fetchrow("worker_former", namespace, name, now)
    if row is None:
        return None
    return Former(
        row["instance"],
        row["session"],
        row["token"],
        _BINDING.decode(row["binding"]),
        row["expires_at"],
        row["left_at"],
        row["token_counts"],
    )


async def joined(connection: Connection, namespace: int, name: str, now: datetime) -> str | None:
    """The id of the live token of the server that joined under the name."""
    token: str | None = await connection.fetchval("worker_joined", namespace, name, now)
    return token


async def register(
    connection: Connection,
    worker: Worker,
    session: UUID,
    *,
    former: UUID | None,
    now: datetime,
    expires_at: datetime,
) -> bool:
    """Gives the name to the new session; False if another one got it meanwhile."""
    row = await connection.fetchrow(
        "worker_register",
        worker.namespace,
        worker.name,
        worker.instance,
        session,
        former,
        worker.token,
        msgspec.json.encode({key: sorted(values) for key, values in sorted(worker.capabilities.items())}),
        msgspec.json.encode(worker.binding),
        worker.pool,
        sorted(worker.actions),
        None if worker.tags is None else sorted(worker.tags),
        worker.slots,
        worker.version,
        now,
        expires_at,
    )
    return row is not None


async def is_revoked(connection: Connection, token: str) -> bool:
    """Whether the token was revoked; it is locked until the transaction ends."""
    return bool(await connection.fetchval("worker_token", token))


async def sessions_of_token(
    connection: Connection, namespace: int, token: str, but: str, now: datetime
) -> int:
    """How many live sessions a token has, that of the worker `but` aside."""
    count: int = await connection.fetchval("workers_of_token", namespace, token, but, now)
    return count


async def by_session(database: Database, namespace: int, session: UUID) -> Worker | None:
    """The worker whose present session this is; None if it ended or never was."""
    row = await database.fetchrow("worker_by_session", namespace, session)
    if row is None:
        return None
    return Worker(
        namespace=row["namespace"],
        name=row["name"],
        instance=row["instance"],
        token=row["token"],
        capabilities=_CAPABILITIES.decode(row["capabilities"]),
        binding=_BINDING.decode(row["binding"]),
        pool=row["pool"],
        actions=frozenset(row["actions"]),
        tags=_filter(row),
        slots=row["slots"],
        version=row["version"],
    )


async def renew(
    database: Database, sessions: Sequence[tuple[int, UUID]], now: datetime, expires_at: datetime
) -> set[UUID]:
    """Renews sessions (namespace, id); those that come back live, the others have ended."""
    rows = await database.fetch(
        "workers_renew", [one[0] for one in sessions], [one[1] for one in sessions], now, expires_at
    )
    return {row["session"] for row in rows}


async def set_filter(database: Database, namespace: int, session: UUID, tags: frozenset[str] | None) -> None:
    """The session filters by these tags from now on."""
    await database.execute("worker_filter", namespace, session, None if tags is None else sorted(tags))


async def leave(database: Database, namespace: int, session: UUID, now: datetime) -> bool:
    """Ends a session; whether it was live."""
    return await database.fetchrow("worker_leave", namespace, session, now) is not None


async def leave_by_token(database: Database, namespace: int, token: str, now: datetime) -> list[UUID]:
    """Ends all sessions of a token: those that it ended."""
    return [row["session"] for row in await database.fetch("workers_leave_by_token", namespace, token, now)]


async def live(database: Database, namespace: int, now: datetime) -> list[LiveWorker]:
    """All workers of a namespace with a live session, by name."""
    return [
        LiveWorker(
            name=row["name"],
            capabilities=_CAPABILITIES.decode(row["capabilities"]),
            binding=_BINDING.decode(row["binding"]),
            pool=row["pool"],
            actions=frozenset(row["actions"]),
            tags=_filter(row),
            slots=row["slots"],
            busy=row["busy"],
            version=row["version"],
            registered_at=row["registered_at"],
            seen_at=row["seen_at"],
        )
        for row in await database.fetch("workers_live", namespace, now)
    ]


def _filter(row: Record) -> frozenset[str] | None:
    return None if row["tags"] is None else frozenset(row["tags"])
