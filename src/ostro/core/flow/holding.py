"""Waiting: a task for a time, a workflow for a resume."""

from datetime import timedelta

from ostro.core.effects import Message, Timer
from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.values import TaskState, WorkflowState


def delay(
    workflow: Workflow,
    task: Task,
    step: Step,
    phase: str,
    wait: int,
    moment: Moment,
    *,
    error: str | None = None,
) -> None:
    """The task waits so many seconds; `phase` says for what, `error` what the run before came to."""
    step.row.phase = phase
    workflow.changes.steps[task.id] = None
    if task.state is TaskState.DELAYED:
        workflow.revise(task, moment.now, job=None, error=error)
    else:
        workflow.move(task, TaskState.DELAYED, moment.now, job=None, error=error)
    workflow.note("delayed", task, state=TaskState.DELAYED.value, reason=phase)
    if wait > 0:
        workflow.set_timer(Timer("retry", task.id, moment.now + timedelta(seconds=wait)))
    else:
        workflow.ready[task] = None


def pause(workflow: Workflow, message: str | None = None) -> bool:
    """Nothing is started until it is resumed; what runs goes on. The workflows that its tasks run pause as well."""
    if workflow.state is not WorkflowState.RUNNING or workflow.row.stopping:
        return False
    workflow.touch_workflow(state=WorkflowState.PAUSED)
    if workflow.flow is not None:
        workflow.flow.row.message = message
        workflow.changes.flow_touched = True
    workflow.note("paused", state=WorkflowState.PAUSED.value, reason=message)
    tell_callees(workflow, "pause")
    return True


def take_up_again(workflow: Workflow) -> None:
    """What is to be done and stands in no timer: tasks that were held until a resume, loops with items that have not
    begun. After a resume, and where a workflow is read anew.
    """
    if workflow.state is WorkflowState.PAUSED:
        return
    steps = workflow.flow.steps if workflow.flow is not None else {}
    for task in workflow.started:
        step = steps.get(task.id)
        has_items = step is not None and step.is_loop and task.state is TaskState.RUNNING and step.todo
        if task.state is TaskState.PAUSED or has_items:
            workflow.ready[task] = None


def tell_callees(workflow: Workflow, what: str) -> None:
    """A message to each workflow that a task of this one runs."""
    if workflow.flow is None:
        return
    for task in workflow.started:
        step = workflow.flow.steps.get(task.id)
        if step is not None and step.task.workflow is not None:
            for job in step.live:
                workflow.changes.sent.append(Message(job, what, b""))
