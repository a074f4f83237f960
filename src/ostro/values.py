"""The words of Ostro as values: states, terms, grants, limits.

Everything here is plain data, shared by the wire, the core and the storage.
"""

from enum import StrEnum
from typing import Final
from uuid import UUID

import msgspec

__all__ = [
    "INLINE_ACTIONS",
    "UNATTENDED_ACTIONS",
    "UUID",
    "WAIT_SIGNAL",
    "Limits",
    "MaySpawn",
    "Retry",
    "SkipReason",
    "TaskState",
    "Term",
    "TermState",
    "Timing",
    "WorkflowState",
]


class TaskState(StrEnum):
    """Where a task is. The moves between states stand in `core.states`."""

    WAITING = "WAITING"
    DELAYED = "DELAYED"
    PAUSED = "PAUSED"
    RUNNING = "RUNNING"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"
    SKIPPED = "SKIPPED"


class WorkflowState(StrEnum):
    """Where a workflow is."""

    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    CANCELLED = "CANCELLED"


class TermState(StrEnum):
    """What a term wants of the tasks that it selects."""

    SUCCESS = "SUCCESS"
    ERROR = "ERROR"
    COMPLETE = "COMPLETE"


class SkipReason(StrEnum):
    """Why a task was passed by (rules 5, 6 and 8; `operator` is rule 9's)."""

    NOT_NEEDED = "not_needed"
    MISSING = "missing"
    UPSTREAM = "upstream"
    STOPPED = "stopped"
    OPERATOR = "operator"


INLINE_ACTIONS: Final = frozenset({"std.noop", "std.echo", "std.fail"})
"""Actions without effects: on a task without target they run inside the decision."""

WAIT_SIGNAL: Final = "std.wait_signal"
UNATTENDED_ACTIONS: Final = frozenset({"std.async_noop", WAIT_SIGNAL})
"""Actions that nobody runs: somebody outside says how they ended."""


class Term(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """One condition on other tasks. Exactly one of `task`, `tags`, `all_tags` is given.

    `enough` is a number of tasks or a share as text (`"90%"`); it and `at_least` go with tags only.
    """

    task: str | None = None
    tags: tuple[str, ...] | None = None
    all_tags: tuple[str, ...] | None = None
    state: TermState = TermState.SUCCESS
    enough: int | str | None = None
    at_least: int | None = None
    optional: bool = False
    handles: bool = False


class MaySpawn(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """What the jobs of a task may add. An absent list grants nothing; there is no wildcard.

    `max` counts over all runs of the task, deleted tasks included.
    """

    max: int
    tags: tuple[str, ...] = ()
    targets: tuple[dict[str, str], ...] = ()
    actions: tuple[str, ...] = ()


class Retry(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True, kw_only=True):
    """`count` further runs after a failed one, each `delay` seconds after it."""

    count: int
    delay: float = 0.0


def readable(text: str, most: int = 16_384) -> str:
    """A sentence as it can be kept: NUL and half pairs become U+FFFD, what is too long is cut. For errors and messages."""
    return text.replace("\0", "\ufffd").encode(errors="replace").decode()[:most]


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit of the service, with its default. Sizes are bytes, times are seconds."""

    input_bytes: int = 256 * 1024
    result_bytes: int = 1024 * 1024
    log_bytes: int = 10 * 1024 * 1024
    output_bytes: int = 1024 * 1024
    json_depth: int = 64
    name_length: int = 255
    tags_per_task: int = 32
    terms_per_task: int = 10_000
    target_keys: int = 16
    tasks_per_workflow: int = 100_000
    tasks_per_batch: int = 1_000
    selections_per_workflow: int = 100
    signals_per_workflow: int = 1_000
    queues_per_namespace: int = 20_000
    sessions_per_token: int = 1_000
    requests_per_second: float = 1_000.0
    definition_bytes: int = 1024 * 1024
    items_per_task: int = 100_000
    request_bytes: int = 64 * 1024 * 1024
    pending_events: int = 20_000
    bytes_in_flight: int = 256 * 1024 * 1024
    steps_per_decision: int = 1_000


class Timing(msgspec.Struct, frozen=True, kw_only=True):
    """The times that the service lives by, in seconds. All are settings; tests choose their own."""

    lease: float = 30.0
    poll: float = 25.0
    kill_after: float = 10.0
    fall_back: float = 0.5
    timers: float = 0.5
    clock: float = 30.0
    answers_kept: float = 24 * 3600.0
    request: float = 60.0
