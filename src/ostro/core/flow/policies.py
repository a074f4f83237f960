"""What a policy says, evaluated and of the right type."""

from ostro.core.flow.scope import Failed, Scope
from ostro.core.plans.plan import Written


def seconds(scope: Scope, written: Written | None, what: str) -> int:
    """A policy's time. Failed unless it is whole and not negative."""
    return whole(scope, written, what)


def whole(scope: Scope, written: Written | None, what: str, *, least: int = 0) -> int:
    """A policy's number; 0 if it says none."""
    value = scope.value(written, 0)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise Failed(f"`{what}` is a whole number of {least} or more, and gave {value!r}")
    return value


def truth(scope: Scope, written: Written | None, what: str) -> bool:
    """A policy's yes or no; no if it says nothing."""
    value = scope.value(written, False)
    if not isinstance(value, bool):
        raise Failed(f"`{what}` is true or false, and gave {value!r}")
    return value
