"""Which sessions may run which jobs, and who is found how: two inverted indexes, nothing else.

Both hold only what matters now: queues that may have claimable jobs, and polls that wait with a free slot.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from ostro.store.queue import Queue
from ostro.store.workers import Worker

T = TypeVar("T")

_Key = tuple[int, str, str | None]
"""Namespace and a capability (key, value); or namespace, action and None for jobs without a target."""


def serves(worker: Worker, queue: Queue) -> bool:
    """Whether the jobs of a queue may go to a worker: binding ⊆ target ⊆ capabilities, action and tags fit."""
    if queue.action not in worker.actions or queue.namespace != worker.namespace:
        return False
    if worker.tags is not None and worker.tags.isdisjoint(queue.tags):
        return False
    return _may_reach(worker, queue.target) and _reaches(worker.capabilities, queue.target)


def _may_reach(worker: Worker, target: Mapping[str, str]) -> bool:
    """What the token allows. A pool token takes untargeted jobs and any target within its capabilities."""
    if worker.pool:
        return True
    return bool(target) and all(target.get(key) == value for key, value in worker.binding.items())


def _reaches(capabilities: Mapping[str, frozenset[str]], target: Mapping[str, str]) -> bool:
    return all(value in capabilities.get(key, ()) for key, value in target.items())


class _Index(Generic[T]):
    """Things under keys, in the order of their coming."""

    def __init__(self) -> None:
        self._buckets: dict[_Key, dict[T, None]] = {}

    def put(self, key: _Key, thing: T) -> None:
        self._buckets.setdefault(key, {})[thing] = None

    def drop(self, key: _Key, thing: T) -> None:
        bucket = self._buckets.get(key)
        if bucket is not None:
            bucket.pop(thing, None)
            if not bucket:
                del self._buckets[key]

    def get(self, key: _Key) -> Iterable[T]:
        return self._buckets.get(key, {})

    def size(self, key: _Key) -> int:
        return len(self._buckets.get(key, ()))


class Dirty:
    """Queues that may have claimable jobs, as far as this server knows."""

    def __init__(self) -> None:
        self._index: _Index[Queue] = _Index()
        self._filed: dict[tuple[int, int], tuple[_Key, Queue]] = {}

    def __contains__(self, queue: Queue) -> bool:
        return (queue.namespace, queue.id) in self._filed

    def add(self, queue: Queue) -> None:
        """Filed under the capability that finds the fewest; one that was there goes to the end of its line."""
        self.discard(queue)
        keys = [(queue.namespace, *pair) for pair in queue.target.items()]
        key: _Key = min(keys, key=self._index.size) if keys else (queue.namespace, queue.action, None)
        self._filed[queue.namespace, queue.id] = key, queue
        self._index.put(key, queue)

    def discard(self, queue: Queue) -> None:
        """It has none; no matter if it was not here."""
        key, filed = self._filed.pop((queue.namespace, queue.id), (None, queue))
        if key is not None:
            self._index.drop(key, filed)

    def served_by(self, worker: Worker) -> Iterator[Queue]:
        """Those whose jobs may go to the worker."""
        for key in _keys(worker):
            for queue in self._index.get(key):
                if serves(worker, queue):
                    yield queue


class Waiting(Generic[T]):
    """Polls that wait with a free slot; those that wait longest come first."""

    def __init__(self) -> None:
        self._index: _Index[T] = _Index()
        self._filed: dict[T, Worker] = {}
        self._namespaces: Counter[int] = Counter()

    def __contains__(self, poll: T) -> bool:
        return poll in self._filed

    def __len__(self) -> int:
        return len(self._filed)

    def namespaces(self) -> set[int]:
        """Where somebody waits."""
        return {namespace for namespace, polls in self._namespaces.items() if polls}

    def add(self, poll: T, worker: Worker) -> None:
        """It waits from now on."""
        if poll not in self._filed:
            self._namespaces[worker.namespace] += 1
        self._filed[poll] = worker
        for key in _keys(worker):
            self._index.put(key, poll)

    def discard(self, poll: T) -> None:
        """It waits no more; no matter if it was not here."""
        worker = self._filed.pop(poll, None)
        if worker is not None:
            self._namespaces[worker.namespace] -= 1
            for key in _keys(worker):
                self._index.drop(key, poll)

    def serving(self, queue: Queue) -> Iterator[T]:
        """Those that may take the queue's jobs."""
        keys: list[_Key] = [(queue.namespace, *pair) for pair in queue.target.items()]
        key = min(keys, key=self._index.size) if keys else (queue.namespace, queue.action, None)
        for poll in self._index.get(key):
            if serves(self._filed[poll], queue):
                yield poll


def _keys(worker: Worker) -> Iterator[_Key]:
    for key, values in worker.capabilities.items():
        for value in values:
            yield (worker.namespace, key, value)
    if worker.pool:
        for action in worker.actions:
            yield (worker.namespace, action, None)
