"""Where the job of a decision goes: to a worker that waits here, or to a fair place in its queue."""

from datetime import timedelta

import msgspec

from ostro.core.effects import Changes, QueuedJob
from ostro.core.workflow import Moment
from ostro.engine.handoff import Slot
from ostro.engine.parked import Parked
from ostro.engine.queues import NOBODYS, Queues, queue_id
from ostro.store.commit import Placed
from ostro.store.loading.load import Loaded
from ostro.store.queue import Granted

_MOST_KEPT = 256 * 1024
"""Bytes of results that a workflow in memory keeps for those that require them."""


class Handed(msgspec.Struct, frozen=True):
    """A job that goes to a waiting worker with the commit, and the slot that is kept for it."""

    slot: Slot
    grant: Granted


class Places:
    """Places for the jobs of a lane."""

    def __init__(self, parked: Parked, queues: Queues) -> None:
        self._parked = parked
        self._queues = queues

    def hand(self, loaded: Loaded, job: QueuedJob, moment: Moment) -> Handed | None:
        """The job's grant, if a worker waits for it here and all that it takes is in memory; else None."""
        task = loaded.workflow.tasks[job.task]
        if job.input is None and (task.spec is None or not task.spec.input):
            return None
        requires = {name: loaded.results.get(name) for name in job.hands_over}
        if None in requires.values():
            return None
        slot = self._parked.slot_for(loaded.workflow.namespace, _queue_of(job))
        return None if slot is None else Handed(slot, _grant(loaded, job, slot, requires, moment))  # type: ignore[arg-type]

    def place(self, loaded: Loaded, job: QueuedJob, handed: Handed | None, moment: Moment) -> Placed:
        """Its row. Start-time fair queueing: a workflow's next job comes after its own last one, and a newcomer's
        first beside the front of the queue, however many jobs of others stand there.
        """
        if job.unattended:
            return Placed(job, NOBODYS, 0)
        queue, now = _queue_of(job), int(moment.now.timestamp() * 1_000_000)
        front = self._queues.front(loaded.workflow.namespace, queue, job.priority)
        base = now if front is None else min(front, now)
        at = max(base, loaded.places.get(queue, 0) + 1)
        loaded.places[queue] = at
        return Placed(job, queue, at, handed.slot.session if handed else None)


def keep_results(loaded: Loaded, changes: Changes) -> None:
    """Results that others require by name stay in memory, so that a hand-off has to read nothing."""
    for ended in changes.ended_jobs:
        task = loaded.workflow.tasks.get(ended.task)
        if task is not None and task.ended and task.row.required:
            loaded.keep(task.name, ended.result or b"null", _MOST_KEPT)


def _queue_of(job: QueuedJob) -> int:
    return queue_id(job.action, job.target, job.tags)


def _grant(loaded: Loaded, job: QueuedJob, slot: Slot, requires: dict[str, bytes], moment: Moment) -> Granted:
    workflow = loaded.workflow
    task = workflow.tasks[job.task]
    given = job.input if job.input is not None or task.spec is None else task.spec.input
    if given is None:
        raise AssertionError("a task runs by its specification")
    return Granted(
        namespace=workflow.namespace,
        workflow=workflow.id,
        task=task.id,
        name=task.name,
        job=job.job,
        run=job.run,
        fence=1,
        session=slot.session,
        action=job.action,
        input=given,
        timeout=job.timeout,
        until=moment.now + timedelta(seconds=job.timeout) if job.timeout is not None else None,
        requires=requires,
    )
