"""Use cases of workflows."""

from collections.abc import Sequence

import msgspec

from ostro.core.events import (
    Answer,
    Create,
    Describe,
    Pause,
    Resume,
    SealTag,
    SealWorkflow,
    SendSignal,
    StopWorkflow,
)
from ostro.core.specs import Birth, TaskSpec
from ostro.core.states import WORKFLOW_ENDED
from ostro.engine.lanes import Once
from ostro.errors import Conflict
from ostro.service import why
from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.service.watching.follow import no_such_workflow, wait_for_end
from ostro.store.tables import workflows
from ostro.store.tables.workflows import WorkflowView
from ostro.values import UUID


class Shown(msgspec.Struct, frozen=True):
    """A workflow with all that is told of a single one."""

    view: WorkflowView
    sealed_tags: list[str]
    counts: dict[str, int]
    why: why.Why | None


async def create(
    desk: Desk, birth: Birth, tasks: Sequence[TaskSpec], *, seal: bool, once: Once | None = None
) -> Answer:
    """Makes a workflow with its first tasks; `birth` carries namespace and id. Answer: Added."""
    event = Create(birth=birth, tasks=tuple(tasks), seal=seal)
    return await desk.lanes.submit(birth.namespace, birth.id, event, once=once)


async def find(desk: Desk, caller: Caller, workflow: UUID) -> WorkflowView:
    """The workflow as it is; NotFound."""
    view = await workflows.get(desk.database, caller.namespace, workflow)
    if view is None:
        raise no_such_workflow(workflow)
    return view


async def show(desk: Desk, caller: Caller, workflow: UUID) -> Shown:
    """The workflow, its counts, and what it waits for."""
    view = await find(desk, caller, workflow)
    return Shown(
        view,
        await workflows.sealed_tags(desk.database, caller.namespace, workflow),
        await workflows.counts(desk.database, caller.namespace, workflow),
        await why.of_workflow(desk, caller.namespace, view),
    )


async def page(
    desk: Desk,
    caller: Caller,
    *,
    after: UUID | None,
    states: Sequence[str] | None,
    name: str | None,
    tag: str | None,
    definition: str | None,
    limit: int,
) -> tuple[list[WorkflowView], UUID | None]:
    """One page, newest first, and where the next begins."""
    found = await workflows.page(
        desk.database,
        caller.namespace,
        after=after,
        states=states,
        name=name,
        tag=tag,
        definition=definition,
        limit=limit + 1,
    )
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def describe(desk: Desk, caller: Caller, workflow: UUID, change: Describe) -> Answer:
    """Changes name, description, tags or deadline."""
    return await desk.lanes.submit(caller.namespace, workflow, change)


async def seal(
    desk: Desk, caller: Caller, workflow: UUID, event: SealTag | SealWorkflow, *, once: Once | None = None
) -> Answer:
    """Closes a tag, or the workflow, to new tasks."""
    return await desk.lanes.submit(caller.namespace, workflow, event, once=once)


async def cancel(
    desk: Desk, caller: Caller, workflow: UUID, *, reason: str = "", once: Once | None = None
) -> Answer:
    """Stops it: what was started is cancelled, what was not is passed by."""
    return await control(desk, caller, workflow, StopWorkflow(message=reason), once=once)


async def control(
    desk: Desk,
    caller: Caller,
    workflow: UUID,
    event: Pause | Resume | StopWorkflow,
    *,
    once: Once | None = None,
) -> Answer:
    """Pauses it, lets it go on, or ends it in a state that is given."""
    return await desk.lanes.submit(caller.namespace, workflow, event, once=once)


async def signal(
    desk: Desk, caller: Caller, workflow: UUID, event: SendSignal, *, once: Once | None = None
) -> Answer:
    """Tells it something that a task waits for, or will. Answer: Signalled."""
    return await desk.lanes.submit(caller.namespace, workflow, event, once=once)


async def delete(desk: Desk, caller: Caller, workflow: UUID, *, force: bool) -> None:
    """Takes an ended workflow away with all that belongs to it; `force` cancels a running one first."""
    view = await find(desk, caller, workflow)
    if view.state not in WORKFLOW_ENDED:
        if not force:
            raise Conflict(
                "workflow_running",
                "The workflow has not ended.",
                hint=f"Cancel it first (ostro workflow cancel {workflow}), or delete it with force: "
                f"ostro workflow delete {workflow} --force.",
            )
        await cancel(desk, caller, workflow, reason="to be deleted")
        if not await wait_for_end(desk, caller.namespace, workflow, desk.timing.request):
            raise Conflict(
                "workflow_running",
                "The workflow was cancelled and has not ended yet.",
                hint=f"Ask again in a moment: ostro workflow delete {workflow}.",
            )
    await desk.lanes.delete(caller.namespace, workflow)
