"""What a worker and a server say to each other: register → poll → logs → leave.

Users' JSON (input, result) travels as `msgspec.Raw`: nobody in between looks into it.
"""

from datetime import datetime
from typing import Annotated, Literal

import msgspec

from ostro.values import UUID

PROTOCOL = 1
"""The version of this protocol; a server refuses a `register` of one that it does not speak."""

REGISTER_PATH = "/v1/workers/register"
POLL_PATH = "/v1/workers/poll"
LOGS_PATH = "/v1/workers/logs"
LEAVE_PATH = "/v1/workers/leave"

Fence = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
Offset = Annotated[int, msgspec.Meta(ge=0, le=2**62)]


class HeldJob(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, frozen=True):
    """A job in a worker's hands: what it quotes in all that it says of it."""

    workflow: UUID
    job: UUID
    fence: Fence


class Register(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new session of a worker. `capabilities` maps a key to its values, `tags` filters (None: takes any).

    `instance` is kept in the worker's state folder: the same instance takes its session over at once.
    `held` are the jobs of its former session that it still runs or whose results it still has: those move to
    the new session, every other job of the old one is lost (rule: no lease without a holder).
    """

    protocol: int
    name: str
    instance: UUID
    capabilities: dict[str, list[str]] = {}
    actions: list[str] = []
    tags: list[str] | None = None
    slots: int = 1
    replace: bool = False
    version: str = ""
    held: list[HeldJob] = []


class IgnoredCapability(msgspec.Struct, kw_only=True):
    """A capability that the worker claims and its token does not let it have."""

    capability: str
    why: str


class Registered(msgspec.Struct, kw_only=True):
    """The session, and the times that it lives by (seconds). `capabilities` are those that count."""

    session: UUID
    worker: str
    lease: float
    poll: float
    kill_after: float
    result_bytes: int
    log_bytes: int
    capabilities: dict[str, list[str]]
    ignored: list[IgnoredCapability] = []


class JobResult(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """How a job ended. `result` is any JSON, left out for none; `error` is one readable sentence.

    `goes_on`: it has not. The worker has done its part, and somebody outside says how the job ends.
    """

    workflow: UUID
    job: UUID
    fence: Fence
    state: Literal["SUCCESS", "ERROR"]
    result: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET  # `Raw | None` decodes nothing but null
    error: str | None = None
    goes_on: bool = False


class Poll(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """One look for work. `counter` grows with each request of the session; an older one is ignored.

    `held` lists exactly the jobs that the session holds (from receipt until the result is acknowledged);
    `stopped` those cancelled jobs whose processes are gone. `wait` is how long the server may park it (seconds);
    `tags` is the filter from now on, where given.
    """

    session: UUID
    counter: int
    free: int
    wait: float = 25.0
    held: list[HeldJob] = []
    results: list[JobResult] = []
    stopped: list[HeldJob] = []
    tags: list[str] | None | msgspec.UnsetType = msgspec.UNSET


class Grant(msgspec.Struct, kw_only=True):
    """A job to run. `requires` maps the names of the required tasks to their results; `token` is the job's own.

    `deadline` is when the server will give the job up (None: never).
    """

    workflow: UUID
    task: UUID
    name: str
    job: UUID
    run: int
    fence: int
    action: str
    input: msgspec.Raw
    requires: dict[str, msgspec.Raw] = {}
    deadline: datetime | None = None
    timeout: float | None = None
    token: str = ""


class Settled(msgspec.Struct, kw_only=True):
    """What became of a reported result: `accepted` (also a repeated one), `stale` or `refused`. Drop it either way."""

    job: UUID
    fence: int
    status: Literal["accepted", "stale", "refused"]
    why: str = ""


class CancelOrder(msgspec.Struct, kw_only=True):
    """Stop this job; nobody waits for its result. Say so in `stopped` once its processes are gone."""

    job: UUID
    fence: int
    why: str = ""


class PollAnswer(msgspec.Struct, kw_only=True):
    """`released`: a newer request of the session took this one's place."""

    settled: list[Settled] = []
    jobs: list[Grant] = []
    cancel: list[CancelOrder] = []
    released: bool = False


class LogChunk(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Bytes that a job wrote (base64 on the wire). `offset` counts the bytes of the job's log before it."""

    workflow: UUID
    job: UUID
    fence: Fence
    offset: Offset
    stream: Literal["stdout", "stderr"]
    data: bytes


class Logs(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Chunks of the logs of jobs that the session holds."""

    session: UUID
    chunks: list[LogChunk]


class LogsAnswer(msgspec.Struct, kw_only=True):
    """Jobs whose log is full (the rest is cut, with a mark) or not this session's: send no more of theirs."""

    full: list[UUID] = []
    refused: list[UUID] = []


class Leave(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """The end of a session: what it still holds is given back at once."""

    session: UUID


class Join(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """A new server asks for its own bound token: POST /v1/tokens/join with the join token as bearer."""

    name: str
    capabilities: dict[str, str] = {}


class Joined(msgspec.Struct, kw_only=True):
    """The worker token of a server that joined; shown this once."""

    token: str
    id: str
    worker: str
    binding: dict[str, str]
    expires_at: datetime | None = None
