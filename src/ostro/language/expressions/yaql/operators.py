"""What the operators do. Each takes the run and its operands; `Elsewhere` for points and spans of time."""

from collections.abc import Callable
from itertools import chain
from typing import Any, Never

from ostro.language.expressions import regexes
from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named
from ostro.language.expressions.yaql.grammar import Elsewhere
from ostro.language.expressions.yaql.values import ROWS, Lazy, Made, View, equal

_NUMBERS = frozenset({int, float})
_LONG = 1_000
"""Characters of a text that is compared at a price."""
_OURS = frozenset({str, int, float, bool, type(None), dict, Made, regexes.Regex, *ROWS})


def mismatch(what: str, *operands: Any) -> Never:
    """Refuses operands; the library decides where it knows types that we do not."""
    if any(type(value) not in _OURS for value in operands):
        raise Elsewhere
    said = " and ".join(named(value) for value in operands)
    raise ExpressionError(Kind.TYPE, f"{what} {said}.")


def add(run: Run, left: Any, right: Any) -> Any:
    """Numbers, texts, sequences, maps."""
    kind, other = type(left), type(right)
    if kind in _NUMBERS and other in _NUMBERS:
        return _number(run, left + right)
    if kind is str and other is str:
        run.meter.grow(len(left) + len(right))
        return left + right
    if kind is list and other is list:
        run.meter.grow(8 * (len(left) + len(right)))
        return left + right
    if kind in ROWS and other in ROWS:
        return Lazy(run, chain(_iterated(run, left), _iterated(run, right)), left, right)
    if isinstance(left, dict) and isinstance(right, dict):
        run.meter.grow(64 * (len(left) + len(right)))
        run.meter.spend(len(left) + len(right))
        return {**left, **right}
    mismatch("`+` cannot add", left, right)


def _iterated(run: Run, rows: Any) -> Any:
    for row in rows:
        run.meter.spend()
        yield row


def _number(run: Run, number: float) -> float:
    return run.meter.whole(number) if type(number) is int else number


def subtract(run: Run, left: Any, right: Any) -> Any:
    """Numbers."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return _number(run, left - right)
    mismatch("`-` cannot work on", left, right)


def multiply(run: Run, left: Any, right: Any) -> Any:
    """Numbers; a text or a list, so many times."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return _number(run, left * right)
    for rows, times in ((left, right), (right, left)):
        if isinstance(times, int) and type(rows) in (str, list, tuple):
            run.meter.grow(max(times, 0) * len(rows) * (1 if type(rows) is str else 8))
            return rows * times
    mismatch("`*` cannot multiply", left, right)


def divide(run: Run, left: Any, right: Any) -> Any:
    """Numbers; whole ones are divided downwards."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return left // right if type(left) is int and type(right) is int else left / right
    mismatch("`/` cannot divide", left, right)


def modulo(run: Run, left: Any, right: Any) -> Any:
    """What is left of a division."""
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        return left % right
    mismatch("`mod` cannot divide", left, right)


def negate(run: Run, value: Any) -> Any:
    """The number with its sign turned."""
    if type(value) in _NUMBERS:
        return -value
    mismatch("`-` cannot turn the sign of", value)


def keep_sign(run: Run, value: Any) -> Any:
    """The number."""
    if type(value) in _NUMBERS:
        return value
    mismatch("`+` cannot be a sign of", value)


def _comparison(
    symbol: str, compare: Callable[[Any, Any], bool], nothing: tuple[bool, bool, bool]
) -> Callable[[Run, Any, Any], bool]:
    """Numbers or texts; `nothing` is the answer for (null, null), (value, null), (null, value)."""

    def compared(run: Run, left: Any, right: Any) -> bool:
        kind, other = type(left), type(right)
        if kind in _NUMBERS and other in _NUMBERS:
            return compare(left, right)
        if kind is str and other is str:
            run.meter.scan(len(left))
            return compare(left, right)
        if left is None or right is None:
            return nothing[0 if left is right else 1 if right is None else 2]
        mismatch(f"`{symbol}` cannot compare", left, right)

    return compared


less = _comparison("<", lambda a, b: a < b, (False, False, True))
at_most = _comparison("<=", lambda a, b: a <= b, (True, False, True))
greater = _comparison(">", lambda a, b: a > b, (False, True, False))
at_least = _comparison(">=", lambda a, b: a >= b, (True, True, False))


def differs(run: Run, left: Any, right: Any) -> bool:
    """Not equal."""
    return not equal(run, left, right)


def contained(run: Run, value: Any, rows: Any) -> bool:
    """An element of a sequence, a part of a text."""
    if type(rows) is str and type(value) is str:
        run.meter.scan(len(rows))
        return value in rows
    if type(rows) in ROWS:
        return among(run, value, rows)
    mismatch("`in` cannot look for", value, rows)


def among(run: Run, value: Any, rows: Any) -> bool:
    """Whether a sequence has an element that equals the value."""
    if type(rows) is list:
        run.meter.spend(len(rows) >> 3)
        if type(value) in _NUMBERS or (type(value) is str and len(value) < _LONG):
            return value in rows
    if type(rows) is View and rows.pairs:
        raise Elsewhere
    for row in rows:
        run.meter.spend()
        if row is value or equal(run, row, value):
            return True
    return False


def matched(run: Run, text: Any, pattern: Any) -> bool:
    """Whether the regular expression is found in the text."""
    if type(text) is not str or type(pattern) not in (str, regexes.Regex):
        mismatch("`=~` cannot match", text, pattern)
    regex = regexes.compiled(run, pattern) if type(pattern) is str else pattern
    return regex.search(run, text) is not None


def unmatched(run: Run, text: Any, pattern: Any) -> bool:
    """Whether the regular expression is not found in the text."""
    return not matched(run, text, pattern)


BINARY: dict[str, Callable[[Run, Any, Any], Any]] = {
    "+": add,
    "-": subtract,
    "*": multiply,
    "/": divide,
    "mod": modulo,
    "<": less,
    "<=": at_most,
    ">": greater,
    ">=": at_least,
    "=": equal,
    "!=": differs,
    "in": contained,
    "=~": matched,
    "!~": unmatched,
}
UNARY: dict[str, Callable[[Run, Any], Any]] = {
    "-": negate,
    "+": keep_sign,
    "not": lambda _, value: not value,
}
