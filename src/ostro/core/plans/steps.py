"""The aggregate's side of a definition: a step for each task, with its runs, results and variables."""

from collections import deque
from typing import Any

import msgspec

from ostro.core.plans.context import EMPTY, View, layered, merged
from ostro.core.plans.plan import Plan, PlannedTask
from ostro.core.plans.rows import Command, FlowRow, StepRow
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

    def publish(self, published: bytes | None) -> None:
        """Its layer, in place of what it was."""
        self.row.published = published
        self.view = layered(self.seen, published)

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

    def begin_anew(self, items: bytes | None) -> None:
        """Other items, or some of them again: what was known of them is read anew."""
        self.row.items = items
        self._items = self._todo = None

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

    __slots__ = ("lost", "plan", "row", "steps")

    def __init__(self, plan: Plan, row: FlowRow) -> None:
        self.plan = plan
        self.row = row
        self.steps: dict[UUID, Step] = {}
        self.lost: dict[Any, None] = {}
        """Joins that may never be met, to be looked at; found again at stillness if they are forgotten."""

    def take(self, task: UUID, planned: PlannedTask, row: StepRow) -> Step:
        """A step comes in; those that it follows are here."""
        parents = [self.steps[one] for one in row.follows]
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

    def shared(self) -> dict[str, Any]:
        """The global variables."""
        decoded: dict[str, Any] = msgspec.json.decode(self.row.shared)
        return decoded

    def queue(self, *commands: Command) -> None:
        """These wait for a resume, or for what was listed before them."""
        self.row.backlog = (*self.row.backlog, *commands)
