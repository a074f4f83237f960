"""The dispatcher: register, poll, leave; and the three ticks that its loops call.

One coroutine at a time (`claim`) frees, reads anew and claims, so what a session holds in memory follows its
rows in order.
"""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from datetime import datetime

import msgspec

from ostro.clock import Clock
from ostro.engine.dispatcher.claims import Claims
from ostro.engine.dispatcher.session import Answered, Ask, Poll, Session
from ostro.engine.dispatcher.sessions import Sessions
from ostro.engine.parked import Hint, Parked
from ostro.engine.queues import Queues
from ostro.errors import StorageUnavailable
from ostro.store import queue as store
from ostro.store import workers
from ostro.store.database import Database
from ostro.store.queue import Granted, Held, LostLease
from ostro.store.workers import LiveWorker, Worker
from ostro.values import UUID, Limits, Timing

_LOST_AT_ONCE = 1_000

Settle = Callable[[], Awaitable[Collection[Held]]]
"""Makes the results that came with a poll count; which jobs are settled by it."""


class Counts(msgspec.Struct, frozen=True):
    """Claim statements, jobs that they granted, leases given back because a worker had gone; live sessions."""

    claims: int
    granted: int
    given_back: int
    sessions: int


class Dispatcher:
    """The one writer of queue rows.

    Its ticks `claim` (when `work` is set), `look` (each `timing.fall_back`, and when `blind` is set) and
    `renew` (about each second) are called by loops; `lost` is set when a session has ended and its leases are
    to be freed.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        parked: Parked,
        queues: Queues,
        *,
        timing: Timing,
        limits: Limits,
        new_id: Callable[[], UUID],
    ) -> None:
        self._database = database
        self._clock = clock
        self._parked = parked
        self._timing = timing
        self._sessions = Sessions(database, clock, timing, limits, new_id)
        self.work = self._sessions.wanted
        self.blind = asyncio.Event()
        self.lost = asyncio.Event()
        self._claims = Claims(database, clock, parked, queues, self.work)
        parked.follow(self._hear)
        parked.offer_slots(self._claims.slot_for)

    async def register(self, worker: Worker, *, held: Iterable[Held] = (), replace: bool = False) -> UUID:
        """Begins a session and returns its id.

        The same instance takes its former session over at once: the `held` jobs move, the others are lost.
        Another instance gets Conflict `worker_name_taken` until the lease has run out, or with `replace` (and
        the same token). TooMany above the limit of sessions per token.
        """
        session, former = await self._sessions.begin(worker, held, replace=replace)
        if former is not None:
            self._parked.tell(Hint(worker.namespace, sessions=(former.session,)))
            self.lost.set()
        return session.id

    async def poll(self, ask: Ask, settle: Settle | None = None) -> Answered:
        """Settles the results that came with it, then waits for something to tell the session: jobs, or jobs to
        stop; at most `ask.wait` seconds, and not at all if something was settled.

        While `settle` runs, the session's free slots may be handed jobs of the very commits that it makes; it
        returns the jobs whose results are settled. With free slots, one claim is tried at least (`wait=0`: come
        back after it). A request older than the last one, and one that a newer takes the place of, come back
        `released`. NotFound `session_unknown`: register again. When cancelled, what it had got is given back;
        call `give_back` if the answer cannot be written.
        """
        session = await self._sessions.find(ask.namespace, ask.token, ask.session)
        ask.free = min(ask.free, session.worker.slots)
        if session.counter is not None and ask.counter < session.counter:
            if settle is not None:
                session.forget(await settle())
            return Answered(session=session.id, counter=ask.counter, released=True)
        poll = self._take_place(session, ask)
        try:
            if settle is not None:
                await self._settle(poll, ask, settle)
            await self._bring_up_to_date(session, ask)
            await self._compare(session, poll, ask)
            if not (poll.done.is_set() or poll.answer.cancels):
                await self._park(poll, ask.wait)
            session.refuse_if_ended()
        except BaseException:
            if not poll.answer.released:
                self._return(session, poll.answer.grants)
            raise
        finally:
            self._claims.quit(poll)
            if session.poll is poll:
                session.poll = None
        if not poll.answer.released:
            self._sessions.renew_soon(session)
        return poll.answer

    async def go_on(self, namespace: int, session: UUID, jobs: Sequence[Held]) -> set[UUID]:
        """What these jobs began goes on elsewhere: they leave the session, and their end comes from outside.

        Returns those of which that is true, also if it was said before; the others are not the session's.
        """
        done = await store.go_on(self._database, namespace, session, jobs)
        workflows = {one.workflow for one in jobs if one.job in done}
        self._parked.tell(Hint(namespace, workflows=tuple(workflows)))
        return done

    def give_back(self, answer: Answered) -> None:
        """The answer was not written, not even in part: its leases are freed at once, unless a newer request came."""
        session = self._sessions.get(answer.session)
        if session is not None and session.counter == answer.counter:
            self._return(session, answer.grants)

    async def find_worker(self, namespace: int, token: str, session: UUID) -> Worker:
        """Whose session it is; NotFound `session_unknown` if it has ended or is another token's."""
        return (await self._sessions.find(namespace, token, session)).worker

    async def leave(self, namespace: int, token: str, session: UUID) -> None:
        """Ends a session: what it still holds is handed out again or lost. NotFound if there is none."""
        await self._sessions.find(namespace, token, session)
        await workers.leave(self._database, namespace, session, self._clock.now())
        self._end(namespace, [session])

    async def end_sessions_of_token(self, namespace: int, token: str) -> None:
        """The token was revoked: its sessions end at once, here and (told by a hint) elsewhere."""
        ended = await workers.leave_by_token(self._database, namespace, token, self._clock.now())
        self._end(namespace, {*ended, *self._sessions.of_token(namespace, token)})

    @property
    def waiting(self) -> int:
        """How many polls wait here for jobs."""
        return self._claims.waiting

    @property
    def counts(self) -> Counts:
        """What was done since the start, and the sessions known now."""
        done = self._claims
        return Counts(done.claims, done.granted, done.given_back, self._sessions.known)

    async def live_workers(self, namespace: int) -> list[LiveWorker]:
        """Who has a live session, by name: for "why is it waiting" and the list of workers."""
        return await workers.live(self._database, namespace, self._clock.now())

    async def claim(self) -> None:
        """A tick: frees what was given back, reads sessions anew, claims. `work` is set if there is more."""
        await self._claims.free()
        await self._sessions.load()
        await self._claims.round()

    async def look(self) -> None:
        """A tick: the fall-back for hints that were lost. Two statements, whoever and how many wait."""
        await self._claims.look()
        await self._sessions.look()

    async def renew(self) -> None:
        """A tick: renews the sessions that were heard of, and checks what they are believed to hold."""
        await self._sessions.renew()
        await self._sessions.compare()

    async def free_lost(self, namespaces: list[int], expired_before: datetime) -> list[LostLease]:
        """Takes jobs from sessions that are no more: safe ones are claimable again, revoked ones are gone.

        Returns the others, a thousand at most: each is to be reported to its workflow as lost.
        """
        lost = await store.lost(self._database, namespaces, expired_before, _LOST_AT_ONCE)
        revoked = [one for one in lost if one.revoked]
        safe = [one for one in lost if one.safe_rerun and not one.revoked]
        if revoked:
            await store.drop_revoked(self._database, revoked)
        if safe:
            self._claims.announce(await store.give_back(self._database, safe))
        if len(lost) == _LOST_AT_ONCE:
            self.lost.set()
        for namespace in {one.namespace for one in lost}:
            sessions = {one.session for one in lost if one.namespace == namespace}
            self._parked.tell(Hint(namespace, sessions=tuple(sessions)))
        return [one for one in lost if not one.revoked and not one.safe_rerun]

    def _hear(self, hint: Hint | None) -> None:
        if hint is None:
            self.blind.set()
            return
        if hint.queues:
            self._claims.hint(hint.namespace, hint.queues)
        if hint.sessions:
            self._sessions.load_soon(hint.sessions)

    def _take_place(self, session: Session, ask: Ask) -> Poll:
        if session.counter is None or ask.counter != session.counter + 1:
            session.distrust()  # another server heard of it meanwhile, or an answer went astray
        session.counter = ask.counter
        if session.poll is not None:
            self._claims.quit(session.poll)
            session.poll.release()
        session.poll = Poll(session, ask)
        self._sessions.renew_soon(session)
        return session.poll

    async def _settle(self, poll: Poll, ask: Ask, settle: Settle) -> None:
        """The results first: what they free, and what follows from them, may come with this very answer."""
        if poll.free and poll.session.trusted:
            self._claims.wait_for(poll)
        settled = await settle()
        poll.settled(settled)
        poll.session.forget(settled)
        if settled:
            ask.wait = 0.0  # the worker wants to know

    async def _bring_up_to_date(self, session: Session, ask: Ask) -> None:
        """What the worker says, and what the rows say if the memory is not to be trusted."""
        if ask.tags is not msgspec.UNSET and ask.tags != session.worker.tags:
            session.worker = msgspec.structs.replace(session.worker, tags=ask.tags)
            await workers.set_filter(self._database, ask.namespace, session.id, ask.tags)
        if not session.trusted:
            self._sessions.load_soon([session.id])
            try:
                async with asyncio.timeout(self._timing.poll):
                    await session.loaded.wait()
            except TimeoutError:
                raise StorageUnavailable("What the session holds could not be read in time.") from None

    async def _compare(self, session: Session, poll: Poll, ask: Ask) -> None:
        """The worker's list against what it holds: tells it to stop, hands out again, clears away."""
        if session.poll is not poll:
            return
        poll.answer.cancels += session.cancels(poll.listed)
        gone = {(one.workflow, one.job): one for one in (*session.gone(poll.listed), *ask.stopped)}
        if gone:
            await store.stopped(self._database, session.worker.namespace, session.id, list(gone))
            session.forget(gone.values())
        missing = session.missing(poll)
        if not missing:
            return
        again = await store.granted_again(self._database, session.worker.namespace, session.id, missing)
        if session.poll is poll:
            there = {grant.job for grant in again}
            session.forget(one for one in missing if one.job not in there)
            poll.answer.grants += again
            poll.answer_if_ready()

    async def _park(self, poll: Poll, seconds: float) -> None:
        """A brief one comes back after one claim was tried; if that takes long, at the next fall-back look."""
        poll.brief = seconds < self._timing.fall_back
        if poll.free:
            self._claims.wait_for(poll)
            seconds = max(seconds, self._timing.fall_back)
        await poll.wait(min(seconds, self._timing.poll))

    def _return(self, session: Session, grants: list[Granted]) -> None:
        """These did not reach the worker."""
        if grants:
            session.forget(Held(grant.workflow, grant.job, grant.fence) for grant in grants)
            self._claims.give_back(grants)

    def _end(self, namespace: int, sessions: Iterable[UUID]) -> None:
        for session in sessions:
            self._sessions.end(session)
        self._parked.tell(Hint(namespace, sessions=tuple(sessions)))
        self.lost.set()
