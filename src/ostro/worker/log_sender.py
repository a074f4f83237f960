"""Sends what all jobs of a worker write, every so often, and at once when a job has ended."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from ostro.actions.context import Stream
from ostro.errors import OstroError, ServerUnreachable, TooMany
from ostro.protocol.workers import LogChunk, LogsAnswer
from ostro.worker.logs import Log
from ostro.worker.waiting import BackOff

_REQUEST = 2 * 1024 * 1024
_log = structlog.get_logger("ostro.worker")


class LogSender:
    """The logs of the jobs in hand. `send` carries chunks to the server and raises as the transport does."""

    def __init__(
        self, send: Callable[[list[LogChunk]], Awaitable[LogsAnswer]], interval: float, back_off: BackOff
    ) -> None:
        self._send = send
        self._interval = interval
        self._back_off = back_off
        self._logs: dict[Log, None] = {}
        """Those that wrote anything, while somebody wants it."""
        self._something = asyncio.Event()
        self._now = asyncio.Event()

    def add(self, log: Log, stream: Stream, piece: bytes) -> None:
        """Takes what a job wrote; it is sent soon."""
        log.add(stream, piece)
        if not log.empty.is_set():
            self._logs[log] = None
            self._something.set()

    async def finish(self, log: Log) -> None:
        """Returns when the server has the whole log, or does not want it."""
        if not log.empty.is_set():
            self._something.set()
            self._now.set()
            await log.empty.wait()
        self.drop(log)

    def drop(self, log: Log) -> None:
        """Nobody wants this log any more."""
        log.close()
        self._logs.pop(log, None)

    async def run(self) -> None:
        """For ever: sends what there is."""
        while True:
            await self._something.wait()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._now.wait(), self._interval)
            self._something.clear()
            self._now.clear()
            await self._send_all()

    async def _send_all(self) -> None:
        while chosen := self._choose():
            chunks = [chunk for _, part in chosen for chunk in part]
            try:
                answer = await self._send(chunks)
            except (TooMany, ServerUnreachable) as busy:
                await asyncio.sleep(max(getattr(busy, "retry_after", 0.0), self._back_off.next()))
                continue
            except OstroError as refused:
                # Kept back for ever they would keep back the results, which matter more.
                _log.warning("logs were refused", why=str(refused))
                for log, _ in chosen:
                    log.close()
                continue
            self._back_off.reset()
            self._acknowledge(chosen, answer)

    def _choose(self) -> list[tuple[Log, list[LogChunk]]]:
        """A fair part of each log, about as much as one request may carry."""
        waiting = [log for log in self._logs if not log.empty.is_set()]
        room = _REQUEST // max(1, len(waiting))
        return [(log, log.next(room)) for log in waiting]

    def _acknowledge(self, chosen: list[tuple[Log, list[LogChunk]]], answer: LogsAnswer) -> None:
        unwanted = {*answer.full, *answer.refused}
        for log, part in chosen:
            if log.job.job in unwanted:
                log.close()
            else:
                log.acknowledge(len(part))
