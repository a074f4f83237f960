"""Tasks that leave their end, all or none: until the whole is found to be possible, each can be put back."""

import msgspec

from ostro.core.effects import TaskRow
from ostro.core.requirements.conditions import Task
from ostro.core.requirements.weights import weighs
from ostro.core.workflow import Moment, Workflow
from ostro.values import SkipReason, TaskState, WorkflowState


class Trial:
    """What one call revives. `rows` are the tasks with their rows as they were, in order."""

    def __init__(self, workflow: Workflow, moment: Moment) -> None:
        self.workflow = workflow
        self.rows: dict[Task, TaskRow] = {}
        self._moment = moment
        self._touched = set(workflow.changes.touched)

    def start_again(self, task: Task) -> None:
        """A task that had started does so at once, whatever its terms say now; in a paused workflow with the resume."""
        paused = self.workflow.state is WorkflowState.PAUSED
        self._put(task, TaskState.PAUSED if paused else TaskState.DELAYED, reason=None)
        if not paused:
            self.workflow.ready[task] = None

    def wait_again(self, *tasks: Task) -> None:
        """As if they had never started: their terms decide. All are back before the terms of one are looked at."""
        for task in tasks:
            weight = task.spec is not None and weighs(task.spec)
            self._put(task, TaskState.WAITING, reason=None, started_at=None, weighs=weight)
        for task in tasks:
            self.workflow.watch(task)

    def end_as(self, task: Task, state: TaskState, **fields: object) -> None:
        """Another end."""
        self._put(task, state, **{"reason": None, **fields})

    def skip(self, task: Task) -> None:
        """By an operator: it counts as done."""
        started = task.row.started_at is not None
        reason = SkipReason.OPERATOR
        weight = task.spec is not None and weighs(task.spec, started=started, reason=reason)
        self.end_as(task, TaskState.SKIPPED, reason=reason, weighs=weight, job=None)

    def take_back(self) -> None:
        """Nothing has happened."""
        for task in self.rows:
            self.workflow.ready.pop(task, None)
        for task, row in reversed(self.rows.items()):
            self.workflow.restore(task, row)
        for task in self.rows:
            self.workflow.reconsider_around(task)
            if task.id not in self._touched:
                self.workflow.changes.touched.pop(task.id, None)

    def _put(self, task: Task, to: TaskState, **fields: object) -> None:
        self.rows.setdefault(task, msgspec.structs.replace(task.row))
        if to is not TaskState.SKIPPED:
            fields["since"] = task.row.run + 1
        spec = task.spec
        self.workflow.revive(task, to, self._moment.now, **fields)
        task.spec = spec  # it may have to be put back
        self.workflow.reconsider_around(task)
