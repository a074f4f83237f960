"""Reading a workflow into memory: whole, in slices, or only what the change log says has changed."""

from collections.abc import Awaitable, Callable, Sequence
from uuid import SafeUUID

import msgspec

from ostro.core.effects import Changes, TaskRow, WorkflowRow
from ostro.core.requirements.conditions import Task
from ostro.core.specs import Birth, TaskSpec
from ostro.core.workflow import Workflow
from ostro.store.database import Connection, Database, Record
from ostro.values import UUID, SkipReason, TaskState, Term, WorkflowState

Reader = Connection | Database

_SLICE = 400
"""Tasks read and indexed at once: about 5 ms of the event loop."""

_FIRST = UUID(int=0)
_Terms = tuple[Term, ...]
_new, _set = object.__new__, object.__setattr__


class Loaded(msgspec.Struct):
    """A workflow as the database had it at a version with a stamp.

    What else is remembered of it saves reading and asking, and may be lost: `results` of tasks that others
    require by name, and by queue the place of the last job (`places`).

    `shared`: others seem to write it too, so a try without its lock would only be a try. So it counts when it was
    read, until a look under the lock finds nobody else's write.
    """

    workflow: Workflow
    version: int
    stamp: int
    results: dict[str, bytes] = {}
    places: dict[int, int] = {}
    shared: bool = False
    kept_bytes: int = 0

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
    reader: Reader, namespace: int, workflow: UUID, breathe: Callable[[], Awaitable[None]]
) -> Loaded | None:
    """The whole workflow; None if there is none. `breathe` is awaited between slices.

    Commits meanwhile make the version that is returned too old, never too new.
    """
    row = await reader.fetchrow("load_workflow", namespace, workflow)
    if row is None:
        return None
    loaded = Workflow(_birth(namespace, workflow, row), _hot(row))
    _take_sets(loaded, row)
    last = _FIRST
    while True:
        rows = await reader.fetch("load_tasks", namespace, workflow, last, _SLICE)
        for found in rows:
            loaded.place(_task(found))
        if len(rows) < _SLICE:
            break
        last = rows[-1]["id"]
        await breathe()
    await _watch(loaded, list(loaded.waiting), breathe)
    loaded.take_changes()
    return Loaded(loaded, row["version"], row["stamp"])


async def catch_up(reader: Reader, cached: Loaded, breathe: Callable[[], Awaitable[None]]) -> bool:
    """Takes over what others committed since; false if that cannot be told and it must be loaded anew."""
    workflow = cached.workflow
    row = await reader.fetchrow("load_workflow", workflow.namespace, workflow.id)
    if row is None or row["version"] < cached.version:
        return False
    if (row["version"], row["stamp"]) == (cached.version, cached.stamp):
        return True
    since = await reader.fetchrow("load_changes", workflow.namespace, workflow.id, cached.version)
    if since is None or cached.stamp != since["stamp"]:
        return False  # a failover lost what we know, and others wrote other things since
    touched = since["touched"]
    rows = await reader.fetch("load_some_tasks", workflow.namespace, workflow.id, touched) if touched else []
    workflow.row = _hot(row)
    workflow.birth = _birth(workflow.namespace, workflow.id, row)
    _take_sets(workflow, row)
    for known in [workflow.tasks[task] for task in touched if task in workflow.tasks]:
        workflow.detach(known)
    fresh = [_task(found) for found in rows]
    for task in fresh:
        workflow.place(task)
    await _watch(workflow, [task for task in fresh if task.waiting], breathe)
    workflow.row = _hot(row)
    workflow.changes = Changes()
    workflow.unsettle_all()
    cached.version, cached.stamp = row["version"], row["stamp"]
    return True


async def stamp_of(reader: Reader, namespace: int, workflow: UUID, version: int) -> int | None:
    """The stamp of the commit that made a version; None if there is no such version."""
    stamp: int | None = await reader.fetchval("load_stamp", namespace, workflow, version)
    return stamp


async def versions(
    reader: Reader, keys: Sequence[tuple[int, UUID]]
) -> dict[tuple[int, UUID], tuple[int, int]]:
    """Version and stamp of each of these workflows that is there."""
    namespaces, ids = [key[0] for key in keys], [key[1] for key in keys]
    rows = await reader.fetch("load_versions", namespaces, ids)
    return {(row["namespace"], _id(row["id"])): (row["version"], row["stamp"]) for row in rows}


async def _watch(workflow: Workflow, tasks: Sequence[Task], breathe: Callable[[], Awaitable[None]]) -> None:
    for index, task in enumerate(tasks, start=1):
        workflow.watch(task)
        if index % _SLICE == 0:
            await breathe()


def _take_sets(workflow: Workflow, row: Record) -> None:
    workflow.sealed_tags = set(row["sealed_tags"])
    workflow.gone = set(row["gone"])
    workflow.messages = dict.fromkeys(_id(message) for message in row["messages"])


def _hot(row: Record) -> WorkflowRow:
    return WorkflowRow(
        state=WorkflowState(row["state"]),
        sealed=row["sealed"],
        stopping=row["stopping"],
        latched=tuple(row["latched"]),
        deadline=row["deadline"],
        error=row["error"],
        ended_at=row["ended_at"],
    )


def _birth(namespace: int, workflow: UUID, row: Record) -> Birth:
    done_when, output = row["done_when"], row["output"]
    return Birth(
        namespace=namespace,
        id=workflow,
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


def _task(row: Record) -> Task:
    spec = None
    if row["spec"] is not None:
        spec = msgspec.msgpack.decode(row["spec"], type=TaskSpec)
        spec = msgspec.structs.replace(spec, input=row["input"] or b"")
    return Task(
        TaskRow(
            id=_id(row["id"]),
            name=row["name"],
            tags=tuple(row["tags"]),
            hash=row["hash"],
            state=TaskState(row["state"]),
            reason=SkipReason(row["reason"]) if row["reason"] else None,
            error=row["error"],
            run=row["run"],
            job=_id(row["job"]) if row["job"] else None,
            version=row["version"],
            spawned=row["spawned"],
            weighs=row["weighs"],
            required=row["required"],
            spawned_by=_id(row["spawned_by"]) if row["spawned_by"] else None,
            created_at=row["created_at"],
            started_at=row["started_at"],
            ended_at=row["ended_at"],
        ),
        spec,
    )


def _id(driver: UUID) -> UUID:
    """Memory holds the standard class alone: encoders know nothing of the driver's.

    Without the checks of its constructor: a large workflow has hundreds of thousands of them.
    """
    made = _new(UUID)
    _set(made, "int", driver.int)
    _set(made, "is_safe", SafeUUID.unknown)
    return made
