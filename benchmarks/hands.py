"""A worker's side of the protocol without a worker: takes jobs and reports them at once."""

import asyncio
import time
from collections.abc import Callable
from uuid import UUID

import msgspec

from benchmarks.wire import Wire
from ostro.clock import new_id
from ostro.protocol.workers import (
    POLL_PATH,
    PROTOCOL,
    REGISTER_PATH,
    Grant,
    HeldJob,
    JobResult,
    Poll,
    PollAnswer,
    Register,
    Registered,
)

CAPABILITY = "bench"
"""The key that the bench's worker tokens grant; its values tell one kind of hands from another."""


class Hands:
    """One session with so many slots, whose jobs are done as soon as they arrive, or after `busy` seconds."""

    def __init__(self, wire: Wire, name: str, slots: int, *, does: str = "1", busy: float = 0.0) -> None:
        self._wire, self._name, self._slots, self._does, self._busy = wire, name, slots, does, busy
        self._session: UUID | None = None
        self._counter = 0
        self.longest = 0.0
        """Seconds of the slowest poll that brought results."""

    async def register(self) -> None:
        """Opens the session."""
        wish = Register(
            protocol=PROTOCOL,
            name=self._name,
            instance=new_id(),
            capabilities={CAPABILITY: [self._does]},
            actions=["std.noop"],
            slots=self._slots,
        )
        answer = await self._wire.post(REGISTER_PATH, wish)
        self._session = msgspec.json.decode(answer, type=Registered).session

    async def poll(self, done: list[Grant], wait: float = 20.0) -> list[Grant]:
        """Reports these and takes what there is. They are listed as held until they are acknowledged, as a worker does."""
        self._counter += 1
        assert self._session is not None
        ask = Poll(
            session=self._session,
            counter=self._counter,
            free=self._slots,
            wait=wait,
            held=[HeldJob(workflow=g.workflow, job=g.job, fence=g.fence) for g in done],
            results=[JobResult(workflow=g.workflow, job=g.job, fence=g.fence, state="SUCCESS") for g in done],
        )
        began = time.perf_counter()
        answer = msgspec.json.decode(await self._wire.post(POLL_PATH, ask), type=PollAnswer)
        if done:
            self.longest = max(self.longest, time.perf_counter() - began)
        refused = [settled for settled in answer.settled if settled.status != "accepted"]
        if refused or len(answer.settled) != len(done):
            raise RuntimeError(f"{len(done)} results were reported, and not all accepted: {refused[:1]}")
        return answer.jobs

    async def work(
        self,
        enough: Callable[[int], bool],
        *,
        latencies: list[float] | None = None,
        took: Callable[[list[Grant]], object] = lambda _grants: None,
    ) -> None:
        """Takes and reports until `enough` (told how many were reported) says so.

        `latencies` gets the seconds from each report to the next job; `took` is told what arrives.
        """
        grants: list[Grant] = []
        since = 0.0
        while True:
            since = time.perf_counter() if grants else since
            reported, grants = grants, await self.poll(grants, wait=0.5)
            if latencies is not None and since and grants:  # also where it took a second poll
                latencies.append(time.perf_counter() - since)
            took(grants)
            if enough(len(reported)):
                return
            if grants and self._busy:
                await asyncio.sleep(self._busy)


class Countdown:
    """Says when so many jobs were reported, by however many hands."""

    def __init__(self, jobs: int) -> None:
        self.left = jobs
        self.ended = 0.0
        """When: hands whose poll is parked then come back a little later."""

    def __call__(self, reported: int) -> bool:
        self.left -= reported
        if self.left <= 0 and not self.ended:
            self.ended = time.perf_counter()
        return self.left <= 0


async def work_all(hands: list[Hands], jobs: int) -> float:
    """All of them until so many jobs were reported; the seconds that it took."""
    began, enough = time.perf_counter(), Countdown(jobs)
    async with asyncio.TaskGroup() as group:
        for one in hands:
            group.create_task(one.work(enough))
    return enough.ended - began


async def open_hands(
    wire: Wire, name: str, count: int, slots: int, *, does: str = "1", busy: float = 0.0
) -> list[Hands]:
    """So many sessions."""
    made = [Hands(wire, f"{name}-{n}", slots, does=does, busy=busy) for n in range(count)]
    for one in made:
        await one.register()
    return made
