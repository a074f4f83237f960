"""What operators do: resume, stop with a message, run again, skip. Pausing is in `holding`."""

import msgspec

from ostro.core.adding import find, refuse_unseen
from ostro.core.effects import Timer
from ostro.core.events import Rerun, Skip, StopWorkflow
from ostro.core.flow import following
from ostro.core.flow.holding import take_up_again, tell_callees
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
    take_up_again(workflow)
    tell_callees(workflow, "resume")
    return True


def _take_env(workflow: Workflow, env: dict[str, object] | None) -> None:
    if env and workflow.flow is not None:
        workflow.flow.row.env = msgspec.json.encode(workflow.flow.read("env") | env)
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
    step = _revivable(workflow, task, "run again", moment)
    _revive(workflow)
    _take_env(workflow, event.env)
    step.row.retries, step.row.waited, step.row.gated, step.row.handled = 0, False, False, False
    if event.reset or not step.is_loop:
        step.begin_anew(task.row.run + 1)
    else:
        step.try_failed_again(task.row.run + 1)
    workflow.changes.steps[task.id] = None
    workflow.defined.publish(step, None)
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
    step = _revivable(workflow, task, "be skipped", moment)
    try:
        outcome = following.outcome_of(workflow, task, step, TaskState.SKIPPED, moment)
    except Failed as failed:
        raise Conflict("skip_failed", f"{task.name!r} cannot be skipped: {failed}.") from None
    _revive(workflow)
    workflow.changes.steps[task.id] = None
    workflow.defined.publish(step, outcome.branch)
    workflow.revive(task, TaskState.SKIPPED, moment.now, reason=SkipReason.OPERATOR)
    workflow.note("skipped", task, state=task.state.value, reason=SkipReason.OPERATOR.value)
    following.follow(workflow, task, step, outcome, moment)
    return True


def _revivable(workflow: Workflow, task: Task, what: str, moment: Moment) -> Step:
    """The step of a task that may be revived (rule 9). Conflict says why not; nothing is changed."""
    if task.state not in {TaskState.ERROR, TaskState.CANCELLED}:
        raise Conflict(
            "task_not_failed",
            f"{task.name!r} is {task.state}: only what ended in ERROR or was cancelled can {what}.",
        )
    flow = workflow.flow
    if flow is None or task.id not in flow.steps or flow.plan.type != DIRECT:
        raise Conflict(
            "not_supported",
            f"{task.name!r} is no task of a direct workflow, and only those can {what} so far.",
            hint="Add another task, or start the workflow anew.",
        )
    if not workflow.ended:
        if workflow.row.stopping:
            raise Conflict(
                "workflow_stopping", "The workflow is being stopped.", hint="Try again once it has ended."
            )
        return flow.steps[task.id]
    if flow.row.caller is not None:
        raise Conflict(
            "caller_went_on",
            "This workflow's end has been used by the task that runs it.",
            hint=f"Run the task of workflow {flow.row.caller.workflow} again.",
        )
    deadline = workflow.row.deadline
    if deadline is not None and deadline <= moment.now:
        raise Conflict("deadline_passed", "The workflow's deadline has passed: it could do nothing any more.")
    return flow.steps[task.id]


def _revive(workflow: Workflow) -> None:
    """An ended workflow is RUNNING again."""
    if not workflow.ended:
        return
    workflow.revive_all()
    if workflow.row.deadline is not None:
        workflow.set_timer(Timer("deadline", None, workflow.row.deadline))
    workflow.defined.row.message, workflow.defined.row.output = None, None
    workflow.changes.flow_touched = True
