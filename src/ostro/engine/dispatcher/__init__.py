"""The one writer of queue rows: brings jobs to workers that wait for them, and keeps leases by what they list.

Owns: sessions of workers and their parked polls, claims, renewals, giving back.
Never: decides what becomes of a task, knows the lanes; calls a worker.
Called by: service (register, poll, leave), loops (its three ticks), wiring.
"""

from ostro.engine.dispatcher.dispatcher import Dispatcher
from ostro.engine.dispatcher.session import Answered, Ask, Cancel
from ostro.store.queue import Granted, Held
from ostro.store.workers import LiveWorker, Worker

__all__ = ["Answered", "Ask", "Cancel", "Dispatcher", "Granted", "Held", "LiveWorker", "Worker"]
