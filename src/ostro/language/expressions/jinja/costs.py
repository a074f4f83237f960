"""What Jinja's operations cost, counted before they are done."""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from jinja2 import Undefined

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind

_SIZED = (list, tuple, dict, set, frozenset, Mapping)
_NUMBER = re.compile(r"\d+|\*")


def size_of(run: Run, value: Any) -> int:
    """Bytes of a value, each part counted as often as it occurs."""
    if isinstance(value, str):
        return len(value)
    return run.meter.weigh(value) if isinstance(value, _SIZED) else 8


def counted(run: Run, rows: Any, steps: int = 4, size: int = 0) -> Iterator[Any]:
    """The elements; each costs these steps and bytes."""
    for row in rows:
        run.meter.spend(steps)
        if size:
            run.meter.grow(size)
        yield row


def listed(run: Run, value: Any) -> Any:
    """A generator's elements as a list; all else as it is."""
    if isinstance(value, (str, Undefined, *_SIZED)) or not isinstance(value, Iterable):
        return value
    return list(counted(run, value))


def small(run: Run, value: Any, most: int | None = None) -> int:
    """A number that counts things to be made."""
    number = value if isinstance(value, int) else 0
    if abs(number) > (run.limits.iterations if most is None else most):
        raise ExpressionError(Kind.LIMIT, f"The number {str(number)[:20]} is too large there.")
    return number


def replaced(run: Run, text: Any, old: Any, new: Any, most: Any = -1) -> None:
    """`replace`, before it is done."""
    if isinstance(text, str) and isinstance(old, str) and isinstance(new, str):
        found = text.count(old)
        wanted = min(found, most) if isinstance(most, int) and most >= 0 else found
        run.meter.grow(len(text) + wanted * len(new))


def joined(run: Run, separator: Any, rows: Any) -> list[Any]:
    """`join`, before it is done; the rows as a list."""
    parts = list(counted(run, rows))
    size = sum(size_of(run, part) for part in parts)
    run.meter.grow(size + len(parts) * (len(separator) if isinstance(separator, str) else 8))
    return parts


def formatted(run: Run, template: Any, values: Iterable[Any]) -> None:
    """`%` and `format`, before they are done: every number in the template may be a width."""
    text = str(template)
    parts = list(values)
    sizes = [size_of(run, part) for part in parts]
    widths = [int(found[:12]) for found in _NUMBER.findall(text) if found != "*"]
    if "*" in text or "{" in text:
        widths += [abs(part) for part in parts if isinstance(part, int)]
    largest = max([*sizes, 64])
    run.meter.grow(len(text) + sum(widths) + (1 + text.count("%") + text.count("{")) * largest)


def added(run: Run, left: Any, right: Any) -> None:
    """`+`, before it is done."""
    for value in (left, right):
        if isinstance(value, str):
            run.meter.grow(len(value))
        elif isinstance(value, list | tuple):
            run.meter.grow(8 * len(value))


def multiplied(run: Run, left: Any, right: Any) -> None:
    """`*`, before it is done."""
    for rows, times in ((left, right), (right, left)):
        if isinstance(times, int) and isinstance(rows, str | list | tuple):
            run.meter.grow(max(times, 0) * len(rows) * (1 if isinstance(rows, str) else 8))


def powered(run: Run, base: Any, exponent: Any) -> None:
    """`**`, before it is done."""
    whole = isinstance(base, int) and isinstance(exponent, int) and abs(base) > 1
    if whole and base.bit_length() * exponent > 2 * run.limits.integer_bits:
        raise ExpressionError(Kind.LIMIT, f"A number has more than {run.limits.integer_bits} bits.")


def moduled(run: Run, left: Any, right: Any) -> None:
    """`%`, before it is done."""
    if isinstance(left, str):
        values = (
            right.values() if isinstance(right, Mapping) else right if isinstance(right, tuple) else (right,)
        )
        formatted(run, left, values)


OPERATORS = {"+": added, "*": multiplied, "**": powered, "%": moduled}
