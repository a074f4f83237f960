"""The desk: what every use case needs, in one place."""

import asyncio
from collections.abc import Callable

import msgspec

from ostro.clock import Clock
from ostro.engine.dispatcher import Dispatcher
from ostro.engine.lanes import Lanes
from ostro.engine.parked import Parked
from ostro.service.access import Gate
from ostro.service.keys import JobKeys
from ostro.store.database import Database
from ostro.values import UUID, Limits, Timing


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """Made once for a server by `open_desk`. Once `closing` is set, nobody waits here any longer."""

    database: Database
    lanes: Lanes
    dispatcher: Dispatcher
    parked: Parked
    clock: Clock
    limits: Limits
    timing: Timing
    new_id: Callable[[], UUID]
    gate: Gate
    keys: JobKeys
    closing: asyncio.Event


async def open_desk(
    *,
    database: Database,
    lanes: Lanes,
    dispatcher: Dispatcher,
    parked: Parked,
    clock: Clock,
    limits: Limits,
    timing: Timing,
    new_id: Callable[[], UUID],
) -> Desk:
    """A desk, with the key of job tokens in hand; the first server of a database makes it."""
    keys = JobKeys(database)
    await keys.open(clock.now())
    return Desk(
        database=database,
        lanes=lanes,
        dispatcher=dispatcher,
        parked=parked,
        clock=clock,
        limits=limits,
        timing=timing,
        new_id=new_id,
        gate=Gate(database, keys, clock, limits),
        keys=keys,
        closing=asyncio.Event(),
    )
