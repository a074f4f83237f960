"""Jobs: the runs of a task, and what they wrote."""

from datetime import datetime
from typing import Literal

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ostro.values import UUID

JobState = Literal["queued", "running", "stopping", "SUCCESS", "ERROR", "CANCELLED"]


class Job(msgspec.Struct, kw_only=True):
    """One run of a task. `result` comes with a single job only."""

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
