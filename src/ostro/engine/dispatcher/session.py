"""One life of a worker as this server sees it, and its parked poll.

What a session holds is the rows' to say; the memory here is trusted only while each request of the session
came to this server, which its counter shows.
"""

import asyncio
from collections.abc import Iterable
from contextlib import suppress

import msgspec

from ostro.clock import monotonic
from ostro.errors import NotFound
from ostro.store.queue import Granted, Held, HeldRow
from ostro.store.workers import Worker
from ostro.values import UUID

_TOLD_AGAIN_AFTER = 5.0
"""Seconds before a worker that still lists a job is told again to stop it: its processes take a while to end."""

_BEAT = 0.1
"""Seconds between the moments at which long waits end."""
_LONG = 10 * _BEAT


class Ask(msgspec.Struct, kw_only=True):
    """One look for work. `held` lists exactly the jobs that the session holds.

    `token` is the id of the caller's token. `stopped`: jobs that the worker runs no more, nobody having wanted
    their result. `wait` is in seconds.
    """

    namespace: int
    token: str
    session: UUID
    counter: int
    free: int
    wait: float = 0.0
    held: tuple[Held, ...] = ()
    stopped: tuple[Held, ...] = ()
    tags: frozenset[str] | None | msgspec.UnsetType = msgspec.UNSET


class Cancel(msgspec.Struct, frozen=True):
    """Stop this job: `fence` is the one that the worker listed."""

    job: UUID
    fence: int
    why: str


class Answered(msgspec.Struct, kw_only=True):
    """What a poll comes back with. `released`: a newer request of the session took its place."""

    session: UUID
    counter: int
    grants: list[Granted] = []
    cancels: list[Cancel] = []
    released: bool = False


class Poll:
    """A request of a session while it waits here.

    Of its `free` slots some are `reserved` for jobs of commits that are under way, some `offered` to a claim.
    """

    def __init__(self, session: "Session", ask: Ask) -> None:
        self.session = session
        self.free = max(0, ask.free)
        self.reserved = 0
        self.offered = 0
        self.listed = {one.job: one for one in ask.held}
        self.answer = Answered(session=ask.session, counter=ask.counter)
        self.done = asyncio.Event()
        self.parked = False
        self.brief = False

    @property
    def room(self) -> int:
        """Slots that nothing is meant for yet."""
        return self.free - len(self.answer.grants) - self.reserved - self.offered

    def answer_if_ready(self) -> None:
        """It has jobs, and no commit or claim that is under way may still bring more."""
        if self.answer.grants and not self.reserved and not self.offered:
            self.done.set()

    def settled(self, jobs: Iterable[Held]) -> None:
        """Their results were taken, or are wanted by nobody: the worker holds them no longer."""
        for one in jobs:
            self.listed.pop(one.job, None)

    def release(self) -> None:
        """A newer request took its place. What was granted to it goes out with that one's answer."""
        self.answer = Answered(session=self.answer.session, counter=self.answer.counter, released=True)
        self.done.set()

    async def wait(self, seconds: float) -> None:
        """Parked until there is something to answer, at most so long; a long wait may end a beat earlier."""
        self.parked = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_on_the_beat(seconds)):
                await self.done.wait()
        self.parked = False


def _on_the_beat(seconds: float) -> float:
    """Thousands of long polls end together, a few times a second, not each by itself: that takes a third less."""
    if seconds < _LONG:
        return seconds
    now = monotonic()
    return (now + seconds) // _BEAT * _BEAT - now


class Session:
    """What this server knows of one life of a worker."""

    def __init__(self, session: UUID, worker: Worker) -> None:
        self.id = session
        self.worker = worker
        self.counter: int | None = None
        self.trusted = False
        self.ended = False
        self.seen = monotonic()
        self.loaded = asyncio.Event()
        self.poll: Poll | None = None
        self.held: dict[UUID, Held] = {}
        self.revoked: dict[UUID, Held] = {}
        self._handed: dict[UUID, Held] = {}
        """Handed over since a reading of the rows began: it may not have seen them."""
        self._told: dict[UUID, float] = {}

    def refuse_if_ended(self) -> None:
        """NotFound (`session_unknown`) if it is over."""
        if self.ended:
            raise unknown_session()

    def distrust(self) -> None:
        """Something happened to its jobs elsewhere: the rows are to be read again."""
        self.trusted = False
        self.loaded.clear()

    def begin_load(self) -> None:
        """The rows are about to be read."""
        self._handed = {}

    def load(self, rows: Iterable[HeldRow]) -> None:
        """What the rows say that it holds; what was handed over meanwhile is held too."""
        self.held, self.revoked = dict(self._handed), {}
        for row in rows:
            if row.revoked:
                self.held.pop(row.job, None)
            kept = self.revoked if row.revoked else self.held
            kept[row.job] = Held(row.workflow, row.job, row.fence)
        self.trusted = True
        self.loaded.set()

    def receive(self, grant: Granted) -> bool:
        """It got a job; False if nobody waits here who has room for it."""
        if self.poll is None or self.ended or len(self.poll.answer.grants) >= self.poll.free:
            return False
        self.held[grant.job] = self._handed[grant.job] = Held(grant.workflow, grant.job, grant.fence)
        self.poll.answer.grants.append(grant)
        self.poll.answer_if_ready()
        return True

    def tell_poll(self) -> None:
        """The rows were read while a poll is parked: it says what is to be stopped.

        A job that the worker does not list (the answer to its claim was lost) makes it answer too: the next
        request gets that job.
        """
        if self.poll is not None and self.poll.parked:
            self.poll.answer.cancels += self.cancels(self.poll.listed)
            if self.poll.answer.cancels or self.missing(self.poll):
                self.poll.done.set()

    def forget(self, jobs: Iterable[Held]) -> None:
        """These hand-outs are over. A later one of the same job is another matter: that is held still.

        The fence of a revoked job is one further than the worker's.
        """
        for one in jobs:
            for kept, further in ((self.held, 0), (self._handed, 0), (self.revoked, 1)):
                known = kept.get(one.job)
                if known is not None and known.fence <= one.fence + further:
                    del kept[one.job]

    def missing(self, poll: Poll) -> list[Held]:
        """Granted before this poll, and not in its list: they did not arrive."""
        here = {grant.job for grant in poll.answer.grants}
        return [one for job, one in self.held.items() if job not in poll.listed and job not in here]

    def gone(self, listed: dict[UUID, Held]) -> list[Held]:
        """Revoked, and not in the worker's list: nothing runs there to be stopped."""
        return [one for job, one in self.revoked.items() if job not in listed]

    def cancels(self, listed: dict[UUID, Held]) -> list[Cancel]:
        """What the worker lists and does not hold, unless it was told just now."""
        now = monotonic()
        self._told = {job: told for job, told in self._told.items() if job in listed}
        orders = []
        for job, one in listed.items():
            mine = self.held.get(job)
            if mine is not None and mine.fence == one.fence:
                continue
            if now - self._told.get(job, -_TOLD_AGAIN_AFTER) >= _TOLD_AGAIN_AFTER:
                self._told[job] = now
                orders.append(Cancel(job, one.fence, self._why(job)))
        return orders

    def _why(self, job: UUID) -> str:
        if job in self.revoked:
            return "it was cancelled, or ran out of time"
        return "it is not this session's any more"


def unknown_session() -> NotFound:
    """What the worker of a session that ended, or never was, is told."""
    return NotFound("session_unknown", "This session has ended, or never was.", hint="Register again.")
