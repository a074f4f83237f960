"""Tasks: what callers add, and what they see of them."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ostro.protocol.why import Why
from ostro.values import UUID, MaySpawn, Retry, SkipReason, TaskState, Term


class TaskRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One task as its caller describes it. Only `name` and `action` are needed.

    `input` is a JSON object. `requires` lists names of tasks, or terms. `target` is what a worker must have.
    `timeout` is seconds of one run. A name that reads as a UUID is refused, since paths take either.

    With `evaluate`, the texts in `input` and `target` may hold expressions (`<% … %>`, `{{ … }}`), which are evaluated each
    time it starts. Without, they are taken as they stand. A job that adds tasks cannot say it.
    """

    name: str
    action: str
    input: Raw | UnsetType = UNSET
    evaluate: bool = False
    tags: list[str] = []
    target: dict[str, str] = {}
    requires: list[str | Term] = []
    retry: Retry | None = None
    timeout: float | None = None
    safe_rerun: bool = False
    priority: int = 0
    may_spawn: MaySpawn | None = None
    description: str = ""


class TasksRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One task or many: all or nothing."""

    tasks: Annotated[list[TaskRequest], Meta(min_length=1)]


class AddedTask(msgspec.Struct, kw_only=True):
    """What became of one added task.

    `again`: it was known already, by name and content; nothing changed. `waiting_for` are sentences (ten at most).
    `too_late_for` counts the started tasks that would have waited for this one had it come earlier.
    """

    id: UUID
    name: str
    pass_: Annotated[int, Meta(description="0 unless a Mistral workflow came here more than once")] = (
        msgspec.field(default=0, name="pass")
    )
    state: TaskState
    again: bool = False
    waiting_for: list[str] = []
    too_late_for: int = 0
    too_late_names: list[str] = []


class AddedTasks(msgspec.Struct, kw_only=True):
    """The answer to an add, in the order asked."""

    tasks: list[AddedTask]


class TaskCancel(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """`seen` is the task's version that the caller saw: a copy of an obeyed call changes nothing."""

    seen: int | None = None


class TaskRerun(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """With `reset: false` a loop runs only its failed items again. With `from_here` all tasks that require this one and had
    started run again after it. `env` puts new values into the environment.
    """

    reset: bool = True
    from_here: bool = False
    env: Raw | UnsetType = UNSET
    seen: int | None = None


class TaskSkip(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`seen` is the task's version that the caller saw."""

    seen: int | None = None


class TaskResult(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a task that ran came to instead. `result` is any JSON; `seen` as above."""

    state: Literal["SUCCESS", "ERROR"] = "SUCCESS"
    result: Raw | UnsetType = UNSET
    error: str | None = None
    seen: int | None = None


class Revived(msgspec.Struct, kw_only=True):
    """`used_by` counts the tasks that had started on what the task was before, and do not run again; ten are named."""

    changed: bool = True
    used_by: int = 0
    used_by_names: list[str] = []


class LiveJob(msgspec.Struct, kw_only=True):
    """The job that carries the present run: waiting in its queue, in a worker's hands, or being stopped there."""

    id: UUID
    state: Literal["queued", "running", "stopping"]
    run: int
    worker: str | None = None
    queued_at: datetime
    claimed_at: datetime | None = None


class Items(msgspec.Struct, kw_only=True):
    """How far a loop is: how many items it has, and how many of them have ended in which state."""

    total: int
    ended: dict[str, int] = {}


class Task(msgspec.Struct, kw_only=True):
    """A task. `input`, `result`, `job` and `why` come with a single task, not in lists.

    `retries` and `items` come in a family: how often it was tried again, and of a loop how far it is. So does the `job`
    that a worker has or shall have.

    `published` are the variables that a definition's task has set; not in lists. `run` counts the attempts so far. `result` is null without one; `error` is a sentence.
    """

    id: UUID
    workflow: UUID
    name: str
    pass_: int = msgspec.field(default=0, name="pass")
    state: TaskState
    reason: SkipReason | None = None
    error: str | None = None
    action: str
    description: str = ""
    tags: list[str] = []
    target: dict[str, str] = {}
    evaluate: bool = False
    requires: list[Term] = []
    retry: Retry | None = None
    timeout: float | None = None
    safe_rerun: bool = False
    priority: int = 0
    may_spawn: MaySpawn | None = None
    spawned: int = 0
    spawned_by: UUID | None = None
    run: int = 0
    version: int
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    published: Raw | UnsetType = UNSET
    input: Raw | UnsetType = UNSET
    result: Raw | UnsetType = UNSET
    job: LiveJob | None | UnsetType = UNSET
    retries: int | UnsetType = UNSET
    items: Items | UnsetType = UNSET
    why: Why | None | UnsetType = UNSET


class TaskPage(msgspec.Struct, kw_only=True):
    """Tasks in the order of their making; `next` is the cursor of the next page, null at the end."""

    tasks: list[Task]
    next: str | None = None
