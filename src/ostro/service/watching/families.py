"""Families: a workflow and those that its tasks run, at any depth, in one look."""

from collections import Counter

import msgspec

from ostro.engine.queues import NOBODYS
from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.service.watching.follow import no_such_workflow, wait_for
from ostro.store.tables import jobs, tasks, workflows
from ostro.store.tables.jobs import Ends, JobView
from ostro.store.tables.tasks import Glimpse, TaskView
from ostro.store.tables.workflows import WorkflowView
from ostro.values import UUID, TaskState


class TaskGlance(msgspec.Struct, frozen=True, kw_only=True):
    """A task and how far it is: the live job that a worker has or shall have; of a loop its items, and how they ended."""

    view: TaskView
    retries: int
    job: JobView | None
    items: int | None
    ended: dict[str, int]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow of a family; `item` is the one that it runs for, where a loop runs it."""

    view: WorkflowView
    item: int
    counts: dict[str, int]
    tasks: list[TaskGlance]


class Family(msgspec.Struct, frozen=True):
    """A workflow and all below it, `left_out` of which are above the limit. `seen` differs after each change."""

    members: list[Member]
    seen: str
    left_out: int


async def family(
    desk: Desk, caller: Caller, workflow: UUID, *, seen: str, seconds: float, most: int, most_tasks: int
) -> Family:
    """A workflow and those that its tasks run, once there is something that `seen` did not tell, or after `seconds`.

    Hints come of the workflow itself; news from below it are found by looking now and then.
    """

    async def look() -> tuple[int, str] | None:
        now = await workflows.family(desk.database, caller.namespace, workflow)
        return now if now[1] != seen else None

    news = await wait_for(desk, caller.namespace, workflow, look, seconds)
    # This is older than what is read below: a change between the two is news again.
    count, version = news or await workflows.family(desk.database, caller.namespace, workflow)
    found = await _members(desk, caller, workflow, most)
    ids = [view.id for view, _ in found]
    counts = await workflows.counts_of(desk.database, caller.namespace, ids)
    own = await _glances(desk, caller, ids, most_tasks)
    members = [
        Member(view=view, item=item, counts=counts[view.id], tasks=own[view.id]) for view, item in found
    ]
    return Family(members, version, max(0, count - len(members)))


async def _members(desk: Desk, caller: Caller, workflow: UUID, most: int) -> list[tuple[WorkflowView, int]]:
    """Level by level, at most so many."""
    root = await workflows.get(desk.database, caller.namespace, workflow)
    if root is None:
        raise no_such_workflow(workflow)
    found, parents = [(root, 0)], [workflow]
    while parents and len(found) < most:
        below = await workflows.children(desk.database, caller.namespace, parents, most - len(found))
        found += below
        parents = [view.id for view, _ in below]
    return found


async def _glances(
    desk: Desk, caller: Caller, members: list[UUID], most: int
) -> dict[UUID, list[TaskGlance]]:
    """Of each member at most so many tasks of each kind: one statement for all tasks, all jobs, all loops."""
    shown = await tasks.shown(desk.database, caller.namespace, members, most)
    live = [(one.view.workflow, one.view.job) for one in shown if one.view.job is not None]
    loops = [(one.view.workflow, one.view.id) for one in shown if one.is_loop]
    carried = await jobs.live_among(desk.database, caller.namespace, live)
    ends = await jobs.items_ended(desk.database, caller.namespace, loops)
    found: dict[UUID, list[TaskGlance]] = {one: [] for one in members}
    for one in shown:
        job = carried.get(one.view.id)
        ended = _ended(one, ends.get(one.view.id, []))
        found[one.view.workflow].append(
            TaskGlance(
                view=one.view,
                retries=one.retries,
                job=job if job is not None and job.queue != NOBODYS else None,
                items=(one.items or sum(ended.values())) if one.is_loop else None,
                ended=ended,
            )
        )
    return found


def _ended(task: Glimpse, ends: list[Ends]) -> dict[str, int]:
    """How many items have ended in which state. Ends from before the loop, or what failed in it, was run again are none."""
    since, again = (task.step.since, task.step.again_since) if task.step is not None else (0, 0)
    counted: Counter[str] = Counter()
    for one in ends:
        if one.run >= (since if one.state == TaskState.SUCCESS else max(since, again)):
            counted[one.state] += one.items
    return dict(counted)
