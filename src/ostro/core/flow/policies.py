"""What a policy says, evaluated and of the right type."""

from ostro.core.flow.scope import Failed, Scope
from ostro.core.plans.plan import Written

_LONGEST = 10 * 366 * 86_400
"""Seconds: ten years, as of what callers say."""


def seconds(scope: Scope, written: Written | None, what: str) -> int:
    """A policy's time. Failed unless it is whole, not negative, and comes to pass."""
    return whole(scope, written, what, most=_LONGEST)


def whole(
    scope: Scope, written: Written | None, what: str, *, least: int = 0, most: int = 1_000_000_000
) -> int:
    """A policy's number; 0 if it says none. Failed unless it is whole and within these bounds."""
    value = scope.value(written, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Failed(f"`{what}` is a whole number from {least} to {most}, and gave {value!r}")
    return value


def truth(scope: Scope, written: Written | None, what: str) -> bool:
    """A policy's yes or no; no if it says nothing."""
    value = scope.value(written, False)
    if not isinstance(value, bool):
        raise Failed(f"`{what}` is true or false, and gave {value!r}")
    return value
