"""Who waits at this server, and for what: what lanes and dispatcher both stand on.

A hint is never more than a hint: whoever waits looks by itself now and then, so a lost one costs time only.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress

import msgspec

from ostro.clock import new_id
from ostro.engine.handoff import Reserve, Slot
from ostro.errors import StorageError
from ostro.store.database import Database
from ostro.values import UUID

CHANNEL = "ostro_hints"

_LONGEST_PAYLOAD = 7_900  # PostgreSQL takes 8,000 bytes less one
_MOST_PAYLOADS = 8  # above it, one "look everywhere" is cheaper for everybody

_COMPANY = 0.02
"""Seconds. Each NOTIFY is a transaction, and most steps change nothing for other servers but a workflow's version."""


class Hint(msgspec.Struct, frozen=True, array_like=True):
    """What a commit may have changed for somebody who waits.

    `queues` have new jobs, `sessions` had jobs taken from them, `workflows` have a new version.
    """

    namespace: int
    queues: tuple[int, ...] = ()
    sessions: tuple[UUID, ...] = ()
    workflows: tuple[UUID, ...] = ()


class _Letter(msgspec.Struct, array_like=True):
    """One payload. Without hints it says: look everywhere."""

    sender: UUID
    hints: list[Hint] = []


class Woken:
    """One who waits for news of a workflow."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def wake(self) -> None:
        """There may be news."""
        self._event.set()

    async def wait(self, timeout: float) -> bool:
        """Whether there may be news since the last `wait` (or since watching began), within `timeout` seconds.

        Look at the database after it, not before: what comes while you look wakes the next `wait`.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._event.wait()
        woken = self._event.is_set()
        self._event.clear()
        return woken


class Parked:
    """Wakes who waits here; tells other servers, and hears them, through `send` and `listen`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._me = new_id()
        self._watchers: dict[tuple[int, UUID], set[Woken]] = {}
        self._followers: list[Callable[[Hint | None], None]] = []
        self._reserve: Reserve = lambda _namespace, _queue: None
        self._outbox = _Outbox()

    def offer_slots(self, reserve: Reserve) -> None:
        """Jobs of commits may be handed to polls that wait here: `reserve` keeps a slot for one."""
        self._reserve = reserve

    def slot_for(self, namespace: int, queue: int) -> Slot | None:
        """A slot kept free for a job of the queue; None if the job must be queued."""
        return self._reserve(namespace, queue)

    def follow(self, follower: Callable[[Hint | None], None]) -> None:
        """Calls `follower` with each hint, its own server's too; None says: hints were lost, look everywhere."""
        self._followers.append(follower)

    def tell(self, hint: Hint) -> None:
        """Wakes whom it concerns here now, and at other servers soon. Call it after the commit."""
        self.hear(hint)
        self._outbox.put(hint)

    def hear(self, hint: Hint) -> None:
        """Wakes whom it concerns here."""
        for workflow in hint.workflows:
            for watcher in self._watchers.get((hint.namespace, workflow), ()):
                watcher.wake()
        for follower in self._followers:
            follower(hint)

    def wake_all(self) -> None:
        """Wakes everybody here: hints were lost."""
        for watchers in self._watchers.values():
            for watcher in watchers:
                watcher.wake()
        for follower in self._followers:
            follower(None)

    @asynccontextmanager
    async def watching(self, namespace: int, workflow: UUID) -> AsyncIterator[Woken]:
        """News of one workflow while the block lasts. Hints may be lost: look now and then as well."""
        woken = Woken()
        watchers = self._watchers.setdefault((namespace, workflow), set())
        watchers.add(woken)
        try:
            yield woken
        finally:
            watchers.discard(woken)
            # Another may have begun to watch after this set was dropped: then it has a set of its own.
            if not watchers and self._watchers.get((namespace, workflow)) is watchers:
                del self._watchers[namespace, workflow]

    async def send(self) -> None:
        """Forever: tells other servers, one NOTIFY at a time; what is told meanwhile goes into the next."""
        while True:
            for letter in self._letters(await self._outbox.take()):
                with suppress(StorageError):  # a hint; who is not reached looks by itself
                    await self._database.notify(CHANNEL, msgspec.json.encode(letter).decode())

    async def listen(self) -> None:
        """Until cancelled: hears other servers. Returns at once where hints are off."""
        await self._database.listen(CHANNEL, self._receive)

    def _receive(self, payload: str) -> None:
        if not payload:
            self.wake_all()  # newly connected: who knows what was missed
            return
        try:
            letter = msgspec.json.decode(payload, type=_Letter)
        except msgspec.DecodeError:
            return  # of a later version, or somebody else's: our own look finds what it was about
        if letter.sender == self._me:
            return
        if not letter.hints:
            self.wake_all()
        for hint in letter.hints:
            self.hear(hint)

    def _letters(self, hints: Iterable[Hint]) -> list[_Letter]:
        letters = [_Letter(self._me, batch) for batch in _batches(hints)]
        return letters if len(letters) <= _MOST_PAYLOADS else [_Letter(self._me)]


class _Outbox:
    """What is to be told, folded by namespace. Jobs go out at once; news of workflows alone waits for company."""

    def __init__(self) -> None:
        self._told = asyncio.Event()
        self._urgent = asyncio.Event()
        self._hints: dict[int, tuple[set[int], set[UUID], set[UUID]]] = {}

    def put(self, hint: Hint) -> None:
        queues, sessions, workflows = self._hints.setdefault(hint.namespace, (set(), set(), set()))
        queues.update(hint.queues)
        sessions.update(hint.sessions)
        workflows.update(hint.workflows)
        self._told.set()
        if hint.queues or hint.sessions:
            self._urgent.set()

    async def take(self) -> list[Hint]:
        """All that is there; waits until there is something."""
        await self._told.wait()
        with suppress(TimeoutError):
            async with asyncio.timeout(_COMPANY):
                await self._urgent.wait()
        self._told.clear()
        self._urgent.clear()
        taken, self._hints = self._hints, {}
        return [
            Hint(namespace, tuple(queues), tuple(sessions), tuple(workflows))
            for namespace, (queues, sessions, workflows) in taken.items()
        ]


def _batches(hints: Iterable[Hint]) -> Iterator[list[Hint]]:
    """Lists of hints that each fit into one payload."""
    batch: list[Hint] = []
    size = 60
    for hint in hints:
        for small in _cut(hint):
            length = len(msgspec.json.encode(small)) + 1
            if batch and size + length > _LONGEST_PAYLOAD:
                yield batch
                batch, size = [], 60
            batch.append(small)
            size += length
    if batch:
        yield batch


def _cut(hint: Hint, most: int = 60) -> Iterator[Hint]:
    """The same in pieces of at most `most` ids of each kind: 60 of each are at most 6,000 bytes."""
    longest = max(len(hint.queues), len(hint.sessions), len(hint.workflows))
    for start in range(0, longest, most):
        end = start + most
        yield Hint(
            hint.namespace, hint.queues[start:end], hint.sessions[start:end], hint.workflows[start:end]
        )
