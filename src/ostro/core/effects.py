"""What a decision wants written and done: plain rows, folded so that each row appears once.

The store turns them into one statement; the engine then wakes whom they concern.
"""

from datetime import datetime

import msgspec

from ostro.core.specs import Birth, TaskSpec
from ostro.values import UUID, SkipReason, TaskState, WorkflowState


class WorkflowRow(msgspec.Struct, gc=False):
    """The hot row of a workflow after the decision."""

    state: WorkflowState
    sealed: bool
    stopping: str | None
    latched: tuple[str, ...]
    deadline: datetime | None
    error: str | None
    ended_at: datetime | None


class TaskRow(msgspec.Struct, gc=False):
    """The hot row of a task after the decision. `job` is the live job of a RUNNING task.

    `weighs`: its terms matter to the workflow's end after it started (rule 6), so they are loaded again.
    `required` counts the tasks that require it by name: then its result is no part of the default output.
    `since` is the first run since its last revival: retries are counted from there.
    """

    id: UUID
    name: str
    tags: tuple[str, ...]
    hash: bytes
    state: TaskState
    reason: SkipReason | None
    error: str | None
    run: int
    job: UUID | None
    version: int
    spawned: int
    weighs: bool
    required: int
    spawned_by: UUID | None
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    since: int = 1
    pass_: int = 0
    """In direct workflows a name may be arrived at again: each time is a task of its own."""


class QueuedJob(msgspec.Struct, frozen=True, gc=False):
    """A job that a worker shall pull. `hands_over` names the tasks whose results go with it."""

    job: UUID
    task: UUID
    run: int
    action: str
    target: dict[str, str]
    tags: tuple[str, ...]
    priority: int
    timeout: float | None
    safe_rerun: bool
    hands_over: tuple[str, ...]
    item: int = 0
    input: bytes | None = None
    """Its own; None where it is the task's."""
    unattended: bool = False
    """No worker runs it: a sub-workflow, or what somebody outside ends."""


class EndedJob(msgspec.Struct, frozen=True, gc=False):
    """One run that is over. `fence` is None where no worker held it (inline, or cancelled while queued)."""

    job: UUID
    task: UUID
    run: int
    fence: int | None
    state: TaskState
    error: str | None
    result: bytes | None
    at: datetime
    """When it ended; also when it was queued, where no queue row tells."""
    item: int = 0


class OwnMessage(msgspec.Struct, frozen=True, gc=False):
    """What a workflow leaves for itself: `go_on`, to be delivered, or what is to be found when it is read anew: `fall`,
    a kept `signal`, a run that has begun to `wait` for one.
    """

    kind: str
    body: bytes = b""


class Signal(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A signal that nobody has waited for yet: `payload` is JSON. With `waits` a run that waits for one: `id` is its job."""

    id: UUID
    name: str
    payload: bytes | None = None
    waits: bool = False


class Message(msgspec.Struct, frozen=True, gc=False):
    """A message to another workflow: `begin` (makes it), `ended` (a workflow that a task ran), `pause`, `resume`, `cancel`."""

    to: UUID
    kind: str
    body: bytes


class Timer(msgspec.Struct, frozen=True, gc=False):
    """An instant at which an event is due: kind `retry` or `timeout` (of a task) or `deadline` (of the workflow, task None)."""

    kind: str
    task: UUID | None
    due_at: datetime | None
    """None takes the timer away."""


class Entry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """One line of history: what happened, to which task or tag, and the state after it."""

    what: str
    task: str | None = None
    tag: str | None = None
    state: str | None = None
    reason: str | None = None
    run: int | None = None
    error: str | None = None


class Changes:
    """Everything that one or several decisions about one workflow changed, folded.

    Touching a row twice leaves one row in its final form; a task added and changed stays added.
    """

    __slots__ = (
        "added",
        "born",
        "consumed",
        "deleted",
        "described",
        "ended_jobs",
        "entries",
        "flow_touched",
        "messages_done",
        "messages_sent",
        "output",
        "queued",
        "results_dropped",
        "revoked",
        "sealed_tags",
        "sent",
        "specs",
        "steps",
        "timers",
        "touched",
        "workflow_touched",
    )

    def __init__(self) -> None:
        self.born: Birth | None = None
        self.workflow_touched = False
        self.described: Birth | None = None
        self.output: dict[str, str] | None = None
        self.added: dict[UUID, None] = {}
        self.touched: dict[UUID, None] = {}
        self.deleted: dict[UUID, str] = {}
        self.specs: dict[UUID, TaskSpec] = {}
        self.queued: dict[UUID, QueuedJob] = {}
        self.consumed: dict[UUID, int] = {}
        self.revoked: dict[UUID, int | None] = {}
        self.ended_jobs: list[EndedJob] = []
        self.timers: dict[tuple[str, UUID | None], Timer] = {}
        self.messages_sent: dict[UUID, OwnMessage] = {}
        self.messages_done: dict[UUID, None] = {}
        self.sealed_tags: dict[str, None] = {}
        self.entries: list[Entry] = []
        self.flow_touched = False
        self.steps: dict[UUID, None] = {}
        self.sent: list[Message] = []
        self.results_dropped: dict[UUID, None] = {}

    def __bool__(self) -> bool:
        rows = (self.added, self.touched, self.deleted, self.ended_jobs, self.timers, self.entries)
        sets = (self.messages_sent, self.messages_done, self.sealed_tags, self.consumed, self.revoked)
        said = self.born is not None or self.described is not None or self.workflow_touched
        said = said or self.flow_touched or bool(self.steps) or bool(self.sent)
        return said or any(rows) or any(sets)
