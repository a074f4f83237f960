"""The values of compiled YAQL.

The library turns the user's lists into tuples and its own results sometimes into lists; the two are
never equal, and only the first can be keys. Here a `list` is the library's tuple, a `tuple` is the
library's list, and a `dict` its frozen map, so that the user's JSON is used as it is.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named
from ostro.language.expressions.yaql.grammar import Elsewhere

Field = tuple[Callable[[Any], Any], bool]
Sort = Callable[[Iterable[Any], tuple[Field, ...]], list[Any]]

MISSING: Any = object()
"""No argument was given."""


class Lazy:
    """A sequence that can be read once, as the library's generators."""

    __slots__ = ("_rows", "depth")

    def __init__(self, run: Run, rows: Iterator[Any], *above: Any) -> None:
        self._rows = rows
        self.depth = 1 + max((depth_of(value) for value in above), default=0)
        if self.depth > run.limits.depth:
            said = f"The expression has more than {run.limits.depth} sequences, one inside the other."
            raise ExpressionError(Kind.LIMIT, said)

    def __iter__(self) -> Iterator[Any]:
        return self._rows


class Made(dict[Any, Any]):
    """A map that the library makes as one that can be changed: equal to others, and never a key."""

    __slots__ = ()


class View:
    """The keys, values or items of a map: read often, not indexed. Values have no `len`."""

    __slots__ = ("countable", "pairs", "rows")

    def __init__(self, rows: list[Any], *, countable: bool, pairs: bool = False) -> None:
        self.rows = rows
        self.pairs = pairs
        self.countable = countable

    def __iter__(self) -> Iterator[Any]:
        return iter(self.rows)

    def __bool__(self) -> bool:
        return bool(self.rows)


class Ordered:
    """What `orderBy` gives: sorted when it is read, and `thenBy` adds a field. Fields: selector, ascending."""

    __slots__ = ("_sort", "_sorted", "depth", "fields", "source")

    def __init__(self, source: Iterable[Any], fields: tuple[Field, ...], sort: Sort) -> None:
        self.source = source
        self.fields = fields
        self.depth = depth_of(source) + 1
        self._sort = sort
        self._sorted: list[Any] | None = None

    def __iter__(self) -> Iterator[Any]:
        if self._sorted is None:
            self._sorted = self._sort(self.source, self.fields)
        yield from self._sorted

    def also_by(self, field: Field) -> "Ordered":
        """The same with one more field."""
        return Ordered(self.source, (*self.fields, field), self._sort)


def depth_of(value: Any) -> int:
    """How many sequences stand one inside the other."""
    return value.depth if type(value) in (Lazy, Ordered) else 0


ROWS = frozenset({list, tuple, Lazy, Ordered, View})
"""What the library calls iterable: neither text nor maps."""
SCALARS = frozenset({str, int, float, bool, type(None)})


def equal(run: Run, left: Any, right: Any) -> bool:
    """Python's equality, after both were weighed: shared parts can be exponentially many."""
    if type(left) is str:
        run.meter.scan(len(left))
    elif type(left) not in SCALARS and type(right) not in SCALARS:
        if View in (type(left), type(right)):
            raise Elsewhere
        run.meter.weigh(left)
        run.meter.weigh(right)
    return bool(left == right)


def key_of(run: Run, value: Any) -> Any:
    """The value as a key of a Python dict: equal values have equal keys. TypeError where the library has one."""
    if type(value) in SCALARS:
        return value
    run.meter.weigh(value)
    return _frozen(value)


def usable(key: Any) -> Any:
    """The key, if a Python dict can have it; the library has more."""
    if type(key) not in SCALARS:
        raise Elsewhere
    return key


def _frozen(value: Any) -> Any:
    if type(value) is list:
        return tuple(_frozen(part) for part in value)
    if type(value) is dict:
        return frozenset((key, _frozen(part)) for key, part in value.items())
    if type(value) in SCALARS or type(value) not in (tuple, View, Made):
        return value
    raise TypeError(f"{named(value)} cannot be a key")


def text_of(run: Run, value: Any) -> str:
    """What `str` gives in the library."""
    if type(value) is str:
        return value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return str(value)
    if not isinstance(value, list | tuple | dict):
        raise ExpressionError(Kind.TYPE, f"{named(value).capitalize()} cannot be written as text.")
    run.meter.grow(2 * run.meter.weigh(value))
    return str(_swapped(value))


def _swapped(value: Any) -> Any:
    if type(value) is list:
        return tuple(_swapped(part) for part in value)
    if type(value) is tuple:
        return [_swapped(part) for part in value]
    if isinstance(value, dict):
        return {key: _swapped(part) for key, part in value.items()}
    if type(value) not in SCALARS:
        raise ExpressionError(Kind.TYPE, f"{named(value).capitalize()} cannot be written as text.")
    return value
