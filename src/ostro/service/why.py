"""What is it waiting for? The core says it of terms; storage and dispatcher say it of jobs."""

import shlex
from datetime import datetime
from functools import partial

import msgspec

from ostro.core import waiting
from ostro.core.signals import name_awaited
from ostro.core.states import WORKFLOW_ENDED
from ostro.core.waiting import TermReport
from ostro.engine.dispatcher import LiveWorker
from ostro.engine.queues import NOBODYS
from ostro.errors import NotFound
from ostro.service.desk import Desk
from ostro.store.tables import jobs, tasks, workflows
from ostro.store.tables.jobs import JobView
from ostro.store.tables.tasks import TaskView
from ostro.store.tables.workflows import WorkflowView
from ostro.values import UUID, TaskState, Term, WorkflowState

_NAMED = 10


class Because(msgspec.Struct, frozen=True, kw_only=True):
    """One reason. What a kind does not carry has its default."""

    kind: str
    says: str
    command: str = ""
    task: str | None = None
    term: Term | None = None
    verdict: str | None = None
    target: dict[str, str] = {}
    worker: str | None = None
    workers: tuple[str, ...] = ()
    count: int | None = None
    at: datetime | None = None


class Why(msgspec.Struct, frozen=True):
    """All of it in one text, and the reasons one by one."""

    says: str
    because: tuple[Because, ...]


async def of_task(desk: Desk, namespace: int, task: TaskView, job: JobView | None) -> Why | None:
    """Why a task has not ended; None for one that has, unless a worker is still stopping its job."""
    match task.state:
        case TaskState.WAITING:
            found = await _of_terms(desk, namespace, task)
        case TaskState.DELAYED:
            found = [await _of_delay(desk, namespace, task)]
        case TaskState.PAUSED:
            found = [Because(kind="rule", says="it is paused")]
        case TaskState.RUNNING if job is not None:
            found = await _of_job(desk, namespace, task, job)
        case _ if job is not None and job.state == "stopping":
            found = [
                Because(kind="stopping", says=f"its job is being stopped on {job.worker}", worker=job.worker)
            ]
        case _:
            return None
    return Why(_told(found), tuple(found))


async def of_workflow(desk: Desk, namespace: int, workflow: WorkflowView) -> Why | None:
    """Why a workflow has not ended; None for one that has."""
    if workflow.state in WORKFLOW_ENDED:
        return None
    try:
        report = await desk.lanes.peek(namespace, workflow.id, waiting.of_workflow)
    except NotFound:
        return None  # deleted meanwhile
    problems = await workflows.problems(desk.database, namespace, workflow.id)
    found = [
        Because(kind="parked", says=f"a step of it failed again and again and was set aside: {problem}")
        for problem in problems
    ]
    if workflow.state is WorkflowState.PAUSED:
        command = f"ostro workflow resume {workflow.id}"
        found.append(Because(kind="paused", says="it is paused", command=command))
    if not workflow.sealed:
        command = f"ostro workflow seal {workflow.id}"
        found.append(
            Because(kind="open", says="it is open: more tasks may come until it is sealed", command=command)
        )
    goals = [_of_term(one) for one in report.done_when]
    found += goals
    found += [Because(kind="task", says=says, task=name) for name, says in report.waiting]
    stuck = await _delayed(desk, namespace, workflow.id)
    stuck += await _without_worker(desk, namespace, workflow.id)
    sentences = [
        *(one.says for one in found if one.kind in {"parked", "paused"}),
        *report.sentences,
        *(f"`done_when` does not hold: {one.says}" for one in goals),
        *(f"`{one.task}`: {one.says}" for one in stuck),
    ]
    found += stuck
    return Why("; ".join(sentences), tuple(found))


async def _first(desk: Desk, namespace: int, workflow: UUID, state: TaskState) -> list[TaskView]:
    return await tasks.page(
        desk.database, namespace, workflow, after=None, states=[state], name=None, tag=None, limit=_NAMED
    )


async def _delayed(desk: Desk, namespace: int, workflow: UUID) -> list[Because]:
    """Of the first tasks that wait for their retry: when that is."""
    delayed = await _first(desk, namespace, workflow, TaskState.DELAYED)
    found = [(task, await _of_delay(desk, namespace, task)) for task in delayed]
    return [msgspec.structs.replace(one, task=task.name) for task, one in found]


async def _without_worker(desk: Desk, namespace: int, workflow: UUID) -> list[Because]:
    """Of the first started tasks: those that no live worker could take."""
    started = await _first(desk, namespace, workflow, TaskState.RUNNING)
    if not started:
        return []
    workers = await desk.dispatcher.live_workers(namespace)
    found = []
    for task in started:
        if task.job is None or any(_could(one, task) for one in workers):
            continue
        job = await jobs.live(desk.database, namespace, workflow, task.job)
        if job is not None and job.queue == NOBODYS:
            says = await _outside(desk, namespace, job)
            found.append(msgspec.structs.replace(says, task=task.name))
        elif job is not None and job.state == "queued":
            found.append(msgspec.structs.replace(_nobody(task, workers), task=task.name))
    return found


async def _of_terms(desk: Desk, namespace: int, task: TaskView) -> list[Because]:
    """Of a WAITING task: those of its terms that do not hold, dead ones first."""
    try:
        reports = await desk.lanes.peek(
            namespace, task.workflow, lambda workflow: waiting.of_task(workflow, task.name)
        )
    except NotFound:
        return []
    found = [_of_term(one) for one in reports if one.verdict != "holds"]
    return sorted(found, key=lambda one: one.verdict != "dead")


def _of_term(report: TermReport) -> Because:
    return Because(
        kind="term", says=report.says, command=report.command, term=report.term, verdict=report.verdict
    )


async def _of_delay(desk: Desk, namespace: int, task: TaskView) -> Because:
    at, phase = await tasks.delay(desk.database, namespace, task.workflow, task.id)
    when = f"at {at.isoformat(timespec='seconds')}" if at is not None else "in a moment"
    if phase in {"before", "after"}:  # `wait-before`, `wait-after`
        return Because(kind="retry", says=f"it waits, and goes on {when}", at=at)
    return Because(kind="retry", says=f"run {task.run} failed; the next one starts {when}", at=at)


async def _of_job(desk: Desk, namespace: int, task: TaskView, job: JobView) -> list[Because]:
    """Of a started task: who runs it, or who could and does not."""
    if job.state != "queued":
        verb = "is being stopped on" if job.state == "stopping" else "runs on"
        kind = "stopping" if job.state == "stopping" else "running"
        return [Because(kind=kind, says=f"it {verb} {job.worker}", worker=job.worker, at=job.claimed_at)]
    if job.queue == NOBODYS:
        return [await _outside(desk, namespace, job)]
    workers = await desk.dispatcher.live_workers(namespace)
    able = [one for one in workers if _could(one, task)]
    if not able:
        return [_nobody(task, workers)]
    found = []
    if all(one.busy >= one.slots for one in able):
        names = tuple(one.name for one in able[:_NAMED])
        says = f"all slots are busy: {', '.join(names)}{' and others' if len(able) > _NAMED else ''}"
        found.append(Because(kind="slots_busy", says=says, workers=names, count=len(able)))
    ahead = await jobs.before(desk.database, namespace, job)
    if ahead or not found:
        says = (
            f"it is queued behind {ahead} other{'s' if ahead != 1 else ''}"
            if ahead
            else "it is next in its queue"
        )
        found.append(Because(kind="queued_behind", says=says, count=ahead))
    return found


async def _outside(desk: Desk, namespace: int, job: JobView) -> Because:
    """Of a run that is no worker's: a workflow that bears its id, or what somebody outside ends."""
    if await workflows.state(desk.database, namespace, job.id) is not None:
        says, command = "it waits for the workflow that it runs", f"ostro workflow show {job.id}"
    elif (
        signal := await desk.lanes.peek(namespace, job.workflow, partial(name_awaited, job=job.id))
    ) is not None:
        says = f"it waits for the signal {signal!r}"
        command = f"ostro workflow signal {job.workflow} {shlex.quote(signal)}"
    else:
        says, command = "it waits until somebody outside says how it ended", f"ostro task complete {job.id}"
    return Because(kind="outside", says=says, command=command)


def _could(worker: LiveWorker, task: TaskView) -> bool:
    """Whether the worker may run the task's jobs: binding ⊆ target ⊆ capabilities, action and tags fit."""
    return all(fits(worker, task) for fits in (_has_target, _runs, _takes_tags, _is_trusted))


def _has_target(worker: LiveWorker, task: TaskView) -> bool:
    return all(value in worker.capabilities.get(key, ()) for key, value in task.spec.target.items())


def _runs(worker: LiveWorker, task: TaskView) -> bool:
    return task.spec.action in worker.actions


def _takes_tags(worker: LiveWorker, task: TaskView) -> bool:
    return worker.tags is None or not worker.tags.isdisjoint(task.spec.tags)


def _is_trusted(worker: LiveWorker, task: TaskView) -> bool:
    target = task.spec.target
    return worker.pool or (bool(target) and worker.binding.items() <= target.items())


def _nobody(task: TaskView, workers: list[LiveWorker]) -> Because:
    """The first thing that no live worker fulfils, among those that fulfil what comes before it."""
    spec = task.spec
    pairs = [f"{key}={value}" for key, value in sorted(spec.target.items())]
    having = [one for one in workers if _has_target(one, task)]
    running = [one for one in having if _runs(one, task)]
    taking = [one for one in running if _takes_tags(one, task)]
    with_target = f" that has {' '.join(pairs)}" if pairs else ""
    command = ""
    if not having:
        says = f"no live worker has {' '.join(pairs)}" if pairs else "no live worker is there"
        command = " ".join(["ostro worker", *(f"--capability {shlex.quote(pair)}" for pair in pairs)])
    elif not running:
        says = f"no live worker{with_target} runs {spec.action}"
    elif not taking:
        borne = f"none takes its tags ({', '.join(spec.tags)})" if spec.tags else "it has no tag"
        says = f"each live worker that could run it filters by tags, and {borne}: {_names(running)}"
    elif spec.target:
        says = f"the tokens of the live workers that could run it are bound to more than it asks for: {_names(taking)}"
    else:
        says = f"it has no target, and no live worker has a pool token: {_names(taking)}"
    return Because(kind="no_worker", says=says, target=spec.target, command=command)


def _names(workers: list[LiveWorker]) -> str:
    """Some of them."""
    more = " and others" if len(workers) > _NAMED else ""
    return ", ".join(one.name for one in workers[:_NAMED]) + more


def _told(found: list[Because]) -> str:
    """One text. A dead term says what will happen, the first undecided one what is still to be known."""
    dead = [one.says for one in found if one.verdict == "dead"]
    rest = [one.says for one in found if one.verdict != "dead"]
    if dead and rest:
        return f"will be skipped: {dead[0]}; still waits to know: {rest[0]}"
    more = f" (and {len(rest) - 1} more)" if len(rest) > 1 and found[0].kind == "term" else ""
    if more:
        return rest[0] + more
    return "; ".join([*dead, *rest]) or "it is about to be taken up"
