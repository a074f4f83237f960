"""What a row finds, and how large it may be."""

import statistics
from collections.abc import Awaitable, Callable

import msgspec

Found = dict[str, float]
"""Figure → value of one pass. The name ends in the unit; one that starts with `floor` is the floor of the others."""


class Scale(msgspec.Struct, frozen=True):
    """`quick` is for a smoke run: it shows that a row works, and its figures mean little."""

    quick: bool = False

    def of(self, usual: int, quick: int) -> int:
        """A size."""
        return quick if self.quick else usual

    @property
    def seconds(self) -> float:
        """How long a rate is measured."""
        return 0.5 if self.quick else 4.0

    def patience(self, *, full: bool) -> float:
        """Seconds after which a pass has failed: something that was lost is not waited for all night."""
        return 300.0 if self.quick else 4 * 3600.0 if full else 1800.0


class Row(msgspec.Struct, frozen=True):
    """`measure` is one pass, on servers of its own. `full`: only with --full."""

    about: str
    measure: Callable[[Scale], Awaitable[Found]]
    full: bool = False


def quantiles(what: str, seconds: list[float]) -> Found:
    """Half, most and nearly all, in milliseconds, and the longest."""
    cuts = statistics.quantiles(seconds, n=100, method="inclusive") if len(seconds) > 1 else seconds * 99
    found = {f"{what} p{n} ms": 1000 * cuts[n - 1] for n in (50, 95, 99)}
    return found | {f"{what} longest ms": 1000 * max(seconds)}
