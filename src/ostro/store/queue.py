"""Queues and their jobs. The rows are the dispatcher's; a lane adds them and takes one away with a result."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ostro.store.database import Database


class Queue(msgspec.Struct, frozen=True, gc=False):
    """What the jobs of a queue share. `tags` are sorted."""

    namespace: int
    id: int
    action: str
    target: dict[str, str]
    tags: tuple[str, ...]


async def intern(database: Database, queues: Sequence[Queue], now: datetime) -> None:
    """Makes the rows that are missing and marks all as in use now. `queues` are in the order of their keys."""
    await database.execute(
        "queues_intern",
        [queue.namespace for queue in queues],
        [queue.id for queue in queues],
        [queue.action for queue in queues],
        [msgspec.json.encode(dict(sorted(queue.target.items()))) for queue in queues],
        [msgspec.json.encode(queue.tags).decode() for queue in queues],
        now,
    )


async def queues(database: Database, keys: Sequence[tuple[int, int]]) -> list[Queue]:
    """The queues with these (namespace, id) that exist."""
    rows = await database.fetch("queues_by_key", [key[0] for key in keys], [key[1] for key in keys])
    return [
        Queue(
            row["namespace"],
            row["id"],
            row["action"],
            msgspec.json.decode(row["target"], type=dict[str, str]),
            tuple(row["tags"]),
        )
        for row in rows
    ]


async def count_queues(database: Database, namespace: int, most: int) -> int:
    """How many queues a namespace has, counting no further than `most`."""
    count: int = await database.fetchval("queues_count", namespace, most)
    return count
