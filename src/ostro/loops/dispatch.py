"""The dispatcher's own ticks, as loops."""

from ostro.engine.dispatcher import Dispatcher
from ostro.loops.supervisor import Loop
from ostro.values import Timing


def dispatching(dispatcher: Dispatcher, timing: Timing) -> list[Loop]:
    """Claims when there is work, the fall-back look, and renewals in batches."""
    return [
        Loop(name="claims", tick=dispatcher.claim, every=timing.lease, wake=dispatcher.work),
        Loop(name="look", tick=dispatcher.look, every=timing.fall_back, wake=dispatcher.blind),
        Loop(name="renewals", tick=dispatcher.renew, every=min(1.0, timing.lease / 10)),
    ]
