"""Results that the server has not acknowledged: in memory to be sent, on disk to outlive us.

A result goes out at once, and to disk a moment later if it is not acknowledged by then: the disk matters only if we
die before the acknowledgement. A file that outlives its settlement is harmless: the server answers a copy the same.
"""

import asyncio
from pathlib import Path

import msgspec
import structlog

from ostro.actions.marks import write_durably
from ostro.protocol.workers import JobResult
from ostro.values import UUID

Key = tuple[UUID, int]
"""(job, fence)."""

_REQUEST = 8 * 1024 * 1024

_HEAD_START = 0.02
"""Seconds in which most results are acknowledged: those need not touch the disk, which costs more than the job. Who is
killed within them was killed in the last moment of the job.
"""

_log = structlog.get_logger("ostro.worker")


class _Entry:
    __slots__ = ("path", "result", "sent", "settled", "written")

    def __init__(self, result: JobResult, path: Path, *, written: bool) -> None:
        self.result = result
        self.path = path
        self.sent = 0
        self.written = written
        self.settled = False


class Outbox:
    """The results of one worker. Not for several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[Key, _Entry] = {}

    def __len__(self) -> int:
        return len(self._entries)

    def load(self) -> list[JobResult]:
        """Takes up what a former life could not report."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                result = msgspec.json.decode(path.read_bytes(), type=JobResult)
            except (OSError, msgspec.DecodeError) as broken:
                _log.error("a kept result cannot be read", path=str(path), why=str(broken))
                path.unlink(missing_ok=True)
                continue
            self._entries[result.job, result.fence] = _Entry(result, path, written=True)
        return [entry.result for entry in self._entries.values()]

    def put(self, result: JobResult, group: asyncio.TaskGroup) -> None:
        """Keeps a result until it is settled; the disk is written by a task of the group."""
        key = (result.job, result.fence)
        path = self._folder / f"{result.job}-{result.fence}.json"
        entry = self._entries[key] = _Entry(result, path, written=False)
        group.create_task(self._write(entry))

    def unsent(self) -> list[JobResult]:
        """What no open request carries; not more of it than one request should."""
        chosen: list[JobResult] = []
        room = _REQUEST
        for entry in self._entries.values():
            if not entry.sent:
                room -= 0 if entry.result.result is msgspec.UNSET else len(bytes(entry.result.result))
                if chosen and room < 0:
                    break
                chosen.append(entry.result)
        return chosen

    def replace(self, results: list[JobResult], error: str) -> None:
        """What the server cannot take ends as an error without a result."""
        for result in results:
            entry = self._entries.get((result.job, result.fence))
            if entry is not None:
                entry.result = msgspec.structs.replace(
                    result, state="ERROR", result=msgspec.UNSET, error=error
                )

    def reduce(self, key: Key, error: str) -> bool:
        """The server refused this one: it ends as an error without a result. False if it already was one."""
        entry = self._entries.get(key)
        if entry is None or entry.result.result is msgspec.UNSET:
            return False
        self.replace([entry.result], error)
        return True

    def carried(self, results: list[JobResult], by: int) -> None:
        """A request with these was opened (+1), or is over (-1)."""
        for result in results:
            entry = self._entries.get((result.job, result.fence))
            if entry is not None:
                entry.sent += by

    def settle(self, key: Key) -> None:
        """The server has decided about it, in whatever way. Harmless when repeated."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            entry.settled = True
            if entry.written:
                entry.path.unlink(missing_ok=True)

    async def _write(self, entry: _Entry) -> None:
        await asyncio.sleep(_HEAD_START)
        if self._entries.get((entry.result.job, entry.result.fence)) is not entry:
            return  # acknowledged
        try:
            await asyncio.to_thread(write_durably, entry.path, msgspec.json.encode(entry.result))
        except OSError as full:
            # The result still goes out from memory; only our own death before that would lose it.
            _log.error("a result cannot be kept on disk", path=str(entry.path), why=str(full))
            return
        entry.written = True
        if entry.settled:
            entry.path.unlink(missing_ok=True)
