"""Methods that turn a sequence into another: read lazily, element by element, as in the library."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.yaql.grammar import Elsewhere
from ostro.language.expressions.yaql.signatures import (
    ANY,
    EACH,
    INT,
    ROWS,
    SEQUENCE,
    both,
    function,
    method,
)
from ostro.language.expressions.yaql.values import ROWS as ROW_TYPES
from ostro.language.expressions.yaql.values import Lazy, View, equal, key_of

Each = Callable[..., Any]


def counted(run: Run, rows: Any) -> Iterator[Any]:
    """The elements, a step for each."""
    for row in rows:
        run.meter.spend()
        yield row


@method("where filter", ROWS, EACH)
def where(run: Run, rows: Any, test: Each) -> Lazy:
    """The elements that pass the test."""
    return Lazy(run, (row for row in rows if test(row)), rows)


@method("select map", ROWS, EACH)
def select(run: Run, rows: Any, selector: Each) -> Lazy:
    """What the selector makes of each."""
    return Lazy(run, (selector(row) for row in rows), rows)


@method("selectMany", ROWS, EACH)
def select_many(run: Run, rows: Any, selector: Each) -> Lazy:
    """The elements of what the selector makes of each."""

    def made() -> Iterator[Any]:
        for row in rows:
            inner = selector(row)
            if type(inner) in ROW_TYPES:
                yield from counted(run, inner)
            else:
                yield inner

    return Lazy(run, made(), rows)


@method("takeWhile", ROWS, EACH)
def take_while(run: Run, rows: Any, test: Each) -> Lazy:
    """The elements before the first that fails the test."""

    def made() -> Iterator[Any]:
        for row in rows:
            if not test(row):
                return
            yield row

    return Lazy(run, made(), rows)


@method("skipWhile", ROWS, EACH)
def skip_while(run: Run, rows: Any, test: Each) -> Lazy:
    """The elements from the first that fails the test."""

    def made() -> Iterator[Any]:
        skipping = True
        for row in counted(run, rows):
            if skipping and test(row):
                continue
            skipping = False
            yield row

    return Lazy(run, made(), rows)


@method("limit take", ROWS, INT)
def limit(run: Run, rows: Any, count: int) -> Lazy:
    """The first ones."""
    _not_negative(count)

    def made() -> Iterator[Any]:
        left = count
        if left:
            for row in counted(run, rows):
                yield row
                left -= 1
                if not left:
                    return

    return Lazy(run, made(), rows)


@method("skip", ROWS, INT)
def skip(run: Run, rows: Any, count: int) -> Lazy:
    """All but the first ones."""
    _not_negative(count)

    def made() -> Iterator[Any]:
        for index, row in enumerate(counted(run, rows)):
            if index >= count:
                yield row

    return Lazy(run, made(), rows)


def _not_negative(count: int) -> None:
    if count < 0:
        raise ValueError("a count of elements is negative")


@both("append", ROWS, rest=ANY)
def append(run: Run, rows: Any, *more: Any) -> Lazy:
    """With more elements at the end."""
    return Lazy(run, chain(counted(run, rows), iter(more)), rows)


@both("concat", ROWS, rest=ROWS)
def concat(run: Run, *several: Any) -> Lazy:
    """The elements of all, one after the other."""

    def made() -> Iterator[Any]:
        for rows in several:
            yield from counted(run, rows)

    return Lazy(run, made(), *several)


@both("distinct", ROWS, EACH, optional=1)
def distinct(run: Run, rows: Any, selector: Each | None = None) -> Lazy:
    """Without elements whose key was there before."""

    def made() -> Iterator[Any]:
        seen = set()
        for row in counted(run, rows):
            key = key_of(run, row if selector is None else selector(row))
            if key not in seen:
                seen.add(key)
                yield row

    return Lazy(run, made(), rows)


@both("enumerate", ROWS, INT, optional=1)
def enumerated(run: Run, rows: Any, start: int = 0) -> Lazy:
    """Pairs of index and element."""
    return Lazy(run, ((index, row) for index, row in enumerate(counted(run, rows), start)), rows)


@function("range", INT)
def range_to(run: Run, stop: int) -> Lazy:
    """0, 1, 2, ..."""
    return range_from(run, 0, stop)  # type: ignore[no-any-return]


@function("range", INT, INT, INT, optional=1)
def range_from(run: Run, start: int, stop: int, step: int = 1) -> Lazy:
    """From start to before stop."""
    return Lazy(run, counted(run, range(start, stop, step)))


@method("repeat", ANY, INT, optional=1)
def repeat(run: Run, value: Any, times: int = -1) -> Lazy:
    """The value so many times, or for ever."""

    def made() -> Iterator[Any]:
        left = times
        while left:
            run.meter.spend()
            yield value
            left -= 1

    return Lazy(run, made())


@method("cycle", ROWS)
def cycle(run: Run, rows: Any) -> Lazy:
    """The elements over and over."""

    def made() -> Iterator[Any]:
        kept = []
        for row in counted(run, rows):
            kept.append(row)
            yield row
        while kept:
            yield from counted(run, kept)

    return Lazy(run, made(), rows)


@method("zip", ROWS, rest=ROWS)
def zipped(run: Run, *several: Any) -> Lazy:
    """The first ones of all, then the second ones, until one has no more."""
    return Lazy(
        run, (list(row) for row in zip(*(counted(run, rows) for rows in several), strict=False)), *several
    )


@method("slice", ROWS, INT)
def sliced(run: Run, rows: Any, size: int) -> Lazy:
    """Lists of so many elements."""

    def made() -> Iterator[Any]:
        _not_negative(size)
        taken: list[Any] = []
        for row in counted(run, rows) if size else ():
            taken.append(row)
            if len(taken) == size:
                yield taken
                taken = []
        if taken:
            yield taken

    return Lazy(run, made(), rows)


@method("splitWhere", ROWS, EACH)
def split_where(run: Run, rows: Any, test: Each) -> Lazy:
    """Lists of what stands between elements that pass the test."""

    def made() -> Iterator[Any]:
        taken: list[Any] = []
        for row in list(counted(run, rows)):
            if test(row):
                yield taken
                taken = []
            else:
                taken.append(row)
        if taken:
            yield taken

    return Lazy(run, made(), rows)


@method("reverse", ROWS)
def backwards(run: Run, rows: Any) -> Lazy:
    """The last one first."""
    return Lazy(run, counted(run, reversed(list(counted(run, rows)))))


@method("flatten", ROWS)
def flatten(run: Run, rows: Any) -> Lazy:
    """Sequences inside replaced by their elements, all the way down."""

    def made(inner: Any, depth: int = 1) -> Iterator[Any]:
        for row in inner:
            run.meter.spend(2 + (depth >> 2))
            if type(row) in ROW_TYPES:
                yield from made(row, depth + 1)
            else:
                yield row

    return Lazy(run, made(rows), rows)


@method("insert", SEQUENCE, INT, ANY)
def insert(run: Run, rows: Any, position: int, value: Any) -> tuple[Any, ...]:
    """With a value before the element at that place."""
    run.meter.spend(len(rows) >> 3)
    made = list(rows)
    made.insert(position, value)
    return tuple(made)


@method("insertMany", ROWS, INT, ROWS)
def insert_many(run: Run, rows: Any, position: int, values: Any) -> Lazy:
    """With all these values before the element at that place."""

    def made() -> Iterator[Any]:
        index = -1
        if position < 0:
            yield from counted(run, values)
        for index, row in enumerate(counted(run, rows)):
            if index == position:
                yield from counted(run, values)
            yield row
        if position > index:
            yield from counted(run, values)

    return Lazy(run, made(), rows, values)


@method("delete", ROWS, INT, INT, optional=1)
def delete(run: Run, rows: Any, position: int, count: int = 1) -> Lazy:
    """Without so many elements from that place on; a negative count takes all."""

    def made() -> Iterator[Any]:
        for index, row in enumerate(counted(run, rows)):
            if not (index >= position and (count < 0 or index < position + count)):
                yield row

    return Lazy(run, made(), rows)


@method("replace", ROWS, INT, ANY, INT, optional=1)
def replace(run: Run, rows: Any, position: int, value: Any, count: int = 1) -> Lazy:
    """With one value in place of so many elements."""

    def made() -> Iterator[Any]:
        done = False
        for index, row in enumerate(counted(run, rows)):
            if not (index >= position and (count < 0 or index < position + count)):
                yield row
            elif not done:
                done = True
                yield value

    return Lazy(run, made(), rows)


@method("defaultIfEmpty", ROWS, ROWS)
def default_if_empty(run: Run, rows: Any, default: Any) -> Any:
    """The default in place of no elements."""
    if type(rows) in (list, tuple) or (type(rows) is View and rows.countable):
        return rows or default
    raise Elsewhere  # the library remembers what it read


@method("indexOf", ROWS, ANY)
def index_of(run: Run, rows: Any, value: Any) -> int:
    """Where the value first stands, or -1."""
    return next((index for index, row in enumerate(counted(run, rows)) if equal(run, row, value)), -1)


@method("lastIndexOf", ROWS, ANY)
def last_index_of(run: Run, rows: Any, value: Any) -> int:
    """Where the value last stands, or -1."""
    found = -1
    for index, row in enumerate(counted(run, rows)):
        if equal(run, row, value):
            found = index
    return found


@method("indexWhere", ROWS, EACH)
def index_where(run: Run, rows: Any, test: Each) -> int:
    """Where the first element stands that passes the test, or -1."""
    return next((index for index, row in enumerate(rows) if test(row)), -1)


@method("lastIndexWhere", ROWS, EACH)
def last_index_where(run: Run, rows: Any, test: Each) -> int:
    """Where the last element stands that passes the test, or -1."""
    found = -1
    for index, row in enumerate(rows):
        if test(row):
            found = index
    return found
