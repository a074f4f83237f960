"""What workflows made from definitions have beside their tasks: plans by their key, steps, runs and results."""

from collections import OrderedDict
from datetime import datetime

import msgspec

from ostro.core.flow.joins import is_held
from ostro.core.plans.plan import Plan
from ostro.core.plans.rows import FlowRow, StepRow
from ostro.core.plans.steps import Ended, Flow
from ostro.core.plans.texts import Texts, make_plan
from ostro.core.workflow import Workflow
from ostro.errors import StorageError
from ostro.store.database import Database
from ostro.store.loading.reading import Breathe, Reader, id_of
from ostro.values import UUID, TaskState

_MOST_PLANS = 500
_SLICE = 400
_known: OrderedDict[str, Plan] = OrderedDict()
"""Plans by their key. The key is the hash of all that is in one, so what is here is never out of date."""


async def keep_plan(database: Database, namespace: int, texts: Texts, now: datetime) -> Plan:
    """The plan of these texts, kept for all workflows that are made from it."""
    key = texts.key
    plan = _recall(key) or _remember(make_plan(texts))
    await database.execute("plan_keep", namespace, key, msgspec.msgpack.encode(texts), now)
    return plan


async def plan_of(reader: Reader, namespace: int, key: str) -> Plan:
    """The plan of that key. StorageError if it is not there, which no path of ours leaves."""
    known = _recall(key)
    if known is not None:
        return known
    return _remember(make_plan(await texts_of(reader, namespace, key)))


async def texts_of(reader: Reader, namespace: int, key: str) -> Texts:
    """The texts of a plan."""
    body = await reader.fetchval("plan_get", namespace, key)
    if body is None:
        raise StorageError(f"The plan {key} of a workflow is not in the database.")
    return msgspec.msgpack.decode(body, type=Texts)


def _recall(key: str) -> Plan | None:
    found = _known.get(key)
    if found is not None:
        _known.move_to_end(key)
    return found


def _remember(plan: Plan) -> Plan:
    _known[plan.key] = plan
    while len(_known) > _MOST_PLANS:
        _known.popitem(last=False)
    return plan


async def output(reader: Reader, namespace: int, workflow: UUID) -> dict[str, bytes] | None:
    """What a workflow made from a definition returned, by key; None for any other, empty until it has ended."""
    body = await reader.fetchval("flow_get", namespace, workflow)
    if body is None:
        return None
    found = msgspec.msgpack.decode(body, type=FlowRow).output or b"{}"
    return {key: bytes(raw) for key, raw in msgspec.json.decode(found, type=dict[str, msgspec.Raw]).items()}


async def attach(reader: Reader, workflow: Workflow, body: bytes, breathe: Breathe) -> None:
    """Gives a workflow whose tasks are placed its definition's side: plan, steps, runs that live and have ended."""
    row = msgspec.msgpack.decode(body, type=FlowRow)
    flow = Flow(await plan_of(reader, workflow.namespace, row.plan), row)
    key = workflow.namespace, workflow.id
    rows = {id_of(one["task"]): one["body"] for one in await reader.fetch("load_steps", *key)}
    steps = {
        task: msgspec.msgpack.decode(text, type=StepRow)
        for task, text in rows.items()
        if task in workflow.tasks
    }
    for number, task in enumerate(_parents_first(steps), start=1):
        known = workflow.tasks[task]
        step = flow.take(task, flow.plan.tasks[known.name], steps[task])
        if known.spec is None and not known.ended:
            workflow.detach(known)  # what its specification grants is indexed with it
            known.spec = step.task.spec
            workflow.place(known)
        if number % _SLICE == 0:
            await breathe()
    await _take_runs(reader, workflow, flow, breathe)
    workflow.flow = flow


def _parents_first(steps: dict[UUID, StepRow]) -> list[UUID]:
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


async def _take_runs(reader: Reader, workflow: Workflow, flow: Flow, breathe: Breathe) -> None:
    key = workflow.namespace, workflow.id
    for number, row in enumerate(await reader.fetch("load_runs", *key), start=1):
        step = flow.steps.get(id_of(row["task"]))
        if step is not None:
            step.runs += 1
            if row["run"] >= step.row.since:
                state = TaskState(row["state"])
                step.ends[row["item"]] = Ended(row["run"], state, row["body"], row["error"])
        if number % _SLICE == 0:
            await breathe()
    for row in await reader.fetch("load_live_jobs", *key):
        task = workflow.tasks.get(id_of(row["task"]))
        step = flow.steps.get(task.id) if task is not None else None
        if task is not None and step is not None:
            step.runs += 1
            step.live[id_of(row["job"])] = row["item"]
            step.ends.pop(row["item"], None)
            workflow.jobs[id_of(row["job"])] = task


def hold_back(workflow: Workflow) -> None:
    """After all is watched: joins that wait are not ready, and loops with items to start are."""
    flow = workflow.flow
    if flow is None:
        return
    for task in list(workflow.ready):
        if is_held(workflow, task):
            del workflow.ready[task]
    for task in workflow.started:
        step = flow.steps.get(task.id)
        if step is not None and step.is_loop and task.state is TaskState.RUNNING:
            workflow.ready[task] = None
