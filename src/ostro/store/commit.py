"""Writing decisions: what several workflows changed goes out as sets, in one guarded statement."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import asyncpg
import msgspec

from ostro.core.effects import Changes, QueuedJob
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
    tables = [_Table(width) for width in _WIDTHS]
    try:
        for index, write in enumerate(writes):
            _fill(tables, index, write)
    except UnicodeError as unfit:
        raise StatementRefused(asyncpg.DataError(str(unfit))) from unfit
    given, jobs, keys, specs, tasks, task_specs, removed, tags, ended, revoked, queued, timers, sent, done = (
        table.columns() for table in tables
    )
    handed = {(w.workflow.namespace, job.session) for w in writes for job in w.queued if job.session}
    due = at + _ROOM_FOR_DIRECT_DELIVERY
    rows = await connection.fetch(
        "commit_batch",
        *given, *jobs, *keys, at, *specs, *tasks, *task_specs, *removed, *tags, *ended, *revoked, *queued,
        *timers, due, *sent, *done, *(zip(*handed, strict=True) if handed else ((), ())),
    )  # fmt: skip
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


_WIDTHS = (16, 5, 7, 11, 19, 5, 3, 2, 9, 2, 11, 4, 3, 2)
"""How many columns each set of `commit_batch` has, in the order of its parameters."""


class _Table:
    """Rows on their way to become columns."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._rows: list[tuple[object, ...]] = []

    def add(self, *row: object) -> None:
        self._rows.append(row)

    def extend(self, rows: Iterable[tuple[object, ...]]) -> None:
        self._rows.extend(rows)

    def columns(self) -> Iterable[object]:
        return zip(*self._rows, strict=True) if self._rows else [()] * self._width


def _fill(tables: list[_Table], w: int, write: Write) -> None:
    given, jobs, keys, specs, tasks, task_specs, removed, tags, ended, revoked, queued, timers, sent, done = (
        tables
    )
    _fill_workflow(given, specs, w, write)
    _fill_jobs(jobs, revoked, queued, w, write)
    _fill_tasks(tasks, task_specs, w, write)
    changes = write.changes
    for answer in write.answers:
        kept = (answer.key, answer.request, answer.status, answer.body, answer.until)
        keys.add(w, write.workflow.namespace, *kept)
    for e in changes.ended_jobs:
        ended.add(w, e.task, e.run, e.job, e.fence, e.state.value, e.error, e.result, e.at)
    removed.extend((w, task, name) for task, name in changes.deleted.items())
    tags.extend((w, tag) for tag in changes.sealed_tags)
    timers.extend((w, t.kind, t.task or _NOBODY, t.due_at) for t in changes.timers.values())
    both = changes.messages_sent.keys() & changes.messages_done
    sent.extend((w, message, kind) for message, kind in changes.messages_sent.items() if message not in both)
    done.extend((w, message) for message in changes.messages_done)


def _fill_workflow(given: _Table, specs: _Table, w: int, write: Write) -> None:
    workflow, row, changes = write.workflow, write.workflow.row, write.changes
    touched = ",".join(str(task) for task in {**changes.added, **changes.touched, **changes.deleted})
    given.add(
        w, workflow.namespace, workflow.id, write.version, write.stamp, write.new_stamp, row.state.value, row.sealed,
        row.stopping, SEPARATOR.join(row.latched), row.error, row.deadline, row.ended_at, changes.born is not None,
        touched, msgspec.json.encode(changes.entries),
    )  # fmt: skip
    if changes.born is None and changes.described is None:
        return
    said = workflow.birth
    done_when = msgspec.msgpack.encode(said.done_when) if said.done_when else None
    output = msgspec.json.encode(said.output) if said.output is not None else None
    specs.add(
        w, said.name, said.description, SEPARATOR.join(said.tags), done_when, output, said.parent_workflow,
        said.parent_task, said.root_workflow, said.definition, said.definition_version,
    )  # fmt: skip


def _fill_tasks(tasks: _Table, task_specs: _Table, w: int, write: Write) -> None:
    changes = write.changes
    for is_new, ids in ((True, changes.added), (False, changes.touched)):
        for task in ids:
            if task in changes.deleted:
                continue
            r = write.workflow.tasks[task].row
            tasks.add(
                w, is_new, r.id, r.name, SEPARATOR.join(r.tags), r.hash, r.state.value,
                r.reason.value if r.reason else None, r.error, r.run, r.job, r.version, r.spawned, r.weighs,
                r.required, r.spawned_by, r.created_at, r.started_at, r.ended_at,
            )  # fmt: skip
    for task, spec in changes.specs.items():
        text = msgspec.msgpack.encode(msgspec.structs.replace(spec, input=b"{}"))
        task_specs.add(w, task, text, spec.input, spec.input_stays)


def _fill_jobs(jobs: _Table, revoked: _Table, queued: _Table, w: int, write: Write) -> None:
    for job, fence in sorted(write.changes.consumed.items()):
        jobs.add(w, job, fence, write.sessions.get(job), False)
    for job, fence_or_any in sorted(write.changes.revoked.items()):
        revoked.add(w, job)
        if fence_or_any is not None:
            jobs.add(w, job, fence_or_any, None, True)
    for place in write.queued:
        j = place.job
        queued.add(
            w, j.job, j.task, j.run, place.queue, j.priority, place.position, j.timeout, j.safe_rerun,
            SEPARATOR.join(j.hands_over), place.session,
        )  # fmt: skip
