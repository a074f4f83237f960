"""What all reading of workflows shares."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import SafeUUID

from ostro.store.database import Connection, Database
from ostro.values import UUID

Reader = Connection | Database
Breathe = Callable[[], Awaitable[None]]
Key = tuple[int, UUID]
"""Namespace and workflow."""

_new, _set = object.__new__, object.__setattr__


def id_of(driver: UUID) -> UUID:
    """Memory holds the standard class alone: encoders know nothing of the driver's.

    Without the checks of its constructor: a large workflow has hundreds of thousands of them.
    """
    made = _new(UUID)
    _set(made, "int", driver.int)
    _set(made, "is_safe", SafeUUID.unknown)
    return made


def columns_of(keys: Sequence[Key]) -> tuple[list[int], list[UUID]]:
    """As two arrays."""
    return [key[0] for key in keys], [key[1] for key in keys]
