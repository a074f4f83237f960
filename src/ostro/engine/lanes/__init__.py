"""The one writer of workflows: events come in, decisions are committed in batches.

Owns: the cached aggregates, the fast path (one guarded statement) and the slow path (a lock, then a catch-up).
Never: claims, renews or expires a job; knows the dispatcher.
Called by: service and loops.
"""

from ostro.engine.lanes.envelope import AlreadyAnswered, Once
from ostro.engine.lanes.lanes import Lanes

__all__ = ["AlreadyAnswered", "Lanes", "Once"]
