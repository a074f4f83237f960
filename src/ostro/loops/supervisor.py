"""Runs ticks: wakes them, waits for them, logs and outlives their errors, stops them."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress

import msgspec
import structlog

from ostro.errors import StorageError

_log = structlog.get_logger("ostro.loops")

_FIRST_BACK_OFF = 0.1
_LONGEST_BACK_OFF = 5.0


class Loop(msgspec.Struct, frozen=True, kw_only=True):
    """A tick, called again `every` so many seconds, and at once when `wake` is set.

    A tick that returns True has more to do and is called again at once.
    """

    name: str
    tick: Callable[[], Awaitable[bool | None]]
    every: float
    wake: asyncio.Event | None = None


class Supervisor:
    """All loops of a server. `run` ends after `stop`, when each tick under way has ended."""

    def __init__(self, loops: Iterable[Loop]) -> None:
        self._loops = list(loops)
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """Lets the ticks under way end, and begins no other."""
        self._stopping.set()

    async def run(self) -> None:
        """Runs all loops until `stop`."""
        async with asyncio.TaskGroup() as group:
            for loop in self._loops:
                group.create_task(self._keep(loop), name=f"loop {loop.name}")

    async def _keep(self, loop: Loop) -> None:
        wake = loop.wake if loop.wake is not None else asyncio.Event()
        async with asyncio.TaskGroup() as group:
            stopper = group.create_task(self._wake_at_stop(wake))
            back_off = _FIRST_BACK_OFF
            while not self._stopping.is_set():
                wake.clear()  # before the tick: what comes meanwhile makes another
                outcome = await _tick(loop)
                if outcome is None:
                    # Full jitter, so that servers do not come back to a database all at once.
                    await self._rest(random.uniform(0, back_off))  # noqa: S311
                    back_off = min(_LONGEST_BACK_OFF, back_off * 2)
                    continue
                back_off = _FIRST_BACK_OFF
                if not outcome and not self._stopping.is_set():
                    await _wait(wake, loop.every)
            stopper.cancel()

    async def _wake_at_stop(self, wake: asyncio.Event) -> None:
        await self._stopping.wait()
        wake.set()

    async def _rest(self, seconds: float) -> None:
        await _wait(self._stopping, seconds)


async def _tick(loop: Loop) -> bool | None:
    """Whether there is more to do; None after an error."""
    try:
        return bool(await loop.tick())
    except StorageError as away:
        _log.warning("loop_waits", loop=loop.name, why=str(away))
    except Exception:  # noqa: BLE001 - a loop outlives its errors
        _log.exception("loop_failed", loop=loop.name)
    return None


async def _wait(event: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
