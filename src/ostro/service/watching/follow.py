"""Waiting for news of a workflow: the feed of its changes, and its end."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from ostro.clock import monotonic
from ostro.core.states import WORKFLOW_ENDED
from ostro.errors import NotFound
from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.store.tables import changes, workflows
from ostro.store.tables.changes import ChangeView
from ostro.values import UUID, WorkflowState

T = TypeVar("T")


def no_such_workflow(workflow: UUID) -> NotFound:
    """There is none of this id in the caller's namespace."""
    return NotFound(
        "workflow_not_found", f"There is no workflow {workflow}.", hint="See them all: ostro workflow list."
    )


async def wait_for(
    desk: Desk, namespace: int, workflow: UUID, look: Callable[[], Awaitable[T | None]], seconds: float
) -> T | None:
    """What `look` finds, as soon as it finds something; None after `seconds`, or when the server closes.

    It looks first, then after each hint about the workflow, and now and then besides.
    """
    async with desk.parked.watching(namespace, workflow) as woken:
        until = monotonic() + seconds
        while True:
            found = await look()
            left = until - monotonic()
            if found is not None or left <= 0 or desk.closing.is_set():
                return found
            await woken.wait(min(left, desk.timing.fall_back))


async def read(
    desk: Desk, caller: Caller, workflow: UUID, *, after: int, seconds: float, limit: int
) -> tuple[list[ChangeView], WorkflowState]:
    """The changes after a version, waiting up to `seconds` for the first of them; and the workflow's state."""
    state: WorkflowState | None = None

    async def look() -> list[ChangeView] | None:
        nonlocal state
        now = await workflows.state(desk.database, caller.namespace, workflow)
        if now is None:
            raise no_such_workflow(workflow)
        version, state = now
        if version <= after:
            return None if state not in WORKFLOW_ENDED else []
        news = await changes.after(desk.database, caller.namespace, workflow, after, limit)
        return news if news or state in WORKFLOW_ENDED else None

    found = await wait_for(desk, caller.namespace, workflow, look, seconds)
    if state is None:
        raise no_such_workflow(workflow)
    return found or [], state


async def wait_for_end(desk: Desk, namespace: int, workflow: UUID, seconds: float) -> bool:
    """Whether the workflow ended within `seconds`. NotFound if it goes away."""

    async def look() -> bool | None:
        now = await workflows.state(desk.database, namespace, workflow)
        if now is None:
            raise no_such_workflow(workflow)
        return True if now[1] in WORKFLOW_ENDED else None

    return await wait_for(desk, namespace, workflow, look, seconds) is True
