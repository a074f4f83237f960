"""Claims: one statement at a time per server, which serves all polls that wait here; and hand-offs without one.

A queue is *dirty* when it may have claimable jobs. What happened since the last statement (queues that got
jobs, polls that came) is *fresh*; a round looks at that alone, so 5,000 polls that wait cost a round nothing.
"""

import asyncio
from collections.abc import Iterable
from itertools import islice

from ostro.clock import Clock
from ostro.engine.dispatcher.matching import Dirty, Waiting
from ostro.engine.dispatcher.plan import Party, Plan, plan
from ostro.engine.dispatcher.session import Poll
from ostro.engine.handoff import Slot
from ostro.engine.parked import Hint, Parked
from ostro.engine.queues import Queues
from ostro.errors import StorageError
from ostro.store import queue as store
from ostro.store.database import Database
from ostro.store.queue import Granted, Queue
from ostro.values import UUID

_LOOKED_AT = 2_000
"""Queues of a namespace that one fall-back look lists; the next look goes on from there."""

_POLLS_ASKED = 16
"""Waiting polls that are asked for a slot before a job is queued."""

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
        self.claims = 0
        self.granted = 0
        self.given_back = 0

    def wait_for(self, poll: Poll) -> None:
        """The poll waits for jobs from now on."""
        self._waiting.add(poll, poll.session.worker)
        if any(self._dirty.served_by(poll.session.worker)):
            self._fresh_polls[poll] = None
            self._work.set()
        elif poll.brief and not poll.reserved and not poll.offered:
            poll.done.set()  # a claim would find nothing

    @property
    def waiting(self) -> int:
        """How many polls wait here for jobs."""
        return len(self._waiting)

    def quit(self, poll: Poll) -> None:
        """The poll waits no more."""
        self._waiting.discard(poll)
        self._fresh_polls.pop(poll, None)

    def slot_for(self, namespace: int, queue: int) -> Slot | None:
        """A slot kept free for a job that a commit would queue, where no queued job could come first.

        The last claim over all that the poll may run came back empty, and nothing was heard since.
        """
        known = self._queues.get(namespace, queue)
        if known is None or known in self._dirty:
            return None
        for poll in islice(self._waiting.serving(known), _POLLS_ASKED):
            if poll.room > 0 and poll.session.trusted and not any(self._dirty.served_by(poll.session.worker)):
                return self._keep(poll)
        return None

    def _keep(self, poll: Poll) -> Slot:
        poll.reserved += 1
        self._waiting.discard(poll)
        if poll.room > 0:
            # Behind the others: jobs spread over those that wait.
            self._waiting.add(poll, poll.session.worker)
        return _Kept(self, poll)

    def filled(self, poll: Poll, grant: Granted) -> None:
        """A commit leased a job to a slot that was kept for it."""
        poll.reserved -= 1
        if not poll.session.receive(grant):
            self.give_back([grant])
        self.quit(poll)
        poll.answer_if_ready()

    def left_empty(self, poll: Poll) -> None:
        """A slot that was kept is free again; the job it was kept for may be queued by now."""
        poll.reserved -= 1
        poll.answer_if_ready()
        if poll.session.poll is not poll or poll.done.is_set():
            self.quit(poll)
        else:
            self.wait_for(poll)

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
        returned = list(grants)
        self._returned += returned
        self.given_back += len(returned)
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
        brief = [poll for poll in polls if poll.brief]
        planned = plan(queues, polls, self._dirty, self._waiting)
        for queue in planned.left:
            self._mark(queue)
        if planned.parties:
            await self._claim(planned)
        for poll in brief:
            if not poll.reserved:
                poll.done.set()

    async def _claim(self, planned: Plan) -> None:
        for party in planned.parties:
            for queue in party.queues:
                self._dirty.discard(queue)  # before the statement: a hint that comes meanwhile marks it again
            for poll in party.slots:
                poll.offered += 1
        try:
            grants, more = await store.claim(self._database, planned.offer(), self._clock.now())
        except StorageError:
            self._undo(planned.parties)
            raise
        finally:
            for party in planned.parties:
                for poll in party.slots:
                    poll.offered = 0
                    poll.answer_if_ready()
        self.claims += 1
        self.granted += len(grants)
        self._deliver(planned.parties, grants, more)
        for party in planned.parties:
            for poll in party.slots:
                if poll.brief and poll in self._waiting:
                    self.wait_for(poll)  # it may have become brief while the statement was under way

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

    def _deliver(self, parties: list[Party], grants: list[Granted], more: set[UUID]) -> None:
        by_session = {poll.session.id: poll for party in parties for poll in party.polls}
        for grant in grants:
            poll = by_session[grant.session]
            if not poll.session.receive(grant):
                self.give_back([grant])
            self.quit(poll)  # it answers now; what is free still comes with the next request
            if grant.place is not None:
                self._queues.advance(grant.namespace, *grant.place)
        for party in parties:
            goes_on = any(poll.session.id in more for poll in party.slots)
            for queue in party.queues:
                if goes_on:
                    self._mark(queue)
                else:
                    self._queues.emptied(queue.namespace, queue.id)

    def _undo(self, parties: list[Party]) -> None:
        """Whether the claim was committed is unknown: rows tell, when the sessions ask next."""
        for party in parties:
            for queue in party.queues:
                self._mark(queue)
            for poll in party.polls:
                poll.session.distrust()


class _Kept:
    """A slot of a waiting poll, kept free for a commit."""

    __slots__ = ("_claims", "_poll")

    def __init__(self, claims: Claims, poll: Poll) -> None:
        self._claims = claims
        self._poll = poll

    @property
    def session(self) -> UUID:
        return self._poll.session.id

    def fill(self, grant: Granted) -> None:
        self._claims.filled(self._poll, grant)

    def leave_empty(self) -> None:
        self._claims.left_empty(self._poll)

    def doubt(self) -> None:
        self._poll.session.distrust()
        self._claims.left_empty(self._poll)
