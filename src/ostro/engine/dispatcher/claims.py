"""Claims: one statement at a time per server, which serves all polls that wait here.

A queue is *dirty* when it may have claimable jobs. What happened since the last statement (queues that got
jobs, polls that came) is *fresh*; a round looks at that alone, so 5,000 polls that wait cost a round nothing.
"""

import asyncio
from collections.abc import Iterable

from ostro.clock import Clock
from ostro.engine.dispatcher.matching import Dirty, Waiting
from ostro.engine.dispatcher.plan import Party, Plan, plan
from ostro.engine.dispatcher.session import Poll
from ostro.engine.parked import Hint, Parked
from ostro.engine.queues import Queues
from ostro.errors import StorageError
from ostro.store import queue as store
from ostro.store.database import Database
from ostro.store.queue import Granted, Queue

_LOOKED_AT = 2_000
"""Queues of a namespace that one fall-back look lists; the next look goes on from there."""

_BEFORE_ALL = -(2**63)


class Claims:
    """Matches dirty queues with waiting polls, and leases jobs to their sessions."""

    def __init__(
        self, database: Database, clock: Clock, parked: Parked, queues: Queues, work: asyncio.Event
    ) -> None:
        self._database = database
        self._clock = clock
        self._parked = parked
        self._queues = queues
        self._work = work
        self._dirty = Dirty()
        self._waiting: Waiting[Poll] = Waiting()
        self._fresh_queues: dict[Queue, None] = {}
        self._fresh_polls: dict[Poll, None] = {}
        self._unknown: set[tuple[int, int]] = set()
        self._returned: list[Granted] = []
        self._look_on_after: dict[int, int] = {}

    def wait_for(self, poll: Poll) -> None:
        """The poll waits for jobs from now on."""
        self._waiting.add(poll, poll.session.worker)
        self._fresh_polls[poll] = None
        self._work.set()

    def quit(self, poll: Poll) -> None:
        """The poll waits no more."""
        self._waiting.discard(poll)
        self._fresh_polls.pop(poll, None)

    def hint(self, namespace: int, queues: Iterable[int]) -> None:
        """These queues may have claimable jobs; one that is not known here is learned first."""
        for queue in queues:
            known = self._queues.get(namespace, queue)
            if known is None:
                self._unknown.add((namespace, queue))
            else:
                self._mark(known)
        self._work.set()

    def give_back(self, grants: Iterable[Granted]) -> None:
        """These never reached their worker; their leases are freed before anything else is claimed."""
        self._returned.extend(grants)
        self._work.set()

    async def free(self) -> None:
        """Frees what was given back."""
        if not self._returned:
            return
        grants = list(self._returned)
        freed = await store.give_back(self._database, grants)
        del self._returned[: len(grants)]
        self.announce(freed)

    def announce(self, queues: Iterable[tuple[int, int]]) -> None:
        """These (namespace, queue) have claimable jobs again, for this server and the others."""
        by_namespace: dict[int, set[int]] = {}
        for namespace, queue in queues:
            by_namespace.setdefault(namespace, set()).add(queue)
        for namespace, some in by_namespace.items():
            self._parked.tell(Hint(namespace, queues=tuple(some)))

    async def round(self) -> None:
        """One statement at most; `work` is set again if there is more to do."""
        await self._learn()
        queues, self._fresh_queues = self._fresh_queues, {}
        polls, self._fresh_polls = self._fresh_polls, {}
        planned = plan(queues, polls, self._dirty, self._waiting)
        for queue in planned.left:
            self._mark(queue)
        if planned.parties:
            await self._claim(planned)
        for poll in polls:
            if poll.brief:
                poll.done.set()

    async def _claim(self, planned: Plan) -> None:
        for party in planned.parties:
            for queue in party.queues:
                self._dirty.discard(queue)  # before the statement: a hint that comes meanwhile marks it again
        try:
            grants = await store.claim(self._database, planned.offer(), self._clock.now())
        except StorageError:
            self._undo(planned.parties)
            raise
        self._deliver(planned.parties, grants)

    async def look(self) -> None:
        """The fall-back: which queues have claimable jobs, wherever somebody waits. One statement for all."""
        after = {one: self._look_on_after.get(one, _BEFORE_ALL) for one in self._waiting.namespaces()}
        if not after:
            return
        found = await store.filled(self._database, sorted(after.items()), _LOOKED_AT)
        by_namespace: dict[int, list[int]] = {}
        for namespace, queue in found:
            by_namespace.setdefault(namespace, []).append(queue)
        for namespace in after:
            queues = by_namespace.get(namespace, [])
            full = len(queues) >= _LOOKED_AT
            self._look_on_after[namespace] = max(queues) if full else _BEFORE_ALL
            self.hint(namespace, [queue for queue in queues if not self._is_dirty(namespace, queue)])

    def _is_dirty(self, namespace: int, queue: int) -> bool:
        known = self._queues.get(namespace, queue)
        return known is not None and known in self._dirty

    def _mark(self, queue: Queue) -> None:
        self._dirty.add(queue)
        self._fresh_queues[queue] = None
        self._work.set()

    async def _learn(self) -> None:
        if not self._unknown:
            return
        keys = list(self._unknown)
        await self._queues.load(keys)
        for key in keys:
            self._unknown.discard(key)
            known = self._queues.get(*key)
            if known is not None:
                self._mark(known)

    def _deliver(self, parties: list[Party], grants: list[Granted]) -> None:
        by_session = {poll.session.id: (party, poll) for party in parties for poll in party.polls}
        taken: dict[Party, int] = {}
        for grant in grants:
            party, poll = by_session[grant.session]
            taken[party] = taken.get(party, 0) + 1
            if not poll.session.receive(grant):
                self.give_back([grant])
            self.quit(poll)  # it answers now; what is free still comes with the next request
        for party in parties:
            if taken.get(party, 0) >= len(party.slots):  # there may be more than they could take
                for queue in party.queues:
                    self._mark(queue)

    def _undo(self, parties: list[Party]) -> None:
        """Whether the claim was committed is unknown: rows tell, when the sessions ask next."""
        for party in parties:
            for queue in party.queues:
                self._mark(queue)
            for poll in party.polls:
                poll.session.distrust()
