"""Workflows as people read them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec

from ostro.core.plans.rows import FlowRow
from ostro.store.database import Database
from ostro.values import UUID, Term, WorkflowState


class WorkflowView(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Both rows of a workflow. `output` maps a key to a task's name; None: what nobody requires."""

    id: UUID
    version: int
    state: WorkflowState
    sealed: bool
    stopping: str | None
    parked: bool
    error: str | None
    deadline: datetime | None
    created_at: datetime
    ended_at: datetime | None
    keep: int | None
    name: str
    description: str
    tags: tuple[str, ...]
    done_when: tuple[Term, ...]
    output: dict[str, str] | None
    parent: UUID | None
    parent_task: UUID | None
    root: UUID | None
    definition: str | None
    definition_version: int | None
    flow: FlowRow | None
    """Of a workflow made from a definition, what core keeps of that; None in lists."""


class Part(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One part of an output: `body` is None if it is too large, `size` is None if the task has no result."""

    name: str
    task: UUID
    state: str
    size: int | None
    body: bytes | None


async def get(database: Database, namespace: int, workflow: UUID) -> WorkflowView | None:
    """One workflow."""
    row = await database.fetchrow("workflows_get", namespace, workflow)
    return _view(row) if row else None


async def page(
    database: Database,
    namespace: int,
    *,
    after: UUID | None,
    states: Sequence[str] | None,
    name: str | None,
    tag: str | None,
    definition: str | None,
    limit: int,
) -> list[WorkflowView]:
    """At most `limit`, newest first, older than `after`; with `definition` those that were made from it."""
    rows = await database.fetch("workflows_list", namespace, after, states, name, tag, definition, limit)
    return [_view(row) for row in rows]


async def state(database: Database, namespace: int, workflow: UUID) -> tuple[int, WorkflowState] | None:
    """Version and state."""
    row = await database.fetchrow("workflows_state", namespace, workflow)
    return (row["version"], WorkflowState(row["state"])) if row else None


async def children(
    database: Database, namespace: int, parents: Sequence[UUID], most: int
) -> list[tuple[WorkflowView, int]]:
    """The workflows that their tasks run, each with the item that it is for; those that run first."""
    rows = await database.fetch("workflows_children", namespace, parents, most)
    return [(_view(row), row["item"]) for row in rows]


async def family(database: Database, namespace: int, workflow: UUID) -> tuple[int, str]:
    """How many workflows it is with all below it (0: it is not there), and a text that differs after each change."""
    row = await database.fetchrow("workflows_family", namespace, workflow)
    return (row["members"], f"{row['members']}-{row['versions']}") if row else (0, "")


async def counts_of(
    database: Database, namespace: int, members: Sequence[UUID]
) -> dict[UUID, dict[str, int]]:
    """`counts` of several."""
    found: dict[UUID, dict[str, int]] = {one: {} for one in members}
    for row in await database.fetch("workflows_counts_of", namespace, members):
        found[row["workflow"]][row["state"]] = row["tasks"]
    return found


async def counts(database: Database, namespace: int, workflow: UUID) -> dict[str, int]:
    """How many tasks are in each state that has any."""
    rows = await database.fetch("workflows_counts", namespace, workflow)
    return {row["state"]: row["tasks"] for row in rows}


async def sealed_tags(database: Database, namespace: int, workflow: UUID) -> list[str]:
    """The tags that were sealed themselves."""
    return [row["tag"] for row in await database.fetch("workflows_sealed_tags", namespace, workflow)]


async def problems(database: Database, namespace: int, workflow: UUID) -> list[str]:
    """What parked steps of the workflow say."""
    return [row["problem"] or "" for row in await database.fetch("workflows_problems", namespace, workflow)]


async def chosen_output(
    database: Database, namespace: int, workflow: UUID, names: Sequence[str], most: int
) -> list[Part]:
    """The newest task of each name, with its result if that has at most `most` bytes."""
    rows = await database.fetch("workflows_output_chosen", namespace, workflow, names, most)
    return [
        Part(name=row["name"], task=row["id"], state=row["state"], size=row["size"], body=row["body"])
        for row in rows
    ]


async def default_output(
    database: Database, namespace: int, workflow: UUID, most: int, limit: int
) -> list[Part]:
    """Results of successful tasks that nobody requires, the bodies of the first `most` bytes."""
    rows = await database.fetch("workflows_output_default", namespace, workflow, most, limit)
    return [
        Part(name=row["name"], task=row["id"], state="SUCCESS", size=row["size"], body=row["body"])
        for row in rows
    ]


def _view(row: Any) -> WorkflowView:
    done_when, output = row["done_when"], row["output"]
    return WorkflowView(
        id=row["id"],
        version=row["version"],
        state=WorkflowState(row["state"]),
        sealed=row["sealed"],
        stopping=row["stopping"],
        parked=row["parked"],
        error=row["error"],
        deadline=row["deadline"],
        created_at=row["created_at"],
        ended_at=row["ended_at"],
        keep=row["keep"],
        name=row["name"],
        description=row["description"],
        tags=tuple(row["tags"]),
        done_when=msgspec.msgpack.decode(done_when, type=tuple[Term, ...]) if done_when else (),
        output=msgspec.json.decode(output, type=dict[str, str] | None) if output else None,
        parent=row["parent_workflow"],
        parent_task=row["parent_task"],
        root=row["root_workflow"],
        definition=row["definition"],
        definition_version=row["definition_version"],
        flow=msgspec.msgpack.decode(row["flow"], type=FlowRow) if row["flow"] is not None else None,
    )
