"""The workflows kept in memory, bounded by what they hold; the longest unused goes first."""

from collections import OrderedDict

from ostro.store.loading.load import Loaded
from ostro.store.loading.reading import Key

_BYTES_OF_A_TASK = 1024
"""So many bytes of results and variables count as one task more."""


class Cache:
    """Only a cache: the guarded statement notices what is out of date."""

    def __init__(self, most_tasks: int) -> None:
        self._most = most_tasks
        self._kept: OrderedDict[Key, tuple[Loaded, int]] = OrderedDict()
        self._tasks = 0

    @property
    def tasks(self) -> int:
        """How many tasks the workflows in it have, each KiB of results and variables counted as one."""
        return self._tasks - len(self._kept)

    def get(self, key: Key) -> Loaded | None:
        """The workflow, if it is here; it counts as used."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Key, loaded: Loaded) -> None:
        """Keeps it, and lets others go if there are too many tasks; the last one stays, unless nothing is to be kept."""
        self.drop(key)
        if self._most == 0:
            return
        if loaded.workflow.ended:
            loaded.forget_results()
        loaded.workflow.results.tidy()
        flow = loaded.workflow.flow
        kept = loaded.kept_bytes + loaded.workflow.results.bytes + (flow.bytes if flow is not None else 0)
        size = len(loaded.workflow.tasks) + 1 + kept // _BYTES_OF_A_TASK
        self._kept[key] = (loaded, size)
        self._tasks += size
        while self._tasks > self._most and len(self._kept) > 1:
            self.drop(next(iter(self._kept)))

    def drop(self, key: Key) -> None:
        """It is not trusted any more, or not needed."""
        found = self._kept.pop(key, None)
        if found is not None:
            self._tasks -= found[1]
