"""Use cases of tasks."""

from collections.abc import Callable, Sequence

import msgspec

from ostro.core.events import Added, AddTasks, Answer, CancelTask, ChangeTask, Create, DeleteTask, Revival
from ostro.core.specs import Birth, Spawner, TaskSpec
from ostro.engine.lanes import Once
from ostro.errors import Conflict, Gone, NotFound
from ostro.service import why
from ostro.service.access import Caller, require_own_task, require_own_workflow
from ostro.service.desk import Desk
from ostro.service.watching.follow import no_such_workflow, wait_for_end
from ostro.store.tables import jobs, tasks, workflows
from ostro.store.tables.jobs import JobView
from ostro.store.tables.tasks import TaskView
from ostro.values import UUID


class Shown(msgspec.Struct, frozen=True):
    """A task with all that is told of a single one. `job` is the live one, if any."""

    view: TaskView
    result: bytes | None
    job: JobView | None
    why: why.Why | None


async def add(
    desk: Desk, caller: Caller, workflow: UUID, specs: Sequence[TaskSpec], *, once: Once | None = None
) -> Answer:
    """Adds tasks, all or nothing; on behalf of a job by what its task's `may_spawn` grants. Answer: Added.

    A job is not told about the tasks of others.
    """
    require_own_workflow(caller, workflow)
    claim = caller.claim
    spawner = Spawner(claim.task, claim.job) if claim is not None else None
    event = AddTasks(tasks=tuple(specs), spawner=spawner)
    try:
        answer = await desk.lanes.submit(caller.namespace, workflow, event, once=once)
    except Conflict as refusal:
        if claim is None or refusal.kind != "cycle":
            raise
        # The path of a cycle leads through tasks of others.
        raise Conflict("cycle", "This would make a task wait for itself.", hint=refusal.hint) from None
    return for_caller(caller, answer)


def for_caller(caller: Caller, answer: Answer) -> Answer:
    """What a caller may see of an answer: a job learns of no other task's name."""
    if caller.claim is None or not isinstance(answer, Added):
        return answer
    return Added(
        tuple(msgspec.structs.replace(one, waiting_for=(), too_late_names=()) for one in answer.tasks)
    )


async def find(desk: Desk, caller: Caller, workflow: UUID, task: str) -> TaskView:
    """A task by its name or id. NotFound, or Gone for the name of a deleted one."""
    require_own_workflow(caller, workflow)
    identity = id_of(task)
    if identity is not None:
        require_own_task(caller, identity)
        view = await tasks.by_id(desk.database, caller.namespace, workflow, identity)
    else:
        view = await tasks.by_name(desk.database, caller.namespace, workflow, task)
    if caller.claim is not None:
        # Whether another name exists is no business of a job.
        require_own_task(caller, view.id if view is not None else workflow)
    if view is None:
        raise await _not_found(desk, caller, workflow, task)
    return view


def id_of(task: str) -> UUID | None:
    """The id that a path's {task} is; None if it is a name."""
    try:
        return UUID(task)
    except ValueError:
        return None


async def show(desk: Desk, caller: Caller, workflow: UUID, task: str) -> Shown:
    """One task with its result, its live job, and what it waits for."""
    view = await find(desk, caller, workflow, task)
    if view.is_loop:
        result: bytes | None = await tasks.item_results(desk.database, caller.namespace, workflow, view.id)
    else:
        result = await tasks.result(desk.database, caller.namespace, workflow, view.id, view.run)
    job = await live_job(desk, caller.namespace, view)
    reasons = None if caller.claim is not None else await why.of_task(desk, caller.namespace, view, job)
    return Shown(view, result, job, reasons)


async def live_job(desk: Desk, namespace: int, view: TaskView) -> JobView | None:
    """The job that is queued, running, or still being stopped at a worker."""
    job = view.job
    if job is None and view.ended and view.run:
        runs = await jobs.ended(desk.database, namespace, view.workflow, view.id)
        job = runs[-1].id if runs else None
    return await jobs.live(desk.database, namespace, view.workflow, job) if job is not None else None


async def page(
    desk: Desk,
    caller: Caller,
    workflow: UUID,
    *,
    after: UUID | None,
    states: Sequence[str] | None,
    name: str | None,
    tag: str | None,
    limit: int,
) -> tuple[list[TaskView], UUID | None]:
    """One page in the order of their making, and where the next begins."""
    found = await tasks.page(
        desk.database,
        caller.namespace,
        workflow,
        after=after,
        states=states,
        name=name,
        tag=tag,
        limit=limit + 1,
    )
    if not found and await workflows.state(desk.database, caller.namespace, workflow) is None:
        raise no_such_workflow(workflow)
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def change(
    desk: Desk, caller: Caller, workflow: UUID, task: str, spec: TaskSpec, *, seen: int | None
) -> Answer:
    """Puts another specification in a WAITING task's place. Answer: Added (of one)."""
    name = await _name_of(desk, caller, workflow, task)
    return await desk.lanes.submit(caller.namespace, workflow, ChangeTask(name=name, spec=spec, seen=seen))


async def delete(desk: Desk, caller: Caller, workflow: UUID, task: str) -> Answer:
    """Takes a WAITING task away; its name is gone for good."""
    name = await _name_of(desk, caller, workflow, task)
    return await desk.lanes.submit(caller.namespace, workflow, DeleteTask(name))


async def cancel(
    desk: Desk,
    caller: Caller,
    workflow: UUID,
    task: str,
    *,
    seen: int | None,
    once: Once | None = None,
) -> Answer:
    """Ends a task as CANCELLED; its worker is told to stop."""
    name = await _name_of(desk, caller, workflow, task)
    event = CancelTask(name=name, seen=seen)
    return await desk.lanes.submit(caller.namespace, workflow, event, once=once)


async def revive(
    desk: Desk,
    caller: Caller,
    workflow: UUID,
    task: str,
    event_of: Callable[[str], Revival],
    *,
    once: Once | None = None,
) -> Answer:
    """Run again, skip, or give another result: the event that `event_of` makes with the task's name. Answer: Revived."""
    event = event_of(await _name_of(desk, caller, workflow, task))
    return await desk.lanes.submit(caller.namespace, workflow, event, once=once)


async def run_alone(
    desk: Desk, caller: Caller, workflow: UUID, spec: TaskSpec, *, once: Once | None = None
) -> Answer:
    """Makes the sealed workflow of this one task. Answer: Added (of one)."""
    birth = Birth(namespace=caller.namespace, id=workflow, name=spec.name)
    event = Create(birth=birth, tasks=(spec,), seal=True)
    return await desk.lanes.submit(caller.namespace, workflow, event, once=once)


async def wait_alone(desk: Desk, caller: Caller, workflow: UUID, task: str, *, seconds: float) -> Shown:
    """The task of a workflow of its own, as soon as that has ended or `seconds` are over."""
    if seconds > 0:
        await wait_for_end(desk, caller.namespace, workflow, seconds)
    return await show(desk, caller, workflow, task)


async def _name_of(desk: Desk, caller: Caller, workflow: UUID, task: str) -> str:
    return task if id_of(task) is None else (await find(desk, caller, workflow, task)).name


async def _not_found(desk: Desk, caller: Caller, workflow: UUID, task: str) -> NotFound | Gone:
    if await workflows.state(desk.database, caller.namespace, workflow) is None:
        return no_such_workflow(workflow)
    if await tasks.is_gone(desk.database, caller.namespace, workflow, task):
        return Gone("task_deleted", f"The task {task!r} was deleted; its name is not used again.")
    return NotFound(
        "task_not_found",
        f"The workflow has no task {task!r}.",
        hint=f"See its tasks: ostro task list --workflow {workflow}.",
    )
