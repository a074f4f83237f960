"""Tasks as people read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ostro.core.plans.rows import StepRow
from ostro.core.specs import TaskSpec
from ostro.store.database import Database
from ostro.values import UUID, SkipReason, TaskState


class TaskView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task's state and what was said of it. `input` is None in lists."""

    id: UUID
    workflow: UUID
    name: str
    pass_: int
    state: TaskState
    reason: SkipReason | None
    error: str | None
    run: int
    job: UUID | None
    version: int
    spawned: int
    spawned_by: UUID | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    spec: TaskSpec
    input: bytes | None
    published: bytes | None = None
    """The variables that a definition's task has set, a JSON object; None in lists."""
    is_loop: bool = False

    @property
    def ended(self) -> bool:
        """It will not move again by itself."""
        return self.ended_at is not None


class Glimpse(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A task among many of several workflows, with what tells how far it is.

    `retries` is how often it was tried again since it first ran, or since an operator let it run again. `items` is how
    many a loop has, 0 where that is read from how they ended.
    """

    view: TaskView
    retries: int
    is_loop: bool
    items: int
    step: StepRow | None


async def by_name(database: Database, namespace: int, workflow: UUID, name: str) -> TaskView | None:
    """The newest task of that name."""
    row = await database.fetchrow("tasks_get_by_name", namespace, workflow, name)
    return _view(row) if row else None


async def by_id(database: Database, namespace: int, workflow: UUID, task: UUID) -> TaskView | None:
    """One task."""
    row = await database.fetchrow("tasks_get_by_id", namespace, workflow, task)
    return _view(row) if row else None


async def page(
    database: Database,
    namespace: int,
    workflow: UUID,
    *,
    after: UUID | None,
    states: Sequence[str] | None,
    name: str | None,
    tag: str | None,
    limit: int,
) -> list[TaskView]:
    """At most `limit` in the order of their making, later than `after`, without their inputs."""
    rows = await database.fetch("tasks_list", namespace, workflow, after, states, name, tag, limit)
    return [_view(row) for row in rows]


async def shown(database: Database, namespace: int, workflows: Sequence[UUID], most: int) -> list[Glimpse]:
    """Of each workflow at most `most` tasks under way, `most` that failed, `most` that wait and `most` that are done."""
    return [_glimpse(row) for row in await database.fetch("tasks_shown", namespace, workflows, most)]


async def result(
    database: Database, namespace: int, workflow: UUID, task: UUID, run: int, item: int = 0
) -> bytes | None:
    """The result of one run, as JSON."""
    body: bytes | None = await database.fetchval("tasks_result", namespace, workflow, task, run, item)
    return body


async def item_results(database: Database, namespace: int, workflow: UUID, task: UUID) -> bytes:
    """What the items of a loop gave, a JSON list; of one that failed without a result, its error."""
    rows = await database.fetch("tasks_item_results", namespace, workflow, task)
    found = [msgspec.Raw(row["body"] or msgspec.json.encode(row["error"])) for row in rows]
    return msgspec.json.encode(found)


async def is_gone(database: Database, namespace: int, workflow: UUID, name: str) -> bool:
    """Whether a task of this name was deleted."""
    return bool(await database.fetchval("tasks_is_gone", namespace, workflow, name))


async def delay(
    database: Database, namespace: int, workflow: UUID, task: UUID
) -> tuple[datetime | None, str]:
    """When a delayed task goes on, if not at once; and what a definition's task waits for: `before`, `after`, `retry`."""
    row = await database.fetchrow("tasks_delay", namespace, workflow, task)
    if row is None:
        return None, ""
    step = msgspec.msgpack.decode(row["step"], type=StepRow) if row["step"] is not None else StepRow()
    return row["due_at"], step.phase


def _view(row: Any) -> TaskView:
    step = msgspec.msgpack.decode(row["step"], type=StepRow) if row["step"] is not None else None
    return TaskView(
        id=row["id"],
        workflow=row["workflow"],
        name=row["name"],
        pass_=row["pass"],
        state=TaskState(row["state"]),
        reason=SkipReason(row["reason"]) if row["reason"] else None,
        error=row["error"],
        run=row["run"],
        job=row["job"],
        version=row["version"],
        spawned=row["spawned"],
        spawned_by=row["spawned_by"],
        created_at=row["created_at"],
        started_at=row["started_at"],
        ended_at=row["ended_at"],
        spec=msgspec.msgpack.decode(row["spec"], type=TaskSpec),
        input=row["input"],
        published=(step.published or b"{}") if step is not None else None,
        is_loop=step is not None and step.items is not None,
    )


def _glimpse(row: Any) -> Glimpse:
    view = _view(row)
    if not row["planned"]:
        return Glimpse(view=view, retries=max(0, view.run - row["since"]), is_loop=False, items=0, step=None)
    if row["step"] is None:
        return Glimpse(view=view, retries=0, is_loop=True, items=0, step=None)
    step = msgspec.msgpack.decode(row["step"], type=StepRow)
    items = 0 if step.items is None else len(msgspec.json.decode(step.items, type=list[msgspec.Raw]))
    return Glimpse(view=view, retries=step.retries, is_loop=step.items is not None, items=items, step=step)
