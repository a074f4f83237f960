"""Timers that struck become events; the lane that decides takes the row away."""

from datetime import timedelta
from functools import partial

from ostro.clock import Clock
from ostro.core.events import DeadlineDue, Event, RetryDue, TimeoutDue
from ostro.loops.namespaces import Namespaces
from ostro.loops.submit import AT_ONCE, LONG_DUE, Due, Lanes, nothing, submit_all
from ostro.store import due
from ostro.store.database import Database
from ostro.store.due import DueTimer


class Timers:
    """The tick of due retries and deadlines."""

    def __init__(self, database: Database, clock: Clock, lanes: Lanes, namespaces: Namespaces) -> None:
        self._database = database
        self._clock = clock
        self._lanes = lanes
        self._namespaces = namespaces

    async def tick(self) -> bool:
        """Submits all that is due; whether there may be more."""
        now = self._clock.now()
        timers = await due.timers(self._database, await self._namespaces.ids(), now, AT_ONCE)
        long_due = now - timedelta(seconds=LONG_DUE)
        await submit_all(
            self._database,
            self._lanes,
            [
                Due(
                    timer.namespace,
                    timer.workflow,
                    _event(timer),
                    partial(due.timer_failed, self._database, timer),
                    partial(due.drop_timer, self._database, timer) if timer.due_at < long_due else nothing,
                )
                for timer in timers
            ],
        )
        return False


def _event(timer: DueTimer) -> Event:
    match timer.kind:
        case "retry":
            return RetryDue(timer.task)
        case "timeout":
            return TimeoutDue(timer.task)
        case _:
            return DeadlineDue()
