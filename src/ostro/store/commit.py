"""Writing decisions: what several workflows changed goes out as sets, in one guarded statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Self

import asyncpg
import msgspec

from ostro.core.effects import Changes, Message, QueuedJob
from ostro.core.workflow import Workflow
from ostro.store.database import Connection, Database, Record, StatementRefused
from ostro.values import UUID

SEPARATOR = "\x1f"
_NOBODY = UUID(int=0)
_ROOM_FOR_DIRECT_DELIVERY = timedelta(seconds=10)
"""A message is followed up at once by who sent it; the loop looks after it if that one died."""


class KeptAnswer(msgspec.Struct, frozen=True):
    """An answer to keep under an idempotency key, in the transaction that decides it."""

    key: str
    request: bytes
    status: int
    body: bytes
    until: datetime


class Placed(msgspec.Struct, frozen=True, gc=False):
    """A job with its place: the queue, and the position in it; or the session that it is leased to at once."""

    job: QueuedJob
    queue: int
    position: int
    session: UUID | None = None


class Write(msgspec.Struct):
    """What one workflow changed since `version` with `stamp`; version 0 is its birth.

    `sessions` names, for consumed jobs, the session that must hold them.
    """

    workflow: Workflow
    changes: Changes
    version: int
    stamp: int
    new_stamp: int
    queued: list[Placed]
    sessions: dict[UUID, UUID]
    answers: list[KeptAnswer]
    sent: list[tuple[UUID, Message]] = []
    """Messages to other workflows, each with its id."""


class Outcome(msgspec.Struct):
    """The indexes of the writes that passed, and for those the sessions that had jobs taken from them.

    `live` are the sessions that were to get jobs and are not over: they have what passed of it.
    """

    passed: set[int]
    sessions: dict[int, list[UUID]] = {}
    live: set[UUID] = set()


async def commit(connection: Connection | Database, writes: Sequence[Write], at: datetime) -> Outcome:
    """Writes those whose guards hold; the others leave no trace. `writes` are in the order of their keys.

    Raises StorageUnavailable (then nobody knows whether it was written) or StatementRefused (it was not).
    """
    sets = Sets.empty()
    for index, write in enumerate(writes):
        _fill(sets, index, write)
    handed = {(w.workflow.namespace, job.session) for w in writes for job in w.queued if job.session}
    sets.hands.extend(handed)
    due = at + _ROOM_FOR_DIRECT_DELIVERY
    try:
        rows = await connection.fetch("commit_batch", at, due, *sets)
    except UnicodeError as unfit:
        raise StatementRefused(asyncpg.DataError(str(unfit))) from unfit
    return _outcome(rows)


def _outcome(rows: Iterable[Record]) -> Outcome:
    outcome = Outcome(set())
    for w, session in rows:
        if session is None:
            outcome.passed.add(w)
        elif w is None:
            outcome.live.add(UUID(int=session.int))
        else:
            outcome.sessions.setdefault(w, []).append(session)
    return outcome


_Rows = list[tuple[object, ...]]


class Sets(NamedTuple):
    """The rows of each set, in the order of the statement's parameters; the schema's `given_*` types tell the columns."""

    workflows: _Rows
    jobs: _Rows
    answers: _Rows
    workflow_specs: _Rows
    tasks: _Rows
    task_specs: _Rows
    removals: _Rows
    tags: _Rows
    ended_jobs: _Rows
    revocations: _Rows
    queued_jobs: _Rows
    timers: _Rows
    messages: _Rows
    done: _Rows
    hands: _Rows
    flows: _Rows
    steps: _Rows
    drops: _Rows

    @classmethod
    def empty(cls) -> Self:
        """Nothing is to be written yet."""
        return cls(*([] for _ in cls._fields))


def _fill(sets: Sets, w: int, write: Write) -> None:
    _fill_workflow(sets, w, write)
    _fill_jobs(sets, w, write)
    _fill_tasks(sets, w, write)
    changes = write.changes
    for a in write.answers:
        sets.answers.append((w, write.workflow.namespace, a.key, a.request, a.status, a.body, a.until))
    sets.removals.extend((w, task, name) for task, name in changes.deleted.items())
    sets.tags.extend((w, tag) for tag in changes.sealed_tags)
    sets.timers.extend((w, t.kind, t.task or _NOBODY, t.due_at) for t in changes.timers.values())
    both = changes.messages_sent.keys() & changes.messages_done
    sets.messages.extend(
        (w, one, own.kind, None, own.body) for one, own in changes.messages_sent.items() if one not in both
    )
    _fill_flow(sets, w, write)
    sets.done.extend((w, message) for message in changes.messages_done)


def _fill_flow(sets: Sets, w: int, write: Write) -> None:
    flow, changes = write.workflow.flow, write.changes
    if flow is None:
        return
    if changes.flow_touched:
        sets.flows.append((w, msgspec.msgpack.encode(flow.row)))
    steps = flow.steps
    kept = (task for task in changes.steps if task not in changes.deleted)
    sets.steps.extend((w, task, msgspec.msgpack.encode(steps[task].row)) for task in kept)
    sets.drops.extend((w, task) for task in changes.results_dropped)
    sets.messages.extend((w, id_, m.kind, m.to, m.body) for id_, m in write.sent)


def _fill_workflow(sets: Sets, w: int, write: Write) -> None:
    workflow, row, changes = write.workflow, write.workflow.row, write.changes
    touched = ",".join(task.hex for task in {**changes.added, **changes.touched, **changes.deleted})
    sets.workflows.append((
        w, workflow.namespace, workflow.id, write.version, write.stamp, write.new_stamp, row.state.value, row.sealed,
        row.stopping, SEPARATOR.join(row.latched), row.error, row.deadline, row.ended_at, changes.born is not None,
        touched, msgspec.json.encode(changes.entries), workflow.birth.keep,
    ))  # fmt: skip
    if changes.born is None and changes.described is None:
        return
    said = workflow.birth
    done_when = msgspec.msgpack.encode(said.done_when) if said.done_when else None
    output = msgspec.json.encode(said.output) if said.output is not None else None
    sets.workflow_specs.append((
        w, said.name, said.description, SEPARATOR.join(said.tags), done_when, output, said.parent_workflow,
        said.parent_task, said.root_workflow, said.definition, said.definition_version,
        write.workflow.flow.plan.library if write.workflow.flow is not None else None,
    ))  # fmt: skip


def _fill_tasks(sets: Sets, w: int, write: Write) -> None:
    changes = write.changes
    for is_new, ids in ((True, changes.added), (False, changes.touched)):
        for task in ids:
            if task in changes.deleted:
                continue
            r = write.workflow.tasks[task].row
            sets.tasks.append((
                w, is_new, r.id, r.name, SEPARATOR.join(r.tags), r.hash, r.state.value,
                r.reason.value if r.reason else None, r.error, r.run, r.job, r.version, r.spawned, r.weighs,
                r.required, r.spawned_by, r.created_at, r.started_at, r.ended_at, r.pass_, r.since,
            ))  # fmt: skip
    for task, spec in changes.specs.items():
        text = msgspec.msgpack.encode(msgspec.structs.replace(spec, input=b"{}"))
        sets.task_specs.append((w, task, text, spec.input, spec.input_stays))


def _fill_jobs(sets: Sets, w: int, write: Write) -> None:
    for job, fence in sorted(write.changes.consumed.items()):
        sets.jobs.append((w, job, fence, write.sessions.get(job), False))
    for job, fence_or_any in sorted(write.changes.revoked.items()):
        sets.revocations.append((w, job))
        if fence_or_any is not None:
            sets.jobs.append((w, job, fence_or_any, None, True))
    for e in write.changes.ended_jobs:
        result = None if e.task in write.changes.results_dropped else e.result
        sets.ended_jobs.append(
            (w, e.task, e.run, e.job, e.fence, e.state.value, e.error, result, e.at, e.item)
        )
    for place in write.queued:
        j = place.job
        sets.queued_jobs.append((
            w, j.job, j.task, j.run, place.queue, j.priority, place.position, j.timeout, j.safe_rerun,
            SEPARATOR.join(j.hands_over), place.session, j.item, j.input,
        ))  # fmt: skip
