"""Direct hand-off: a job that a commit would queue is written already leased to a poll that waits here.

Lanes and dispatcher meet in these words: the dispatcher keeps slots free for a commit, the lane says afterwards
what became of each.
"""

from collections.abc import Callable
from typing import Protocol

from ostro.store.queue import Granted
from ostro.values import UUID


class Slot(Protocol):
    """A slot of a waiting poll, kept free for one job of a commit. Exactly one of its three ends is called, once."""

    @property
    def session(self) -> UUID:
        """Whose slot it is."""

    def fill(self, grant: Granted) -> None:
        """The job is durable, and leased to the session."""

    def leave_empty(self) -> None:
        """No job was leased to it."""

    def doubt(self) -> None:
        """Nobody knows whether the job was leased to it: the session's rows are to be read."""


Reserve = Callable[[int, int], Slot | None]
"""(namespace, queue) to a slot that may take a job of the queue, if no job that waits already would come first."""
