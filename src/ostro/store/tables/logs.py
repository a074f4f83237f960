"""What jobs wrote: chunks by their offset, one log for each hand-out (fence) of a job."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ostro.store.database import Database
from ostro.values import UUID

HandOut = tuple[UUID, UUID, int]
"""Workflow, job, fence."""


class Chunk(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Bytes that a job wrote; `start` counts the bytes of its log before them."""

    workflow: UUID
    job: UUID
    fence: int
    start: int
    stream: str
    body: bytes

    @property
    def hand_out(self) -> HandOut:
        """Whose log it belongs to."""
        return self.workflow, self.job, self.fence


class Piece(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A chunk as it is read."""

    start: int
    stream: str
    at: datetime
    body: bytes


async def held(database: Database, namespace: int, session: UUID, chunks: Sequence[Chunk]) -> set[HandOut]:
    """The hand-outs among these that are the session's."""
    keys = sorted({chunk.hand_out for chunk in chunks})
    rows = await database.fetch(
        "logs_held", namespace, session, [k[0] for k in keys], [k[1] for k in keys], [k[2] for k in keys]
    )
    return {(row["workflow"], row["job"], row["fence"]) for row in rows}


async def append(database: Database, namespace: int, chunks: Sequence[Chunk], now: datetime) -> None:
    """Writes the chunks, as far as they begin behind what is there: one that comes again changes nothing."""
    await database.execute(
        "logs_append",
        namespace,
        [chunk.workflow for chunk in chunks],
        [chunk.job for chunk in chunks],
        [chunk.fence for chunk in chunks],
        [chunk.start for chunk in chunks],
        [chunk.stream for chunk in chunks],
        [chunk.body for chunk in chunks],
        now,
    )


async def last_fence(database: Database, namespace: int, workflow: UUID, job: UUID) -> int | None:
    """The last hand-out of the job that wrote something."""
    fence: int | None = await database.fetchval("logs_fence", namespace, workflow, job)
    return fence


async def read(
    database: Database, namespace: int, workflow: UUID, job: UUID, *, fence: int, after: int, most: int
) -> list[Piece]:
    """About `most` bytes from offset `after` on; the first piece is cut to begin there."""
    rows = await database.fetch("logs_read", namespace, workflow, job, fence, after, most)
    pieces = []
    for row in rows:
        cut = max(0, after - row["start"])
        body = row["body"][cut:]
        if body:
            pieces.append(Piece(start=row["start"] + cut, stream=row["stream"], at=row["at"], body=body))
    return pieces
