"""Drops what is old: answers past their time, queues and texts out of use, names, workers and tokens long gone."""

from datetime import timedelta

from ostro.clock import Clock
from ostro.engine.queues import Queues
from ostro.loops.namespaces import Namespaces
from ostro.store import due
from ostro.store.database import Database

_QUEUES_UNUSED = timedelta(days=1)
_WORKERS_GONE = timedelta(days=7)
_TOKENS_ENDED = timedelta(days=30)
_LIBRARIES_UNUSED = timedelta(days=1)
_DEFINITIONS_GONE = timedelta(days=30)
_AT_ONCE = 1_000


class Prune:
    """The tick of everything that goes away by itself."""

    def __init__(self, database: Database, clock: Clock, queues: Queues, namespaces: Namespaces) -> None:
        self._database = database
        self._clock = clock
        self._queues = queues
        self._namespaces = namespaces

    async def tick(self) -> bool:
        """Drops a bounded part; whether there may be more."""
        now = self._clock.now()
        namespaces = await self._namespaces.ids()
        answers = await due.prune_answers(self._database, namespaces, now, _AT_ONCE)
        dropped = await due.prune_queues(self._database, namespaces, now - _QUEUES_UNUSED, _AT_ONCE)
        self._queues.forget(dropped)
        await due.prune_workers(self._database, namespaces, now - _WORKERS_GONE)
        ended = await due.prune_tokens(self._database, namespaces, now - _TOKENS_ENDED, _AT_ONCE)
        looked_at = await due.prune_libraries(
            self._database, namespaces, now - _LIBRARIES_UNUSED, now, _AT_ONCE
        )
        names = await due.prune_definitions(self._database, namespaces, now - _DEFINITIONS_GONE, _AT_ONCE)
        return max(answers, len(dropped), ended, looked_at, names) >= _AT_ONCE
