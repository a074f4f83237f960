"""Jobs: the runs of a task, and what they wrote."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ostro.values import UUID

JobState = Literal["queued", "running", "stopping", "SUCCESS", "ERROR", "CANCELLED"]


class Job(msgspec.Struct, kw_only=True):
    """One run of a task, of a loop's task that of one item. `result`, and `input` where it is not the task's, come with
    a single job only.
    """

    id: UUID
    workflow: UUID
    task: UUID
    run: int
    item: int = 0
    state: JobState
    fence: int | None = None
    worker: str | None = None
    error: str | None = None
    queued_at: datetime
    claimed_at: datetime | None = None
    ended_at: datetime | None = None
    result: Raw | UnsetType = UNSET
    input: Raw | UnsetType = UNSET


class JobComplete(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a job ended that no worker runs: with a result or an error, or both."""

    state: Literal["SUCCESS", "ERROR", "CANCELLED"]
    result: Raw | UnsetType = UNSET
    error: str | None = None


class JobPage(msgspec.Struct, kw_only=True):
    """The runs of one task, the first one first."""

    jobs: list[Job]


class LogPiece(msgspec.Struct, kw_only=True):
    """Bytes that the job wrote (base64 on the wire). `offset` counts the bytes before it; `fence` the hand-outs."""

    fence: int
    offset: int
    stream: Literal["stdout", "stderr", "ostro"]
    at: datetime
    data: bytes


class LogPage(msgspec.Struct, kw_only=True):
    """A stretch of a job's log. Ask again with `fence` and `after=next`; with `ended` no more will come.

    A job that was handed out again writes a log of its own under the next fence: `fence` names the one shown.
    """

    job: UUID
    fence: int
    pieces: list[LogPiece]
    next: int
    ended: bool
