"""Results that the server has not acknowledged: in memory to be sent, on disk to outlive us.

A result goes out at once, and to disk a moment later if it is not acknowledged by then: the disk matters only if we
die before the acknowledgement. What waits at that moment goes into one file, which costs one `fsync`; it is taken away
when all of it is settled. A file that outlives its settlement is harmless: the server answers a copy the same.
"""

import asyncio
from itertools import count
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


class _File:
    """A file of results; `left` of them are not settled yet."""

    __slots__ = ("left", "path")

    def __init__(self, path: Path, left: int) -> None:
        self.path = path
        self.left = left

    def settle(self) -> None:
        self.left -= 1
        if self.left == 0:
            self.path.unlink(missing_ok=True)


class _Entry:
    __slots__ = ("file", "result", "sent")

    def __init__(self, result: JobResult, file: _File | None = None) -> None:
        self.result = result
        self.file = file
        self.sent = 0


class Outbox:
    """The results of one worker. Not for several threads."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._entries: dict[Key, _Entry] = {}
        self._unkept: dict[Key, _Entry] = {}
        self._numbers = count(1)
        self._keeping = False

    def __len__(self) -> int:
        return len(self._entries)

    def load(self) -> list[JobResult]:
        """Takes up what a former life could not report."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                number = int(path.stem)
                results = msgspec.json.decode(path.read_bytes(), type=list[JobResult])
            except (OSError, ValueError) as broken:
                _log.error("kept results cannot be read", path=str(path), why=str(broken))
                path.unlink(missing_ok=True)
                continue
            self._numbers = count(number + 1)
            file = _File(path, len(results))
            for result in results:
                self._entries[result.job, result.fence] = _Entry(result, file)
        return [entry.result for entry in self._entries.values()]

    def put(self, result: JobResult, group: asyncio.TaskGroup) -> None:
        """Keeps a result until it is settled; the disk is written by a task of the group."""
        key = (result.job, result.fence)
        self._entries[key] = self._unkept[key] = _Entry(result)
        if not self._keeping:
            self._keeping = True
            group.create_task(self._keep())

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
        self._unkept.pop(key, None)
        entry = self._entries.pop(key, None)
        if entry is not None and entry.file is not None:
            entry.file.settle()

    async def _keep(self) -> None:
        """Writes what is not acknowledged in time, until nothing waits to be written."""
        while self._unkept:
            young = list(self._unkept)
            await asyncio.sleep(_HEAD_START)
            entries = {key: entry for key in young if (entry := self._unkept.get(key)) is not None}
            if entries:
                await self._write(entries)
        self._keeping = False

    async def _write(self, entries: dict[Key, _Entry]) -> None:
        file = _File(self._folder / f"{next(self._numbers):012}.json", len(entries))
        text = msgspec.json.encode([entry.result for entry in entries.values()])
        try:
            await asyncio.to_thread(write_durably, file.path, text)
        except OSError as full:
            # The results still go out from memory; only our own death before that would lose them.
            _log.error("results cannot be kept on disk", path=str(file.path), why=str(full))
        for key, entry in entries.items():
            if self._unkept.pop(key, None) is None:
                file.settle()  # acknowledged meanwhile
            else:
                entry.file = file
