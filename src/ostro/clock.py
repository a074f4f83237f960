"""The database's time, kept as an offset to the monotonic clock; and new ids, which begin with it.

Owns the clocks: everybody else is given a time, or this `Clock`.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import uuid_utils.compat

from ostro.values import UUID


class Clock:
    """Tells the database's time without asking it each time. It never goes back."""

    def __init__(self, measure: Callable[[], Awaitable[datetime]]) -> None:
        self._measure = measure
        self._offset = datetime.now(UTC) - timedelta(seconds=time.monotonic())
        self._last = datetime.min.replace(tzinfo=UTC)

    async def set(self) -> None:
        """Measures the offset; half of the round trip counts as the way there. At connect and every 30 s."""
        before = time.monotonic()
        theirs = await self._measure()
        after = time.monotonic()
        self._offset = theirs - timedelta(seconds=(before + after) / 2)

    def now(self) -> datetime:
        """The database's time, UTC."""
        moment = self._offset + timedelta(seconds=time.monotonic())
        self._last = max(self._last, moment)
        return self._last


def monotonic() -> float:
    """Seconds that only grow, for measuring how long something took here."""
    return time.monotonic()


async def pause(seconds: float) -> None:
    """Waits. For loops that have nothing to wait for but time."""
    await asyncio.sleep(seconds)


def new_id() -> UUID:
    """A UUIDv7: ordered by the time of its making."""
    return uuid_utils.compat.uuid7()
