"""The three calls: what each takes, what it refuses, and its answer."""

from collections.abc import Sequence
from typing import assert_never

from ostro.core import progress
from ostro.core.additions.adding import find, refuse_unseen
from ostro.core.additions.cycles import refuse_cycles
from ostro.core.completion import abandon_wait
from ostro.core.effects import EndedJob, Timer
from ostro.core.events import Rerun, Revival, Revived, SetResult, Skip
from ostro.core.flow.controls import take_env
from ostro.core.requirements.conditions import Task
from ostro.core.revivals import steps, waking
from ostro.core.revivals.trial import Trial
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict
from ostro.values import SkipReason, TaskState

_NAMED = 10


def obey(workflow: Workflow, event: Revival, moment: Moment) -> Revived:
    """The one door. What ended keeps its specification in memory no longer than the call."""
    _remember(workflow)
    requirers = waking.Requirers(workflow)
    try:
        match event:
            case Rerun():
                revived = rerun(workflow, event, moment, requirers)
            case Skip():
                revived = skip(workflow, event, moment, requirers)
            case SetResult():
                revived = set_result(workflow, event, moment, requirers)
            case _:
                assert_never(event)
        started = waking.started_on(revived, requirers)
        return Revived(bool(revived), len(started), tuple(task.name for task in started[:_NAMED]))
    finally:
        for task in workflow.tasks.values():
            if task.ended and not task.row.weighs:
                task.spec = None


def _remember(workflow: Workflow) -> None:
    for task in workflow.tasks.values():
        if task.spec is None:
            step = steps.step_of(workflow, task)
            if step is None:
                raise AssertionError(f"the specification of {task.name} is not there")
            task.spec = step.task.spec


def rerun(workflow: Workflow, event: Rerun, moment: Moment, requirers: waking.Requirers) -> Sequence[Task]:
    """An ended task runs again; with `from_here` all that hang on it and had started do, in their order."""
    task = _revivable(workflow, event.name, event.seen, "run again", moment)
    if not task.ended:
        raise _not_yet(task, "run again")
    steps.refuse_rerun(workflow, task, from_here=event.from_here)
    progress.tell_all(workflow)
    behind = waking.all_behind(task, requirers) if event.from_here else []
    trial = Trial(workflow, moment)
    trial.wait_again(*behind)
    if waking.has_started(task):
        trial.start_again(task)
    else:
        trial.wait_again(task)
    _make_true(trial, requirers)
    take_env(workflow, event.env)
    for one in (task, *behind):
        steps.renew(workflow, one, reset=event.reset or one is not task)
        workflow.note("rerun", one, state=one.state.value)
    return task, *behind


def skip(workflow: Workflow, event: Skip, moment: Moment, requirers: waking.Requirers) -> Sequence[Task]:
    """A task that does not run counts as done: a failed one, one that was passed by, one that waits."""
    known = workflow.names.get(event.name)
    if known is not None and known.reason is SkipReason.OPERATOR:
        return ()
    task = _revivable(workflow, event.name, event.seen, "be skipped", moment)
    if task.state in {TaskState.SUCCESS, TaskState.RUNNING}:
        hint = "Cancel it first." if task.state is TaskState.RUNNING else ""
        raise Conflict(
            "task_not_failed", f"{task.name!r} is {task.state}: there is nothing to skip.", hint=hint
        )
    outcome = steps.outcome_of_skip(workflow, task, moment)
    progress.tell_all(workflow)
    trial = Trial(workflow, moment)
    if task.ended:
        trial.skip(task)
        _make_true(trial, requirers)
    else:
        abandon_wait(workflow, task)
        workflow.move(task, TaskState.SKIPPED, moment.now, reason=SkipReason.OPERATOR)
    workflow.note("skipped", task, state=task.state.value, reason=SkipReason.OPERATOR.value)
    steps.follow_skip(workflow, task, outcome, moment)
    return (task,)


def set_result(
    workflow: Workflow, event: SetResult, moment: Moment, requirers: waking.Requirers
) -> Sequence[Task]:
    """A task that ran gets another end: what it came to is what the caller says."""
    task = _revivable(workflow, event.name, event.seen, "get a result", moment)
    if not task.ended:
        raise _not_yet(task, "get a result")
    if not waking.has_started(task):
        raise Conflict(
            "task_never_ran",
            f"{task.name!r} never ran: only what ran can get another result.",
            hint="Skip it, or run it again.",
        )
    ends = steps.ends_of(workflow, task, event)
    outcome = steps.outcome_of_result(workflow, task, event.state, ends, moment)
    progress.tell_all(workflow)
    trial = Trial(workflow, moment)
    trial.end_as(task, event.state, error=event.error, run=task.row.run + 1)
    _make_true(trial, requirers)
    for item, (state, result, error) in enumerate(ends):
        ended = EndedJob(moment.new_id(), task.id, task.row.run, None, state, error, result, moment.now, item)
        workflow.changes.ended_jobs.append(ended)
    workflow.note("result_set", task, state=task.state.value, run=task.row.run, error=event.error)
    steps.follow_result(workflow, task, ends, outcome, moment)
    return (task,)


def _make_true(trial: Trial, requirers: waking.Requirers) -> None:
    """Who hangs on them waits again, and the workflow lives. Conflict, and nothing has happened, if that is a cycle."""
    workflow = trial.workflow
    woken = waking.wake(trial, requirers)
    try:
        refuse_cycles(workflow, [task for task in trial.rows if task.waiting])
    except Conflict:
        trial.take_back()
        raise
    for task in woken:
        workflow.note("waits_again", task, state=task.state.value)
    _revive(workflow)


def _revive(workflow: Workflow) -> None:
    """An ended workflow is RUNNING again; a fall that was under way is looked at anew."""
    workflow.passing.clear()
    if not workflow.ended:
        return
    workflow.revive_all()
    if workflow.row.deadline is not None:
        workflow.set_timer(Timer("deadline", None, workflow.row.deadline))
    if workflow.flow is not None:
        workflow.flow.row.message, workflow.flow.row.output = None, None
        workflow.changes.flow_touched = True


def _revivable(workflow: Workflow, name: str, seen: int | None, what: str, moment: Moment) -> Task:
    """The task, if its workflow can live again. Conflict says why not; nothing is changed."""
    task = find(workflow, name)
    refuse_unseen(task, seen)
    if not workflow.ended:
        if workflow.row.stopping:
            raise Conflict(
                "workflow_stopping", "The workflow is being stopped.", hint="Try again once it has ended."
            )
        return task
    caller = workflow.flow.row.caller if workflow.flow is not None else None
    if caller is not None:
        raise Conflict(
            "caller_went_on",
            "This workflow's end has been used by the task that runs it.",
            hint=f"Run the task of workflow {caller.workflow} again.",
        )
    deadline = workflow.row.deadline
    if deadline is not None and deadline <= moment.now:
        raise Conflict(
            "deadline_passed",
            f"The workflow's deadline has passed: {task.name!r} cannot {what}.",
            hint="Move the deadline first.",
        )
    return task


def _not_yet(task: Task, what: str) -> Conflict:
    return Conflict(
        "task_not_ended",
        f"{task.name!r} is {task.state}: only what has ended can {what}.",
        hint="Cancel it first, or let it end.",
    )
