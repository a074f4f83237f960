"""Signals: what somebody outside tells a workflow under a name, and the runs of `std.wait_signal` that wait for it.

A signal ends the run that has waited for its name the longest; where none waits, it is kept until one does. Both are
rows among the workflow's messages to itself, so that whoever reads it anew knows of them.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice

import msgspec

from ostro.core.effects import OwnMessage, Signal
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict
from ostro.values import UUID

_NAMED = 10


def take(workflow: Workflow, name: str) -> Signal | None:
    """The oldest signal of that name that nobody has waited for; it is not kept any longer."""
    kept = workflow.signals.get(name)
    if not kept:
        return None
    signal = kept.popleft()
    if not kept:
        del workflow.signals[name]
    workflow.changes.messages_done[signal.id] = None
    return signal


def wait(workflow: Workflow, job: UUID, name: str) -> None:
    """A run begins to wait. Those before it that have ended otherwise are forgotten."""
    for other in [one for one in workflow.waits.get(name, ()) if one not in workflow.jobs]:
        _forget(workflow, name, other)
    workflow.waits.setdefault(name, {})[job] = None
    _write(workflow, "wait", Signal(job, name, waits=True))


def waiting_for(workflow: Workflow, name: str) -> UUID | None:
    """The run that has waited for that name the longest; it does not wait any longer."""
    for job in list(workflow.waits.get(name, ())):
        _forget(workflow, name, job)
        if job in workflow.jobs:
            return job
    return None


def name_awaited(workflow: Workflow, job: UUID) -> str | None:
    """What a run waits for; None if it is none that waits."""
    return next((name for name, waits in workflow.waits.items() if job in waits), None)


def names_awaited(workflow: Workflow) -> tuple[str, ...]:
    """Some of the names that runs wait for."""
    alive = (name for name, waits in workflow.waits.items() if not workflow.jobs.keys().isdisjoint(waits))
    return tuple(islice(alive, _NAMED))


def keep(workflow: Workflow, name: str, payload: bytes | None, moment: Moment) -> None:
    """A signal stays until somebody waits for it. Conflict if too many do, or if they are too large together."""
    most, most_bytes = moment.limits.signals_per_workflow, moment.limits.result_bytes
    kept = [one for signals in workflow.signals.values() for one in signals]
    size = sum(len(one.payload or b"") for one in kept) + len(payload or b"")
    if len(kept) >= most or size > most_bytes:
        raise Conflict(
            "too_many_signals",
            f"A workflow keeps at most {most} signals that no task has waited for, and {most_bytes} bytes of them.",
            hint="Is the name right? Tasks take them with std.wait_signal.",
        )
    signal = Signal(moment.new_id(), name, payload)
    workflow.signals.setdefault(name, deque()).append(signal)
    _write(workflow, "signal", signal)


def restore(workflow: Workflow, bodies: Iterable[bytes]) -> None:
    """What was kept, of a workflow that is read anew; in the order in which it came."""
    workflow.signals, workflow.waits = {}, {}
    for body in bodies:
        one = msgspec.msgpack.decode(body, type=Signal)
        if one.waits:
            workflow.waits.setdefault(one.name, {})[one.id] = None
        else:
            workflow.signals.setdefault(one.name, deque()).append(one)


def _write(workflow: Workflow, kind: str, signal: Signal) -> None:
    workflow.changes.messages_sent[signal.id] = OwnMessage(kind, msgspec.msgpack.encode(signal))


def _forget(workflow: Workflow, name: str, job: UUID) -> None:
    waits = workflow.waits[name]
    del waits[job]
    if not waits:
        del workflow.waits[name]
    workflow.changes.messages_done[job] = None
