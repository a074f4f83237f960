"""Deletes ended workflows past their time, a bounded part at a time."""

from ostro.clock import Clock
from ostro.loops.namespaces import Namespaces
from ostro.store import retention
from ostro.store.database import Database

_WORKFLOWS = 100
_ROWS = 2_000
"""One part: some ten milliseconds of PostgreSQL."""


class Retain:
    """The tick of retention. `keep` is in seconds, 0 for ever; namespaces and workflows may say otherwise."""

    def __init__(self, database: Database, clock: Clock, namespaces: Namespaces, keep: int) -> None:
        self._database = database
        self._clock = clock
        self._namespaces = namespaces
        self._keep = keep

    async def tick(self) -> bool:
        """Deletes one part; whether there may be more."""
        return await retention.delete_expired(
            self._database,
            await self._namespaces.ids(),
            self._clock.now(),
            keep=self._keep,
            workflows=_WORKFLOWS,
            rows=_ROWS,
        )
