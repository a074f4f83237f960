"""The table of functions and methods, and how a call finds the one that it means.

A parameter is a kind of value; arguments are evaluated once, left to right, and the first overload whose
kinds accept them is called with the run and the arguments. EACH arguments become Python functions of the
element, LATER ones functions without arguments.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ostro.language.expressions.regexes import Regex
from ostro.language.expressions.yaql.values import ROWS as ROW_TYPES
from ostro.language.expressions.yaql.values import Lazy, Made, Ordered, View

Accepts = Callable[[Any], bool]


@dataclass(frozen=True, slots=True)
class Param:
    """A kind of value; `lazy` says how an argument that is not evaluated yet is handed over."""

    said: str
    accepts: Accepts
    lazy: str = ""


def _of(said: str, *types: type) -> Param:
    accepted = frozenset(types)
    return Param(said, lambda value: type(value) in accepted)


def _always(_value: Any) -> bool:
    return True


ANY = Param("anything", _always)
TEXT = _of("text", str)
TEXT_OR_NULL = _of("text or null", str, type(None))
NUMBER = _of("a number", int, float)
INT = _of("a whole number", int, bool)
BOOL = _of("a boolean", bool)
DICT = _of("a map", dict, Made)
ROWS = _of("a sequence", *ROW_TYPES)
SEQUENCE = _of("a list", list, tuple)
UNREAD = _of("a sequence that is still to be read", Lazy)
ORDERED = _of("an ordered sequence", Ordered)
COUNTABLE_VIEW = Param("the keys or items of a map", lambda value: type(value) is View and value.countable)
REGEX = _of("a regular expression", Regex)
EACH = Param("an expression of `$`", _always, "each")
LATER = Param("an expression", _always, "later")
MATCH = Param("an expression of the match", _always, "match")


@dataclass(frozen=True, slots=True)
class Overload:
    """One way to call a function: `required` of the params must be given; `rest` takes all further ones."""

    call: Callable[..., Any]
    params: tuple[Param, ...]
    required: int
    rest: Param | None

    def takes(self, count: int) -> bool:
        """Whether so many arguments can be given."""
        return count >= self.required and (self.rest is not None or count <= len(self.params))

    def param(self, index: int) -> Param:
        """What the argument at this index is for."""
        return self.params[index] if index < len(self.params) or self.rest is None else self.rest


FUNCTIONS: dict[str, list[Overload]] = {}
METHODS: dict[str, list[Overload]] = {}

_Plain = Callable[[Callable[..., Any]], Callable[..., Any]]


def _declared(
    tables: tuple[dict[str, list[Overload]], ...],
    names: str,
    params: tuple[Param, ...],
    optional: int,
    rest: Param | None,
) -> _Plain:
    def note(call: Callable[..., Any]) -> Callable[..., Any]:
        overload = Overload(call, params, len(params) - optional, rest)
        for table in tables:
            for name in names.split():
                table.setdefault(name, []).append(overload)
        return call

    return note


def function(names: str, *params: Param, optional: int = 0, rest: Param | None = None) -> _Plain:
    """Declares `name(...)`."""
    return _declared((FUNCTIONS,), names, params, optional, rest)


def method(names: str, *params: Param, optional: int = 0, rest: Param | None = None) -> _Plain:
    """Declares `receiver.name(...)`; the first parameter is the receiver."""
    return _declared((METHODS,), names, params, optional, rest)


def both(names: str, *params: Param, optional: int = 0, rest: Param | None = None) -> _Plain:
    """Declares a function that can be called as a method too."""
    return _declared((FUNCTIONS, METHODS), names, params, optional, rest)
