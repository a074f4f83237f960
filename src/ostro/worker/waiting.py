"""How long to wait before trying again."""

import random
from collections.abc import Callable


class BackOff:
    """Exponential, with full jitter: many workers that lost one server do not come back all at once."""

    def __init__(self, first: float, longest: float, chance: Callable[[], float] = random.random) -> None:
        self._first = first
        self._longest = longest
        self._chance = chance
        self._failures = 0

    def next(self) -> float:
        """Seconds to wait after one more failure."""
        ceiling = min(self._longest, self._first * 2.0 ** min(self._failures, 30))
        self._failures += 1
        return max(self._first / 2, self._chance() * ceiling)

    def reset(self) -> None:
        """It went well."""
        self._failures = 0
