"""Bringing workflows in memory up to date: only what the change log says has changed is read."""

from collections.abc import Mapping, Sequence

from ostro.core.effects import Changes
from ostro.store.database import Record
from ostro.store.load import (
    Breathe,
    Key,
    Loaded,
    Reader,
    birth_of,
    columns_of,
    hot_of,
    id_of,
    key_of,
    load_small,
    take_sets,
    task_of,
    versions,
    watch,
)
from ostro.values import UUID


async def fresh(reader: Reader, known: Mapping[Key, Loaded | None], breathe: Breathe) -> dict[Key, Loaded]:
    """Each of these workflows as it was at one moment, as far as that can be told without its lock; read together.

    What was in memory and is not in the answer must be forgotten. Large ones that are not in memory are left out.
    """
    cached = {key: loaded for key, loaded in known.items() if loaded is not None}
    found = await load_small(reader, [key for key in known if key not in cached], breathe)
    for loaded in found.values():
        loaded.company = "shared"
    if cached:
        before = {key: loaded.version for key, loaded in cached.items()}
        for key in await catch_up(reader, list(cached.values()), breathe):
            found[key] = cached[key]
            found[key].company = "none" if before[key] == cached[key].version else "shared"
    # What was committed between two of these statements shows in the version now.
    now = await versions(reader, list(found))
    return {key: loaded for key, loaded in found.items() if now.get(key) == (loaded.version, loaded.stamp)}


async def catch_up(reader: Reader, cached: Sequence[Loaded], breathe: Breathe) -> set[Key]:
    """Takes over what others committed since. Those of which it cannot be told are not in the answer: load them anew."""
    of = {(one.workflow.namespace, one.workflow.id): one for one in cached}
    rows = {key_of(row): row for row in await reader.fetch("load_workflows", *columns_of(list(of)))}
    current = {
        key for key, row in rows.items() if (row["version"], row["stamp"]) == (of[key].version, of[key].stamp)
    }
    behind = [key for key, row in rows.items() if row["version"] > of[key].version]
    if not behind:
        return current
    touched = await _touched(reader, behind, of)
    tasks = await _tasks(reader, touched)
    for key, ids in touched.items():
        await _take_over(of[key], rows[key], ids, tasks.get(key, []), breathe)
    return current | touched.keys()


async def _touched(reader: Reader, behind: Sequence[Key], of: Mapping[Key, Loaded]) -> dict[Key, list[UUID]]:
    """The tasks that were touched since; without those that a failover lost, and others wrote other things since."""
    since = [of[key].version for key in behind]
    changed = {key_of(row): row for row in await reader.fetch("load_changes", *columns_of(behind), since)}
    return {
        key: [id_of(task) for task in row["tasks"] or ()]
        for key, row in changed.items()
        if row["stamp"] == of[key].stamp
    }


async def _tasks(reader: Reader, touched: Mapping[Key, list[UUID]]) -> dict[Key, list[Record]]:
    wanted = [(*key, task) for key, tasks in touched.items() for task in tasks]
    found: dict[Key, list[Record]] = {}
    if wanted:
        for row in await reader.fetch("load_some_tasks", *map(list, zip(*wanted, strict=True))):
            found.setdefault((row["namespace"], id_of(row["workflow"])), []).append(row)
    return found


async def _take_over(
    cached: Loaded, row: Record, touched: Sequence[UUID], tasks: Sequence[Record], breathe: Breathe
) -> None:
    workflow = cached.workflow
    workflow.row, workflow.birth = hot_of(row), birth_of(row)
    take_sets(workflow, row)
    for known in [workflow.tasks[task] for task in touched if task in workflow.tasks]:
        workflow.detach(known)
    fresh_tasks = [task_of(found) for found in tasks]
    for task in fresh_tasks:
        workflow.place(task)
    await watch(workflow, [task for task in fresh_tasks if task.waiting], breathe)
    workflow.row = hot_of(row)
    workflow.changes = Changes()
    workflow.unsettle_all()
    cached.version, cached.stamp = row["version"], row["stamp"]
