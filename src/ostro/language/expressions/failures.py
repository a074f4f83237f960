"""The one error of expressions: what was wrong, in a sentence, and where in the text."""

from enum import StrEnum
from typing import Never

from ostro.errors import OstroError


class Kind(StrEnum):
    """What sort of mistake it was; a stable word for machines."""

    SYNTAX = "syntax"  # the text cannot be read
    MIXED = "mixed"  # YAQL and Jinja2 in one string
    UNKNOWN = "unknown"  # no such variable, key, function or filter
    TYPE = "type"  # an operation on values that it is not for
    VALUE = "value"  # right types, impossible values: 1 / 0
    LIMIT = "limit"  # too long, too large, too deep
    REFUSED = "refused"  # what definitions may not do
    LOOKUP = "lookup"  # the snapshot has no answer to a need


class ExpressionError(OstroError):
    """An expression that cannot be read or evaluated.

    `offset` counts characters from the start of the text that was parsed, its literal parts included;
    `path` leads to that text inside a template: keys and indices.
    """

    def __init__(self, kind: Kind, message: str, *, offset: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.offset = offset
        self.path: tuple[str | int, ...] = ()


def refuse(kind: Kind, message: str, offset: int = 0) -> Never:
    """Raises; for places where only an expression fits."""
    raise ExpressionError(kind, message, offset=offset)


def named(value: object) -> str:
    """What people call a value of this type."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "text"
    if isinstance(value, dict):
        return "a map"
    if isinstance(value, list | tuple):
        return "a list"
    return _TYPES.get(type(value).__name__, f"a value of type {type(value).__name__}")


_TYPES = {
    "Lazy": "a sequence that is still to be read",
    "Ordered": "an ordered sequence that is still to be read",
    "View": "the keys, values or items of a map",
    "Regex": "a regular expression",
    "FrozenDict": "a map",
    "datetime": "a point in time",
    "timedelta": "a span of time",
    "generator": "a sequence that is still to be read",
}


_KNOWN = (
    (IndexError, Kind.UNKNOWN, "the list has no element at that index"),
    (ZeroDivisionError, Kind.VALUE, "a division by zero"),
    (RecursionError, Kind.LIMIT, "it is nested too deeply"),
    (MemoryError, Kind.LIMIT, "it needs too much memory"),
    (OverflowError, Kind.LIMIT, "a number is too large"),
    (StopIteration, Kind.VALUE, "the sequence has too few elements, or more than one"),
)


def reason(error: BaseException) -> tuple[Kind, str]:
    """A Python error as a kind and the end of a sentence."""
    if isinstance(error, KeyError):
        return Kind.UNKNOWN, f"there is no `{_short(error.args[0] if error.args else '')}`"
    for known, kind, said in _KNOWN:
        if isinstance(error, known):
            return kind, said
    if isinstance(error, ValueError) and "set_int_max_str_digits" in str(error):
        return Kind.LIMIT, "a number has too many digits"
    kind = Kind.TYPE if isinstance(error, TypeError) else Kind.VALUE
    return kind, _short(str(error)).rstrip(".") or type(error).__name__


def _short(value: object) -> str:
    said = " ".join(str(value)[:400].split())
    return said if len(said) <= 160 else said[:157] + "..."
