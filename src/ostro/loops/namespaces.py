"""Which namespaces there are, asked now and then."""

from ostro.clock import monotonic
from ostro.store import due
from ostro.store.database import Database

_ASKED_EVERY = 1.0
"""Seconds: as long as the first message in a new namespace may wait."""


class Namespaces:
    """The ids of all namespaces, at most a second old."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._ids: list[int] = []
        self._asked = -_ASKED_EVERY

    async def ids(self) -> list[int]:
        """In order."""
        if not self._ids or monotonic() - self._asked >= _ASKED_EVERY:
            self._ids = await due.namespaces(self._database)
            self._asked = monotonic()
        return self._ids
