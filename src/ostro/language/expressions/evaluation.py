"""One evaluation: its snapshot, its meter, its chance."""

from typing import Any

from ostro.language.expressions.limits import ExpressionLimits, Meter
from ostro.language.expressions.lookups import Chance, Snapshot


class Run:
    """What all parts of one evaluation share."""

    __slots__ = ("chance", "limits", "meter", "patterns", "snapshot")

    def __init__(self, snapshot: Snapshot, limits: ExpressionLimits) -> None:
        self.snapshot = snapshot
        self.limits = limits
        self.meter = Meter(limits)
        self.chance = Chance(snapshot.seed)
        self.patterns: dict[tuple[str, int], Any] = {}
