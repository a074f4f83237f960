"""The loops of a server, with how often each looks."""

import asyncio

from ostro.clock import Clock
from ostro.engine.dispatcher import Dispatcher
from ostro.engine.queues import Queues
from ostro.loops.deliver import Deliver
from ostro.loops.dispatch import dispatching
from ostro.loops.leases import Leases
from ostro.loops.namespaces import Namespaces
from ostro.loops.prune import Prune
from ostro.loops.retain import Retain
from ostro.loops.submit import Lanes
from ostro.loops.supervisor import Loop
from ostro.loops.timers import Timers
from ostro.store.database import Database
from ostro.values import Timing

_PRUNED_EVERY = 60.0
_RETAINED_EVERY = 10.0


def all_loops(
    database: Database,
    clock: Clock,
    lanes: Lanes,
    dispatcher: Dispatcher,
    queues: Queues,
    timing: Timing,
    *,
    sent: asyncio.Event,
    keep: int = 0,
) -> list[Loop]:
    """Everything that runs by itself, ready for the supervisor. `keep`: seconds of ended workflows, 0 for ever.

    `sent` is set when there are messages to deliver.
    """
    namespaces = Namespaces(database)
    leases = Leases(database, clock, dispatcher, lanes, namespaces, timing)
    timers = Timers(database, clock, lanes, namespaces)
    deliver = Deliver(database, clock, lanes, namespaces)
    prune = Prune(database, clock, queues, namespaces)
    retain = Retain(database, clock, namespaces, keep)
    return [
        *dispatching(dispatcher, timing),
        Loop(name="leases", tick=leases.tick, every=min(1.0, timing.lease / 10), wake=dispatcher.lost),
        Loop(name="timers", tick=timers.tick, every=timing.timers),
        Loop(name="deliver", tick=deliver.tick, every=timing.timers, wake=sent),
        Loop(name="prune", tick=prune.tick, every=_PRUNED_EVERY),
        Loop(name="retain", tick=retain.tick, every=_RETAINED_EVERY),
        Loop(name="clock", tick=clock.set, every=timing.clock),
    ]
