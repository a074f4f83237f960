"""The workflow aggregate: its tasks, the indexes over them, and what the present decision changed.

Everything here is bookkeeping: tasks come, go and move, and counters follow. What should happen next is
decided in `adding`, `progress` and `completion`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from ostro.core.effects import Changes, Entry, TaskRow, Timer
from ostro.core.plans.steps import Flow
from ostro.core.requirements.conditions import Task
from ostro.core.requirements.index import Index
from ostro.core.states import ENDED, MOVES, REVIVALS, WORKFLOW_ENDED, WORKFLOW_MOVES, WORKFLOW_REVIVALS
from ostro.language.expressions.lookups import Need
from ostro.values import UUID, Limits, TaskState, WorkflowState


class Moment(msgspec.Struct, frozen=True):
    """What a decision may know of the world outside: the time, new ids, the limits in force."""

    now: datetime
    new_id: Callable[[], UUID]
    limits: Limits
    answers: Mapping[Need, object] = {}
    """What the world outside the workflow answered to its expressions, asked before."""
    asks: bool = False
    """Whether who decides can fetch answers: then a decision may be broken off by `Unanswered`."""


class Workflow(Index):
    """A workflow and all its tasks, mutable in memory. A failed commit throws it away."""

    # -- what it is ---------------------------------------------------------------------------------

    @property
    def namespace(self) -> int:
        """Whose it is."""
        return self.birth.namespace

    @property
    def id(self) -> UUID:
        """Its id."""
        return self.birth.id

    @property
    def defined(self) -> Flow:
        """`flow`, where it is known to be there: the workflow was made from a definition."""
        if self.flow is None:
            raise AssertionError("this workflow was not made from a definition")
        return self.flow

    @property
    def state(self) -> WorkflowState:
        """Where it is."""
        return self.row.state

    @property
    def ended(self) -> bool:
        """It will not move again by itself."""
        return self.row.state in WORKFLOW_ENDED

    # -- changes ------------------------------------------------------------------------------------

    def move(self, task: Task, to: TaskState, now: datetime, **fields: object) -> None:
        """A move of the table, with all that follows a state. `fields` are columns that change with it."""
        if to not in MOVES[task.state]:
            raise AssertionError(f"no move from {task.state} to {to}")
        self._rewrite(task, now, to, fields)

    def revise(self, task: Task, now: datetime, **fields: object) -> None:
        """Columns change and the state stays."""
        self._rewrite(task, now, None, fields)

    def _rewrite(self, task: Task, now: datetime, to: TaskState | None, fields: dict[str, object]) -> None:
        was_waiting = task.waiting
        self._uncount(task)  # first: a group that it leaves as its spawner stays while it is a member
        groups = self.groups_of(task.labels) if to is not None else []
        for group in groups:
            group.count(task, -1)
        for name, value in fields.items():
            setattr(task.row, name, value)
        if to is not None:
            task.row.state = to
            task.row.version += 1
            if to in ENDED:
                task.row.ended_at = now
                task.row.job = None
        for group in groups:
            group.count(task, 1)
        self._count(task)
        if was_waiting and not task.waiting:
            self._unwatch(task)
        if to in ENDED:
            self._unsettle_around(task)
            if not task.row.weighs:
                task.spec = None
        self.touch(task)

    def touch(self, task: Task) -> None:
        """The task's row is written with this decision."""
        if task.id not in self.changes.added:
            self.changes.touched[task.id] = None

    def touch_workflow(self, **fields: object) -> None:
        """The workflow's own columns change."""
        state = fields.get("state")
        if isinstance(state, WorkflowState) and state not in WORKFLOW_MOVES[self.row.state]:
            raise AssertionError(f"no move from {self.row.state} to {state}")
        for name, value in fields.items():
            setattr(self.row, name, value)
        self.changes.workflow_touched = True

    def set_timer(self, timer: Timer) -> None:
        """The timer is set, or taken away, with this decision."""
        self.changes.timers[timer.kind, timer.task] = timer

    def stop(self, why: str) -> None:
        """Rule 8: seal it; what was started is cancelled and the rest passed by, a bounded part at a time."""
        self.seal()
        self.touch_workflow(stopping=why)
        self.note("stopping", reason=why)
        self.told.clear()
        self.ready.clear()
        self.passing.clear()

    def seal(self) -> None:
        """No caller outside adds to it any more."""
        if not self.row.sealed:
            self.touch_workflow(sealed=True)
            self.note("sealed")
            self.unsettle_all()

    def revive(self, task: Task, to: TaskState, now: datetime, **fields: object) -> None:
        """An operator's move out of an end (rule 9)."""
        if to not in REVIVALS[task.state]:
            raise AssertionError(f"no revival from {task.state} to {to}")
        if task.spec is None and self.flow is not None and task.id in self.flow.steps:
            task.spec = self.flow.steps[task.id].task.spec
        self.results.forget(task)
        self._rewrite(task, now, to, {"ended_at": None, "error": None, **fields})

    def restore(self, task: Task, row: TaskRow) -> None:
        """Puts back what a task's row was before a revival that is refused."""
        if task.waiting:
            self._unwatch(task)
        self._uncount(task)
        groups = self.groups_of(task.labels)
        for group in groups:
            group.count(task, -1)
        task.row = row
        for group in groups:
            group.count(task, 1)
        self._count(task)

    def revive_all(self) -> None:
        """An ended workflow is RUNNING again, still sealed, no longer stopped (rule 9)."""
        if WorkflowState.RUNNING not in WORKFLOW_REVIVALS[self.row.state]:
            raise AssertionError(f"no revival of a workflow that is {self.row.state}")
        self.row.state = WorkflowState.RUNNING
        self.touch_workflow(stopping=None, error=None, ended_at=None)
        self.note("revived", state=WorkflowState.RUNNING.value)

    def note(self, what: str, task: Task | None = None, **fields: object) -> None:
        """One line of history."""
        name = task.name if task is not None else None
        self.changes.entries.append(Entry(what, name, **fields))  # type: ignore[arg-type]

    def take_changes(self) -> Changes:
        """What was changed since the last time, for the commit; the aggregate starts a new list."""
        taken, self.changes = self.changes, Changes()
        return taken
