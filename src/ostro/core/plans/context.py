"""Variables by layers: a task stores what it published and whom it follows, never a copy of all that it sees.

A view maps names to variables. It is derived from the rows: the parents' views merged, then the task's own layer.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec


class Variable:
    """One published value. `version` counts how often the name was published on the way here."""

    __slots__ = ("value", "version")

    def __init__(self, value: Any, version: int) -> None:
        self.value = value
        self.version = version


View = Mapping[str, Variable]
EMPTY: View = {}


def layered(view: View, published: bytes | None) -> View:
    """The view behind a task that published this."""
    if published is None:
        return view
    own = msgspec.json.decode(published)
    return {**view, **{name: Variable(value, _version(view, name) + 1) for name, value in own.items()}}


def _version(view: View, name: str) -> int:
    known = view.get(name)
    return known.version if known else 0


def merged(views: Sequence[View]) -> View:
    """Several branches meet. What was published more often on its way wins, on a tie the first; maps are merged
    key by key, so that branches may each add to one. Values are replaced, never changed in place.
    """
    if not views:
        return EMPTY
    found: dict[str, Variable] = dict(views[0])
    for view in views[1:]:
        for name, other in view.items():
            known = found.get(name)
            if known is None:
                found[name] = other
            elif known is not other:
                found[name] = _met(known, other)
    return found


def _met(known: Variable, other: Variable) -> Variable:
    newer, older = (other, known) if other.version > known.version else (known, other)
    if isinstance(newer.value, dict) and isinstance(older.value, dict):
        return Variable(_deep(newer.value, older.value), newer.version)
    return newer


def _deep(newer: dict[str, Any], older: dict[str, Any]) -> dict[str, Any]:
    both = dict(older)
    for key, value in newer.items():
        known = both.get(key)
        both[key] = _deep(value, known) if isinstance(value, dict) and isinstance(known, dict) else value
    return both
