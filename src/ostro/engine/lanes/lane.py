"""One lane: takes all that is pending, decides, and writes it in one guarded statement."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
import structlog

from ostro.clock import Clock, monotonic, pause
from ostro.core.effects import Changes
from ostro.core.events import Create, GoOn, Revival
from ostro.core.workflow import Moment
from ostro.engine.lanes.cache import Cache
from ostro.engine.lanes.decided import Broken, Decided, NothingThere, decide_all, queues_of
from ostro.engine.lanes.envelope import Envelope
from ostro.engine.lanes.pending import Pending
from ostro.engine.lanes.places import Places
from ostro.engine.parked import Hint, Parked
from ostro.engine.queues import Queues
from ostro.errors import OstroError, StorageError, StorageUnavailable
from ostro.language.expressions import Need, Unanswered
from ostro.store.commit import Outcome, Write, commit
from ostro.store.database import Database, StatementRefused
from ostro.store.loading.load import Loaded, versions
from ostro.store.loading.reading import Key
from ostro.store.loading.refresh import fresh
from ostro.values import UUID, Limits

_log = structlog.get_logger("ostro.engine.lanes")

_MOST_EVENTS = 500
_LONGEST_BREATH = 0.005
"""Seconds of computing after which others get the event loop."""


class Counts(msgspec.Struct):
    """What a lane did since its start; `seconds` is the time that its commits took."""

    events: int = 0
    commits: int = 0
    seconds: float = 0.0
    handed: int = 0
    slow: int = 0


class Lane:
    """The pending events of the workflows that belong to it, and the loop that works them off.

    `elsewhere` takes a workflow's envelopes to the slow path, with the stamp of an attempt whose outcome nobody
    knows; until it gives the workflow back (`back`), its events wait here.
    """

    def __init__(
        self,
        *,
        database: Database,
        queues: Queues,
        parked: Parked,
        clock: Clock,
        limits: Limits,
        new_id: Callable[[], UUID],
        cache: Cache,
        sent: asyncio.Event,
        elsewhere: Callable[["Lane", Key, list[Envelope], Decided | None], None],
    ) -> None:
        self.cache = cache
        self.database = database
        self.clock = clock
        self.queues = queues
        self._parked = parked
        self._limits = limits
        self._new_id = new_id
        self._elsewhere = elsewhere
        self._pending = Pending()
        self._wake = asyncio.Event()
        self.places = Places(parked, queues)
        self.sent = sent
        """Set when there are messages to deliver to other workflows."""
        self.counts = Counts()
        self.offered: dict[int, dict[Need, object]] = {}
        """By namespace, the actions of which is known that a worker has offered them: asked for once."""

    # -- in and out ---------------------------------------------------------------------------------

    def put(self, envelope: Envelope) -> None:
        """An event for a workflow of this lane."""
        self._pending.put(envelope)
        self._wake.set()

    @property
    def pending(self) -> int:
        """How many events wait."""
        return self._pending.count

    def back(self, key: Key) -> None:
        """The slow path is through with a workflow."""
        self._pending.release(key)
        self._wake.set()

    def send_away(self, key: Key, envelopes: list[Envelope], attempt: Decided | None = None) -> None:
        """These go the slow way; what comes for the workflow meanwhile waits."""
        self.counts.slow += 1
        self._pending.hold(key)
        self._elsewhere(self, key, envelopes, attempt)

    def moment(
        self, namespace: int, answers: Mapping[Need, object] | None = None, *, asks: bool = True
    ) -> Moment:
        """Now, for a decision, with what was asked before; without `asks` it gets no further answer."""
        known = {**self.offered.get(namespace, {}), **(answers or {})}
        return Moment(self.clock.now(), self._new_id, self._limits, known, asks=asks)

    async def run(self) -> None:
        """Forever. Idle, an event goes through at once; under load the batches grow by themselves."""
        while True:
            await self._wake.wait()
            batch = self._pending.take(_MOST_EVENTS)
            if not batch:
                self._wake.clear()
                continue
            self.counts.events += sum(map(len, batch.values()))
            try:
                await self._work(batch)
            except Exception as failed:  # noqa: BLE001  (a lane never ends; its callers hear of it)
                _log.error("lane.failed", exc_info=failed)
                self._give_up(batch, failed)

    def _give_up(self, batch: dict[Key, list[Envelope]], failed: Exception) -> None:
        for key, envelopes in batch.items():
            self.cache.drop(key)
            for envelope in envelopes:
                envelope.give(StorageError(f"The event could not be processed: {failed}"))

    # -- one batch ----------------------------------------------------------------------------------

    async def _work(self, batch: dict[Key, list[Envelope]]) -> None:
        await self._refresh(batch)
        decided = await self._decide(batch)
        unchanged = [one for one in decided if one.write is None]
        changed = sorted((one for one in decided if one.write is not None), key=lambda one: one.key)
        try:
            if changed:
                await self._intern(changed)
                await self._commit(changed)
        finally:
            for one in decided:
                _give_slots_back(one, unsure=True)  # none is left, unless something here broke
        if unchanged:
            await self._confirm(unchanged)

    async def _refresh(self, batch: dict[Key, list[Envelope]]) -> None:
        """Reads together what is not in memory and what others write too; what cannot be told goes the slow way."""
        wanted: dict[Key, Loaded | None] = {}
        for key, envelopes in batch.items():
            loaded = self.cache.get(key)
            if loaded.company == "shared" if loaded is not None else not _is_birth(envelopes[0]):
                wanted[key] = loaded
        if not wanted:
            return
        try:
            found = await fresh(self.database, wanted, breathe)
        except StorageError:
            found = {}
        for key in wanted:
            if key in found:
                self.cache.put(key, found[key])
            else:
                self.cache.drop(key)

    async def _decide(self, batch: dict[Key, list[Envelope]]) -> list[Decided]:
        decided = []
        breath = monotonic()
        for key, envelopes in batch.items():
            loaded = self.cache.get(key)
            contested = loaded.company == "contested" if loaded is not None else not _is_birth(envelopes[0])
            if contested or any(isinstance(envelope.event, Revival) for envelope in envelopes):
                self.send_away(key, envelopes)
                continue
            one = self._decide_one(key, loaded, envelopes)
            if one is not None:
                decided.append(one)
                if one.rest:
                    self._pending.put_back(key, one.rest)
            if monotonic() - breath > _LONGEST_BREATH:
                await breathe()
                breath = monotonic()
        return decided

    def _decide_one(self, key: Key, loaded: Loaded | None, envelopes: list[Envelope]) -> Decided | None:
        try:
            return decide_all(key, loaded, envelopes, self.moment(key[0]), self.places, hand_off=True)
        except NothingThere as nothing:
            for envelope, refusal in nothing.answers:
                if _is_birth(envelope):
                    envelope.give(refusal)
            rest = [envelope for envelope in envelopes if not _is_birth(envelope)]
            if rest:  # it may be there, and only not in memory
                self.send_away(key, rest)
        except Unanswered:  # an expression asks about other workflows: there is time for that under the lock
            self.cache.drop(key)
            self.send_away(key, envelopes)
        except Broken as broken:
            self.fail_broken(broken)
            self.cache.drop(key)
            rest = [envelope for envelope in envelopes if envelope is not broken.envelope]
            if rest:
                self.send_away(key, rest)
        return None

    def fail_broken(self, broken: Broken) -> None:
        """The event that the rules failed on fails alone."""
        _log.error("lane.broken_event", workflow=str(broken.envelope.key[1]), exc_info=broken.cause)
        kind = type(broken.envelope.event).__name__
        text = f"{kind} could not be decided: {broken.cause}"
        broken.envelope.give(StorageError(text, hint="This is a fault of Ostro: please report it."))

    async def _confirm(self, unchanged: list[Decided]) -> None:
        """What was answered without a change is true only if the cache is not behind."""
        try:
            present = await versions(self.database, [one.key for one in unchanged])
        except StorageError:
            present = {}
        for one in unchanged:
            if present.get(one.key) == (one.loaded.version, one.loaded.stamp):
                self._answer(one)
            else:
                one.loaded.company = "shared"
                self._once_more(one)

    async def _intern(self, changed: list[Decided]) -> None:
        """Queues exist before the jobs in them; normally since the tasks were added."""
        try:
            await self.queues.intern(
                queues_of([one.write for one in changed if one.write]), beyond_limit=True
            )
        except StorageError:
            for one in changed:
                self._redo(one)
            changed.clear()

    async def _commit(self, changed: list[Decided]) -> None:
        """Together if PostgreSQL takes it, else in halves until the culprit is alone."""
        if not changed:
            return
        writes = [one.write for one in changed if one.write is not None]
        self.counts.commits += 1
        began = monotonic()
        try:
            outcome = await commit(self.database, writes, self.clock.now())
            self.counts.seconds += monotonic() - began
        except StorageUnavailable:
            for one in changed:
                self._redo(one, unsure=True)
        except StatementRefused as refused:
            if refused.try_again or len(changed) == 1:
                for one in changed:
                    self._redo(one)
                return
            middle = len(changed) // 2
            await self._commit(changed[:middle])
            await self._commit(changed[middle:])
        else:
            self.settle(changed, outcome)

    def _redo(self, one: Decided, *, unsure: bool = False) -> None:
        if one.write is not None:
            self.cache.drop(one.key)
        _give_slots_back(one, unsure=unsure)
        self.send_away(one.key, one.envelopes, one if unsure else None)

    def _once_more(self, one: Decided) -> None:
        """Somebody else wrote it first: once more on a fresh look; if that comes too late as well, under the lock."""
        envelopes = one.envelopes
        if any(envelope.tried for envelope in envelopes):
            self._redo(one)
            return
        for envelope in envelopes:
            envelope.tried = True
        if one.write is not None:
            self.cache.drop(one.key)
        _give_slots_back(one, unsure=False)
        self._pending.put_back(one.key, envelopes)

    def settle(self, changed: list[Decided], outcome: Outcome) -> None:
        """Who passed is answered; the others are decided once more."""
        hints: dict[int, tuple[set[int], set[UUID], set[UUID]]] = {}
        for index, one in enumerate(changed):
            if index not in outcome.passed or one.write is None:
                self._once_more(one)
                continue
            queues, sessions, workflows = hints.setdefault(one.key[0], (set(), set(), set()))
            queues.update(placed.queue for placed in one.write.queued if placed.session not in outcome.live)
            sessions.update(outcome.sessions.get(index, ()))
            workflows.add(one.key[1])
            self._hand_over(one, outcome)
            self.passed(one, one.write)
        for namespace, (queues, sessions, workflows) in hints.items():
            self._parked.tell(Hint(namespace, tuple(queues), tuple(sessions), tuple(workflows)))

    def _hand_over(self, one: Decided, outcome: Outcome) -> None:
        for handed in one.handed:
            if handed.slot.session in outcome.live:
                self.counts.handed += 1
                handed.slot.fill(handed.grant)
            else:  # it ended just now: its job is queued like any other
                handed.slot.leave_empty()
        one.handed = []

    def passed(self, one: Decided, write: Write) -> None:
        """A write is durable: the cache moves on, senders are answered, messages to itself followed up."""
        one.loaded.version, one.loaded.stamp = write.version + 1, write.new_stamp
        self.cache.put(one.key, one.loaded)
        self._answer(one)
        self._follow_up(one.key, write.changes)
        if write.sent:
            self.sent.set()

    def _answer(self, one: Decided) -> None:
        for envelope, answer in one.answers:
            envelope.give(answer)
        if one.doubtful:
            self.send_away(one.key, one.doubtful)

    def _follow_up(self, key: Key, changes: Changes) -> None:
        for message, own in changes.messages_sent.items():
            if own.kind == "go_on" and message not in changes.messages_done:
                self.put(Envelope(key, GoOn(message), expires=monotonic() + 60))


async def breathe() -> None:
    """Others get the event loop."""
    await pause(0)


def _give_slots_back(one: Decided, *, unsure: bool) -> None:
    handed, one.handed = one.handed, []
    for job in handed:
        job.slot.doubt() if unsure else job.slot.leave_empty()


def _is_birth(envelope: Envelope) -> bool:
    return isinstance(envelope.event, Create)


def give_all(envelopes: list[Envelope], error: OstroError) -> None:
    """The same error to all who wait."""
    for envelope in envelopes:
        envelope.give(error)
