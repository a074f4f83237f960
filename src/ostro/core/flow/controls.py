"""What operators do: resume, stop with a message, run again, skip. Pausing is in `running`."""

import msgspec

from ostro.core.adding import find, refuse_unseen
from ostro.core.events import Rerun, Skip, StopWorkflow
from ostro.core.flow import following
from ostro.core.flow.holding import tell_callees
from ostro.core.flow.scope import Failed
from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict
from ostro.language.model.policies import DIRECT
from ostro.values import SkipReason, TaskState, WorkflowState


def resume(workflow: Workflow, env: dict[str, object] | None) -> bool:
    """What was held goes on: tasks that `pause-before` holds, delays that have passed, the backlog."""
    if workflow.state is not WorkflowState.PAUSED:
        return False
    workflow.touch_workflow(state=WorkflowState.RUNNING)
    _take_env(workflow, env)
    if workflow.flow is not None:
        workflow.flow.row.message = None
        workflow.changes.flow_touched = True
    workflow.note("resumed", state=WorkflowState.RUNNING.value)
    for task in list(workflow.started):
        if task.state is TaskState.PAUSED:
            workflow.ready[task] = None
    tell_callees(workflow, "resume")
    return True


def _take_env(workflow: Workflow, env: dict[str, object] | None) -> None:
    if env and workflow.flow is not None:
        known = msgspec.json.decode(workflow.flow.row.env)
        workflow.flow.row.env = msgspec.json.encode(known | env)
        workflow.changes.flow_touched = True


def stop(workflow: Workflow, event: StopWorkflow) -> bool:
    """Ends it in the given state, with the message as its result."""
    if workflow.ended or workflow.row.stopping:
        return False
    if workflow.flow is not None:
        workflow.flow.row.message = event.message or None
        workflow.changes.flow_touched = True
    kinds = {WorkflowState.SUCCESS: "succeed", WorkflowState.ERROR: "fail", WorkflowState.CANCELLED: "cancel"}
    workflow.stop(kinds[event.state])
    return True


def rerun(workflow: Workflow, event: Rerun, moment: Moment) -> bool:
    """A failed or cancelled task runs again; with `reset` all of its items, else those that failed."""
    task = find(workflow, event.name)
    refuse_unseen(task, event.seen)
    step = _step(workflow, task, "run again")
    _revive(workflow)
    _take_env(workflow, event.env)
    failed = {item for item, one in step.ends.items() if one.state is not TaskState.SUCCESS}
    step.row.retries, step.row.waited, step.row.gated, step.row.handled = 0, False, False, False
    if event.reset or not step.is_loop:
        step.row.since = task.row.run + 1
        step.begin_anew(None)
        step.ends.clear()
    else:
        for item in failed:
            del step.ends[item]
        step.begin_anew(step.row.items)
    workflow.changes.steps[task.id] = None
    step.publish(None)
    workflow.revive(task, TaskState.WAITING, moment.now)
    workflow.watch(task)
    workflow.note("rerun", task, state=task.state.value)
    return True


def skip(workflow: Workflow, event: Skip, moment: Moment) -> bool:
    """A failed task counts as done: what it publishes on skip is seen, and its `on-skip` follows."""
    task = find(workflow, event.name)
    if task.reason is SkipReason.OPERATOR:
        return False
    refuse_unseen(task, event.seen)
    step = _step(workflow, task, "be skipped")
    try:
        commands = following.published(workflow, task, step, TaskState.SKIPPED, moment)
    except Failed as failed:
        raise Conflict("skip_failed", f"{task.name!r} cannot be skipped: {failed}.") from None
    _revive(workflow)
    workflow.changes.steps[task.id] = None
    workflow.revive(task, TaskState.SKIPPED, moment.now, reason=SkipReason.OPERATOR)
    workflow.note("skipped", task, state=task.state.value, reason=SkipReason.OPERATOR.value)
    following.follow(workflow, task, step, commands, moment)
    return True


def _step(workflow: Workflow, task: Task, what: str) -> Step:
    if task.state not in {TaskState.ERROR, TaskState.CANCELLED}:
        raise Conflict(
            "task_not_failed",
            f"{task.name!r} is {task.state}: only what ended in ERROR or was cancelled can {what}.",
        )
    if workflow.flow is None or task.id not in workflow.flow.steps or workflow.flow.plan.type != DIRECT:
        raise Conflict("not_supported", f"{task.name!r} is not a task of a direct workflow.")
    return workflow.flow.steps[task.id]


def _revive(workflow: Workflow) -> None:
    """An ended workflow is RUNNING again; whoever runs it hears of its end once more."""
    if workflow.ended:
        if workflow.flow is not None and workflow.flow.row.caller is not None:
            caller = workflow.flow.row.caller.workflow
            raise Conflict(
                "caller_went_on",
                "This workflow's end has been used by the task that runs it.",
                hint=f"Run the task of workflow {caller} again.",
            )
        workflow.revive_workflow()
        if workflow.flow is not None:
            workflow.flow.row.message, workflow.flow.row.output = None, None
            workflow.changes.flow_touched = True
