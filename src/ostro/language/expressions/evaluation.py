"""One evaluation: its snapshot, its meter, its chance."""

from ostro.language.expressions.limits import ExpressionLimits, Meter
from ostro.language.expressions.lookups import Chance, Snapshot


class Run:
    """What all parts of one evaluation share."""

    __slots__ = ("chance", "limits", "meter", "snapshot")

    def __init__(self, snapshot: Snapshot, limits: ExpressionLimits) -> None:
        self.snapshot = snapshot
        self.limits = limits
        self.meter = Meter(limits)
        self.chance = Chance(snapshot.seed)
