"""The goals, as a table: row → figure → what it must reach at least, and what it aims at.

They are those of the architecture's section on numbers to hold, and what the language is to cost. `FLAT` is "flat" and
"about as much", with room for noise.
"""

import msgspec

FLAT = 1.3


class Goal(msgspec.Struct, frozen=True):
    """`more`: the more the better. Without `aim`, what is enough is all that is wanted."""

    enough: float
    aim: float | None = None
    more: bool = False

    def holds(self, value: float) -> bool:
        """Whether the value is enough."""
        return self._reached(self.enough, value)

    def aimed(self, value: float) -> bool:
        """Whether it is as good as we would like."""
        return self._reached(self.enough if self.aim is None else self.aim, value)

    def _reached(self, mark: float, value: float) -> bool:
        return value >= mark if self.more else value <= mark


_STEP = {"p50 ms": Goal(3.0, 1.5), "p99 ms": Goal(10.0)}

GOALS: dict[str, dict[str, Goal]] = {
    "throughput": {"best share of the floor": Goal(0.25, 0.50, more=True)},
    "steps": {
        f"{load} {quantile}": goal for load in ("idle", "half the peak") for quantile, goal in _STEP.items()
    },
    "pick-up": {
        "same server p50 ms": Goal(4.0, 2.0),
        "same server p95 ms": Goal(8.0),
        "other server p50 ms": Goal(8.0),
        "without NOTIFY longest ms": Goal(1_000.0),
    },
    "fan-out": {"10,000 by tag s": Goal(4.0, 2.0), "100,000 / 10,000": Goal(11.0)},
    "one-tag": {"last 1,000 / first 1,000": Goal(FLAT)},
    "hot": {"lost tasks": Goal(0.0), "tasks run twice": Goal(0.0)},
    "idle-workers": {
        "server share of a core": Goal(0.05),
        # A query per worker and poll would be 40 a second for each 1,000 of them.
        "more transactions/s for 1,000 workers": Goal(1.0),
    },
    "cold-workflow": {"first event s": Goal(1.5), "others longest ms": Goal(50.0)},
    "lint": {"1,000 tasks s": Goal(0.3)},
    "expression": {"$.a.b + 1 µs": Goal(5.0)},
    "inline-chain": {"commits a chain": Goal(1.0)},
    "variables": {"more / floor": Goal(FLAT)},
    "cold-start": {"server ready s": Goal(1.5), "ostro --help s": Goal(0.15)},
    "growth": {"5,000,000 / 0 ended tasks": Goal(FLAT)},
}
