"""What one job writes, as far as the server does not have it.

A piece is cut once and sent again unchanged until it is acknowledged, so that the server can tell a copy
by its offset. Nothing here blocks a job: what is above the server's limit is dropped.
"""

import asyncio
from collections import deque

from ostro.actions.context import Stream
from ostro.protocol.workers import HeldJob, LogChunk

CHUNK = 256 * 1024


class Log:
    """The log of one job; `limit` is how many bytes the server takes. `empty` is set while it has all of them."""

    def __init__(self, held: HeldJob, limit: int) -> None:
        self._held = held
        self._limit = limit
        self._offset = 0
        self._chunks: deque[LogChunk] = deque()
        self._sealed = 0  # so many were sent before: they stay as they are
        self.closed = False
        self.empty = asyncio.Event()
        self.empty.set()

    @property
    def job(self) -> HeldJob:
        """Whose log it is."""
        return self._held

    def add(self, stream: Stream, piece: bytes) -> None:
        """Takes what the job wrote. Pieces of one stream in a row become one."""
        # What begins below the limit is kept whole: from it the server sees that there was more, and marks it.
        if self.closed or self._offset > self._limit:
            return
        for start in range(0, len(piece), CHUNK):
            self._append(stream, piece[start : start + CHUNK])
        self.empty.clear()

    def next(self, room: int) -> list[LogChunk]:
        """The first pieces, at most `room` bytes of them, but one in any case. From now on they are cut."""
        chosen: list[LogChunk] = []
        for chunk in self._chunks:
            room -= len(chunk.data)
            if chosen and room < 0:
                break
            chosen.append(chunk)
        self._sealed = max(self._sealed, len(chosen))
        return chosen

    def acknowledge(self, count: int) -> None:
        """The server has the first `count` pieces."""
        for _ in range(min(count, len(self._chunks))):
            self._chunks.popleft()
        self._sealed = max(0, self._sealed - count)
        if not self._chunks:
            self.empty.set()

    def close(self) -> None:
        """Nothing more of this one is wanted."""
        self.closed = True
        self._chunks.clear()
        self._sealed = 0
        self.empty.set()

    def _append(self, stream: Stream, piece: bytes) -> None:
        last = self._chunks[-1] if len(self._chunks) > self._sealed else None
        if last is not None and last.stream == stream and len(last.data) + len(piece) <= CHUNK:
            last.data += piece
        else:
            held = self._held
            self._chunks.append(
                LogChunk(
                    workflow=held.workflow,
                    job=held.job,
                    fence=held.fence,
                    offset=self._offset,
                    stream=stream,
                    data=piece,
                )
            )
        self._offset += len(piece)
