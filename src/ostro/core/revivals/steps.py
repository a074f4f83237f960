"""The definition's side of a revival: its runs count anew, it publishes something else, other tasks follow it."""

import msgspec

from ostro.core.events import SetResult
from ostro.core.flow import ending, following
from ostro.core.flow.scope import Failed
from ostro.core.plans.steps import Ended, Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict, Invalid
from ostro.language.model.policies import DIRECT
from ostro.values import TaskState

End = tuple[TaskState, bytes | None, str | None]
"""State, result and error of a run."""


def step_of(workflow: Workflow, task: Task) -> Step | None:
    """What the definition knows of it; None for a task that callers added."""
    return workflow.flow.steps.get(task.id) if workflow.flow is not None else None


def _is_direct(workflow: Workflow, task: Task) -> bool:
    """Whether transitions lead on from it, and not terms."""
    return step_of(workflow, task) is not None and workflow.defined.plan.type == DIRECT


def refuse_rerun(workflow: Workflow, task: Task, *, from_here: bool) -> None:
    """Conflict for what transitions have no sense for: they lead on from each end, once."""
    if not _is_direct(workflow, task):
        return
    if task.state not in {TaskState.ERROR, TaskState.CANCELLED}:
        raise Conflict(
            "task_not_failed",
            f"{task.name!r} is {task.state}: in a direct workflow only what ended in ERROR or was cancelled runs again.",
            hint="Run the task again that failed behind it.",
        )
    if from_here:
        raise Conflict(
            "direct_leads_on",
            f"{task.name!r} is a task of a direct workflow: what follows it runs again by its transitions.",
            hint="Leave `from_here` out.",
        )


def renew(workflow: Workflow, task: Task, *, reset: bool) -> None:
    """It runs anew, with `reset` all of its items, else those that did not succeed."""
    step = step_of(workflow, task)
    if step is None:
        return
    step.row.retries, step.row.waited, step.row.gated, step.row.handled = 0, False, False, False
    if reset or not step.is_loop:
        step.begin_anew(task.row.run + 1)
    else:
        step.try_failed_again(task.row.run + 1)
    workflow.changes.steps[task.id] = None
    workflow.defined.publish(step, None)


def outcome_of_skip(workflow: Workflow, task: Task, moment: Moment) -> following.Outcome | None:
    """What it publishes and leads to, skipped. Conflict if an expression fails: then nothing has changed."""
    step = step_of(workflow, task)
    if step is None:
        return None
    try:
        return following.outcome_of(workflow, task, step, TaskState.SKIPPED, moment)
    except Failed as failed:
        raise Conflict("skip_failed", f"{task.name!r} cannot be skipped: {failed}.") from None


def follow_skip(workflow: Workflow, task: Task, outcome: following.Outcome | None, moment: Moment) -> None:
    """What that brings."""
    step = step_of(workflow, task)
    if step is not None and outcome is not None:
        workflow.changes.steps[task.id] = None
        workflow.defined.publish(step, outcome.branch)
        following.follow(workflow, task, step, outcome, moment)


def ends_of(workflow: Workflow, task: Task, event: SetResult) -> list[End]:
    """How its run, or that of each item, is said to have ended. Refusal if a loop gets something else than a list."""
    step = step_of(workflow, task)
    if step is None or not step.is_loop:
        return [(event.state, event.result, event.error)]
    try:
        results = msgspec.json.decode(event.result or b"null", type=list[msgspec.Raw])
    except msgspec.ValidationError:
        results = None
    count = len(step.items())
    if results is None or len(results) != count:
        said = f"{task.name!r} has {count} items: its result is a list of so many."
        raise Invalid("invalid_result", said, fields=[("result", said)])
    return [(event.state, bytes(one), event.error) for one in results]


def outcome_of_result(
    workflow: Workflow, task: Task, state: TaskState, ends: list[End], moment: Moment
) -> following.Outcome | None:
    """What it publishes and leads to, ended so. Conflict if an expression fails: then nothing has changed."""
    step = step_of(workflow, task)
    if step is None:
        return None
    before, run = step.ends, task.row.run + 1
    step.ends = {item: Ended(run, *end) for item, end in enumerate(ends)}
    try:
        return following.outcome_of(workflow, task, step, state, moment)
    except Failed as failed:
        raise Conflict("result_failed", f"{task.name!r} cannot have this result: {failed}.") from None
    finally:
        step.ends = before


def follow_result(
    workflow: Workflow, task: Task, ends: list[End], outcome: following.Outcome | None, moment: Moment
) -> None:
    """What that brings."""
    step = step_of(workflow, task)
    if step is None or outcome is None:
        return
    step.ends = {item: Ended(task.row.run, *end) for item, end in enumerate(ends)}
    workflow.defined.bytes += sum(len(result or b"") for _, result, _ in ends)
    workflow.changes.steps[task.id] = None
    workflow.defined.publish(step, outcome.branch)
    step.row.handled = task.state is TaskState.ERROR and outcome.handles_errors
    ending.drop_results(workflow, task, step, moment)
    following.follow(workflow, task, step, outcome, moment)
