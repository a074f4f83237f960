"""What the terms of decided tasks still mean for others: errors handled, and members that came too late."""

from collections.abc import Iterator
from itertools import islice

import msgspec

from ostro.core.requirements.conditions import Task
from ostro.core.requirements.terms import Selector, selects, wishes_of
from ostro.core.specs import TaskSpec
from ostro.values import SkipReason


class Late(msgspec.Struct, frozen=True):
    """How many started tasks one came too late for, and the names of some."""

    count: int
    names: tuple[str, ...]


class Holders:
    """Tasks by what a term of theirs selects; found by a name, or by the tags that a task bears.

    A look costs what it finds: a selection is filed under each of its tags, one of `all_tags` under the first.
    """

    def __init__(self) -> None:
        self.by: dict[Selector, dict[Task, None]] = {}
        self._filed: dict[str, dict[Selector, None]] = {}

    def __contains__(self, selector: Selector) -> bool:
        return selector in self.by

    def add(self, selector: Selector, task: Task) -> None:
        """A task holds the selection."""
        if selector not in self.by:
            for tag in _filed_under(selector):
                self._filed.setdefault(tag, {})[selector] = None
        self.by.setdefault(selector, {})[task] = None

    def remove(self, selector: Selector, task: Task) -> None:
        """It does so no more."""
        holders = self.by.get(selector)
        if holders is None:
            return
        holders.pop(task, None)
        if holders:
            return
        del self.by[selector]
        for tag in _filed_under(selector):
            self._filed[tag].pop(selector)
            if not self._filed[tag]:
                del self._filed[tag]

    def of(self, tags: frozenset[str]) -> Iterator[dict[Task, None]]:
        """The holders of each selection that takes a task with these tags."""
        found = {s for tag in tags for s in self._filed.get(tag, ()) if selects(s, tags)}
        for selector in found:
            yield self.by[selector]


def _filed_under(selector: Selector) -> Selector:
    match selector[0]:
        case "task":
            return ()
        case "all":
            return selector[1:2]
        case _:
            return selector[1:]


class Weights:
    """What started tasks' terms, and tasks skipped as `upstream`, say about others' errors (rules 4 and 6)."""

    def __init__(self) -> None:
        self.handles = Holders()
        self.tolerates = Holders()
        self.lost = Holders()
        self.too_late = Holders()

    def add(self, task: Task) -> None:
        """A task that weighs came to its state."""
        for index, selector in self._of(task):
            index.add(selector, task)

    def remove(self, task: Task) -> None:
        """It leaves that state."""
        for index, selector in self._of(task):
            index.remove(selector, task)

    def _of(self, task: Task) -> Iterator[tuple[Holders, Selector]]:
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

    def late_for(self, tags: frozenset[str], named: int) -> Late:
        """Started tasks whose terms select a task with these tags and will not wait for it; `named` of them named."""
        holders = list(self.too_late.of(tags))
        if len(holders) > 1:
            holders = [dict.fromkeys(task for some in holders for task in some)]
        found = holders[0] if holders else {}
        return Late(len(found), tuple(task.name for task in islice(found, named)))


def weighs(spec: TaskSpec, *, started: bool = False, reason: SkipReason | None = None) -> bool:
    """Whether a task's specification matters after its fate was decided, so that it is kept and loaded again."""
    if spec.may_spawn is not None:
        return True
    if started:
        return any(t.handles or t.enough is not None or t.at_least is not None for t in spec.requires)
    return reason is SkipReason.UPSTREAM and any(w.is_plain for t in spec.requires for w in wishes_of(t))
