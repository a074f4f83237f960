"""The door to the lanes: events in, answers out."""

import asyncio
from collections.abc import Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

import structlog

from ostro.clock import Clock, monotonic
from ostro.core.events import Answer, Event, JobEnded
from ostro.core.workflow import Workflow
from ostro.engine.lanes import slow
from ostro.engine.lanes.cache import Cache
from ostro.engine.lanes.decided import Decided, queues_to_come
from ostro.engine.lanes.envelope import Envelope, Look, Once
from ostro.engine.lanes.lane import Counts, Lane, give_all
from ostro.engine.parked import Hint, Parked
from ostro.engine.queues import Queues
from ostro.errors import Conflict, NotFound, OstroError, Overloaded, StorageError, StorageUnavailable
from ostro.store.database import Database
from ostro.store.loading.reading import Key
from ostro.store.placement import MAIN, placement_of
from ostro.values import UUID, Limits, Timing

T = TypeVar("T")

_LANES = 2
"""Measured on two cores: four made smaller commits that took longer (13 ms for 6 events where two take 10 for 8)."""

_SLOW_AT_ONCE = 3
"""Each holds a connection and may need a second one for a moment."""

_GRACE = 5.0
"""Seconds past a sender's patience, in which the slow path itself would answer."""

_log = structlog.get_logger("ostro.engine.lanes")


class Lanes:
    """A server's writers of workflows; a workflow always goes to the same one. `run` must be running."""

    def __init__(
        self,
        *,
        database: Database,
        queues: Queues,
        parked: Parked,
        clock: Clock,
        limits: Limits,
        timing: Timing,
        new_id: Callable[[], UUID],
        cached_tasks: int = 500_000,
    ) -> None:
        self._database = database
        self._parked = parked
        self._queues = queues
        self._patience = timing.request
        self._most_pending = limits.pending_events
        self._group: asyncio.TaskGroup | None = None
        self._few = asyncio.Semaphore(_SLOW_AT_ONCE)
        self.sent = asyncio.Event()
        """Set when there are messages to deliver to other workflows."""
        self._lanes = {
            MAIN: [
                Lane(
                    database=database,
                    queues=queues,
                    parked=parked,
                    clock=clock,
                    limits=limits,
                    new_id=new_id,
                    cache=Cache(cached_tasks // _LANES),
                    sent=self.sent,
                    elsewhere=self._elsewhere,
                )
                for _ in range(_LANES)
            ]
        }
        """By placement: a lane's statements reach one database alone."""

    async def run(self) -> None:
        """Works until cancelled."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            for lane in chain.from_iterable(self._lanes.values()):
                group.create_task(lane.run())

    async def submit(
        self,
        namespace: int,
        workflow: UUID,
        event: Event,
        *,
        once: Once | None = None,
        session: UUID | None = None,
    ) -> Answer:
        """The answer, after the commit.

        Raises Refusal (nothing changed; kind `stale` for a result that nobody waits for), StorageUnavailable
        (try again), AlreadyAnswered (the key of `once` is taken). `session` must hold the job that is reported.
        """
        self._refuse_above_capacity()
        coming = queues_to_come(namespace, event)
        if coming:
            await self._queues.intern(coming)
        key = (namespace, workflow)
        envelope = Envelope(key, event, expires=monotonic() + self._patience, once=once, session=session)
        answer: Answer = await self._answer(envelope)
        return answer

    async def report(
        self, namespace: int, ended: Sequence[tuple[UUID, JobEnded]], session: UUID
    ) -> list[Answer | OstroError]:
        """The answers to many results of one session, each for itself, as `submit` would give or raise them."""
        try:
            self._refuse_above_capacity()
        except Overloaded as busy:
            return [busy] * len(ended)
        expires = monotonic() + self._patience
        envelopes = [
            Envelope((namespace, workflow), event, expires=expires, session=session)
            for workflow, event in ended
        ]
        for envelope in envelopes:
            self._lane(envelope.key).put(envelope)
        answers = [envelope.answer for envelope in envelopes]
        if answers:
            await asyncio.wait(answers, timeout=self._patience + _GRACE)
        return [_heard(envelope) for envelope in envelopes]

    async def peek(self, namespace: int, workflow: UUID, look: Callable[[Workflow], T]) -> T:
        """What `look` reads from the workflow as it is now; it must not change it. NotFound if there is none."""
        key = (namespace, workflow)
        envelope = Envelope(key, Look(look), expires=monotonic() + self._patience)
        seen: T = await self._answer(envelope)
        return seen

    async def _answer(self, envelope: Envelope) -> Any:
        self._lane(envelope.key).put(envelope)
        try:
            async with asyncio.timeout(self._patience + _GRACE):
                return await envelope.answer
        except TimeoutError:
            raise _too_late() from None

    async def delete(self, namespace: int, workflow: UUID) -> None:
        """Takes an ended workflow away with all that belongs to it. NotFound, or Conflict while it runs."""
        key = (namespace, workflow)
        async with self._database.transaction() as connection:
            if await connection.fetchrow("commit_lock", *key) is None:
                raise NotFound("workflow_not_found", f"There is no workflow {workflow}.")
            if await connection.fetchval("commit_is_running", *key):
                raise Conflict(
                    "workflow_running",
                    "The workflow has not ended: only ended ones can be deleted.",
                    hint="Cancel it first, or delete it with `force`, which does.",
                )
            await connection.execute("commit_delete", *key)
        self._lane(key).cache.drop(key)
        self._parked.tell(Hint(namespace, workflows=(workflow,)))

    @property
    def pending(self) -> int:
        """How many events wait for a decision."""
        return sum(lane.pending for lane in chain.from_iterable(self._lanes.values()))

    @property
    def counts(self) -> Counts:
        """What all lanes did since their start."""
        every = [lane.counts for lane in chain.from_iterable(self._lanes.values())]
        names = Counts.__struct_fields__
        return Counts(**{name: sum(getattr(one, name) for one in every) for name in names})

    @property
    def cached_tasks(self) -> int:
        """Tasks of the workflows that are kept in memory."""
        return sum(lane.cache.tasks for lane in chain.from_iterable(self._lanes.values()))

    def _refuse_above_capacity(self) -> None:
        if self.pending >= self._most_pending:
            raise Overloaded(
                f"{self._most_pending} events wait for this server already, as many as it may keep.",
                hint="Try again in a moment; add tasks in batches.",
            )

    def _lane(self, key: Key) -> Lane:
        lanes = self._lanes[placement_of(key[0])]
        return lanes[key[1].int % len(lanes)]

    def _elsewhere(self, lane: Lane, key: Key, envelopes: list[Envelope], attempt: Decided | None) -> None:
        if self._group is None:
            raise AssertionError("the lanes do not run")
        self._group.create_task(self._go_slowly(lane, key, envelopes, attempt))

    async def _go_slowly(
        self, lane: Lane, key: Key, envelopes: list[Envelope], attempt: Decided | None
    ) -> None:
        try:
            async with self._few:
                await slow.work(lane, key, envelopes, attempt)
        except Exception as failed:  # noqa: BLE001  (it must not take the other workflows with it)
            _log.error("lane.failed", workflow=str(key[1]), exc_info=failed)
            lane.cache.drop(key)
            give_all(envelopes, StorageError(f"The event could not be processed: {failed}"))
        finally:
            lane.back(key)


def _heard(envelope: Envelope) -> Answer | OstroError:
    """The answer or the error that was given; an error that is none of ours is raised."""
    if not envelope.answer.done():
        return _too_late()
    failed = envelope.answer.exception()
    if failed is None:
        answer: Answer = envelope.answer.result()
        return answer
    if isinstance(failed, OstroError):
        return failed
    raise failed


def _too_late() -> StorageUnavailable:
    return StorageUnavailable("There was no answer in time; it may come to pass nevertheless.")
