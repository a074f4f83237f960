"""One event on one workflow: what changes. The only door to the rules.

A refusal is raised before anything is changed; what a decision changed waits in `workflow.take_changes()`.
"""

from typing import assert_never

import msgspec

from ostro.core import completion, progress, signals
from ostro.core.additions import adding
from ostro.core.effects import EndedJob, Timer, WorkflowRow
from ostro.core.events import (
    Added,
    AddTasks,
    Answer,
    CalleeEnded,
    CancelTask,
    ChangeTask,
    Control,
    Create,
    DeadlineDue,
    DeleteTask,
    Describe,
    Done,
    Event,
    GoOn,
    JobEnded,
    JobLost,
    JobTimedOut,
    Pause,
    Plain,
    Rerun,
    Resume,
    RetryDue,
    SealTag,
    SealWorkflow,
    SendSignal,
    SetResult,
    Signalled,
    Skip,
    StopWorkflow,
    TimeoutDue,
)
from ostro.core.flow import beginning, controls, ending, holding
from ostro.core.requirements.conditions import Task
from ostro.core.requirements.terms import check_term
from ostro.core.revivals import calls
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict, Invalid
from ostro.values import UUID, TaskState, WorkflowState


def create(event: Create, moment: Moment) -> tuple[Workflow, Added]:
    """A new workflow with its first tasks. Refusal if they cannot be."""
    _check_done_when(event, moment)
    row = WorkflowRow(WorkflowState.RUNNING, False, None, (), event.birth.deadline, None, None)
    workflow = Workflow(event.birth, row)
    workflow.changes.born = event.birth
    workflow.note("created")
    if event.begin is not None:
        if not event.begin.plan.is_open:
            workflow.seal()
        beginning.begin(workflow, event.begin, moment)
        _received(workflow, event.begin.sent_as)
    if event.seal:
        workflow.seal()
    tasks = adding.add(workflow, AddTasks(tasks=event.tasks), moment, at_birth=True)
    if workflow.row.deadline is not None:
        _set_deadline(workflow)
    progress.advance(workflow, moment)
    return workflow, adding.answers(workflow, tasks, set(), {})


def _check_done_when(event: Create, moment: Moment) -> None:
    for index, term in enumerate(event.birth.done_when):
        path = f"done_when[{index}]"
        check_term(term, path, moment.limits)
        numbered = isinstance(term.enough, int) or term.at_least is not None
        if term.task is None and not numbered:
            why = "only names and numbers, which never fall: `task`, `enough: N` or `at_least: N`"
            raise Invalid("invalid_term", f"`done_when` takes {why}.", fields=[(path, why)])


def _set_deadline(workflow: Workflow) -> None:
    due = None if workflow.ended else workflow.row.deadline
    workflow.set_timer(Timer("deadline", None, due))


def decide(workflow: Workflow, event: Event, moment: Moment) -> Answer:
    """The answer to an event, with its consequences taken into the aggregate. Refusal: nothing changed."""
    match event:
        case AddTasks() | ChangeTask():
            return _add_or_change(workflow, event, moment)
        case Create():
            raise Conflict("workflow_exists", "There is a workflow with this id already.")
        case Rerun() | Skip() | SetResult():
            revived = calls.obey(workflow, event, moment)
            progress.advance(workflow, moment)
            return revived
        case SendSignal():
            signalled = _signal(workflow, event, moment)
            progress.advance(workflow, moment)
            return signalled
        case _:
            changed = _obey(workflow, event, moment)
            progress.advance(workflow, moment)
            return Done(changed)


def _add_or_change(workflow: Workflow, event: AddTasks | ChangeTask, moment: Moment) -> Added:
    if isinstance(event, AddTasks):
        again = {workflow.names[spec.name].id for spec in event.tasks if spec.name in workflow.names}
        tasks = adding.add(workflow, event, moment)
        late = adding.too_late(workflow, (task for task in tasks if task.id not in again))
    else:
        task, known = adding.change(workflow, event, moment)
        tasks, again = [task], {task.id} if known else set()
        late = {} if known else adding.too_late(workflow, tasks)
    progress.advance(workflow, moment)
    return adding.answers(workflow, tasks, again, late)


def _obey(  # noqa: PLR0911  (one line per event)
    workflow: Workflow,
    event: Plain | Control,
    moment: Moment,
) -> bool:
    match event:
        case DeleteTask():
            return adding.delete(workflow, event, moment)
        case CancelTask():
            return _cancel_task(workflow, event, moment)
        case SealTag():
            return not workflow.ended and completion.seal_tag(workflow, event.tag)
        case SealWorkflow():
            return _seal(workflow, event)
        case Describe():
            return _describe(workflow, event)
        case JobEnded() | JobTimedOut() | JobLost():
            return _end_job(workflow, event, moment)
        case RetryDue():
            return _retry(workflow, event.task, moment)
        case DeadlineDue():
            return _strike(workflow, moment)
        case GoOn():
            _received(workflow, event.message)
            return True
        case _:
            return _control(workflow, event, moment)


def _control(
    workflow: Workflow,
    event: Control,
    moment: Moment,
) -> bool:
    match event:
        case Pause():
            _received(workflow, event.sent_as)
            return holding.pause(workflow, event.message or None)
        case Resume():
            _received(workflow, event.sent_as)
            return controls.resume(workflow, event.env)
        case StopWorkflow():
            _received(workflow, event.sent_as)
            return controls.stop(workflow, event)
        case CalleeEnded():
            _received(workflow, event.sent_as)
            return ending.callee_ended(workflow, event, moment)
        case TimeoutDue():
            return _time_out(workflow, event.task, moment)
    assert_never(event)


def _time_out(workflow: Workflow, task_id: UUID, moment: Moment) -> bool:
    """Workers' jobs have the time of theirs in the queue; here it is that of definitions' tasks, and of what nobody runs."""
    if workflow.flow is not None and task_id in workflow.flow.steps:
        return ending.time_out(workflow, task_id, moment)
    workflow.set_timer(Timer("timeout", task_id, None))
    task = workflow.tasks.get(task_id)
    if task is None or task.row.job is None or task.spec is None or not task.spec.is_unattended:
        return False
    return _end_job(workflow, JobTimedOut(task.row.job, 0), moment)


def _received(workflow: Workflow, message: UUID | None) -> None:
    if message is not None:
        workflow.messages.pop(message, None)
        workflow.changes.messages_done[message] = None


def _seal(workflow: Workflow, event: SealWorkflow) -> bool:
    if event.output is not None and event.output != workflow.birth.output:
        if workflow.row.sealed:
            raise Conflict(
                "workflow_sealed", "The workflow is sealed already: its output cannot be set any more."
            )
        _rewrite_birth(workflow, output=event.output)
    if workflow.row.sealed:
        return False
    workflow.seal()
    return True


def _strike(workflow: Workflow, moment: Moment) -> bool:
    deadline = workflow.row.deadline
    if deadline is None or deadline > moment.now or workflow.ended:
        return False
    workflow.set_timer(Timer("deadline", None, None))
    if workflow.row.stopping == "cancel":  # rule 6: of the two, the deadline names the end
        workflow.touch_workflow(stopping="deadline")
        workflow.note("stopping", reason="deadline")
        return True
    if workflow.row.stopping:
        return False
    workflow.stop("deadline")
    return True


def _describe(workflow: Workflow, event: Describe) -> bool:
    if event.deadline is not workflow.row.deadline and (event.deadline is None):
        workflow.touch_workflow(deadline=None)
        _set_deadline(workflow)
    elif event.deadline and event.deadline != workflow.row.deadline:
        workflow.touch_workflow(deadline=event.deadline)
        _set_deadline(workflow)
    said = {"name": event.name, "description": event.description, "tags": event.tags, "keep": event.keep}
    _rewrite_birth(workflow, **{key: value for key, value in said.items() if value is not msgspec.UNSET})
    workflow.note("described")
    return True


def _rewrite_birth(workflow: Workflow, **fields: object) -> None:
    workflow.birth = msgspec.structs.replace(workflow.birth, **fields)
    workflow.changes.described = workflow.birth


def _cancel_task(workflow: Workflow, event: CancelTask, moment: Moment) -> bool:
    task = adding.find(workflow, event.name)
    if task.state is TaskState.CANCELLED and event.seen in {None, task.row.version - 1, task.row.version}:
        return False
    adding.refuse_unseen(task, event.seen)
    if task.ended:
        raise Conflict("task_ended", f"{task.name!r} has ended as {task.state}: there is nothing to cancel.")
    completion.cancel(workflow, task, moment)
    return True


def _end_job(workflow: Workflow, event: JobEnded | JobTimedOut | JobLost, moment: Moment) -> bool:
    task = workflow.jobs.get(event.job)
    if task is None:
        raise Conflict("stale", "Nobody waits for this job any more.")
    _refuse_for_callees(workflow, task, event)
    state, error, result = TaskState.ERROR, None, None
    match event:
        case JobEnded():
            state, error, result = event.state, event.error, event.result
            if workflow.changes.queued.pop(event.job, None) is None:  # else it begins and ends in one commit
                workflow.changes.consumed[event.job] = event.fence
        case JobLost():
            error = f"worker lost: {event.worker} did not come back"
            workflow.changes.consumed[event.job] = event.fence
        case JobTimedOut():
            allowed = task.spec.timeout if task.spec else None
            error = f"timed out after {allowed:g} s" if allowed else "timed out"
            workflow.changes.revoked[event.job] = event.fence
    step = workflow.flow.steps.get(task.id) if workflow.flow is not None else None
    if step is not None:
        ending.run_ended(workflow, task, step, event.job, state, result, error, moment, fence=event.fence)
        return True
    ended = EndedJob(event.job, task.id, task.row.run, event.fence, state, error, result, moment.now)
    progress.finish(workflow, task, ended, moment)
    return True


def _signal(workflow: Workflow, event: SendSignal, moment: Moment) -> Signalled:
    if workflow.ended or workflow.row.stopping:
        raise Conflict("workflow_ended", "The workflow has ended or is being stopped: it takes no signals.")
    job = signals.waiting_for(workflow, event.name)
    if job is None:
        signals.keep(workflow, event.name, event.payload, moment)
        workflow.note("signalled", reason=event.name)
        return Signalled(awaited=signals.names_awaited(workflow))
    task = workflow.jobs[job]
    workflow.note("signalled", task, reason=event.name)
    ended = JobEnded(job=job, fence=0, state=TaskState.SUCCESS, result=event.payload)
    _end_job(workflow, ended, moment)
    return Signalled(task.name)


def _refuse_for_callees(workflow: Workflow, task: Task, event: JobEnded | JobTimedOut | JobLost) -> None:
    """A run that is a workflow of its own ends with that alone."""
    step = workflow.flow.steps.get(task.id) if workflow.flow is not None else None
    if step is not None and step.task.workflow is not None:
        raise Conflict(
            "job_is_workflow",
            f"{task.name!r} runs a workflow: it ends as that does.",
            hint=f"Stop that one: ostro workflow stop {event.job} SUCCESS.",
        )


def _retry(workflow: Workflow, task_id: UUID, moment: Moment) -> bool:
    workflow.set_timer(Timer("retry", task_id, None))
    task = workflow.tasks.get(task_id)
    if task is None or task.state is not TaskState.DELAYED or workflow.row.stopping:
        return False
    if workflow.state is WorkflowState.PAUSED:  # its time has come, and it is held with the workflow
        workflow.move(task, TaskState.PAUSED, moment.now)
        return True
    workflow.ready[task] = None
    return True
