"""Answers kept for requests that may come again under their Idempotency-Key. The lanes write them."""

from datetime import datetime

import msgspec

from ostro.store.database import Database


class KeptAnswer(msgspec.Struct, frozen=True, gc=False):
    """`request` is the hash of what was asked."""

    request: bytes
    status: int
    body: bytes


async def get(database: Database, namespace: int, key: str, now: datetime) -> KeptAnswer | None:
    """What was answered under this key."""
    row = await database.fetchrow("answers_get", namespace, key, now)
    return KeptAnswer(row["request"], row["status"], row["body"]) if row else None
