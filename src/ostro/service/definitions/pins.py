"""What a workflow takes with it of the stored ad-hoc actions: those that its texts name, as they are when it is made."""

from collections.abc import Iterable

import msgspec

from ostro.core.plans.library import Library
from ostro.store.database import Database
from ostro.store.loading import flows
from ostro.store.tables import definitions


async def with_stored_actions(database: Database, namespace: int, library: Library) -> Library:
    """The library with the stored ad-hoc actions that it names, those that these are based on, and so on.

    An action of a workbook comes with the others of it. Names that an expression makes are not known here.
    """
    pinned: dict[str, Library] = {}
    wanted = library.foreign_actions
    while wanted:
        new = [key for key in await _keys_of(database, namespace, wanted) if key not in pinned]
        for key in new:
            pinned[key] = await flows.library_of(database, namespace, key)
        wanted = tuple(one for key in new for one in pinned[key].foreign_actions)
    if not pinned:
        return library
    more = (
        msgspec.structs.replace(text, only=tuple(sorted(pinned[key].actions)))
        for key in sorted(pinned)
        for text in pinned[key].texts
    )
    return await flows.library_with(namespace, (*library.texts, *more))


async def _keys_of(database: Database, namespace: int, wanted: Iterable[tuple[str, ...]]) -> list[str]:
    """The texts of those that there are: of the names that one may mean, the first."""
    names = [name for one in wanted for name in one]
    found = {one.name: one.library for one in await definitions.find(database, namespace, names, "action")}
    chosen = (next((name for name in one if name in found), None) for one in wanted)
    return list(dict.fromkeys(found[name] for name in chosen if name is not None))
