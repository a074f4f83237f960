"""Conditions: what terms say now, how that is judged (rule 3), and the tasks that watch them.

Equal terms share one `Condition`, and conditions on the same selection share the counters of one `Group`, so
an event touches counters and not tasks.
"""

from enum import Enum

from ostro.core.effects import TaskRow
from ostro.core.requirements.terms import Selector, Wish, selects, wishes_of
from ostro.core.specs import TaskSpec
from ostro.core.states import ENDED
from ostro.values import UUID, SkipReason, TaskState, TermState

_WAITING = TaskState.WAITING


class Verdict(Enum):
    """What a condition says at present. A decided one never changes again (but by revival)."""

    UNDECIDED = "undecided"
    HOLDS = "holds"
    DEAD = "dead"


class Task:
    """One task in memory. `spec` is dropped once nobody can need it; `undecided` counts its open conditions."""

    __slots__ = ("conditions", "labels", "row", "spec", "undecided")

    def __init__(self, row: TaskRow, spec: TaskSpec | None) -> None:
        self.row = row
        self.spec = spec
        self.labels = frozenset(row.tags)
        self.conditions: tuple[Condition, ...] = ()
        self.undecided = 0

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.row.id

    @property
    def name(self) -> str:
        """Its name, unique in the workflow."""
        return self.row.name

    @property
    def state(self) -> TaskState:
        """Where it is."""
        return self.row.state

    @property
    def reason(self) -> SkipReason | None:
        """Why it was passed by, if it was."""
        return self.row.reason

    @property
    def ended(self) -> bool:
        """It will not move again by itself."""
        return self.row.state in ENDED

    @property
    def waiting(self) -> bool:
        """It has not started and has not been passed by."""
        return self.row.state is _WAITING

    @property
    def is_live_spawner(self) -> bool:
        """It may still add tasks."""
        grant = self.spec.may_spawn if self.spec else None
        return grant is not None and not self.ended and self.row.spawned < grant.max

    @property
    def wishes(self) -> list[Wish]:
        """What its terms ask for, each distinct one once. Empty where the specification is not kept."""
        terms = self.spec.requires if self.spec else ()
        if len(terms) == 0:
            return []
        return list(dict.fromkeys([wish for term in terms for wish in wishes_of(term)]))


class Group:
    """The counters of one selection of tags: its members by what became of them."""

    __slots__ = (
        "cancelled",
        "conditions",
        "error",
        "not_needed",
        "selector",
        "skipped",
        "spawners",
        "success",
        "tags",
        "total",
        "unended",
    )

    def __init__(self, selector: Selector) -> None:
        self.selector = selector
        self.tags = frozenset(selector[1:])
        self.conditions: dict[Wish, Condition] = {}
        self.total = self.unended = self.success = self.error = 0
        self.cancelled = self.skipped = self.not_needed = 0
        self.spawners = 0
        """Unended tasks with some of their `max` left that may give all the tags to one task."""

    def selects(self, tags: frozenset[str]) -> bool:
        """Whether a task with these tags is a member."""
        return selects(self.selector, tags)

    def count(self, task: Task, by: int) -> None:
        """A member comes (1), goes or is about to change (-1)."""
        self.total += by
        if task.row.state in ENDED:
            fate = fate_of(task.row.state, task.row.reason)
            setattr(self, fate, getattr(self, fate) + by)
        else:
            self.unended += by

    def held(self, state: TermState) -> int:
        """How many members have ended in what a term wants."""
        if state is TermState.SUCCESS:
            return self.success
        if state is TermState.ERROR:
            return self.error
        return self.total - self.unended

    def counters(self) -> dict[str, int]:
        """Everything that is counted, for a recount to be compared with."""
        names = ("total", "unended", "success", "error", "cancelled", "skipped", "not_needed", "spawners")
        return {name: getattr(self, name) for name in names}


class Condition:
    """A wish and what it says now. `watchers` are the WAITING tasks that have it."""

    __slots__ = ("group", "pinned", "verdict", "watchers", "wish")

    def __init__(self, wish: Wish, group: Group | None) -> None:
        self.wish = wish
        self.group = group
        self.verdict = Verdict.UNDECIDED
        self.watchers: dict[Task, None] = {}
        self.pinned = False


def fate_of(state: TaskState, reason: SkipReason | None) -> str:
    """Under which counter of a group a task stands. Skipped by an operator counts as SUCCESS."""
    match state:
        case TaskState.SUCCESS:
            return "success"
        case TaskState.ERROR:
            return "error"
        case TaskState.CANCELLED:
            return "cancelled"
        case TaskState.SKIPPED:
            fates = {SkipReason.OPERATOR: "success", SkipReason.NOT_NEEDED: "not_needed"}
            return fates.get(reason, "skipped") if reason else "skipped"
        case _:
            return "unended"


def judge_name(state: TermState, ended_as: str) -> Verdict:
    """Rule 3 for a task that has ended, `ended_as` its fate."""
    if state is TermState.COMPLETE:
        return Verdict.HOLDS
    wanted = "success" if state is TermState.SUCCESS else "error"
    return Verdict.HOLDS if ended_as == wanted else Verdict.DEAD


def judge_group(wish: Wish, group: Group, *, closed: bool) -> Verdict:
    """Rule 3 for a selection of tags."""
    if closed and group.total == 0:
        return Verdict.HOLDS if wish.optional else Verdict.DEAD
    held = group.held(wish.state)
    members = group.total - (group.not_needed if wish.state is TermState.SUCCESS else 0)
    if wish.enough is not None:
        return _enough(held >= wish.enough, closed and held + group.unended < wish.enough)
    if wish.share is not None:
        reached = closed and 100 * held >= wish.share * members
        return _enough(reached, closed and 100 * (held + group.unended) < wish.share * members)
    if members - group.unended - held > 0:
        return Verdict.DEAD
    if wish.at_least is not None and group.total < wish.at_least:
        return Verdict.DEAD if closed else Verdict.UNDECIDED
    may_hold = closed or wish.at_least is not None
    return Verdict.HOLDS if may_hold and group.unended == 0 else Verdict.UNDECIDED


def _enough(reached: bool, out_of_reach: bool) -> Verdict:
    if reached:
        return Verdict.HOLDS
    return Verdict.DEAD if out_of_reach else Verdict.UNDECIDED
