"""The end of a run, and of a task: what a result becomes, waits and retries, then publishing and what follows."""

import msgspec

from ostro.core.effects import EndedJob, Message, Timer
from ostro.core.events import CalleeEnded
from ostro.core.flow import following, joins
from ostro.core.flow.calls import Call, call_of, transformed
from ostro.core.flow.holding import delay
from ostro.core.flow.policies import seconds, truth, whole
from ostro.core.flow.scope import Failed, Scope
from ostro.core.plans.plan import PlannedRetry
from ostro.core.plans.steps import Ended, Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Moment, Workflow
from ostro.values import UUID, TaskState


def run_ended(
    workflow: Workflow, task: Task, step: Step, job: UUID, state: TaskState, result: bytes | None,
    error: str | None, moment: Moment, *, fence: int | None = None, call: Call | None = None,
) -> None:  # fmt: skip
    """A run, or that of one item, is over."""
    item = step.live.pop(job)
    workflow.jobs.pop(job, None)
    if state is TaskState.SUCCESS and step.task.workflow is None:
        try:
            result = _transformed(workflow, task, step, item, result, call, moment)
        except Failed as failed:
            state, error, result = TaskState.ERROR, str(failed), None
    ended = EndedJob(job, task.id, task.row.run, fence, state, error, result, moment.now, item)
    workflow.changes.ended_jobs.append(ended)
    step.ends[item] = Ended(task.row.run, state, result, error)
    workflow.defined.bytes += len(result or b"")
    if state is TaskState.CANCELLED:
        conclude(workflow, task, step, TaskState.CANCELLED, error or "its run was cancelled", moment)
    elif not step.is_loop:
        _after(workflow, task, step, state, error, moment)
    elif len(step.ends) == len(step.items()) and not step.live:
        all_items_ended(workflow, task, step, moment)
    elif step.todo:
        workflow.ready[task] = None


def callee_ended(workflow: Workflow, event: CalleeEnded, moment: Moment) -> bool:
    """A workflow that a task runs has ended; false if nobody waits for it any more."""
    task = workflow.jobs.get(event.job)
    if task is None:
        return False
    step = workflow.defined.steps[task.id]
    workflow.changes.consumed[event.job] = 0
    state = TaskState(event.state.value)
    run_ended(workflow, task, step, event.job, state, event.output, event.error, moment, fence=0)
    return True


def time_out(workflow: Workflow, task_id: UUID, moment: Moment) -> bool:
    """A task has taken longer than its `timeout`, which ends it; what waits after its run was in time."""
    workflow.set_timer(Timer("timeout", task_id, None))
    task = workflow.tasks.get(task_id)
    if task is None or task.ended or workflow.ended:
        return False
    step = workflow.defined.steps[task_id]
    if step.row.phase == "after":
        return False
    if task.state is TaskState.DELAYED:
        workflow.set_timer(Timer("retry", task_id, None))
    written = step.task.timeout
    allowed = written.template.value if written is not None and written.template.is_literal else None
    said = f"timed out after {allowed} s" if allowed else "timed out"
    conclude(workflow, task, step, TaskState.ERROR, said, moment)
    return True


def _transformed(
    workflow: Workflow,
    task: Task,
    step: Step,
    item: int,
    result: bytes | None,
    call: Call | None,
    moment: Moment,
) -> bytes | None:
    """As the ad-hoc actions around it make it. What was called is found again where it is not known any more."""
    plan, action = workflow.defined.plan, step.task.action
    if call is None and (action is None or not plan.may_wrap(action)):
        return result
    scope = Scope(workflow, moment, task, item=item if step.is_loop else None, extra=step.turn(item))
    return transformed(scope, (call or call_of(scope, step)).outputs, result)


def all_items_ended(workflow: Workflow, task: Task, step: Step, moment: Moment) -> None:
    """A loop ends in ERROR if one of its items did."""
    failed = [item for item, one in sorted(step.ends.items()) if one.state is TaskState.ERROR]
    if not failed:
        _after(workflow, task, step, TaskState.SUCCESS, None, moment)
        return
    first = step.ends[failed[0]].error or "it gave no reason"
    said = f"{len(failed)} of {len(step.ends)} items failed; item {failed[0]}: {first}"
    _after(workflow, task, step, TaskState.ERROR, said, moment)


def _after(
    workflow: Workflow, task: Task, step: Step, state: TaskState, error: str | None, moment: Moment
) -> None:
    """`wait-after` first, then the rest."""
    try:
        wait = seconds(Scope(workflow, moment, task), step.task.wait_after, "wait-after")
    except Failed as failed:
        conclude(workflow, task, step, TaskState.ERROR, str(failed), moment)
        return
    if not wait:
        judged(workflow, task, step, state, error, moment)
        return
    step.row.held = (state.value, error)
    workflow.set_timer(Timer("timeout", task.id, None))
    delay(workflow, task, step, "after", wait, moment)


def judged(
    workflow: Workflow, task: Task, step: Step, state: TaskState, error: str | None, moment: Moment
) -> None:
    """`fail-on` and `retry` have their say."""
    scope = Scope(workflow, moment, task)
    try:
        if state is TaskState.SUCCESS and truth(scope, step.task.fail_on, "fail-on"):
            state, error = TaskState.ERROR, "`fail-on` says that this result is an error"
        retry = step.task.retry
        if retry is not None and _is_tried_again(scope, retry, step.row.retries, state):
            _try_again(scope, task, step, retry, error)
            return
    except Failed as failed:
        state, error = TaskState.ERROR, str(failed)
    conclude(workflow, task, step, state, error, moment)


def _is_tried_again(scope: Scope, retry: PlannedRetry, before: int, state: TaskState) -> bool:
    if before >= whole(scope, retry.count, "retry.count"):
        return False
    if retry.continue_on is not None and not scope.value(retry.continue_on):
        return False
    if state is TaskState.SUCCESS:
        return retry.continue_on is not None
    return retry.break_on is None or not scope.value(retry.break_on)


def _try_again(scope: Scope, task: Task, step: Step, retry: PlannedRetry, error: str | None) -> None:
    wait = seconds(scope, retry.delay, "retry.delay")
    step.row.retries += 1
    step.begin_anew(task.row.run + 1)
    scope.workflow.note("retry", task, state=TaskState.DELAYED.value, run=task.row.run, error=error)
    delay(scope.workflow, task, step, "retry", wait, scope.moment, error=error)


def conclude(
    workflow: Workflow, task: Task, step: Step, state: TaskState, error: str | None, moment: Moment
) -> None:
    """The task ends: it publishes, and what follows is known. An expression that fails makes it an ERROR."""
    abandon(workflow, step, moment)
    workflow.ready.pop(task, None)
    try:
        outcome = following.outcome_of(workflow, task, step, state, moment)
    except Failed as failed:
        state, error = TaskState.ERROR, str(failed)
        outcome, error = _of_error(workflow, task, step, error, moment)
    workflow.set_timer(Timer("timeout", task.id, None))
    workflow.changes.steps[task.id] = None
    workflow.defined.publish(step, outcome.branch)
    step.row.handled = state is TaskState.ERROR and outcome.handles_errors
    drop_results(workflow, task, step, moment)
    workflow.move(task, state, moment.now, error=error)
    workflow.note("ended", task, state=state.value, run=task.row.run or None, error=error)
    following.follow(workflow, task, step, outcome, moment)


def _of_error(
    workflow: Workflow, task: Task, step: Step, error: str, moment: Moment
) -> tuple[following.Outcome, str]:
    """What follows an expression's error; nothing, if an expression for that case fails as well."""
    try:
        return following.outcome_of(workflow, task, step, TaskState.ERROR, moment), error
    except Failed as again:
        return following.Outcome(), error if str(again) == error else f"{error}; then {again}"


def drop_results(workflow: Workflow, task: Task, step: Step, moment: Moment) -> None:
    """`keep-result: false`: nobody sees the result once it was published."""
    try:
        kept = Scope(workflow, moment, task).value(step.task.keep_result, True)
    except Failed:
        return
    if kept is False:
        workflow.changes.results_dropped[task.id] = None
        step.ends = {item: msgspec.structs.replace(one, result=None) for item, one in step.ends.items()}


def abandon(workflow: Workflow, step: Step, moment: Moment) -> None:
    """What still runs for a task is not waited for any more: jobs are taken back, sub-workflows cancelled."""
    for job, item in list(step.live.items()):
        task = workflow.jobs.pop(job)
        workflow.changes.ended_jobs.append(
            EndedJob(job, task.id, task.row.run, None, TaskState.CANCELLED, None, None, moment.now, item)
        )
        workflow.changes.revoked[job] = None
        workflow.changes.queued.pop(job, None)
        if step.task.workflow is not None:
            workflow.changes.sent.append(Message(job, "cancel", b""))
    step.live.clear()


def fail_join(workflow: Workflow, task: Task, moment: Moment) -> None:
    """A join that can never be met ends in ERROR; what it saw so far, its handlers see."""
    flow = workflow.defined
    step = flow.steps[task.id]
    flow.follow(step, tuple(step.row.arrived.values()))
    conclude(workflow, task, step, TaskState.ERROR, joins.why_lost(step), moment)
