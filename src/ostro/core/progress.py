"""What follows from an event: conditions decided, tasks started, run inline, passed by, tried again.

An agenda inside the aggregate is worked off in bounded parts. All of it can be derived again from the rows,
so what the bound leaves over needs no more than a message to the workflow itself.
"""

from datetime import timedelta

import msgspec

from ostro.core import completion
from ostro.core.effects import EndedJob, OwnMessage, QueuedJob, Timer
from ostro.core.flow import added, closing, following, running
from ostro.core.requirements.conditions import Task, Verdict
from ostro.core.requirements.weights import weighs
from ostro.core.workflow import Moment, Workflow
from ostro.values import UUID, SkipReason, TaskState, WorkflowState

_TOLD_AT_ONCE = 50
"""So many watchers that hear of a decided condition count as one step."""
_JUDGED_AT_ONCE = 50
"""So many conditions are judged in one step: a seal may decide all that there are."""


def advance(workflow: Workflow, moment: Moment) -> None:
    """Follows what was begun until nothing is left or the bound is reached; then it sends itself a message."""
    for _ in range(moment.limits.steps_per_decision):
        if not _step(workflow, moment):
            return
    _go_on_later(workflow, moment)


def _step(workflow: Workflow, moment: Moment) -> bool:
    """One bounded piece of work; false if there is none."""
    if workflow.falling is not None and not workflow.passing:
        workflow.changes.messages_done[workflow.falling] = None
        workflow.falling = None
    if workflow.ended:
        return False
    if workflow.row.stopping:
        return completion.stop_one(workflow, moment) or completion.settle(workflow, moment)
    return workflow.row.state is not WorkflowState.PAUSED and _go_on(workflow, moment)


def _go_on(workflow: Workflow, moment: Moment) -> bool:
    if not workflow.judge_again(_JUDGED_AT_ONCE):
        return True
    completion.seal_when_done(workflow)
    if workflow.told:
        _tell(workflow)
        return True
    if workflow.passing:
        task, reason = next(iter(workflow.passing.items()))
        pass_by(workflow, task, reason, moment)
        return True
    if workflow.ready:
        _take_up(workflow, next(iter(workflow.ready)), moment)
        return True
    if workflow.flow is not None and (
        closing.fail_a_lost_join(workflow, moment) or following.go_on(workflow, moment)
    ):
        return True
    return bool(workflow.unjudged) or completion.settle(workflow, moment)


def _tell(workflow: Workflow) -> None:
    """Some watchers of a decided condition count one less that is open; those with none left are ready."""
    _, watchers = workflow.told[0]
    for _ in range(min(_TOLD_AT_ONCE, len(watchers))):
        task = watchers.pop()
        if not task.waiting or workflow.tasks.get(task.id) is not task:
            continue
        task.undecided -= 1
        if task.undecided == 0:
            workflow.ready[task] = None
    if not watchers:
        workflow.told.popleft()


def tell_all(workflow: Workflow) -> None:
    """All conditions are judged, and all their watchers know: before an operator changes what was decided."""
    while not workflow.judge_again(_JUDGED_AT_ONCE):
        pass
    while workflow.told:
        _tell(workflow)


def _take_up(workflow: Workflow, task: Task, moment: Moment) -> None:
    """A task whose terms are all decided starts or is passed by (rules 4 and 5); a DELAYED one runs again."""
    del workflow.ready[task]
    if task.waiting and any(condition.verdict is Verdict.DEAD for condition in task.conditions):
        pass_by(workflow, task, completion.why_passed_by(workflow, task), moment)
    else:
        run(workflow, task, moment)


def pass_by(workflow: Workflow, task: Task, reason: SkipReason, moment: Moment) -> None:
    """A WAITING task becomes SKIPPED."""
    workflow.passing.pop(task, None)
    workflow.ready.pop(task, None)
    weight = task.spec is not None and weighs(task.spec, reason=reason)
    workflow.move(task, TaskState.SKIPPED, moment.now, reason=reason, weighs=weight)
    workflow.note("skipped", task, state=TaskState.SKIPPED.value, reason=reason.value)


def run(workflow: Workflow, task: Task, moment: Moment) -> None:
    """The next run of a task: inline if the action is without effects and nobody is aimed at, else a job."""
    if workflow.flow is not None and task.id in workflow.flow.steps:
        running.take_up(workflow, task, moment)
        return
    spec = task.spec
    if spec is None:
        raise AssertionError(f"the specification of {task.name} was dropped too early")
    number = task.row.run + 1
    started = task.row.started_at or moment.now
    begun = {"run": number, "started_at": started, "weighs": weighs(spec, started=True)}
    job = moment.new_id()
    start = added.start_of(workflow, task, spec, moment)
    if start.ended is not None:
        workflow.revise(task, moment.now, **begun)
        state, result, error = start.ended
        finish(workflow, task, EndedJob(job, task.id, number, None, state, error, result, moment.now), moment)
        return
    workflow.move(task, TaskState.RUNNING, moment.now, job=job, **begun)
    added.wait_outside(workflow, task, spec, start, moment)
    workflow.changes.queued[job] = QueuedJob(
        job=job,
        task=task.id,
        run=number,
        action=spec.action,
        target=start.target,
        tags=task.row.tags,
        priority=spec.priority,
        timeout=spec.timeout,
        safe_rerun=spec.safe_rerun,
        hands_over=tuple(dict.fromkeys(term.task for term in spec.requires if term.task is not None)),
        input=start.input,
        unattended=spec.is_unattended,
    )
    workflow.note("started", task, state=TaskState.RUNNING.value, run=number)


def finish(workflow: Workflow, task: Task, ended: EndedJob, moment: Moment) -> None:
    """A run is over: the task ends with it, or is tried again after its delay."""
    workflow.changes.ended_jobs.append(ended)
    retry = task.spec.retry if task.spec else None
    if ended.state is TaskState.ERROR and retry is not None and ended.run - task.row.since < retry.count:
        due = moment.now + timedelta(seconds=retry.delay)
        if task.state is TaskState.DELAYED:  # an inline run failed again: it never was RUNNING
            workflow.revise(task, moment.now, error=ended.error)
        else:
            workflow.move(task, TaskState.DELAYED, moment.now, job=None, error=ended.error)
        workflow.note("retry", task, state=TaskState.DELAYED.value, run=ended.run, error=ended.error)
        if retry.delay > 0:
            workflow.set_timer(Timer("retry", task.id, due))
        else:
            workflow.ready[task] = None
        return
    workflow.move(task, ended.state, moment.now, error=ended.error)
    workflow.results.keep(task, ended.result)
    workflow.note("ended", task, state=ended.state.value, run=ended.run, error=ended.error)


def _go_on_later(workflow: Workflow, moment: Moment) -> None:
    """What could not be derived from the rows gets a row: runs due now, and the message itself."""
    for task in workflow.ready:
        if task.state is TaskState.DELAYED:
            workflow.set_timer(Timer("retry", task.id, moment.now))
    if workflow.passing and workflow.falling is None:
        workflow.falling = moment.new_id()
        workflow.changes.messages_sent[workflow.falling] = OwnMessage("fall", _written(workflow))
    if not workflow.messages and not workflow.ended:
        message = moment.new_id()
        workflow.messages[message] = None
        workflow.changes.messages_sent[message] = OwnMessage("go_on")


def _written(workflow: Workflow) -> bytes:
    """Whom the fall to stillness passes by and why: found for all at once, so nobody could find it again half-way."""
    told = [(task.id.bytes, reason.value) for task, reason in workflow.passing.items()]
    return msgspec.msgpack.encode((workflow.falling.bytes if workflow.falling else b"", told))


def fall_on(workflow: Workflow, body: bytes) -> None:
    """Takes up a fall that was begun, in a workflow that is read anew: who still waits is passed by, as was found."""
    known, told = msgspec.msgpack.decode(body, type=tuple[bytes, list[tuple[bytes, SkipReason]]])
    workflow.falling = UUID(bytes=known)
    tasks = ((workflow.tasks.get(UUID(bytes=task)), reason) for task, reason in told)
    workflow.passing = {task: reason for task, reason in tasks if task is not None and task.waiting}
