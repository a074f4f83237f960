"""Bringing workflows in memory up to date: only what the change log says has changed is read."""

from collections.abc import Mapping, Sequence

from ostro.core.effects import Changes
from ostro.core.requirements.conditions import Task
from ostro.store.database import Record
from ostro.store.loading.load import (
    SLICE,
    Loaded,
    birth_of,
    hot_of,
    key_of,
    load_small,
    take_agenda,
    take_sets,
    task_of,
    versions,
    watch,
)
from ostro.store.loading.reading import Breathe, Key, Reader, columns_of, id_of
from ostro.values import UUID


async def fresh(reader: Reader, known: Mapping[Key, Loaded | None], breathe: Breathe) -> dict[Key, Loaded]:
    """Each of these workflows as it was at one moment, as far as that can be told without its lock; read together.

    What was in memory and is not in the answer must be forgotten. Large ones that are not in memory are left out; one
    of which much has changed, or cannot be told, is `contested` as it was: under its lock there is time for it.
    """
    cached = {key: loaded for key, loaded in known.items() if loaded is not None}
    found = await load_small(reader, [key for key in known if key not in cached], breathe)
    for loaded in found.values():
        loaded.company = "shared"
    before = {key: loaded.version for key, loaded in cached.items()}
    done = await catch_up(reader, list(cached.values()), breathe, most=SLICE) if cached else set()
    for key in done:
        found[key] = cached[key]
        found[key].company = "none" if before[key] == cached[key].version else "shared"
    # What was committed between two of these statements shows in the version now.
    now = await versions(reader, list(found))
    sure = {key: loaded for key, loaded in found.items() if now.get(key) == (loaded.version, loaded.stamp)}
    left = {key: loaded for key, loaded in cached.items() if key not in done}
    for loaded in left.values():
        loaded.company = "contested"
    return sure | left


async def catch_up(
    reader: Reader, cached: Sequence[Loaded], breathe: Breathe, *, most: int | None = None
) -> set[Key]:
    """Takes over what others committed since. Those of which it cannot be told are not in the answer, and stay as they
    were: load them anew. So do those with more than `most` tasks touched.
    """
    of = {(one.workflow.namespace, one.workflow.id): one for one in cached}
    rows = {key_of(row): row for row in await reader.fetch("load_workflows", *columns_of(list(of)))}
    done = {
        key for key, row in rows.items() if (row["version"], row["stamp"]) == (of[key].version, of[key].stamp)
    }
    behind = [
        key
        for key, row in rows.items()
        if row["version"] > of[key].version and of[key].workflow.flow is None  # those are loaded anew
    ]
    if not behind:
        return done
    touched = await _touched(reader, behind, of)
    chosen = {key: tasks for key, tasks in touched.items() if most is None or len(tasks) <= most}
    fresh_tasks = await _tasks(reader, chosen, breathe)
    for key, tasks in chosen.items():
        await _take_over(of[key], rows[key], tasks, fresh_tasks.get(key, []), breathe)
    return done | chosen.keys()


async def _touched(reader: Reader, behind: Sequence[Key], of: Mapping[Key, Loaded]) -> dict[Key, list[UUID]]:
    """The tasks that were touched since; without those that a failover lost, and others wrote other things since."""
    since = [of[key].version for key in behind]
    changed = {key_of(row): row for row in await reader.fetch("load_changes", *columns_of(behind), since)}
    return {
        key: [id_of(task) for task in row["tasks"] or ()]
        for key, row in changed.items()
        if row["stamp"] == of[key].stamp
    }


async def _tasks(
    reader: Reader, touched: Mapping[Key, list[UUID]], breathe: Breathe
) -> dict[Key, list[Task]]:
    wanted = [(*key, task) for key, tasks in touched.items() for task in tasks]
    found: dict[Key, list[Task]] = {}
    for start in range(0, len(wanted), SLICE):
        columns = map(list, zip(*wanted[start : start + SLICE], strict=True))
        for row in await reader.fetch("load_some_tasks", *columns):
            found.setdefault((row["namespace"], id_of(row["workflow"])), []).append(task_of(row))
        await breathe()
    return found


async def _take_over(
    cached: Loaded, row: Record, touched: Sequence[UUID], fresh_tasks: Sequence[Task], breathe: Breathe
) -> None:
    workflow = cached.workflow
    workflow.row, workflow.birth = hot_of(row), birth_of(row)
    take_sets(workflow, row)
    for number, known in enumerate(
        [workflow.tasks[one] for one in touched if one in workflow.tasks], start=1
    ):
        workflow.detach(known)
        if number % SLICE == 0:
            await breathe()
    for number, task in enumerate(fresh_tasks, start=1):
        workflow.place(task)
        if number % SLICE == 0:
            await breathe()
    await watch(workflow, [task for task in fresh_tasks if task.waiting], breathe)
    take_agenda(workflow, row)
    workflow.row = hot_of(row)
    workflow.changes = Changes()
    workflow.unsettle_all()
    cached.version, cached.stamp = row["version"], row["stamp"]
