"""Messages become events. One to a workflow itself, the lane that wrote it follows up, unless its server went away."""

from datetime import timedelta
from functools import partial

import msgspec

from ostro.clock import Clock
from ostro.core.events import CalleeEnded, Create, Done, Event, GoOn, Pause, Resume, StopWorkflow
from ostro.errors import NotFound, OstroError, Refusal, StorageError, StorageUnavailable
from ostro.loops.namespaces import Namespaces
from ostro.loops.submit import AT_ONCE, LONG_DUE, Due, Lanes, nothing, submit_all
from ostro.service.definitions.callees import Called, Callees
from ostro.store import due
from ostro.store.database import Database
from ostro.store.due import DueMessage
from ostro.values import UUID, WorkflowState


class _Ended(msgspec.Struct):
    """What a workflow tells the task that runs it."""

    job: UUID
    state: WorkflowState
    error: str | None
    output: msgspec.Raw


class _Post:
    """The lanes, for messages: what is refused is told to who sent it, what nobody takes any more is taken away."""

    def __init__(self, database: Database, lanes: Lanes) -> None:
        self._database = database
        self._lanes = lanes

    async def submit(self, namespace: int, workflow: UUID, event: Event) -> object:
        """Decides and commits."""
        try:
            return await self._lanes.submit(namespace, workflow, event)
        except Refusal as refused:
            begin = event.begin if isinstance(event, Create) else None
            sent_as = begin.sent_as if begin is not None else getattr(event, "sent_as", None)
            gone = isinstance(refused, NotFound) or refused.kind == "workflow_exists"
            if sent_as is None or not (gone or begin is not None):
                raise
            if begin is not None and begin.caller is not None and not gone:
                await self.refuse(namespace, begin.caller.workflow, workflow, refused)
            await due.drop(self._database, namespace, workflow, sent_as)
            return Done()

    async def refuse(self, namespace: int, parent: UUID, job: UUID, refused: OstroError) -> None:
        """The task that wanted to run a workflow hears why it could not be made."""
        ended = CalleeEnded(job=job, state=WorkflowState.ERROR, error=str(refused))
        await self._lanes.submit(namespace, parent, ended)


class Deliver:
    """The tick of due messages."""

    def __init__(self, database: Database, clock: Clock, lanes: Lanes, namespaces: Namespaces) -> None:
        self._database = database
        self._clock = clock
        self._lanes = lanes
        self._namespaces = namespaces

    async def tick(self) -> bool:
        """Submits all that is due; whether there may be more."""
        now = self._clock.now()
        messages = await due.messages(self._database, await self._namespaces.ids(), now, AT_ONCE)
        first: dict[UUID, DueMessage] = {}
        for one in messages:  # to each workflow in the order in which they were sent
            first.setdefault(one.workflow, one)
        post = _Post(self._database, self._lanes)
        callees = Callees(self._database, self._clock)
        rows = [await self._due(one, post, callees) for one in first.values()]
        await submit_all(self._database, post, [row for row in rows if row is not None])
        return len(first) < len(messages) or len(messages) >= AT_ONCE

    async def _due(self, one: DueMessage, post: _Post, callees: Callees) -> Due | None:
        long_due = one.due_at < self._clock.now() - timedelta(seconds=LONG_DUE)
        try:
            event = await self._begin(one, post, callees) if one.kind == "begin" else _event(one)
        except (msgspec.DecodeError, StorageError) as broken:
            if isinstance(broken, StorageUnavailable):
                raise
            if await due.message_failed(self._database, one, str(broken)):
                await due.park_workflow(self._database, one.namespace, one.workflow)
            return None
        if event is None:
            return None
        return Due(
            one.namespace,
            one.workflow,
            event,
            partial(due.message_failed, self._database, one),
            partial(due.drop_message, self._database, one) if long_due else nothing,
        )

    async def _begin(self, one: DueMessage, post: _Post, callees: Callees) -> Event | None:
        """The workflow that a task wants to run; None if it cannot be, which the task has been told."""
        said = msgspec.json.decode(one.body, type=Called)
        try:
            return await callees.create(one.namespace, one.workflow, one.id, said)
        except Refusal as refused:
            await post.refuse(one.namespace, said.parent, one.workflow, refused)
            await due.drop_message(self._database, one)
            return None


def _event(one: DueMessage) -> Event:
    match one.kind:
        case "ended":
            ended = msgspec.json.decode(one.body, type=_Ended)
            return CalleeEnded(
                job=ended.job,
                state=ended.state,
                error=ended.error,
                output=bytes(ended.output),
                sent_as=one.id,
            )
        case "cancel":
            return StopWorkflow(state=WorkflowState.CANCELLED, sent_as=one.id)
        case "pause":
            return Pause(sent_as=one.id)
        case "resume":
            return Resume(sent_as=one.id)
        case _:
            return GoOn(one.id)
