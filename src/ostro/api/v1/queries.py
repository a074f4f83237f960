"""Query parameters, one struct an endpoint. Bounds are part of the types, and so of the OpenAPI document."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from ostro.values import UUID, TaskState, WorkflowState

Limit = Annotated[int, Meta(ge=1, le=1000, description="How many at most.")]
Wait = Annotated[float, Meta(ge=0, le=60, description="Seconds to wait for news.")]
Text = Annotated[str, Meta(max_length=255)]
LongText = Annotated[str, Meta(max_length=600)]
"""Full names hold that of a workbook besides."""


class Workflows(msgspec.Struct, forbid_unknown_fields=True):
    """Filters of a list of workflows; a state may stand several times. `definition` is the name of a stored one."""

    state: list[WorkflowState] | None = None
    name: Text | None = None
    tag: Text | None = None
    definition: LongText | None = None
    cursor: UUID | None = None
    limit: Limit = 100


class Tasks(msgspec.Struct, forbid_unknown_fields=True):
    """Filters of a list of tasks; a state may stand several times."""

    state: list[TaskState] | None = None
    name: Text | None = None
    tag: Text | None = None
    cursor: UUID | None = None
    limit: Limit = 100


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """The version that the caller saw."""

    seen: Annotated[int, Meta(ge=0)] | None = None


class Force(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a running workflow is cancelled first."""

    force: bool = False


class Waiting(msgspec.Struct, forbid_unknown_fields=True):
    """How long to wait for the end."""

    wait: Wait = 0.0


class Changes(msgspec.Struct, forbid_unknown_fields=True):
    """Where the feed goes on: after this version."""

    after: Annotated[int, Meta(ge=0, le=2**62)] = 0
    wait: Wait = 0.0
    limit: Limit = 100


class Family(msgspec.Struct, forbid_unknown_fields=True):
    """How much of a family: so many workflows, and of each so many tasks of each kind. `seen` is of the last answer."""

    seen: Text = ""
    wait: Wait = 0.0
    limit: Limit = 100
    tasks: Annotated[int, Meta(ge=0, le=1000)] = 25


class Log(msgspec.Struct, forbid_unknown_fields=True):
    """Which part of a log: from byte `after` of the hand-out `fence` on (the last one without it)."""

    after: Annotated[int, Meta(ge=0, le=2**62)] = 0
    fence: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    wait: Wait = 0.0
    limit: Annotated[int, Meta(ge=1, le=4 * 1024 * 1024, description="Bytes, about.")] = 256 * 1024


class Workers(msgspec.Struct, forbid_unknown_fields=True):
    """`live`: only those whose lease lasts."""

    live: bool = False
    cursor: Text | None = None
    limit: Limit = 100


class Tokens(msgspec.Struct, forbid_unknown_fields=True):
    """`dead`: revoked and expired ones too."""

    kind: Literal["admin", "write", "read", "worker", "join"] | None = None
    dead: bool = False
    cursor: Text | None = None
    limit: Limit = 100
