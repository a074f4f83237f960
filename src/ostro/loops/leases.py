"""Leases whose holder is gone, and jobs that ran too long."""

from datetime import datetime, timedelta
from functools import partial

from ostro.clock import Clock, monotonic
from ostro.core.events import JobLost, JobTimedOut
from ostro.engine.dispatcher import Dispatcher
from ostro.loops.namespaces import Namespaces
from ostro.loops.submit import AT_ONCE, Due, Lanes, nothing, submit_all
from ostro.store import queue as store
from ostro.store.database import Database
from ostro.values import Timing

_LONG_AGO = timedelta(days=36_500)


class Leases:
    """The tick of lost workers and of timeouts.

    After a start, or when this loop could not look for a while (the database was away), nothing expires for
    one full lease: workers could not renew meanwhile. Sessions that left or were replaced do not wait.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        dispatcher: Dispatcher,
        lanes: Lanes,
        namespaces: Namespaces,
        timing: Timing,
    ) -> None:
        self._database = database
        self._clock = clock
        self._dispatcher = dispatcher
        self._lanes = lanes
        self._namespaces = namespaces
        self._lease = timing.lease
        self._looked: float | None = None
        self._steady_since = 0.0
        self._steady_at: datetime | None = None

    async def tick(self) -> bool:
        """Frees and reports all that is lost or overdue."""
        now = self._clock.now()
        namespaces = await self._namespaces.ids()
        steady = self._is_steady(now)
        long_ago = now - _LONG_AGO
        lost = await self._dispatcher.free_lost(namespaces, now if steady else long_ago)
        # What ran out while nobody could report a result waits with the leases.
        since = long_ago if steady or self._steady_at is None else self._steady_at
        overdue = await store.overdue(self._database, namespaces, now, since, AT_ONCE)
        await submit_all(
            self._database,
            self._lanes,
            [
                *(self._due(one, JobLost(one.job, one.fence, one.worker)) for one in lost),
                *(self._due(one, JobTimedOut(one.job, one.fence)) for one in overdue),
            ],
        )
        self._looked = monotonic()
        return False

    def _is_steady(self, now: datetime) -> bool:
        """Whether this loop has looked without a gap for one lease."""
        moment = monotonic()
        if self._looked is None or moment - self._looked > self._lease / 2:
            self._steady_since, self._steady_at = moment, now
        self._looked = moment
        return moment - self._steady_since >= self._lease

    def _due(self, one: store.LostLease | store.Overdue, event: JobLost | JobTimedOut) -> Due:
        failed = partial(store.failed, self._database, one.namespace, one.workflow, one.job)
        return Due(one.namespace, one.workflow, event, failed, nothing)
