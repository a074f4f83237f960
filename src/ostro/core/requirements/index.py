"""The indexes over a workflow's tasks: all that can be derived from the rows, kept as tasks come, go and move."""

from collections import deque
from collections.abc import Iterable, Iterator

from ostro.core.effects import Changes, Signal, WorkflowRow
from ostro.core.plans.steps import Flow
from ostro.core.requirements.conditions import (
    Condition,
    Group,
    Task,
    Verdict,
    fate_of,
    judge_group,
    judge_name,
)
from ostro.core.requirements.results import Results
from ostro.core.requirements.terms import Selector, Wish, selects, wishes_of
from ostro.core.requirements.weights import Weights
from ostro.core.specs import Birth
from ostro.core.states import ACTIVE
from ostro.values import UUID, SkipReason, TaskState

_WAITING = TaskState.WAITING
_UNDECIDED = Verdict.UNDECIDED


class Index:
    """The tasks by all that events ask for, the groups and conditions over them, and what must be judged again."""

    def __init__(self, birth: Birth, row: WorkflowRow) -> None:  # noqa: PLR0915  # long: one line per index
        self.birth = birth
        self.row = row
        self.tasks: dict[UUID, Task] = {}
        self.names: dict[str, Task] = {}
        self.gone: set[str] = set()
        self.sealed_tags: set[str] = set()
        self.jobs: dict[UUID, Task] = {}
        self.groups: dict[Selector, Group] = {}
        self.wide: dict[str, dict[Selector, Group]] = {}
        """Groups of more than one tag, by each of their tags."""
        self.by_name: dict[str, dict[Wish, Condition]] = {}
        self.bearers: dict[str, dict[Task, None]] = {}
        """WAITING tasks by tag, for the search for cycles alone."""
        self.waiting: dict[Task, None] = {}
        self.started: dict[Task, None] = {}
        """Tasks that have started and not ended."""
        self.cancelled = 0
        self.missing = 0
        self.errors: dict[Task, None] = {}
        self.spawners: dict[Task, None] = {}
        """Live ones: unended, with some of their `max` left."""
        self.granters: dict[str, dict[Task, None]] = {}
        """The same by each tag that they may give."""
        self.grants: dict[Task, frozenset[str]] = {}
        """The tags that each task was granted, ended ones included (rule 10)."""
        self.counted: dict[Wish, int] = {}
        """Wishes with `enough`, `at_least` or `all_tags` that somebody WAITING has, with how many: each end of a
        member judges all of them."""
        self.weights = Weights()
        self.done_when: list[Condition] = []
        self.unjudged: dict[Condition, None] = {}
        self.told: deque[tuple[Condition, list[Task]]] = deque()
        """Conditions just decided, with those watchers that have not heard of it."""
        self.ready: dict[Task, None] = {}
        self.passing: dict[Task, SkipReason] = {}
        """Tasks that the fall to stillness passes by, with reasons found for all of them at once (rule 6)."""
        self.falling: UUID | None = None
        """The message in which `passing` is kept, where that takes more than one decision."""
        self.messages: dict[UUID, None] = {}
        self.results = Results()
        self.signals: dict[str, deque[Signal]] = {}
        """Those that nobody has waited for yet, by name."""
        self.waits: dict[str, dict[UUID, None]] = {}
        """The jobs that began to wait for a signal, by its name; some may have ended otherwise."""
        self.changes = Changes()
        self.flow: Flow | None = None
        """What it has beside its tasks if it was made from a definition."""
        for term in birth.done_when:
            for wish in wishes_of(term):
                condition = self.condition(wish, judged=False)
                condition.pinned = True
                self.done_when.append(condition)

    def is_closed(self, group: Group) -> bool:
        """Rule 2: no task can join the selection any more."""
        if group.selector[0] == "all":
            if not self.sealed_tags.isdisjoint(group.tags):
                return True
            return self.row.sealed and group.spawners == 0
        return all(self.is_tag_closed(tag) for tag in group.tags)

    def is_tag_closed(self, tag: str) -> bool:
        """Rule 2 for one tag."""
        if tag in self.sealed_tags:
            return True
        group = self.groups.get(("any", tag))
        return self.row.sealed and (group is None or group.spawners == 0)

    def judge(self, condition: Condition) -> Verdict:
        """What a condition says now (rule 3); nothing is changed."""
        wish = condition.wish
        if condition.group is not None:
            if wish.at_least is not None and wish.key in self.row.latched:
                return Verdict.HOLDS
            return judge_group(wish, condition.group, closed=self.is_closed(condition.group))
        task = self.names.get(wish.selector[1])
        if task is None or not task.ended:
            return Verdict.UNDECIDED
        return judge_name(wish.state, fate_of(task.state, task.reason))

    # -- tasks come and go --------------------------------------------------------------------------

    def place(self, task: Task) -> None:
        """Takes a task into all indexes; `watch` follows once all that come with it are placed."""
        for tag in task.labels:
            if ("any", tag) not in self.groups:
                self.group(("any", tag))
        for group in self.groups_of(task.labels):
            group.count(task, 1)
        self.tasks[task.row.id] = task
        known = self.names.get(task.row.name)
        if known is None or known.row.pass_ <= task.row.pass_:
            self.names[task.row.name] = task
        grant = task.spec.may_spawn if task.spec else None
        if grant is not None and grant.max > 0:  # a grant of none brings nothing
            self.grants[task] = frozenset(grant.tags)
        self._count(task)
        self._unsettle_around(task)

    def detach(self, task: Task) -> None:
        """Takes a task out of all indexes: it was deleted, is replaced, or was never accepted."""
        if task.waiting:
            self._unwatch(task)
        self._uncount(task)
        self._unsettle_around(task)
        self.grants.pop(task, None)
        self.results.forget(task)
        self.ready.pop(task, None)
        self.passing.pop(task, None)
        for group in self.groups_of(task.labels):
            group.count(task, -1)
            self._drop_if_idle(group)
        if self.names.get(task.name) is task:
            del self.names[task.name]
        del self.tasks[task.id]

    def groups_of(self, tags: frozenset[str]) -> list[Group]:
        """All groups that a task with these tags is a member of."""
        found = [plain for tag in tags if (plain := self.groups.get(("any", tag))) is not None]
        if self.wide:
            wide = {s: g for tag in tags for s, g in self.wide.get(tag, {}).items() if g.selects(tags)}
            found += wide.values()
        return found

    def group(self, selector: Selector) -> Group:
        """The counters of a selection, counted once if nobody asked for it before."""
        known = self.groups.get(selector)
        if known is not None:
            return known
        made = self.groups[selector] = Group(selector)
        if len(selector) > 2:
            for task in self.tasks.values():
                if selects(selector, task.labels):
                    made.count(task, 1)
            for tag in made.tags:
                self.wide.setdefault(tag, {})[selector] = made
        made.spawners = sum(1 for _ in self.spawners_of(made.tags))
        return made

    def spawners_of(self, tags: Iterable[str]) -> Iterator[Task]:
        """Live spawners that may give all these tags to one task: looked for under the rarest of them."""
        wanted = frozenset(tags)
        rarest = min((self.granters.get(tag, {}) for tag in wanted), key=len)
        return (task for task in list(rarest) if self.grants[task] >= wanted)

    def _drop_if_idle(self, group: Group) -> None:
        wide = len(group.selector) > 2
        if group.conditions or (not wide and (group.spawners or group.total)):
            return
        self.groups.pop(group.selector, None)
        if wide:
            for tag in group.tags:
                self.wide[tag].pop(group.selector, None)
                if not self.wide[tag]:
                    del self.wide[tag]

    # -- counting what is not about tags ------------------------------------------------------------

    def _count(self, task: Task) -> None:
        """Counters and indexes that follow a task's state; `_uncount` is the exact opposite."""
        row = task.row
        state = row.state
        if state is _WAITING:
            self.waiting[task] = None
            for tag in task.labels:
                self.bearers.setdefault(tag, {})[task] = None
        elif state in ACTIVE:
            self.started[task] = None
            if row.job is not None:
                self.jobs[row.job] = task
        else:
            self.cancelled += state is TaskState.CANCELLED
            self.missing += row.reason is SkipReason.MISSING
            if state is TaskState.ERROR:
                self.errors[task] = None
        if task.is_live_spawner:
            self._count_spawner(task, 1)
        if row.weighs:
            self.weights.add(task)

    def _uncount(self, task: Task) -> None:
        row = task.row
        state = row.state
        if state is _WAITING:
            self.waiting.pop(task, None)
            for tag in task.labels:
                self.bearers[tag].pop(task)
                if not self.bearers[tag]:
                    del self.bearers[tag]
        elif state in ACTIVE:
            self.started.pop(task, None)
            if row.job is not None:
                self.jobs.pop(row.job, None)
        else:
            self.cancelled -= state is TaskState.CANCELLED
            self.missing -= row.reason is SkipReason.MISSING
            self.errors.pop(task, None)
        if task in self.spawners:
            self._count_spawner(task, -1)
        if row.weighs:
            self.weights.remove(task)

    def _count_spawner(self, task: Task, by: int) -> None:
        granted = self.grants[task]
        touched = [self.group(("any", tag)) for tag in granted]
        wide = {s: g for tag in granted for s, g in self.wide.get(tag, {}).items() if granted >= g.tags}
        if by > 0:
            self.spawners[task] = None
            for tag in granted:
                self.granters.setdefault(tag, {})[task] = None
        else:
            del self.spawners[task]
            for tag in granted:
                del self.granters[tag][task]
                if not self.granters[tag]:
                    del self.granters[tag]
        for group in [*touched, *wide.values()]:
            group.spawners += by
        if by < 0:
            for group in touched:
                self.unsettle_tag(group.selector[1])
                self._drop_if_idle(group)

    # -- conditions ---------------------------------------------------------------------------------

    def condition(self, wish: Wish, *, judged: bool = True) -> Condition:
        """The one condition of all equal wishes, judged when it is made, or later if its tasks are yet to come."""
        if wish.selector[0] == "task":
            home, group = self.by_name.setdefault(wish.selector[1], {}), None
        else:
            group = self.group(wish.selector)
            home = group.conditions
        known = home.get(wish)
        if known is None:
            known = home[wish] = Condition(wish, group)
            if not judged:
                self.unjudged[known] = None
                return known
            known.verdict = self.judge(known)
            self._latch(known)
        return known

    def judge_again(self, most: int) -> bool:
        """Judges so many of the conditions that may have been decided, and whether that were all.

        Those that were decided go to be told.
        """
        for _ in range(min(most, len(self.unjudged))):
            condition, _ = self.unjudged.popitem()
            fresh = condition.verdict is Verdict.UNDECIDED
            # A dead term holds after all if its last members were deleted and it allows that there is none.
            if fresh or (condition.verdict is Verdict.DEAD and condition.wish.optional):
                condition.verdict = self.judge(condition)
                self._latch(condition)
                if fresh and condition.verdict is not Verdict.UNDECIDED and condition.watchers:
                    self.told.append((condition, list(condition.watchers)))
        return not self.unjudged

    def _latch(self, condition: Condition) -> None:
        """`at_least` never falls: that it once held is remembered with the workflow, while somebody needs it."""
        wish = condition.wish
        if wish.at_least is None or condition.verdict is not Verdict.HOLDS or wish.key in self.row.latched:
            return
        self._remember({*self.row.latched, wish.key})

    def _remember(self, latched: set[str]) -> None:
        self.row.latched = tuple(sorted(latched))
        self.changes.workflow_touched = True

    def watch(self, task: Task) -> None:
        """Judges the terms of a WAITING task and puts it where their decision will find it."""
        task.conditions = tuple([self.condition(wish) for wish in task.wishes])
        task.undecided = 0
        for condition in task.conditions:
            condition.watchers[task] = None
            task.undecided += condition.verdict is _UNDECIDED
            if condition.wish.is_counted:
                self.counted[condition.wish] = self.counted.get(condition.wish, 0) + 1
        self.results.expect(task)
        if task.undecided == 0 and not self._is_held(task):
            self.ready[task] = None

    def _is_held(self, task: Task) -> bool:
        step = self.flow.steps.get(task.row.id) if self.flow is not None else None
        return step is not None and step.is_held

    def _unwatch(self, task: Task) -> None:
        for condition in task.conditions:
            condition.watchers.pop(task, None)
            if condition.wish.is_counted:
                self._uncount_wish(condition.wish)
            if not condition.watchers and not condition.pinned:
                self._drop_condition(condition)
        task.conditions = ()
        self.results.leave(task)

    def _uncount_wish(self, wish: Wish) -> None:
        self.counted[wish] -= 1
        if self.counted[wish] == 0:
            del self.counted[wish]

    def _drop_condition(self, condition: Condition) -> None:
        self.unjudged.pop(condition, None)
        if condition.wish.at_least is not None and condition.wish.key in self.row.latched:
            self._remember({*self.row.latched} - {condition.wish.key})
        if condition.group is not None:
            condition.group.conditions.pop(condition.wish, None)
            self._drop_if_idle(condition.group)
            return
        name = condition.wish.selector[1]
        self.by_name[name].pop(condition.wish, None)
        if not self.by_name[name]:
            del self.by_name[name]

    # -- what an operator changes -------------------------------------------------------------------

    def is_open_or_holds(self, task: Task) -> bool:
        """Whether a task with these terms would wait or start now, and not be passed by; nothing is changed."""
        conditions = [self.condition(wish) for wish in task.wishes]
        verdicts = {condition.verdict for condition in conditions}
        for condition in conditions:
            if not condition.watchers and not condition.pinned:
                self._drop_condition(condition)
        return Verdict.UNDECIDED in verdicts or Verdict.DEAD not in verdicts

    def reconsider_around(self, task: Task) -> None:
        """What was decided by the end of this task, or because it could add no more, may be open again (rule 9)."""
        groups = [*self.groups_of(task.labels)]
        for tag in self.grants.get(task, ()):
            plain = self.groups.get(("any", tag))
            groups += [plain] if plain is not None else []
            groups += self.wide.get(tag, {}).values()
        around = [condition for group in groups for condition in group.conditions.values()]
        for condition in [*around, *self.by_name.get(task.row.name, {}).values()]:
            self._reconsider(condition)

    def _reconsider(self, condition: Condition) -> None:
        if condition.verdict is Verdict.UNDECIDED:
            self.unjudged[condition] = None
            return
        condition.verdict = self.judge(condition)
        self._latch(condition)
        if condition.verdict is Verdict.UNDECIDED:
            for watcher in condition.watchers:
                watcher.undecided += 1
                self.ready.pop(watcher, None)

    # -- what must be looked at again ---------------------------------------------------------------

    def unsettle_tag(self, tag: str) -> None:
        """Whether the tag is closed may have changed."""
        plain = self.groups.get(("any", tag))
        for group in [plain] if plain else []:
            self.unjudged.update(dict.fromkeys(group.conditions.values()))
        for group in self.wide.get(tag, {}).values():
            self.unjudged.update(dict.fromkeys(group.conditions.values()))

    def unsettle_all(self) -> None:
        """The workflow was sealed: every selection may be closed now."""
        for group in self.groups.values():
            self.unjudged.update(dict.fromkeys(group.conditions.values()))

    def _unsettle_around(self, task: Task) -> None:
        for group in self.groups_of(task.labels):
            if group.conditions:
                self.unjudged.update(dict.fromkeys(group.conditions.values()))
        watching = self.by_name.get(task.row.name)
        if watching:
            self.unjudged.update(dict.fromkeys(watching.values()))
