"""Messages that nobody followed up become events. Normally the lane that wrote one goes on by itself."""

from datetime import timedelta
from functools import partial

from ostro.clock import Clock
from ostro.core.events import GoOn
from ostro.loops.namespaces import Namespaces
from ostro.loops.submit import AT_ONCE, LONG_DUE, Due, Lanes, nothing, submit_all
from ostro.store import due
from ostro.store.database import Database


class Deliver:
    """The tick of due messages."""

    def __init__(self, database: Database, clock: Clock, lanes: Lanes, namespaces: Namespaces) -> None:
        self._database = database
        self._clock = clock
        self._lanes = lanes
        self._namespaces = namespaces

    async def tick(self) -> bool:
        """Submits all that is due; whether there may be more."""
        now = self._clock.now()
        messages = await due.messages(self._database, await self._namespaces.ids(), now, AT_ONCE)
        long_due = now - timedelta(seconds=LONG_DUE)
        await submit_all(
            self._database,
            self._lanes,
            [
                Due(
                    one.namespace,
                    one.workflow,
                    GoOn(one.id),
                    partial(due.message_failed, self._database, one),
                    partial(due.drop_message, self._database, one) if one.due_at < long_due else nothing,
                )
                for one in messages
            ],
        )
        return False
