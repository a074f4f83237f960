"""What expressions ask about the world: named needs, answered by a snapshot that was filled before.

The caller reads `needs` of a parsed expression, fetches the answers and evaluates. A need whose argument
is computed (`task($.name)`) is known only by its kind; evaluated without an answer it raises `Unanswered`
with the exact need, and the caller may fetch and evaluate again.
"""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import msgspec

from ostro.language.expressions.failures import ExpressionError, Kind

_SHOWN = 5
"""Arguments of a question, in a message."""


class Lookup(StrEnum):
    """The kinds of needs, with what answers them."""

    ENV = "env"
    """The environment of the root workflow: a map."""
    EXECUTION = "execution"
    """The current workflow: id, name, spec, input, params, created_at, updated_at, root_execution_id."""
    EXECUTIONS = "executions"
    """A list of such maps, with `state`. Arguments: id, root_execution_id, state, from_time, to_time."""
    TASK = "task"
    """A task of the current workflow, or null: id, name, spec, state, state_info, result, published, type,
    workflow_execution_id, created_at, updated_at. Argument: its name; null is the current task."""
    TASKS = "tasks"
    """A list of such maps. Arguments: workflow_execution_id, recursive, state, flat."""
    GLOBAL = "global"
    """A global variable of the workflow, or null. Argument: its name."""
    ERRORS = "errors"
    """The failed tasks of the current workflow: a list of maps with name, state_info and result."""
    ITEM_INDEX = "item_index"
    """The index of the current item of `with-items`, from 0, or null."""
    TAGGED = "tagged"
    """The tasks of the current workflow that bear all these tags, as for TASK. Arguments: the tags."""
    RESULTS = "results"
    """The results of tasks that callers added; no expression asks that, but who tells of such tasks. A map from a task's id
    to JSON, or null if they are too many or too large. Arguments: the workflow's id, then `<task's id> <run>` of each."""
    OFFERED = "offered"
    """Whether a worker offers an action; no expression asks that, but who runs what they named. Argument: its name."""
    NOW = "now"
    """The snapshot's `now`."""
    CHANCE = "chance"
    """The snapshot's `seed`: for `uuid` and `random`."""


class Need(msgspec.Struct, frozen=True):
    """One question. `arguments` is None where they are computed by the expression."""

    lookup: Lookup
    arguments: tuple[Any, ...] | None = ()


class Snapshot(Protocol):
    """The world as it was read before the decision."""

    @property
    def now(self) -> datetime:
        """The time of the decision, with its zone."""
        ...

    @property
    def seed(self) -> bytes:
        """Chance: at least 16 bytes, new for each evaluation; ids and random numbers are made from it."""
        ...

    def answer(self, need: Need) -> Any:
        """The answer as plain JSON data; KeyError if it was not fetched."""
        ...


class Given(msgspec.Struct, frozen=True, kw_only=True):
    """The simplest snapshot: answers by need."""

    now: datetime
    seed: bytes
    answers: Mapping[Need, Any] = {}

    def answer(self, need: Need) -> Any:
        """The given answer, or KeyError."""
        return self.answers[need]


class Unanswered(ExpressionError):
    """The snapshot has no answer to `need`: fetch it, and evaluate again."""

    def __init__(self, need: Need) -> None:
        given = need.arguments or ()
        arguments = ", ".join(
            [*(repr(one) for one in given[:_SHOWN]), *(["…"] if len(given) > _SHOWN else [])]
        )
        super().__init__(Kind.LOOKUP, f"`{need.lookup}({arguments})` cannot be answered here.")
        self.need = need


def ask(snapshot: Snapshot, lookup: Lookup, *arguments: Any) -> Any:
    """The snapshot's answer; Unanswered if it has none."""
    need = Need(lookup, arguments)
    try:
        return snapshot.answer(need)
    except (KeyError, TypeError):
        raise Unanswered(need) from None


class Chance:
    """Ids and random numbers, the same for the same seed."""

    __slots__ = ("_drawn", "_seed")

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._drawn = 0

    def _draw(self) -> bytes:
        self._drawn += 1
        counted = self._seed + self._drawn.to_bytes(8, "big")
        return hashlib.blake2b(counted, digest_size=16).digest()

    def uuid(self) -> str:
        """An id in the form of a random UUID."""
        return str(UUID(bytes=self._draw(), version=4))

    def number(self) -> float:
        """At least 0, less than 1."""
        return (int.from_bytes(self._draw(), "big") >> 75) / (1 << 53)

    def between(self, low: int, high: int) -> int:
        """A whole number of this range, both ends included."""
        if high < low:
            raise ValueError("the range of random numbers is empty")
        return low + int.from_bytes(self._draw(), "big") % (high - low + 1)
