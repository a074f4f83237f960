"""The small parts of definitions: expressions, values, transitions, requirements. Plain frozen data."""

from typing import Any

import msgspec

from ostro.language.problems import Place
from ostro.values import Term

COMMANDS = ("noop", "fail", "succeed", "pause")
"""What a transition may name beside tasks."""


class Expression(msgspec.Struct, frozen=True):
    """A text with expressions in YAQL or Jinja2, as written, and where it stands."""

    text: str
    place: Place


class Value(msgspec.Struct, frozen=True):
    """JSON that may hold expressions in its texts, at any depth. `expressions` lists those texts."""

    data: Any
    expressions: tuple[Expression, ...] = ()

    @property
    def is_constant(self) -> bool:
        """Whether there is nothing to evaluate."""
        return not self.expressions


class Transition(msgspec.Struct, frozen=True, kw_only=True):
    """What follows: a task, or a command (`noop`, `fail`, `succeed`, `pause`), if the guard is true or missing.

    `parameters` are the command's: `msg`. A task of a command's name comes before the command.
    """

    target: str
    guard: Expression | None = None
    parameters: Value | None = None
    place: Place


class Loop(msgspec.Struct, frozen=True):
    """One entry of `with-items`: the variable, and the list or the expression that gives it."""

    variable: str
    values: Value
    place: Place


class Requirement(msgspec.Struct, frozen=True):
    """A term, and where it stands."""

    term: Term
    place: Place


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One input of a workflow or of an ad-hoc action. Without `default` (UNSET) it must be given."""

    name: str
    default: Any = msgspec.UNSET
    type: str = ""
    description: str = ""
    place: Place

    @property
    def is_required(self) -> bool:
        """Whether a start must give it."""
        return self.default is msgspec.UNSET
