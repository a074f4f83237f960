"""Interned queues: the queued jobs that share namespace, action, target and tags.

A queue's id is a hash of what it stands for, so servers agree on it without asking each other.
"""

import asyncio
from collections.abc import Iterable
from functools import lru_cache
from hashlib import blake2b

import msgspec

from ostro.clock import Clock, monotonic
from ostro.errors import TooMany
from ostro.store import queue as store
from ostro.store.database import Database
from ostro.store.queue import Queue
from ostro.values import Limits

__all__ = ["Queue", "Queues", "queue_id"]

TOUCHED_EVERY = 3600.0
"""Seconds after which a queue in use is interned anew, so that `prune` can tell those out of use."""

_COUNTED_EVERY = 60.0

Wanted = tuple[int, str, dict[str, str], tuple[str, ...]]
"""Namespace, action, target, tags."""

NOBODYS = 0
"""The queue of jobs that no worker runs: nobody claims from it."""


def queue_id(action: str, target: dict[str, str], tags: tuple[str, ...]) -> int:
    """The id of the queue for (action, target, tags), whatever their order: a signed 64-bit BLAKE2b."""
    return _hashed(action, tuple(target.items()), tags)


@lru_cache(maxsize=20_000)
def _hashed(action: str, target: tuple[tuple[str, str], ...], tags: tuple[str, ...]) -> int:
    canonical = msgspec.json.encode([action, sorted(target), sorted(set(tags))])
    return int.from_bytes(blake2b(canonical, digest_size=8).digest(), "big", signed=True)


class Queues:
    """The queues that this server knows, of all namespaces."""

    def __init__(self, database: Database, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._clock = clock
        self._limits = limits
        self._known: dict[tuple[int, int], Queue] = {}
        self._touched: dict[tuple[int, int], float] = {}
        self._counts: dict[int, tuple[int, float]] = {}
        self._fronts: dict[tuple[int, int], dict[int, int]] = {}
        self._one_at_a_time = asyncio.Lock()

    def get(self, namespace: int, queue: int) -> Queue | None:
        """The queue, if it is known here."""
        return self._known.get((namespace, queue))

    def front(self, namespace: int, queue: int, priority: int) -> int | None:
        """About where the next job of a priority stands in a queue that has many; None where few or none wait."""
        return self._fronts.get((namespace, queue), {}).get(priority)

    def advance(self, namespace: int, queue: int, priority: int, front: int) -> None:
        """Jobs were claimed up to here, and there are more."""
        fronts = self._fronts.setdefault((namespace, queue), {})
        fronts[priority] = max(front, fronts.get(priority, front))

    def emptied(self, namespace: int, queue: int) -> None:
        """A claim took all that there was."""
        self._fronts.pop((namespace, queue), None)

    def has(self, namespace: int, queue: int) -> bool:
        """Whether jobs may be put into the queue without interning it now."""
        touched = self._touched.get((namespace, queue))
        return touched is not None and monotonic() - touched < TOUCHED_EVERY

    async def intern(self, wanted: Iterable[Wanted], *, beyond_limit: bool = False) -> None:
        """Makes sure that the rows of these queues exist, in a short transaction of its own.

        TooMany if a namespace is at its limit; the queues of the other namespaces are made nevertheless.
        `beyond_limit` is for tasks that were accepted: their queue may have been pruned while they waited.
        Without a new queue it costs no statement, and about one an hour for each queue in use.
        """
        missing = self._missing(wanted)
        if not missing:
            return
        async with self._one_at_a_time:  # two lanes often want the same new queue
            missing = {key: queue for key, queue in missing.items() if not self.has(*key)}
            refused = None if beyond_limit else await self._refuse_above_limit(missing)
            now = self._clock.now()
            for start in range(0, len(rows := sorted(missing)), 1_000):
                chunk = [missing[key] for key in rows[start : start + 1_000]]
                await store.intern(self._database, chunk, now)
                self._learn(chunk, touched=True)
        if refused is not None:
            raise refused

    async def load(self, keys: Iterable[tuple[int, int]]) -> None:
        """Learns queues that were made elsewhere; who does not exist stays unknown."""
        unknown = [key for key in keys if key not in self._known]
        if unknown:
            self._learn(await store.queues(self._database, unknown), touched=False)

    def forget(self, keys: Iterable[tuple[int, int]]) -> None:
        """These were pruned."""
        for key in keys:
            self._known.pop(key, None)
            self._fronts.pop(key, None)
            self._touched.pop(key, None)

    def _missing(self, wanted: Iterable[Wanted]) -> dict[tuple[int, int], Queue]:
        missing: dict[tuple[int, int], Queue] = {}
        for namespace, action, target, tags in wanted:
            key = (namespace, queue_id(action, target, tags))
            if key not in missing and not self.has(*key):
                missing[key] = Queue(*key, action, target, tuple(sorted(set(tags))))
        return missing

    def _learn(self, queues: Iterable[Queue], *, touched: bool) -> None:
        for queue in queues:
            key = (queue.namespace, queue.id)
            if touched:
                self._touched[key] = monotonic()
            self._known.setdefault(key, queue)

    async def _refuse_above_limit(self, missing: dict[tuple[int, int], Queue]) -> TooMany | None:
        """Takes out of `missing` the queues of namespaces that are full; the first one's refusal."""
        refused: TooMany | None = None
        for namespace in sorted({namespace for namespace, _id in missing}):
            new = [key for key in missing if key[0] == namespace and key not in self._known]
            if new and not await self._room_for(namespace, len(new)):
                for key in new:
                    del missing[key]
                refused = refused or self._full()
        return refused

    async def _room_for(self, namespace: int, new: int) -> bool:
        """Counts at most once a minute, unless the limit is near: the limit need not be exact."""
        most = self._limits.queues_per_namespace
        count, counted = self._counts.get(namespace, (most, -_COUNTED_EVERY))
        if count + new > most or monotonic() - counted > _COUNTED_EVERY:
            count, counted = await store.count_queues(self._database, namespace, most + 1), monotonic()
        fits = count + new <= most
        self._counts[namespace] = (count + new if fits else count, counted)
        return fits

    def _full(self) -> TooMany:
        return TooMany(
            "too_many_queues",
            f"The namespace has {self._limits.queues_per_namespace} queues, as many as it may have: each "
            "different combination of action, target and tags is one.",
            hint="Use fewer different targets and tags, or wait: a queue unused for a day is dropped.",
            retry_after=60.0,
        )
