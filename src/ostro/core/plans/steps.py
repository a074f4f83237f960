"""The aggregate's side of a definition: a step for each task, with its runs, results and variables."""

from collections import deque
from typing import Any

import msgspec

from ostro.core.plans.context import EMPTY, View, layered, merged
from ostro.core.plans.plan import Plan, PlannedTask
from ostro.core.plans.rows import FlowRow, StepRow
from ostro.values import UUID, TaskState


class Ended(msgspec.Struct, frozen=True, gc=False):
    """How a run, or the run of one item, ended."""

    run: int
    state: TaskState
    result: bytes | None
    error: str | None


class Step:
    """What is known of one task beside its row."""

    __slots__ = ("_items", "_todo", "ends", "followers", "live", "row", "runs", "seen", "task", "view")

    def __init__(self, task: PlannedTask, row: StepRow, seen: View) -> None:
        self.task = task
        self.row = row
        self.seen = seen
        """What its own expressions see."""
        self.view = layered(seen, row.published)
        """What those see that follow it."""
        self.live: dict[UUID, int] = {}
        """Its jobs and sub-workflows that run, with their item."""
        self.ends: dict[int, Ended] = {}
        """By item, the last run that counts."""
        self.runs = 0
        """How many jobs and sub-workflows it ever had."""
        self.followers = 0
        self._items: list[list[Any]] | None = None
        self._todo: deque[int] | None = None

    @property
    def is_loop(self) -> bool:
        """Whether it runs once for each item."""
        return bool(self.task.loops)

    @property
    def is_held(self) -> bool:
        """Whether it is a join that not enough have reached."""
        return self.task.join is not None and len(self.row.arrived) < self.task.arrivals_needed

    @property
    def lacks(self) -> list[str]:
        """Of a join: the tasks that lead here and have not arrived."""
        return [name for name in self.task.leads_here if name not in self.row.arrived]

    def turn(self, item: int) -> dict[str, Any]:
        """The loop variables of one item; none where there is no loop."""
        names = [name for name, _ in self.task.loops]
        return dict(zip(names, self.items()[item], strict=True)) if names else {}

    def items(self) -> list[list[Any]]:
        """The values of its loop variables, item by item."""
        if self._items is None:
            decoded: list[list[Any]] = msgspec.json.decode(self.row.items or b"[]")
            self._items = decoded
        return self._items

    @property
    def todo(self) -> deque[int]:
        """The items that have not begun, in order."""
        if self._todo is None:
            live = set(self.live.values())
            count = range(len(self.items()))
            self._todo = deque(item for item in count if item not in self.ends and item not in live)
        return self._todo

    def begin_anew(self, run: int) -> None:
        """From this run on, all of it counts anew; the items of a loop are found anew."""
        self.row.since, self.row.again, self.row.items = run, (), None
        self.ends.clear()
        self._items = self._todo = None

    def take_items(self, items: bytes) -> None:
        """The values of its loop variables, a JSON list."""
        self.row.items = items
        self._items = self._todo = None

    def try_failed_again(self, run: int) -> None:
        """From this run on, the items that did not succeed count anew."""
        failed = [item for item, one in self.ends.items() if one.state is not TaskState.SUCCESS]
        self.row.again, self.row.again_since = tuple(sorted(failed)), run
        for item in failed:
            del self.ends[item]
        self._todo = None

    def counts(self, run: int, item: int) -> bool:
        """Whether the end of this run of an item still says something."""
        return run >= (self.row.again_since if item in self.row.again else self.row.since)

    def result(self) -> Any:
        """Of the last run: its value, or its error's text; a list of the items' for a loop."""
        if self.is_loop:
            done = [self.ends[item] for item in sorted(self.ends)]
            return [_value(one) for one in done]
        last = self.ends.get(0)
        return _value(last) if last is not None else None


def _value(ended: Ended) -> Any:
    if ended.result is not None:
        return msgspec.json.decode(ended.result)
    return ended.error if ended.state is TaskState.ERROR else None


class Flow:
    """What a workflow made from a definition has beside its tasks."""

    __slots__ = ("_read", "bytes", "lost", "plan", "row", "steps")

    def __init__(self, plan: Plan, row: FlowRow) -> None:
        self.plan = plan
        self.row = row
        self._read: dict[str, tuple[bytes, dict[str, Any]]] = {}
        self.bytes = 0
        """About how much its results and variables take in memory: what came is counted, what went is not."""
        self.steps: dict[UUID, Step] = {}
        self.lost: dict[Any, None] = {}
        """Joins that may never be met, to be looked at; found again at stillness if they are forgotten."""

    def take(self, task: UUID, planned: PlannedTask, row: StepRow) -> Step:
        """A step comes in, after those that it follows. One that was made while others were read may be missing: then
        all of it is out of date, and nothing is decided on it.
        """
        parents = [self.steps[one] for one in row.follows if one in self.steps]
        step = Step(planned, row, self.seen_behind(parents))
        for parent in parents:
            parent.followers += 1
        self.steps[task] = step
        return step

    def seen_behind(self, parents: list[Step]) -> View:
        """What a task sees that follows these."""
        if len(parents) == 1:
            return parents[0].view
        return merged([one.view for one in parents]) if parents else EMPTY

    def publish(self, step: Step, published: bytes | None) -> None:
        """A step's layer, in place of what it was."""
        self.bytes += len(published or b"")
        step.row.published = published
        step.view = layered(step.seen, published)

    def follow(self, step: Step, follows: tuple[UUID, ...]) -> None:
        """A join has what it waited for, or will not get it: whom it follows is known now."""
        for one in step.row.follows:
            self.steps[one].followers -= 1
        parents = [self.steps[one] for one in follows]
        for parent in parents:
            parent.followers += 1
        step.row.follows = follows
        step.seen = self.seen_behind(parents)
        step.view = layered(step.seen, step.row.published)

    def read(self, text: str) -> dict[str, Any]:
        """`input`, `env`, `params`, `vars` or `shared` of its row, decoded once while it stays the same. Not to be changed."""
        now: bytes = getattr(self.row, text)
        known = self._read.get(text)
        if known is None or known[0] is not now:
            known = self._read[text] = now, msgspec.json.decode(now)
        return known[1]
