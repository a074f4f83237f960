"""What a task publishes at its end, and what follows it: tasks, joins, commands."""

from typing import Any, NamedTuple

import msgspec

from ostro.core.flow import beginning, joins
from ostro.core.flow.holding import pause
from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.context import layered
from ostro.core.plans.plan import PlannedClause, Written
from ostro.core.plans.rows import Command
from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.values import TaskState, WorkflowState, readable

_CLAUSES = {
    TaskState.SUCCESS: ("on-success", "on-complete"),
    TaskState.ERROR: ("on-error", "on-complete"),
    TaskState.SKIPPED: ("on-skip",),
}
_OWN = {TaskState.SUCCESS: "on-success", TaskState.ERROR: "on-error", TaskState.SKIPPED: "on-skip"}


class Outcome(NamedTuple):
    """What an end brings with it: the variables of its branch (a JSON object, None for none), the global ones, and the
    transitions that fire.
    """

    branch: bytes | None = None
    shared: bytes | None = None
    commands: tuple[Command, ...] = ()

    @property
    def handles_errors(self) -> bool:
        """Whether `on-error` leads somewhere."""
        return any(one.event == "on-error" for one in self.commands)


def outcome_of(workflow: Workflow, task: Task, step: Step, state: TaskState, moment: Moment) -> Outcome:
    """Evaluates what is published in this state, and which transitions fire; nothing is changed. Failed if an
    expression does.
    """
    clauses = [
        (name, step.task.clauses[name]) for name in _CLAUSES.get(state, ()) if name in step.task.clauses
    ]
    scope = Scope(workflow, moment, task, ends_as=state)
    own = step.task.publish.get(_OWN.get(state, ""))
    # The nearer to the outcome, the stronger: `on-success` says more than `publish`, and that more than `on-complete`.
    layers = [clause.branch for name, clause in clauses if name == "on-complete"]
    layers += [own, *(clause.branch for name, clause in clauses if name != "on-complete")]
    branch = _evaluated(scope, layers)
    shared = _evaluated(
        scope, [part for _, clause in reversed(clauses) for part in (clause.shared, clause.atomic)]
    )
    behind = Scope(workflow, moment, task, view=layered(step.seen, branch), ends_as=state)
    commands = _fired(behind, task, clauses)
    if state is TaskState.SKIPPED and not commands and "on-success" in step.task.clauses:
        commands = _fired(behind, task, [("on-success", step.task.clauses["on-success"])])
    return Outcome(branch, shared, tuple(commands))


def _evaluated(scope: Scope, layers: list[Written | None]) -> bytes | None:
    values: dict[str, Any] = {}
    for written in layers:
        value = scope.value(written, {})
        if not isinstance(value, dict):
            raise Failed("what is published is a mapping")
        values |= value
    return encoded(values) if values else None


def _fired(scope: Scope, task: Task, clauses: list[tuple[str, PlannedClause]]) -> list[Command]:
    commands: list[Command] = []
    for name, clause in clauses:
        for one in clause.next:
            if one.guard is not None and not scope.value(one.guard):
                continue
            message = scope.value(one.parameters, {}).get("msg") if one.is_engine else None
            said = readable(str(message)) if message is not None else None
            commands.append(Command(one.target, task.id, name, one.is_engine, said))
    return commands


def follow(workflow: Workflow, task: Task, step: Step, outcome: Outcome, moment: Moment) -> None:
    """Does what fired, in order. In a paused workflow, and behind a command, it waits in the backlog."""
    flow = workflow.defined
    if workflow.row.stopping or workflow.ended:
        return
    if outcome.shared is not None:
        flow.row.shared = msgspec.json.encode(flow.read("shared") | msgspec.json.decode(outcome.shared))
        workflow.changes.flow_touched = True
    commands = outcome.commands
    for index, one in enumerate(commands):
        if one.is_engine or workflow.state is WorkflowState.PAUSED:
            later = (c for c in commands[index:] if not (c.is_engine and c.target == "noop"))
            flow.row.backlog = (*flow.row.backlog, *later)
            workflow.changes.flow_touched = True
            break
        lead_to(workflow, one, moment)
    _doubt_joins(workflow, task, step, commands)


def _doubt_joins(workflow: Workflow, task: Task, step: Step, commands: tuple[Command, ...]) -> None:
    """Joins that this task could have reached and did not may never be met now."""
    reached = {one.target for one in commands}
    for clause in step.task.clauses.values():
        for one in clause.next:
            join = None if one.is_engine or one.target in reached else joins.waiting(workflow, one.target)
            if join is not None and join is not task and joins.is_lost(workflow, join):
                workflow.defined.lost[join] = None


def lead_to(workflow: Workflow, command: Command, moment: Moment) -> None:
    """A transition to a task: a new one, or an arrival at its join. A workflow that is full ends in ERROR."""
    flow = workflow.defined
    if len(workflow.tasks) >= moment.limits.tasks_per_workflow:
        flow.row.message = f"a workflow has at most {moment.limits.tasks_per_workflow} tasks"
        workflow.changes.flow_touched = True
        workflow.stop("fail")
        return
    planned = flow.plan.tasks[command.target]
    if planned.join is None:
        beginning.make_task(workflow, command.target, (command.after,), moment)
        return
    arriving = workflow.tasks[command.after].name
    _let_it_wait_again(workflow, planned.name, moment)
    if joins.is_late(workflow, planned.name, arriving):
        return
    task = joins.waiting(workflow, planned.name) or beginning.make_task(workflow, planned.name, (), moment)
    step = flow.steps[task.id]
    step.row.arrived = {**step.row.arrived, arriving: command.after}
    workflow.changes.steps[task.id] = None
    if not step.is_held:
        workflow.ready[task] = None


def _let_it_wait_again(workflow: Workflow, name: str, moment: Moment) -> None:
    """A join that was given up is reached after all: a branch was run again, or skipped (rule 9)."""
    task = workflow.names.get(name)
    if task is not None and task.state is TaskState.ERROR and task.row.started_at is None:
        workflow.revive(task, TaskState.WAITING, moment.now)


def go_on(workflow: Workflow, moment: Moment) -> bool:
    """The next command of the backlog; false if there is none."""
    flow = workflow.defined
    if not flow.row.backlog:
        return False
    command, *rest = flow.row.backlog
    flow.row.backlog = tuple(rest)
    workflow.changes.flow_touched = True
    if not command.is_engine:
        lead_to(workflow, command, moment)
    elif command.target == "pause":
        pause(workflow, command.message)
    else:
        flow.row.message = command.message
        workflow.stop(command.target)
    return True
