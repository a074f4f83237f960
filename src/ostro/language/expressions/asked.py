"""What an expression asks for, for the linter and for who fetches answers."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from ostro.language.expressions.functions import FUNCTIONS, signature_of
from ostro.language.expressions.lookups import Lookup, Need


class Asked(msgspec.Struct, frozen=True):
    """The variables that it reads (`*` for all of them), its needs, and the functions that it calls."""

    roots: frozenset[str] = frozenset()
    needs: frozenset[Need] = frozenset()
    functions: frozenset[str] = frozenset()
    reached: frozenset[str] = frozenset()
    """All variables that it could read, also where a name may be a key of something else."""

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that it names: `task(x)`."""
        named = (need.arguments for need in self.needs if need.lookup is Lookup.TASK and need.arguments)
        return frozenset(arguments[0] for arguments in named if isinstance(arguments[0], str))

    def and_(self, other: "Asked") -> "Asked":
        """What both ask for."""
        return Asked(
            self.roots | other.roots,
            self.needs | other.needs,
            self.functions | other.functions,
            self.reached | other.reached,
        )


_BY_NAME = {
    "env": Lookup.ENV,
    "errors": Lookup.ERRORS,
    "execution": Lookup.EXECUTION,
    "executions": Lookup.EXECUTIONS,
    "global": Lookup.GLOBAL,
    "item_index": Lookup.ITEM_INDEX,
    "tagged": Lookup.TAGGED,
    "task": Lookup.TASK,
    "tasks": Lookup.TASKS,
    "uuid": Lookup.CHANCE,
}


def need_of_call(name: str, plain: Sequence[Any], named: Mapping[str, Any], *, known: bool) -> Need | None:
    """What a call of one of our functions will ask the snapshot; `known`: all its arguments are literal."""
    lookup = _BY_NAME.get(name)
    if lookup is None:
        return None
    if lookup is Lookup.CHANCE:
        return Need(lookup)
    if not known:
        return Need(lookup, None)
    try:
        bound = signature_of(FUNCTIONS[name]).bind(None, *plain, **named)
    except TypeError:
        return Need(lookup, None)
    bound.apply_defaults()
    arguments = [*bound.args[1:], *bound.kwargs.values()]
    if lookup is Lookup.TASK:
        arguments = [arguments[0] or None]
    if lookup is Lookup.TASKS:
        arguments = [arguments[0], bool(arguments[1]), arguments[2], bool(arguments[3])]
    return Need(lookup, tuple(arguments))
