"""What workflows made from definitions have beside their tasks: the library of their texts, steps, runs and results."""

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime, timedelta

import msgspec

from ostro.core.plans.library import Library, Text, key_of, read_again
from ostro.core.plans.rows import FlowRow, StepRow
from ostro.core.plans.steps import Ended, Flow
from ostro.core.workflow import Workflow
from ostro.errors import StorageError
from ostro.store.database import Connection, Record
from ostro.store.loading.reading import Breathe, Key, Reader, columns_of, id_of
from ostro.values import UUID, TaskState

_MOST_LIBRARIES = 500
_SLICE = 400
_MARKED_EVERY = timedelta(hours=6)
"""A library that nobody needs goes a day after its last mark: who makes a workflow from it has that long."""


class _Known(msgspec.Struct):
    """A library, and when it was last marked as needed (None: not from here)."""

    library: Library
    marked: datetime | None = None


_known: OrderedDict[tuple[int, str], _Known] = OrderedDict()
"""Those of a namespace, by their key. The key is the hash of all that is in one, so what is here is never out of date."""


async def keep_library(database: Reader, namespace: int, library: Library, now: datetime) -> Library:
    """The library, kept for a workflow that is to be made from it: one statement now and then."""
    known = _recall(namespace, library.key)
    if known is not None and known.marked is not None and now - known.marked < _MARKED_EVERY:
        return known.library
    await database.execute("library_keep", namespace, library.key, msgspec.msgpack.encode(library.texts), now)
    return _remember(namespace, library, now)


async def write_library(connection: Connection, namespace: int, library: Library, now: datetime) -> None:
    """The library, kept for a definition: as a part of the transaction that writes that."""
    await connection.execute(
        "library_keep", namespace, library.key, msgspec.msgpack.encode(library.texts), now
    )


async def library_with(namespace: int, texts: tuple[Text, ...]) -> Library:
    """The library of texts that were checked when they came; in memory alone, if it is new."""
    known = _recall(namespace, key_of(texts))
    return known.library if known is not None else await asyncio.to_thread(read_again, texts)


async def library_of(reader: Reader, namespace: int, key: str) -> Library:
    """The library of that key. StorageError if it is not there, which no path of ours leaves."""
    known = _recall(namespace, key)
    if known is not None:
        return known.library
    body = await reader.fetchval("library_get", namespace, key)
    if body is None:
        raise StorageError(f"The texts {key} of a workflow are not in the database.")
    texts = msgspec.msgpack.decode(body, type=tuple[Text, ...])
    return _remember(namespace, await asyncio.to_thread(read_again, texts))


def _recall(namespace: int, key: str) -> _Known | None:
    found = _known.get((namespace, key))
    if found is not None:
        _known.move_to_end((namespace, key))
    return found


def _remember(namespace: int, library: Library, marked: datetime | None = None) -> Library:
    _known[namespace, library.key] = _Known(library, marked)
    while len(_known) > _MOST_LIBRARIES:
        _known.popitem(last=False)
    return library


async def attach(reader: Reader, bodies: Mapping[Key, tuple[Workflow, bytes]], breathe: Breathe) -> None:
    """Gives workflows whose tasks are placed their definitions' side, read together. `bodies` are their rows."""
    if not bodies:
        return
    columns = columns_of(list(bodies))
    steps: dict[Key, dict[UUID, StepRow]] = {key: {} for key in bodies}
    for row in await reader.fetch("load_steps", *columns):
        task = id_of(row["task"])
        if task in bodies[_key(row)][0].tasks:  # else it was made between the statements
            steps[_key(row)][task] = msgspec.msgpack.decode(row["body"], type=StepRow)
    for key, (workflow, body) in bodies.items():
        hot = msgspec.msgpack.decode(body, type=FlowRow)
        library = await library_of(reader, key[0], hot.library)
        workflow.flow = Flow(library.plan(hot.name), hot)
        await _take_steps(workflow, steps[key], breathe)
    for number, row in enumerate(await reader.fetch("load_runs", *columns), start=1):
        _take_end(bodies[_key(row)][0], row)
        if number % _SLICE == 0:
            await breathe()
    for row in await reader.fetch("load_live_jobs", *columns):
        _take_live(bodies[_key(row)][0], row)


def _key(row: Record) -> Key:
    return row["namespace"], id_of(row["workflow"])


async def _take_steps(workflow: Workflow, steps: Mapping[UUID, StepRow], breathe: Breathe) -> None:
    flow = workflow.defined
    for number, task in enumerate(_parents_first(steps), start=1):
        flow.take(task, flow.plan.tasks[workflow.tasks[task].name], steps[task])
        if number % _SLICE == 0:
            await breathe()


def _parents_first(steps: Mapping[UUID, StepRow]) -> list[UUID]:
    """The tasks in an order in which each comes after those that it follows."""
    order: dict[UUID, None] = {}
    for task in steps:
        search = [task]
        while search:
            one = search[-1]
            missing = (
                [p for p in steps[one].follows if p in steps and p not in order] if one not in order else []
            )
            if missing:
                search += missing
            else:
                order[one] = None
                search.pop()
    return list(order)


def _take_end(workflow: Workflow, row: Record) -> None:
    flow = workflow.defined
    step = flow.steps.get(id_of(row["task"]))
    if step is None:
        return
    step.runs += 1
    if step.counts(row["run"], row["item"]):
        flow.bytes += len(row["body"] or b"")
        step.ends[row["item"]] = Ended(row["run"], TaskState(row["state"]), row["body"], row["error"])


def _take_live(workflow: Workflow, row: Record) -> None:
    task = workflow.tasks.get(id_of(row["task"]))
    step = workflow.defined.steps.get(task.id) if task is not None else None
    if task is not None and step is not None:
        step.runs += 1
        step.live[id_of(row["job"])] = row["item"]
        workflow.jobs[id_of(row["job"])] = task
