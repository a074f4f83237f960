"""Workflows: made, described, sealed, read."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

from ostro.protocol.tasks import AddedTask, Task, TaskRequest
from ostro.protocol.why import Why
from ostro.values import UUID, Term, WorkflowState

Instant = Annotated[datetime, Meta(tz=True)]
"""With its zone: RFC 3339."""


class OutputOf(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The task whose result is one part of the output."""

    task: str


class MoreText(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text in which workflows or ad-hoc actions are found that another one names."""

    text: str
    kind: Literal["workflows", "workbook", "actions"] | None = None


class DefinitionText(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text in the workflow language. `name` chooses among its workflows, `kind` is `workflows` or `workbook`; both
    may be left out where the text tells. What it names is looked for in it, then in the texts of `also`, then among the
    stored definitions.

    Without `text` it is the stored definition of that full name, in its newest version unless `version` says which.
    """

    text: str | None = None
    name: str = ""
    version: int | None = None
    kind: Literal["workflows", "workbook"] | None = None
    also: list[MoreText] = []


class WorkflowRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new workflow, open unless `seal`. All of it may be left out.

    `keep` is how many seconds it stays once it has ended, 0 for ever; without it as long as the namespace or the
    server says.

    With `definition` it is made from that: `input` is what the definition asks for, `env` its environment
    (an object, or the name of a stored one, whose values it keeps), `params` what else a start gives (`task_name` of a reverse workflow, `evaluate_env: false`). It has its own tasks
    then, and is sealed unless it says `open: true`.

    `done_when` seals it as soon as all its terms hold. `output` maps a key to the task whose result it is:
    `{"url": {"task": "deploy"}}`; without it the output is what every successful task that nobody requires returned.
    """

    name: str = ""
    description: str = ""
    tags: list[str] = []
    deadline: Instant | None = None
    keep: int | None = None
    done_when: list[str | Term] = []
    output: dict[str, OutputOf] | None = None
    tasks: list[TaskRequest] = []
    seal: bool = False
    definition: DefinitionText | None = None
    input: Raw | UnsetType = UNSET
    env: Raw | UnsetType = UNSET
    params: Raw | UnsetType = UNSET


class CreatedWorkflow(msgspec.Struct, kw_only=True):
    """The new workflow's id, and what became of its first tasks."""

    id: UUID
    tasks: list[AddedTask] = []


class WorkflowChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is left out stays as it is; `deadline: null` takes the deadline away, `keep: null` the time of its own."""

    name: str | UnsetType = UNSET
    description: str | UnsetType = UNSET
    tags: list[str] | UnsetType = UNSET
    deadline: Instant | None | UnsetType = UNSET
    keep: int | None | UnsetType = UNSET


class SealRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """With `tag` that tag is closed, else the whole workflow; `output` goes with the whole only."""

    tag: str | None = None
    output: dict[str, OutputOf] | None = None


class CancelRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why, for the history."""

    reason: str = ""


class PauseRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Why, for those who look at it."""

    message: str = ""


class ResumeRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`env` puts new values into the environment."""

    env: Raw | UnsetType = UNSET


class StopRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The state in which it ends, and what is said of it."""

    state: Literal["SUCCESS", "ERROR", "CANCELLED"]
    message: str = ""


class SignalRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """`payload` is any JSON: the result of the task that takes the signal."""

    payload: Raw | UnsetType = UNSET


class Signalled(msgspec.Struct, kw_only=True):
    """The task that waited for it and ends with it; null where it is kept until one does.

    `awaited` are then names that tasks wait for, ten at most: was it one of those?
    """

    taken_by: str | None = None
    awaited: list[str] = []


class Changed(msgspec.Struct, kw_only=True):
    """`changed` is false where there was nothing to do."""

    changed: bool = True


class MadeFrom(msgspec.Struct, kw_only=True):
    """A stored definition, and the version of it."""

    name: str
    version: int


class Workflow(msgspec.Struct, kw_only=True):
    """A workflow. `counts`, `sealed_tags` and `why` come with a single one, not in lists.

    `counts` says how many tasks are in each state (absent states have none). `stopping` says what ends it early,
    `message` is what whoever paused or stopped it said; not in lists. `parent` is the workflow whose task (`parent_task`) runs this one, `root` the first of them. `definition` is the stored one that it was made from, if it was (null: from a text, or by
    hand). `keep` is how many seconds it stays once it has ended (0: for ever; null: as the namespace or the server says).
    """

    id: UUID
    name: str = ""
    description: str = ""
    tags: list[str] = []
    state: WorkflowState
    sealed: bool
    stopping: Literal["cancel", "deadline", "fail", "succeed"] | None = None
    error: str | None = None
    deadline: Instant | None = None
    keep: int | None = None
    done_when: list[Term] = []
    output: dict[str, OutputOf] | None = None
    version: int
    created_at: datetime
    ended_at: datetime | None = None
    message: str | None = None
    parent: UUID | None = None
    parent_task: UUID | None = None
    root: UUID | None = None
    definition: MadeFrom | None = None
    sealed_tags: list[str] | UnsetType = UNSET
    counts: dict[str, int] | UnsetType = UNSET
    why: Why | None | UnsetType = UNSET


class WorkflowPage(msgspec.Struct, kw_only=True):
    """Workflows, newest first; `next` is the cursor of the next page, null at the end."""

    workflows: list[Workflow]
    next: str | None = None


class Member(msgspec.Struct, kw_only=True):
    """A workflow of a family, with its counts. `item` is the one that it runs for, where a loop's task runs it.

    `tasks` are some of each kind: under way, failed, waiting, done; in the order of their making.
    """

    workflow: Workflow
    item: int = 0
    tasks: list[Task] = []


class Family(msgspec.Struct, kw_only=True):
    """A workflow and those that its tasks run, at any depth, as they were `at` a moment. The first one is the workflow
    itself, parents come before children; those that run come first, then those that failed, then the newest.

    `left_out` counts the workflows above the limit. Ask again with `seen`, and `wait`, for the next news.
    """

    at: datetime
    seen: str
    workflows: list[Member]
    left_out: int = 0


class Reference(msgspec.Struct, kw_only=True):
    """A part of the output that is too large to come along: read the task's `result` at `path`."""

    task: str
    bytes: int
    path: str


class Output(msgspec.Struct, kw_only=True):
    """What the workflow returns, as far as it is there. `state` tells whether more can come.

    `missing` names keys of a declared output whose task has not ended in SUCCESS.
    """

    state: WorkflowState
    output: dict[str, Raw]
    references: dict[str, Reference] = {}
    missing: list[str] = []
