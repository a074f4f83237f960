"""Jobs as people read them: live ones from the queue, ended ones from their table."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ostro.store.database import Database
from ostro.values import UUID


class JobView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A run of a task. `state` is queued, running, stopping, or one of the ends.

    `queue` and `place` (priority, position) are a queued job's.
    """

    id: UUID
    workflow: UUID
    task: UUID
    run: int
    item: int
    state: str
    fence: int | None
    worker: str | None
    error: str | None
    queued_at: datetime
    claimed_at: datetime | None
    ended_at: datetime | None
    queue: int | None = None
    place: tuple[int, int] = (0, 0)


async def live(database: Database, namespace: int, workflow: UUID, job: UUID) -> JobView | None:
    """A job that is queued, running or being stopped."""
    row = await database.fetchrow("jobs_live", namespace, workflow, job)
    return _live(row) if row else None


async def live_of(database: Database, namespace: int, workflow: UUID, task: UUID) -> list[JobView]:
    """The jobs of a task that are queued, running or being stopped."""
    return [_live(row) for row in await database.fetch("jobs_live_of", namespace, workflow, task)]


async def live_among(
    database: Database, namespace: int, wanted: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, JobView]:
    """Those of these jobs that live, by the task that they are of; a job is asked for as (workflow, job)."""
    workflows, ids = [one for one, _ in wanted], [one for _, one in wanted]
    rows = await database.fetch("jobs_live_among", namespace, workflows, ids)
    return {row["task"]: _live(row) for row in rows}


class Ends(msgspec.Struct, frozen=True, gc=False):
    """So many items of a loop whose last run was this one and ended in this state."""

    run: int
    state: str
    items: int


async def items_ended(
    database: Database, namespace: int, loops: Sequence[tuple[UUID, UUID]]
) -> dict[UUID, list[Ends]]:
    """How the items of these loops ended, by task; a loop is asked for as (workflow, task)."""
    workflows, tasks = [one for one, _ in loops], [one for _, one in loops]
    found: dict[UUID, list[Ends]] = {task: [] for task in tasks}
    for row in await database.fetch("jobs_items_ended", namespace, workflows, tasks):
        found[row["task"]].append(Ends(row["run"], row["state"], row["items"]))
    return found


async def given(database: Database, namespace: int, workflow: UUID, job: UUID) -> bytes | None:
    """The input of a job of a definition's task; None where it is the task's own."""
    body: bytes | None = await database.fetchval("jobs_input", namespace, workflow, job)
    return body


async def ended(database: Database, namespace: int, workflow: UUID, task: UUID) -> list[JobView]:
    """The ended runs of a task, the first one first."""
    return [_ended(row) for row in await database.fetch("jobs_ended", namespace, workflow, task)]


async def by_id(database: Database, namespace: int, job: UUID) -> JobView | None:
    """Any job. A job that is still being stopped is told as such, though its run has ended."""
    async with database.connection() as connection:
        row = await connection.fetchrow("jobs_live_by_id", namespace, job)
        if row:
            return _live(row)
        row = await connection.fetchrow("jobs_ended_by_id", namespace, job)
        return _ended(row) if row else None


async def before(database: Database, namespace: int, job: JobView) -> int:
    """How many jobs of its queue come before this one, 1,000 at most."""
    count: int = await database.fetchval("jobs_before", namespace, job.queue, *job.place)
    return count


async def is_leased(database: Database, namespace: int, workflow: UUID, job: UUID, fence: int) -> bool:
    """Whether a worker holds the job under this fence."""
    return bool(await database.fetchval("jobs_lease", namespace, workflow, job, fence))


def _live(row: Any) -> JobView:
    state = "queued" if row["session"] is None else "running"
    return JobView(
        id=row["job"],
        workflow=row["workflow"],
        task=row["task"],
        run=row["run"],
        item=row["item"],
        state="stopping" if row["revoked_at"] is not None else state,
        fence=row["fence"],
        worker=row["worker"],
        error=None,
        queued_at=row["queued_at"],
        claimed_at=row["claimed_at"],
        ended_at=None,
        queue=row["queue"],
        place=(row["priority"], row["position"]),
    )


def _ended(row: Any) -> JobView:
    return JobView(
        id=row["id"],
        workflow=row["workflow"],
        task=row["task"],
        run=row["run"],
        item=row["item"],
        state=row["state"],
        fence=row["fence"],
        worker=row["worker"],
        error=row["error"],
        queued_at=row["queued_at"],
        claimed_at=row["claimed_at"],
        ended_at=row["ended_at"],
    )
