"""The desk: what every use case needs, in one place."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from ostro.clock import Clock
from ostro.engine.dispatcher import Dispatcher
from ostro.engine.lanes import Lanes
from ostro.engine.parked import Parked
from ostro.errors import StorageUnavailable
from ostro.service.access import Caller, Gate
from ostro.service.keys import JobKeys
from ostro.store.database import Connection, Database
from ostro.store.tables import audit
from ostro.store.tables.audit import Audited
from ostro.values import UUID, Limits, Timing


class Closing(asyncio.Event):
    """Set when the server is to stop: nobody waits here any longer. What heeds it is cancelled then."""

    def __init__(self) -> None:
        super().__init__()
        self._heeding: set[asyncio.Task[object]] = set()

    def set(self) -> None:
        """The server is to stop."""
        super().set()
        for task in list(self._heeding):
            task.cancel()

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """The block ends in StorageUnavailable when the server closes: a task for each wait would cost more."""
        task = asyncio.current_task()
        if task is None or self.is_set():
            raise _closing()
        self._heeding.add(task)
        try:
            yield
        except asyncio.CancelledError:
            if not self.is_set():
                raise
            task.uncancel()
            raise _closing() from None
        finally:
            self._heeding.discard(task)


def _closing() -> StorageUnavailable:
    return StorageUnavailable("This server is closing.")


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
    closing: Closing


async def note(desk: Desk, writer: Database | Connection, caller: Caller, what: str, detail: str) -> None:
    """A line of the audit trail; by the transaction that does what it tells, where there is one."""
    line = Audited(id=desk.new_id(), at=desk.clock.now(), who=caller.id, what=what, detail=detail)
    await audit.write(writer, caller.namespace, line)


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
        closing=Closing(),
    )
