"""What a task publishes at its end, and what follows it: tasks, joins, commands."""

from typing import Any

import msgspec

from ostro.core.flow import beginning, joins
from ostro.core.flow.holding import pause
from ostro.core.flow.scope import Failed, Scope
from ostro.core.plans.plan import PlannedClause, Written
from ostro.core.plans.rows import Command
from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.values import TaskState, WorkflowState

_CLAUSES = {
    TaskState.SUCCESS: ("on-success", "on-complete"),
    TaskState.ERROR: ("on-error", "on-complete"),
    TaskState.SKIPPED: ("on-skip",),
}
_OWN = {TaskState.SUCCESS: "on-success", TaskState.ERROR: "on-error", TaskState.SKIPPED: "on-skip"}


def published(workflow: Workflow, task: Task, step: Step, state: TaskState, moment: Moment) -> list[Command]:
    """Evaluates what is published in this state, and which transitions fire. Failed if an expression does."""
    clauses = _clauses(step, state)
    scope = Scope(workflow, moment, task, ends_as=state)
    own = step.task.publish.get(_OWN.get(state, ""))
    # The nearer to the outcome, the stronger: `on-success` says more than `publish`, and that more than `on-complete`.
    layers = [clause.branch for name, clause in clauses if name == "on-complete"]
    layers += [own, *(clause.branch for name, clause in clauses if name != "on-complete")]
    branch = _evaluated(scope, layers)
    shared = _evaluated(
        scope, [part for _, clause in reversed(clauses) for part in (clause.shared, clause.atomic)]
    )
    step.publish(msgspec.json.encode(branch) if branch else None)
    commands = _fired(
        Scope(workflow, moment, task, view=step.view, ends_as=state), task, step, clauses, state
    )
    step.row.shares = msgspec.json.encode(shared) if shared else None
    return commands


def _clauses(step: Step, state: TaskState) -> list[tuple[str, PlannedClause]]:
    found = step.task.clauses
    return [(name, found[name]) for name in _CLAUSES.get(state, ()) if name in found]


def _evaluated(scope: Scope, layers: list[Written | None]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for written in layers:
        value = scope.value(written, {})
        if not isinstance(value, dict):
            raise Failed("what is published is a mapping")
        values |= value
    return values


def _fired(
    scope: Scope, task: Task, step: Step, clauses: list[tuple[str, PlannedClause]], state: TaskState
) -> list[Command]:
    commands: list[Command] = []
    for name, clause in clauses:
        for one in clause.next:
            if one.guard is not None and not scope.value(one.guard):
                continue
            message = scope.value(one.parameters, {}).get("msg") if one.is_engine else None
            said = str(message) if message is not None else None
            commands.append(Command(one.target, task.id, name, one.is_engine, said))
    if state is TaskState.SKIPPED and not commands and "on-success" in step.task.clauses:
        return _fired(scope, task, step, [("on-success", step.task.clauses["on-success"])], TaskState.SUCCESS)
    return commands


def follow(workflow: Workflow, task: Task, step: Step, commands: list[Command], moment: Moment) -> None:
    """Does what fired, in order. In a paused workflow, and behind a command, it waits in the backlog."""
    flow = workflow.flow
    if flow is None or workflow.row.stopping or workflow.ended:
        return
    if step.row.shares is not None:
        flow.row.shared = msgspec.json.encode(flow.shared() | msgspec.json.decode(step.row.shares))
        step.row.shares = None
        workflow.changes.flow_touched = True
    for index, one in enumerate(commands):
        if one.is_engine or workflow.state is WorkflowState.PAUSED:
            flow.queue(*(c for c in commands[index:] if not (c.is_engine and c.target == "noop")))
            workflow.changes.flow_touched = True
            break
        lead_to(workflow, one, moment)
    _check_joins(workflow, task, step, commands)


def _check_joins(workflow: Workflow, task: Task, step: Step, commands: list[Command]) -> None:
    """Joins that this task could have reached and did not may never be met now."""
    reached = {one.target for one in commands}
    for clause in step.task.clauses.values():
        for one in clause.next:
            waiting = (
                None if one.is_engine or one.target in reached else joins.waiting_join(workflow, one.target)
            )
            if (
                workflow.flow is not None
                and waiting is not None
                and waiting[0] is not task
                and joins.is_lost(workflow, waiting[0])
            ):
                workflow.flow.lost[waiting[0]] = None


def lead_to(workflow: Workflow, command: Command, moment: Moment) -> None:
    """A transition to a task: a new one, or an arrival at its join."""
    flow = workflow.flow
    if flow is None:
        return
    planned = flow.plan.tasks[command.target]
    if planned.join is None:
        beginning.make_task(workflow, command.target, (command.after,), command.event, moment)
        return
    arriving = workflow.tasks[command.after].name
    _let_it_wait_again(workflow, planned.name, moment)
    if joins.is_late(workflow, planned, arriving):
        return
    waiting = joins.waiting_join(workflow, command.target)
    if waiting is None:
        task = beginning.make_task(workflow, command.target, (), command.event, moment)
        waiting = task, flow.steps[task.id]
    task, step = waiting
    step.row.arrived = {**step.row.arrived, arriving: command.after}
    workflow.changes.steps[task.id] = None
    if not joins.is_held(workflow, task):
        workflow.ready[task] = None


def _let_it_wait_again(workflow: Workflow, name: str, moment: Moment) -> None:
    """A join that was given up is reached after all: a branch was run again, or skipped (rule 9)."""
    task = workflow.names.get(name)
    if task is not None and task.state is TaskState.ERROR and task.row.started_at is None:
        workflow.revive(task, TaskState.WAITING, moment.now)


def go_on(workflow: Workflow, moment: Moment) -> bool:
    """The next command of the backlog; false if there is none."""
    flow = workflow.flow
    if flow is None or not flow.row.backlog:
        return False
    command, *rest = flow.row.backlog
    flow.row.backlog = tuple(rest)
    workflow.changes.flow_touched = True
    if not command.is_engine:
        lead_to(workflow, command, moment)
        return True
    if command.target == "pause":
        pause(workflow, command.message)
        return True
    flow.row.message = command.message
    workflow.stop(command.target)
    return True
