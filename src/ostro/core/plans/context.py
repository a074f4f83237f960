"""Variables by layers: a task stores what it published and whom it follows, never a copy of all that it sees.

A view maps names to variables. It is derived from the rows: the parents' views merged, then the task's own layer.
"""

from collections.abc import ItemsView, Iterator, Mapping, Sequence
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


class Layers(Mapping[str, Variable]):
    """What was published last, over what was before. No layer lies on one that is as small: they are made one then, so
    a chain of n tasks with a variable each keeps n log n of them and not n².
    """

    __slots__ = ("below", "own")

    def __init__(self, own: dict[str, Variable], below: View) -> None:
        self.own, self.below = own, below

    @classmethod
    def over(cls, view: View, own: dict[str, Variable]) -> View:
        """The view with these before all others."""
        while type(view) is Layers and len(view.own) <= len(own):
            own, view = view.own | own, view.below
        if type(view) is Layers or len(view) > len(own):
            return cls(own, view)
        return {**view, **own}

    def get(self, name: str, default: Any = None) -> Any:
        """The nearest of that name."""
        view: View = self
        while type(view) is Layers:
            if (found := view.own.get(name)) is not None:
                return found
            view = view.below
        return view.get(name, default)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __getitem__(self, name: str) -> Variable:
        found: Variable | None = self.get(name)
        if found is None:
            raise KeyError(name)
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._flat())

    def __len__(self) -> int:
        return len(self._flat())

    def items(self) -> ItemsView[str, Variable]:
        """All of them, put together at once."""
        return self._flat().items()

    def _flat(self) -> dict[str, Variable]:
        layers, view = list[dict[str, Variable]](), self.below
        while type(view) is Layers:
            layers.append(view.own)
            view = view.below
        found = dict(view)
        for one in reversed(layers):
            found |= one
        return found | self.own


def layered(view: View, published: bytes | None) -> View:
    """The view behind a task that published this."""
    if published is None:
        return view
    own = msgspec.json.decode(published)
    return Layers.over(view, {name: Variable(value, _version(view, name) + 1) for name, value in own.items()})


def _version(view: View, name: str) -> int:
    known = view.get(name)
    return known.version if known else 0


def merged(views: Sequence[View]) -> View:
    """Several branches meet. What was published more often on its way wins, on a tie the first; maps are merged
    key by key, so that branches may each add to one. Values are replaced, never changed in place.
    """
    if not views:
        return EMPTY
    found: dict[str, Variable] = dict(views[0].items())
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
