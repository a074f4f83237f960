"""Deciding: the envelopes of one workflow, one after the other, on its aggregate."""

import secrets
from collections.abc import Sequence

import msgspec

from ostro.core.decide import create, decide
from ostro.core.effects import Changes
from ostro.core.events import AddTasks, ChangeTask, Create, Event
from ostro.core.specs import TaskSpec
from ostro.core.workflow import Moment
from ostro.engine.lanes.envelope import Envelope, Look
from ostro.engine.lanes.places import Handed, Places, keep_results
from ostro.engine.queues import Wanted
from ostro.errors import NotFound, Refusal
from ostro.language.expressions import Unanswered
from ostro.store.commit import KeptAnswer, Write
from ostro.store.loading.load import Loaded
from ostro.store.loading.reading import Key

_LARGE = 5_000
"""Rows of one workflow after which the rest of its events waits for the next batch."""


class Broken(Exception):
    """The rules themselves failed on an event: the aggregate cannot be trusted any more."""

    def __init__(self, envelope: Envelope, cause: Exception) -> None:
        super().__init__(str(cause))
        self.envelope = envelope
        self.cause = cause


class Decided(msgspec.Struct):
    """What became of one workflow's envelopes; true once `write` has passed. Without `write` nothing changed.

    `doubtful` reported jobs that the aggregate does not know: whether they were accepted before, the slow path tells.
    """

    key: Key
    loaded: Loaded
    answers: list[tuple[Envelope, object]]
    doubtful: list[Envelope]
    rest: Sequence[Envelope] = ()
    """Not looked at: what came before changed enough for one commit."""
    write: Write | None = None
    handed: list[Handed] = []
    """Jobs that go to waiting workers with the commit. Their slots are given up or filled by `settle_slots`."""

    @property
    def envelopes(self) -> list[Envelope]:
        """All that were decided."""
        return [envelope for envelope, _ in self.answers] + self.doubtful


def decide_all(
    key: Key,
    loaded: Loaded | None,
    envelopes: Sequence[Envelope],
    moment: Moment,
    places: Places,
    *,
    hand_off: bool,
) -> Decided:
    """Decides in order. NotFound for what comes to a workflow that is not there; Broken if the rules fail;
    Unanswered if an expression asks what the moment does not tell: then, too, the aggregate cannot be trusted any more.

    With `hand_off`, jobs may go to workers that wait here.
    """
    answers: list[tuple[Envelope, object]] = []
    doubtful: list[Envelope] = []
    kept: list[KeptAnswer] = []
    looked_at = 0
    for looked_at, envelope in enumerate(envelopes, start=1):  # noqa: B007
        try:
            loaded, answer = _decide_one(loaded, envelope, moment)
            if envelope.once is not None:
                kept.append(envelope.once.keep(answer))  # type: ignore[arg-type]
        except Refusal as refused:
            if refused.kind == "stale":
                doubtful.append(envelope)
                continue
            answer = refused
        except Unanswered:
            raise
        except Exception as failed:
            raise Broken(envelope, failed) from failed
        answers.append((envelope, answer))
        if loaded is not None and _is_large(loaded.workflow.changes):
            break
    if loaded is None:
        raise NothingThere(answers)
    decided = Decided(key, loaded, answers, doubtful, envelopes[looked_at:])
    decided.write = _write_of(decided, kept, moment, places, hand_off=hand_off)
    return decided


def _is_large(changes: Changes) -> bool:
    return len(changes.added) + len(changes.touched) + len(changes.ended_jobs) > _LARGE


class NothingThere(Exception):
    """No workflow, and none was made: only refusals to give."""

    def __init__(self, answers: list[tuple[Envelope, object]]) -> None:
        super().__init__("nothing there")
        self.answers = answers


def _decide_one(loaded: Loaded | None, envelope: Envelope, moment: Moment) -> tuple[Loaded | None, object]:
    event = envelope.event
    if loaded is None:
        if not isinstance(event, Create):
            raise NotFound("workflow_not_found", f"There is no workflow {envelope.key[1]}.")
        workflow, added = create(event, moment)
        return Loaded(workflow, 0, 0), added
    if isinstance(event, Look):
        return loaded, event.read(loaded.workflow)
    return loaded, decide(loaded.workflow, event, moment)


def _write_of(
    decided: Decided, kept: list[KeptAnswer], moment: Moment, places: Places, *, hand_off: bool
) -> Write | None:
    loaded = decided.loaded
    changes = loaded.workflow.take_changes()
    if not changes and not kept:
        return None
    keep_results(loaded, changes)
    queued = []
    for job in changes.queued.values():
        handed = places.hand(loaded, job, moment) if hand_off and not job.unattended else None
        if handed is not None:
            decided.handed.append(handed)
        queued.append(places.place(loaded, job, handed, moment))
    sent = [(moment.new_id(), message) for message in changes.sent]
    sessions = {e.reported[0]: e.session for e, _ in decided.answers if e.reported and e.session}
    return Write(
        workflow=loaded.workflow,
        changes=changes,
        version=loaded.version,
        stamp=loaded.stamp,
        new_stamp=secrets.randbits(63),
        queued=queued,
        sessions=sessions,
        answers=kept,
        sent=sent,
    )


def queues_of(writes: Sequence[Write]) -> list[Wanted]:
    """The queues that the jobs of these writes go to."""
    return [
        (write.workflow.namespace, placed.job.action, placed.job.target, placed.job.tags)
        for write in writes
        for placed in write.queued
        if not placed.job.unattended
    ]


def queues_to_come(namespace: int, event: Event | Look) -> list[Wanted]:
    """The queues that tasks will need once they start: a namespace that has no room says so when they are added."""
    specs: tuple[TaskSpec, ...] = ()
    if isinstance(event, Create | AddTasks):
        specs = event.tasks
    elif isinstance(event, ChangeTask):
        specs = (event.spec,)
    return [
        (namespace, s.action, s.target, s.tags)
        for s in specs
        if not s.is_inline and not s.is_unattended and not (s.evaluates and s.evaluates.target)
    ]
