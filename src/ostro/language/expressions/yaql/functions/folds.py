"""Methods that make one value of a sequence, and those that order and group it."""

import functools
from collections.abc import Callable, Iterable
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.yaql.functions.rows import counted
from ostro.language.expressions.yaql.operators import add, among, greater, less
from ostro.language.expressions.yaql.signatures import (
    ANY,
    COUNTABLE_VIEW,
    DICT,
    EACH,
    ORDERED,
    ROWS,
    SEQUENCE,
    UNREAD,
    both,
    function,
    method,
)
from ostro.language.expressions.yaql.values import MISSING, Field, Lazy, Made, Ordered, key_of, usable

Each = Callable[..., Any]


@both("len", SEQUENCE)
def length(run: Run, rows: Any) -> int:
    """How many elements."""
    return len(rows)


@both("len", DICT)
def size(run: Run, value: dict[Any, Any]) -> int:
    """How many keys."""
    return len(value)


@both("len", COUNTABLE_VIEW)
def view_size(run: Run, view: Any) -> int:
    """How many keys or items."""
    return len(view.rows)


@both("len", UNREAD)
def unread_length(run: Run, rows: Any) -> int:
    """How many elements; reads them."""
    return sum(1 for _ in counted(run, rows))


@method("count", ROWS)
def count(run: Run, rows: Any) -> int:
    """How many elements; reads them."""
    return sum(1 for _ in counted(run, rows))


@method("toList", ROWS)
def to_list(run: Run, rows: Any) -> Any:
    """All elements."""
    return rows if type(rows) is list else list(counted(run, rows))


@function("list", rest=ANY)
def listed(run: Run, *values: Any) -> list[Any]:
    """The values; of sequences that are still to be read, the elements."""

    def made(several: Iterable[Any]) -> Iterable[Any]:
        for value in several:
            run.meter.spend()
            if type(value) is Lazy:
                yield from made(value)
            else:
                yield value

    return list(made(values))


@method("sum", ROWS, ANY, optional=1)
def total(run: Run, rows: Any, initial: Any = MISSING) -> Any:
    """All elements added."""
    return _folded(run, rows, functools.partial(add, run), initial)


@method("max", ROWS, ANY, optional=1)
def largest(run: Run, rows: Any, initial: Any = MISSING) -> Any:
    """The largest element."""
    return _folded(run, rows, lambda a, b: b if greater(run, b, a) else a, initial)


@method("min", ROWS, ANY, optional=1)
def smallest(run: Run, rows: Any, initial: Any = MISSING) -> Any:
    """The smallest element."""
    return _folded(run, rows, lambda a, b: a if greater(run, b, a) else b, initial)


@method("aggregate reduce", ROWS, EACH, ANY, optional=1)
def aggregate(run: Run, rows: Any, selector: Each, initial: Any = MISSING) -> Any:
    """What the selector makes of the result so far, `$1`, and each element, `$2`."""
    return _folded(run, rows, selector, initial)


def _folded(run: Run, rows: Any, fold: Each, initial: Any) -> Any:
    given = () if initial is MISSING else (initial,)
    try:
        return functools.reduce(fold, counted(run, rows), *given)
    except TypeError as error:
        if "empty" in str(error):
            raise ValueError("there are no elements and no initial value") from None
        raise


@both("any", ROWS, EACH, optional=1)
def any_of(run: Run, rows: Any, test: Each | None = None) -> bool:
    """Whether there is an element that passes the test."""
    return any(test is None or test(row) for row in counted(run, rows))


@both("all", ROWS, EACH, optional=1)
def all_of(run: Run, rows: Any, test: Each | None = None) -> bool:
    """Whether all elements pass the test, or are not empty."""
    return all(row if test is None else test(row) for row in counted(run, rows))


@method("first", ROWS, ANY, optional=1)
def first(run: Run, rows: Any, default: Any = MISSING) -> Any:
    """The first element, or the default."""
    for row in rows:
        return row
    return _or_nothing(default)


@method("last", ROWS, ANY, optional=1)
def last(run: Run, rows: Any, default: Any = MISSING) -> Any:
    """The last element, or the default."""
    if type(rows) in (list, tuple):
        return rows[-1] if rows else _or_nothing(default)
    for row in counted(run, rows):
        default = row
    return _or_nothing(default)


def _or_nothing(value: Any) -> Any:
    if value is MISSING:
        raise ValueError("there are no elements and no default")
    return value


@method("single", ROWS)
def single(run: Run, rows: Any) -> Any:
    """The only element."""
    taken = [row for row, _ in zip(rows, range(2), strict=False)]
    if len(taken) != 1:
        raise ValueError("there is not exactly one element")
    return taken[0]


@method("contains", ROWS, ANY)
def contains(run: Run, rows: Any, value: Any) -> bool:
    """Whether one element equals the value."""
    return among(run, value, rows)


@method("orderBy", ROWS, EACH)
def order_by(run: Run, rows: Any, selector: Each) -> Ordered:
    """From the smallest key to the largest."""
    return Ordered(rows, ((selector, True),), functools.partial(_sorted, run))


@method("orderByDescending", ROWS, EACH)
def order_down(run: Run, rows: Any, selector: Each) -> Ordered:
    """From the largest key to the smallest."""
    return Ordered(rows, ((selector, False),), functools.partial(_sorted, run))


@method("thenBy", ORDERED, EACH)
def then_by(run: Run, rows: Ordered, selector: Each) -> Ordered:
    """Those with equal keys by another one."""
    return rows.also_by((selector, True))


@method("thenByDescending", ORDERED, EACH)
def then_down(run: Run, rows: Ordered, selector: Each) -> Ordered:
    """Those with equal keys by another one, the largest first."""
    return rows.also_by((selector, False))


def _sorted(run: Run, rows: Iterable[Any], fields: tuple[Field, ...]) -> list[Any]:
    """A key is made when it is first compared: of one element alone, never."""

    def compare(one: _Keyed, other: _Keyed) -> int:
        run.meter.spend(20)
        for index, (_, ascending) in enumerate(fields):
            left, right = one.key(index), other.key(index)
            order = -1 if less(run, left, right) else 1 if greater(run, left, right) else 0
            if order:
                return order if ascending else -order
        return 0

    keyed = [_Keyed(row, fields) for row in counted(run, rows)]
    run.meter.spend(4 * len(keyed))
    return [one.row for one in sorted(keyed, key=functools.cmp_to_key(compare))]


class _Keyed:
    __slots__ = ("_fields", "_keys", "row")

    def __init__(self, row: Any, fields: tuple[Field, ...]) -> None:
        self.row = row
        self._fields = fields
        self._keys: list[Any] = []

    def key(self, index: int) -> Any:
        if index == len(self._keys):
            self._keys.append(self._fields[index][0](self.row))
        return self._keys[index]


@method("groupBy", ROWS, EACH, EACH, optional=1)
def group_by(run: Run, rows: Any, key_selector: Each, value_selector: Each | None = None) -> Lazy:
    """Pairs of a key and the list of its elements. With a third argument it is the library's."""
    groups: dict[Any, tuple[Any, list[Any]]] = {}
    for row in counted(run, rows):
        value = row if value_selector is None else value_selector(row)
        key = key_selector(row)
        groups.setdefault(key_of(run, key), (key, []))[1].append(value)
    return Lazy(run, ([key, tuple(values)] for key, values in groups.values()))


@method("toDict", ROWS, EACH, EACH, optional=1)
def to_dict(run: Run, rows: Any, key_selector: Each, value_selector: Each | None = None) -> dict[Any, Any]:
    """A map of keys and values made of each element."""
    made = Made()
    for row in counted(run, rows):
        key = usable(key_selector(row))
        made[key] = row if value_selector is None else value_selector(row)
    return made
