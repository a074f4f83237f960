"""Use cases of jobs and of what they wrote."""

from collections.abc import Sequence

import msgspec

from ostro.core.events import Answer, JobEnded
from ostro.engine.queues import NOBODYS
from ostro.errors import Conflict, NotFound
from ostro.service import tasks as task_uses
from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.service.watching.follow import wait_for
from ostro.store.tables import jobs, logs, tasks
from ostro.store.tables.jobs import JobView
from ostro.store.tables.logs import Piece
from ostro.values import UUID, TaskState

_WORD_OF_THE_WORKER = 2.0
"""Seconds in which a worker says that a job goes on; usually it takes a few thousandths of one."""


class Stretch(msgspec.Struct, frozen=True):
    """A part of the log of one hand-out. `ended`: after it nothing more comes."""

    fence: int
    pieces: list[Piece]
    next: int
    ended: bool


async def find(desk: Desk, caller: Caller, job: UUID) -> JobView:
    """Any job of the namespace; NotFound."""
    view = await jobs.by_id(desk.database, caller.namespace, job)
    if view is None:
        raise NotFound("job_not_found", f"There is no job {job}.")
    return view


async def show(desk: Desk, caller: Caller, job: UUID) -> tuple[JobView, bytes | None, bytes | None]:
    """A job, its result, and its input where that is not its task's."""
    view = await find(desk, caller, job)
    given = await jobs.given(desk.database, caller.namespace, view.workflow, job)
    result = await tasks.result(
        desk.database, caller.namespace, view.workflow, view.task, view.run, view.item
    )
    return view, result if view.ended_at is not None else None, given


async def complete(
    desk: Desk, caller: Caller, job: UUID, *, state: TaskState, result: bytes | None, error: str | None
) -> Answer:
    """Somebody outside says how a job ended that no worker runs. Conflict if it has ended, or a worker holds it.

    Whom a job has just called may be quicker than the worker's word that it goes on: that is waited for.
    """
    view = await find(desk, caller, job)
    if not _is_open(view) and view.state == "running":

        async def look() -> JobView | None:
            now = await find(desk, caller, job)
            return now if now.state != "running" else None

        view = await wait_for(desk, caller.namespace, view.workflow, look, _WORD_OF_THE_WORKER) or view
    if not _is_open(view):
        why = "has ended" if view.ended_at is not None else "is a worker's to report"
        raise Conflict("job_not_open", f"The job {job} {why}: its end cannot be set from outside.")
    event = JobEnded(job=job, fence=view.fence or 0, state=state, result=result, error=error)
    return await desk.lanes.submit(caller.namespace, view.workflow, event)


def _is_open(view: JobView) -> bool:
    """Whether its end is somebody's outside to say."""
    return view.ended_at is None and view.queue == NOBODYS


async def of_task(desk: Desk, caller: Caller, workflow: UUID, task: str) -> Sequence[JobView]:
    """The runs of a task, the first one first, the live one last."""
    view = await task_uses.find(desk, caller, workflow, task)
    ended = await jobs.ended(desk.database, caller.namespace, workflow, view.id)
    return [*ended, *await jobs.live_of(desk.database, caller.namespace, workflow, view.id)]


async def read_log(
    desk: Desk, caller: Caller, job: UUID, *, fence: int | None, after: int, seconds: float, most: int
) -> Stretch:
    """About `most` bytes of a job's log from byte `after` on, waiting up to `seconds` for the first.

    Without `fence` the hand-out that wrote last.
    """
    view = await find(desk, caller, job)
    shown: int | None = fence

    async def look() -> Stretch | None:
        nonlocal view, shown
        view = await find(desk, caller, job)  # before the log: what comes after its end is in the log by then
        if fence is None:
            shown = await logs.last_fence(desk.database, caller.namespace, view.workflow, job)
        found = await _read(desk, caller, view, fence=shown, after=after, most=most)
        return found if found.pieces or found.ended else None

    found = await wait_for(desk, caller.namespace, view.workflow, look, seconds)
    return found or Stretch(shown or view.fence or 0, [], after, ended=False)


async def _read(
    desk: Desk, caller: Caller, job: JobView, *, fence: int | None, after: int, most: int
) -> Stretch:
    over = job.ended_at is not None or (fence is not None and job.fence is not None and fence < job.fence)
    if fence is None:
        return Stretch(job.fence or 0, [], after, ended=over)
    pieces = await logs.read(
        desk.database, caller.namespace, job.workflow, job.id, fence=fence, after=after, most=most
    )
    following = pieces[-1].start + len(pieces[-1].body) if pieces else after
    return Stretch(fence, pieces, following, ended=over and not pieces)
