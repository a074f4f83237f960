"""How loops hand events to the lanes: many at once, each failure alone, three failures parked."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from ostro.core.events import Done, Event
from ostro.errors import OstroError, StorageError, StorageUnavailable
from ostro.store import due
from ostro.store.database import Database
from ostro.values import UUID

_log = structlog.get_logger("ostro.loops")

AT_ONCE = 500
"""Events of a namespace that one tick submits; lanes make batches of them."""

LONG_DUE = 60.0
"""Seconds after which a row for which its workflow has nothing to do is taken away: clocks do not differ so far."""


class Lanes(Protocol):
    """The one writer of workflows, as loops see it."""

    async def submit(self, namespace: int, workflow: UUID, event: Event) -> object:
        """Decides and commits."""


class Due(msgspec.Struct, frozen=True):
    """An event that a durable row asks for. `failed` counts a failure and says if that parked the row;
    `idle` is called when the workflow had nothing to do for it.
    """

    namespace: int
    workflow: UUID
    event: Event
    failed: Callable[[str], Awaitable[bool]]
    idle: Callable[[], Awaitable[None]]


async def nothing() -> None:
    """Nothing is to be done for a row that has lost its reason."""


async def submit_all(database: Database, lanes: Lanes, rows: Sequence[Due]) -> None:
    """Submits all at once and returns when all are answered. StorageError if the database is away."""
    try:
        async with asyncio.TaskGroup() as group:
            for row in rows:
                group.create_task(_submit(database, lanes, row))
    except* StorageError as away:
        raise _first(away) from None


async def _submit(database: Database, lanes: Lanes, row: Due) -> None:
    try:
        answer = await lanes.submit(row.namespace, row.workflow, row.event)
    except StorageUnavailable:
        raise
    except Exception as problem:  # noqa: BLE001 - one bad row never hurts its neighbours
        known = isinstance(problem, OstroError)
        _log.warning(
            "event_failed",
            workflow=str(row.workflow),
            submitted=type(row.event).__name__,
            problem=str(problem),
            exc_info=not known,
        )
        if await row.failed(f"{type(problem).__name__}: {problem}"[:2_000]):
            await due.park_workflow(database, row.namespace, row.workflow)
    else:
        if isinstance(answer, Done) and not answer.changed:
            await row.idle()


def _first(group: BaseExceptionGroup[StorageError]) -> StorageError:
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
