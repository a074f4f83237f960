"""Tokens and the keys of job tokens. Secrets are kept as hashes only."""

from datetime import datetime
from typing import Any

import msgspec

from ostro.store.database import Connection, Database


class TokenRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A token. `secret` is a hash (empty in lists); `grants` are keys of capabilities."""

    id: str
    namespace: int
    kind: str
    secret: bytes
    label: str = ""
    binding: dict[str, str] = {}
    grants: tuple[str, ...] = ()
    pool: bool = False
    uses_left: int | None = None
    parent: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def counts(self, now: datetime) -> bool:
        """Neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or self.expires_at > now)


class Bound(msgspec.Struct, frozen=True, gc=False):
    """A live worker token, as far as names go. `joined`: it came from a join token."""

    id: str
    label: str
    binding: dict[str, str]
    joined: bool


async def get(database: Database, token: str) -> TokenRow | None:
    """A token by its id, of any namespace."""
    row = await database.fetchrow("tokens_get", token)
    return _row(row) if row else None


async def page(
    database: Database,
    namespace: int,
    *,
    after: str | None,
    kind: str | None,
    dead: bool,
    limit: int,
    now: datetime,
) -> list[TokenRow]:
    """At most `limit` by id, later than `after`; with `dead` also revoked and expired ones."""
    rows = await database.fetch("tokens_list", namespace, after, kind, dead, limit, now)
    return [_row(row) for row in rows]


async def insert(database: Database | Connection, token: TokenRow) -> None:
    """A new token."""
    await database.execute(
        "tokens_insert",
        token.id,
        token.namespace,
        token.kind,
        token.secret,
        token.label,
        msgspec.json.encode(token.binding),
        msgspec.json.encode(token.grants),
        token.pool,
        token.uses_left,
        token.parent,
        token.created_at,
        token.expires_at,
    )


async def revoke(database: Database, namespace: int, token: str, now: datetime) -> str | None:
    """Its kind; None if there is none."""
    row = await database.fetchrow("tokens_revoke", namespace, token, now)
    return row["kind"] if row else None


async def use(connection: Connection, token: str, now: datetime) -> bool:
    """Takes one use of a join token; whether there was one."""
    return await connection.fetchrow("tokens_use", token, now) is not None


async def lock_names(connection: Connection, namespace: int, now: datetime) -> list[Bound]:
    """Who else joins this namespace waits until the transaction ends. What the live worker tokens are bound to."""
    await connection.execute("tokens_lock_names", namespace)
    await connection.execute("tokens_let_go_expired", namespace, now)
    rows = await connection.fetch("tokens_live_bindings", namespace, now)
    return [
        Bound(row["id"], row["label"], _binding(row["binding"]), row["parent"] is not None) for row in rows
    ]


async def keys(database: Database) -> list[tuple[int, bytes]]:
    """The keys of job tokens, the newest first."""
    return [(row["id"], row["secret"]) for row in await database.fetch("tokens_keys")]


async def make_first_key(database: Database, secret: bytes, now: datetime) -> None:
    """Makes the first key, unless another server did."""
    await database.execute("tokens_first_key", secret, now)


def _binding(body: bytes) -> dict[str, str]:
    return msgspec.json.decode(body, type=dict[str, str])


def _row(row: Any) -> TokenRow:
    return TokenRow(
        id=row["id"],
        namespace=row["namespace"],
        kind=row["kind"],
        secret=row["secret"],
        label=row["label"],
        binding=_binding(row["binding"]),
        grants=msgspec.json.decode(row["grants"], type=tuple[str, ...]),
        pool=row["pool"],
        uses_left=row["uses_left"],
        parent=row["parent"],
        created_at=row["created_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
    )
