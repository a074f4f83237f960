"""What the terms of decided tasks still mean for others: errors handled, and members that came too late."""

from collections.abc import Iterator

from ostro.core.requirements.conditions import Task
from ostro.core.requirements.terms import Selector, selects, wishes_of
from ostro.core.specs import TaskSpec
from ostro.values import SkipReason


class Weights:
    """What started tasks' terms, and tasks skipped as `upstream`, say about others' errors (rules 4 and 6)."""

    def __init__(self) -> None:
        self.handles: dict[Selector, dict[Task, None]] = {}
        self.tolerates: dict[Selector, dict[Task, None]] = {}
        self.lost: dict[Selector, dict[Task, None]] = {}
        self.too_late: dict[Selector, dict[Task, None]] = {}

    def add(self, task: Task) -> None:
        """A task that weighs came to its state."""
        for index, selector in self._of(task):
            index.setdefault(selector, {})[task] = None

    def remove(self, task: Task) -> None:
        """It leaves that state."""
        for index, selector in self._of(task):
            holders = index.get(selector)
            if holders is not None:
                holders.pop(task, None)
                if not holders:
                    del index[selector]

    def _of(self, task: Task) -> Iterator[tuple[dict[Selector, dict[Task, None]], Selector]]:
        for term in task.spec.requires if task.spec else ():
            for wish in wishes_of(term):
                if task.row.started_at is None:
                    if task.reason is SkipReason.UPSTREAM and wish.is_plain:
                        yield self.lost, wish.selector
                    continue
                if term.handles:
                    yield self.handles, wish.selector
                if wish.knows_late_ones:
                    yield self.too_late, wish.selector
                    if wish.at_least is None and wish.state == "SUCCESS":
                        yield self.tolerates, wish.selector

    def late_for(self, tags: frozenset[str]) -> dict[Task, None]:
        """Started tasks whose terms select a task with these tags and will not wait for it."""
        found: dict[Task, None] = {}
        for selector, holders in self.too_late.items():
            if selects(selector, tags):
                found.update(holders)
        return found


def weighs(spec: TaskSpec, *, started: bool = False, reason: SkipReason | None = None) -> bool:
    """Whether a task's specification matters after its fate was decided, so that it is kept and loaded again."""
    if spec.may_spawn is not None:
        return True
    if started:
        return any(t.handles or t.enough is not None or t.at_least is not None for t in spec.requires)
    return reason is SkipReason.UPSTREAM and any(w.is_plain for t in spec.requires for w in wishes_of(t))
