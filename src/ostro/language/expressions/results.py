"""From what an evaluation made to plain JSON data: dict, list, str, int, float, bool, None.

Sequences are read, tuples and sets become lists (sets in order, so that the same expression always gives
the same), points in time become text as in Mistral.
"""

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named

_SIMPLE = frozenset({bool, type(None)})
_TEXTS = {str}
_WHOLE = {int}


def plain(run: Run, value: Any) -> Any:
    """The value as JSON data; a `limit` error if it is larger than `output_bytes`."""
    return _Plainer(run).plain(value)


def as_text(run: Run, value: Any) -> str:
    """A plain value put into text, as Mistral does: `None`, `True`, `[1, 'a']`."""
    if type(value) is str:
        return value
    run.meter.grow(run.meter.weigh(value))
    return str(value)


class _Plainer:
    """Counts the bytes of one result."""

    __slots__ = ("left", "run")

    def __init__(self, run: Run) -> None:
        self.run = run
        self.left = run.limits.output_bytes

    def count(self, size: int) -> None:
        self.left -= size
        if self.left < 0:
            limit = self.run.limits.output_bytes
            raise ExpressionError(Kind.LIMIT, f"The result is larger than {limit} bytes.")

    def plain(self, value: Any) -> Any:
        kind = type(value)
        if kind is str:
            self.count(len(value) + 2)
            return value
        if kind is list:
            return self.rows(value)
        if kind is dict:
            self.count(16)
            return {self.key(key): self.plain(part) for key, part in value.items()}
        self.count(2)
        if kind is int:
            return self.run.meter.whole(value)
        return value if kind in _SIMPLE else self.rare(value)

    def rows(self, value: list[Any]) -> list[Any]:
        """A list of texts or of whole numbers alone is copied at once."""
        self.count(16 + 2 * len(value))
        kinds = set(map(type, value))
        if kinds == _TEXTS:
            self.count(sum(map(len, value)))
            return value.copy()
        if kinds == _WHOLE:
            self.run.meter.whole(max(value))
            self.run.meter.whole(min(value))
            return value.copy()
        return [self.plain(part) for part in value]

    def rare(self, value: Any) -> Any:
        if isinstance(value, float):
            if not math.isfinite(value):
                raise ExpressionError(Kind.VALUE, f"The result {value} is not a number that JSON can carry.")
            return float(value)
        if isinstance(value, int):
            return self.run.meter.whole(int(value))
        if isinstance(value, str):
            return str.__str__(value)
        self.count(6)
        if isinstance(value, Mapping):
            return {self.key(key): self.plain(part) for key, part in value.items()}
        if isinstance(value, set | frozenset):
            return self.in_order(value)
        if isinstance(value, Iterable):
            return [self.plain(part) for part in self.counted(value)]
        return self.last(value)

    def last(self, value: Any) -> Any:
        if isinstance(value, datetime):
            return value.strftime("%Y-%m-%dT%H:%M:%S.%f")
        if isinstance(value, date):
            return value.isoformat()
        if isinstance(value, timedelta | UUID):
            return str(value)
        raise ExpressionError(Kind.TYPE, f"The result cannot be {named(value)}.")

    def counted(self, value: Iterable[Any]) -> Iterable[Any]:
        for part in value:
            self.run.meter.spend()
            yield part

    def in_order(self, value: AbstractSet[Any]) -> list[Any]:
        parts = [self.plain(part) for part in value]
        return sorted(
            parts, key=lambda part: (type(part).__name__, part if type(part) is str else repr(part))
        )

    def key(self, key: Any) -> str:
        if type(key) is str:
            self.count(len(key) + 4)
            return key
        self.count(8)
        if key is None or isinstance(key, bool):
            return {None: "null", True: "true", False: "false"}[key]
        if isinstance(key, int | float | date | UUID | str):
            return str(self.plain(key))
        raise ExpressionError(Kind.TYPE, f"A key of a map cannot be {named(key)}.")
