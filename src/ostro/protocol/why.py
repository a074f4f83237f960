"""What is it waiting for? As data and in sentences."""

from datetime import datetime
from typing import Literal

import msgspec

from ostro.values import Term

BecauseKind = Literal[
    "term",
    "queued_behind",
    "no_worker",
    "slots_busy",
    "stopping",
    "retry",
    "running",
    "outside",
    "open",
    "paused",
    "task",
    "rule",
    "parked",
]


class Because(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One reason why something has not gone on. What a kind does not carry is left out.

    `term`: a requirement that does not hold yet (`verdict` undecided or dead). `no_worker`: nobody alive has
    the `target`, runs the action or takes the tags. `slots_busy`: `count` workers could, all are busy.
    `queued_behind`: `count` jobs come first. `retry`: it goes on, or the next run starts, `at`. `running`, `stopping`: on
    `worker`. `outside`: no worker runs it. Of a workflow: `task` waits; `open`: it is not sealed; `paused`: until it is resumed; `parked`: a durable step failed three times.
    `command` would help it on.
    """

    kind: BecauseKind
    says: str
    command: str = ""
    task: str | None = None
    term: Term | None = None
    verdict: Literal["undecided", "holds", "dead"] | None = None
    target: dict[str, str] = {}
    worker: str | None = None
    workers: list[str] = []
    count: int | None = None
    at: datetime | None = None


class Why(msgspec.Struct, kw_only=True):
    """`says` is all of it in one text; `because` the reasons one by one, those that matter first."""

    says: str
    because: list[Because] = []
