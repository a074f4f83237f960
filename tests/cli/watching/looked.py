"""Looks at families, made by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from ostro.protocol.tasks import Task
from ostro.protocol.workflows import Family, Member, Workflow
from ostro.values import TaskState, WorkflowState

START = datetime(2027, 1, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def task(
    number: int, name: str, state: str, begun: float | None = None, ended: float | None = None, **more: Any
) -> Task:
    return Task(
        id=UUID(int=number),
        workflow=UUID(int=0),
        name=name,
        state=TaskState(state),
        action="script",
        version=1,
        created_at=START,
        started_at=None if begun is None else at(begun),
        ended_at=None if ended is None else at(ended),
        **more,
    )


def member(
    number: int,
    name: str,
    *tasks: Task,
    state: str = "RUNNING",
    counts: dict[str, int] | None = None,
    parent_task: int | None = None,
    item: int = 0,
    **more: Any,
) -> Member:
    own: dict[str, int] = {}
    for one in tasks:
        own[one.state] = own.get(one.state, 0) + 1
    about = Workflow(
        id=UUID(int=number),
        name=name,
        state=WorkflowState(state),
        sealed=True,
        version=1,
        created_at=START,
        counts=own if counts is None else counts,
        parent_task=None if parent_task is None else UUID(int=parent_task),
        **more,
    )
    return Member(workflow=about, item=item, tasks=list(tasks))


def family(*members: Member) -> Family:
    return Family(at=at(10), seen="1", workflows=list(members))
