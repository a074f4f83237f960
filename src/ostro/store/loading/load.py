"""Reading workflows into memory, whole; `store.refresh` reads only what has changed."""

import asyncio
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec.structs import force_setattr

from ostro.core import signals
from ostro.core.effects import TaskRow, WorkflowRow
from ostro.core.flow.holding import take_up_again
from ostro.core.progress import fall_on
from ostro.core.requirements.conditions import Task
from ostro.core.specs import Birth, TaskSpec
from ostro.core.workflow import Workflow
from ostro.store.database import Record
from ostro.store.loading import flows
from ostro.store.loading.reading import Breathe, Key, Reader, columns_of, id_of
from ostro.values import UUID, SkipReason, TaskState, Term, WorkflowState

SLICE = 400
"""Tasks read and indexed at once: about 5 ms of the event loop."""

_TOGETHER = 20
"""Small workflows whose tasks one statement reads."""

_FIRST = UUID(int=0)
_Terms = tuple[Term, ...]
_STATES = {state.value: state for state in TaskState}
_spec = msgspec.msgpack.Decoder(TaskSpec)


class Loaded(msgspec.Struct):
    """A workflow as the database had it at a version with a stamp.

    What else is remembered of it saves reading and asking, and may be lost: `results` of tasks that others
    require by name, and by queue the place of the last job (`places`).

    `company`: who else seems to write it. `shared`: somebody did, so it is looked at before a decision. `contested`: a
    decision on what was read just then came too late, so it is taken under the lock, until nobody else's write is found.
    """

    workflow: Workflow
    version: int
    stamp: int
    results: dict[str, bytes] = {}
    places: dict[int, int] = {}
    company: Literal["none", "shared", "contested"] = "none"
    kept_bytes: int = 0
    row: Record | None = None
    """What it was begun from, while it is being loaded."""

    def forget_results(self) -> None:
        """Nobody will need them."""
        self.results, self.kept_bytes = {}, 0

    def keep(self, name: str, result: bytes, most: int) -> None:
        """Remembers a result; above `most` bytes in all, the oldest ones are forgotten."""
        self.kept_bytes += len(result) - len(self.results.pop(name, b""))
        self.results[name] = result
        while self.kept_bytes > most:
            oldest = next(iter(self.results))
            self.kept_bytes -= len(self.results.pop(oldest))


async def load(
    reader: Reader, namespace: int, workflow: UUID, breathe: Breathe, *, specs: bool = False
) -> Loaded | None:
    """The whole workflow, however large; None if there is none. `breathe` is awaited between slices.

    With `specs` also the specifications that only a revival needs (rule 9): those of all that ended, with their inputs.

    Commits meanwhile make the version that is returned too old, never too new.
    """
    rows = await reader.fetch("load_workflows", [namespace], [workflow])
    if not rows:
        return None
    begun = _begin(rows[0])
    try:
        await _place_all(reader, begun.workflow, breathe, specs=specs)
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    await _finish([begun], reader, breathe)
    return begun


async def load_small(reader: Reader, keys: Sequence[Key], breathe: Breathe) -> dict[Key, Loaded]:
    """Those of the workflows that are there and are small, read together; as `load` does."""
    found: dict[Key, Loaded] = {}
    for start in range(0, len(keys), _TOGETHER):
        columns = columns_of(keys[start : start + _TOGETHER])
        begun = {key_of(row): _begin(row) for row in await reader.fetch("load_workflows", *columns)}
        rows = await reader.fetch("load_tasks", *columns, [_FIRST] * len(columns[0]), SLICE, False)
        for number, row in enumerate(rows, start=1):
            loaded = begun.get((row["namespace"], id_of(row["workflow"])))
            if loaded is not None:  # else it was born between the statements
                loaded.workflow.place(task_of(row))
            if number % SLICE == 0:
                await breathe()
        small = {key: one for key, one in begun.items() if len(one.workflow.tasks) < SLICE}
        await _finish(list(small.values()), reader, breathe)
        found |= small
        await breathe()
    return found


async def _place_all(reader: Reader, workflow: Workflow, breathe: Breathe, *, specs: bool) -> None:
    """In slices; the next one is on its way while one is worked on."""
    place = [workflow.namespace], [workflow.id]
    async with asyncio.TaskGroup() as group:

        def fetch(after: UUID) -> asyncio.Task[list[Record]]:
            return group.create_task(reader.fetch("load_tasks", *place, [after], SLICE, specs))

        coming: asyncio.Task[list[Record]] | None = fetch(_FIRST)
        while coming is not None:
            rows = await coming
            coming = fetch(rows[-1]["id"]) if len(rows) == SLICE else None
            for row in rows:
                workflow.place(task_of(row))
            await breathe()


def _begin(row: Record) -> Loaded:
    loaded = Workflow(birth_of(row), hot_of(row))
    take_sets(loaded, row)
    return Loaded(loaded, row["version"], row["stamp"], row=row)


async def _finish(loaded: Sequence[Loaded], reader: Reader, breathe: Breathe) -> None:
    begun = [(one.workflow, one.row) for one in loaded if one.row is not None]
    bodies = {
        (workflow.namespace, workflow.id): (workflow, row["flow"])
        for workflow, row in begun
        if row["flow"] is not None
    }
    await flows.attach(reader, bodies, breathe)
    for workflow, row in begun:
        await watch(workflow, list(workflow.waiting), breathe)
        take_agenda(workflow, row)
        workflow.take_changes()
    for one in loaded:
        one.row = None


def take_agenda(workflow: Workflow, row: Record) -> None:
    """What is to be done and shows in no task's state, once all is watched."""
    take_up_again(workflow)
    workflow.falling, workflow.passing = None, {}
    if row["fall"] is not None:
        fall_on(workflow, row["fall"])


async def stamp_of(reader: Reader, namespace: int, workflow: UUID, version: int) -> int | None:
    """The stamp of the commit that made a version; None if there is no such version."""
    stamp: int | None = await reader.fetchval("load_stamp", namespace, workflow, version)
    return stamp


async def versions(reader: Reader, keys: Sequence[Key]) -> dict[Key, tuple[int, int]]:
    """Version and stamp of each of these workflows that is there."""
    rows = await reader.fetch("load_versions", *columns_of(keys))
    return {key_of(row): (row["version"], row["stamp"]) for row in rows}


async def watch(workflow: Workflow, tasks: Sequence[Task], breathe: Breathe) -> None:
    """Enters what these wait for into the workflow's indexes."""
    for index, task in enumerate(tasks, start=1):
        workflow.watch(task)
        if index % SLICE == 0:
            await breathe()


def take_sets(workflow: Workflow, row: Record) -> None:
    """Sealed tags, deleted names, messages under way."""
    workflow.sealed_tags = set(row["sealed_tags"])
    workflow.gone = set(row["gone"])
    signals.restore(workflow, row["signals"])
    workflow.messages = dict.fromkeys(id_of(message) for message in row["messages"])


def hot_of(row: Record) -> WorkflowRow:
    """What changes with the workflow."""
    return WorkflowRow(
        state=WorkflowState(row["state"]),
        sealed=row["sealed"],
        stopping=row["stopping"],
        latched=tuple(row["latched"]),
        deadline=row["deadline"],
        error=row["error"],
        ended_at=row["ended_at"],
    )


def birth_of(row: Record) -> Birth:
    """What callers said of the workflow."""
    done_when, output = row["done_when"], row["output"]
    return Birth(
        namespace=row["namespace"],
        id=id_of(row["id"]),
        name=row["name"],
        description=row["description"],
        tags=tuple(row["tags"]),
        deadline=row["deadline"],
        keep=row["keep"],
        done_when=msgspec.msgpack.decode(done_when, type=_Terms) if done_when else (),
        output=msgspec.json.decode(output, type=dict[str, str]) if output is not None else None,
        parent_workflow=row["parent_workflow"],
        parent_task=row["parent_task"],
        root_workflow=row["root_workflow"],
        definition=row["definition"],
        definition_version=row["definition_version"],
    )


def task_of(row: Record) -> Task:
    """A task as the rules know it. By position, which is faster by half than by name: `load_tasks` has the order."""
    (
        _namespace, _workflow, known, name, tags, task_hash, state, reason, error, run, job, version, spawned,
        weighs, required, spawned_by, created_at, started_at, ended_at, spec_bytes, given, since, pass_,
    ) = row  # fmt: skip
    spec = None
    if spec_bytes is not None:
        spec = _spec.decode(spec_bytes)
        force_setattr(spec, "input", given or b"")  # nobody else has seen it yet
    return Task(
        TaskRow(
            id_of(known),
            name,
            tuple(tags),
            task_hash,
            _STATES[state],
            SkipReason(reason) if reason else None,
            error,
            run,
            id_of(job) if job else None,
            version,
            spawned,
            weighs,
            required,
            id_of(spawned_by) if spawned_by else None,
            created_at,
            started_at,
            ended_at,
            since,
            pass_,
        ),
        spec,
    )


def key_of(row: Record) -> Key:
    """Of a workflow's row."""
    return row["namespace"], id_of(row["id"])
