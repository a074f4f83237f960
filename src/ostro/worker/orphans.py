"""What a former, killed life of this worker left running is ended before anything new is taken."""

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import structlog

from ostro.actions.marks import Mark, all_in, members

_LOOK_EVERY = 0.02
_log = structlog.get_logger("ostro.worker")


async def end_orphans(marks: Path, kill_after: float) -> int:
    """Ends every marked group that still lives: TERM, then KILL. How many processes there were.

    Only the holder of the state folder may call this: then every mark is of a life that is over.
    """
    found = all_in(marks)
    alive = {pid for _, mark in found if mark is not None for pid in members(mark)}
    if alive:
        _log.warning("ending what a former life left running", processes=sorted(alive))
        known = [mark for _, mark in found if mark is not None]
        _signal(known, signal.SIGTERM)
        if not await _gone(known, kill_after):
            _signal(known, signal.SIGKILL)
            await _gone(known, kill_after)
    for path, _ in found:
        path.unlink(missing_ok=True)
    return len(alive)


def _signal(marks: list[Mark], how: signal.Signals) -> None:
    for mark in marks:
        for pid in members(mark):
            with suppress(ProcessLookupError):
                os.kill(pid, how)


async def _gone(marks: list[Mark], seconds: float) -> bool:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            while any(members(mark) for mark in marks):  # noqa: ASYNC110 - not our children
                await asyncio.sleep(_LOOK_EVERY)
            return True
    return False
