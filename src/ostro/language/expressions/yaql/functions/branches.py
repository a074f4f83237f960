"""Functions that evaluate only some of their arguments, and chance."""

from collections.abc import Callable
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.yaql.signatures import INT, LATER, function, method

Later = Callable[[], Any]


@function("selectCase", rest=LATER)
def select_case(run: Run, *conditions: Later) -> int:
    """The index of the first that is true, or their number."""
    return next((index for index, holds in enumerate(conditions) if holds()), len(conditions))


@method("switchCase", INT, rest=LATER)
def switch_case(run: Run, case: int, *values: Later) -> Any:
    """The value at this index, or the last one."""
    if not values:
        return None
    return values[case]() if 0 <= case < len(values) else values[-1]()


@function("coalesce", rest=LATER)
def coalesce(run: Run, *values: Later) -> Any:
    """The first that is not null."""
    return next((value for one in values if (value := one()) is not None), None)


@function("random")
def random_number(run: Run) -> float:
    """At least 0, less than 1."""
    return run.chance.number()


@function("random", INT, INT)
def random_between(run: Run, low: int, high: int) -> int:
    """A whole number of this range, both ends included."""
    return run.chance.between(low, high)
