"""What a decision asks of the world outside its workflow: read before it, within the namespace, and not without end."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from ostro.core.plans.rows import FlowRow, StepRow
from ostro.language.expressions import Lookup, Need
from ostro.store.database import Database, Record
from ostro.values import UUID

_MOST = 1_000
"""Rows of one answer about other workflows."""
_MOST_RESULTS = 10_000
"""Results of the workflow's own tasks in one answer."""
_MOST_BYTES = 16 * 1024 * 1024
"""Of all results in one answer."""


async def answer(database: Database, namespace: int, need: Need) -> Any:
    """The answer as plain JSON data. What cannot be (an id that is none) has an empty one; None: it would be too large."""
    arguments = need.arguments or ()
    if need.lookup is Lookup.TASKS:
        within, deep, state, _ = arguments
        known = _uuid(within)
        if within is not None and known is None:
            return []
        rows = await database.fetch("outside_tasks", namespace, known, bool(deep), state, _MOST, _MOST_BYTES)
        return None if any(row["too_large"] for row in rows) else [_task(row) for row in rows]
    if need.lookup is Lookup.EXECUTIONS:
        one, root, state, since, until = arguments
        if (one is not None and _uuid(one) is None) or (root is not None and _uuid(root) is None):
            return []
        span = _instant(since), _instant(until)
        rows = await database.fetch(
            "outside_workflows", namespace, _uuid(one), _uuid(root), state, *span, _MOST
        )
        return [_workflow(row) for row in rows]
    if need.lookup is Lookup.RESULTS:
        return await _results(database, namespace, arguments)
    if need.lookup is Lookup.OFFERED:
        return bool(await database.fetchval("outside_offered", namespace, arguments[0]))
    return None


async def _results(database: Database, namespace: int, arguments: tuple[Any, ...]) -> dict[str, bytes] | None:
    workflow, *runs = arguments
    if len(runs) > _MOST_RESULTS:
        return None
    tasks, numbers = zip(*(one.split(" ") for one in runs), strict=True)
    columns = [UUID(one) for one in tasks], [int(one) for one in numbers]
    rows = await database.fetch("outside_results", namespace, UUID(workflow), *columns, _MOST_BYTES)
    if any(row["body"] is None for row in rows):
        return None
    return {str(row["task"]): row["body"] for row in rows}


def _uuid(text: Any) -> UUID | None:
    try:
        return UUID(str(text)) if text is not None else None
    except ValueError:
        return None


def _instant(text: Any) -> datetime | None:
    """As ISO 8601 says it; without a zone, in UTC."""
    try:
        moment = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment is not None and moment.tzinfo is None else moment


def _task(row: Record) -> dict[str, Any]:
    step = msgspec.msgpack.decode(row["step"], type=StepRow) if row["step"] is not None else None
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "spec": {"name": row["name"]},
        "state": row["state"],
        "state_info": row["error"],
        "result": msgspec.json.decode(row["result"]) if row["result"] is not None else None,
        "published": msgspec.json.decode(step.published) if step is not None and step.published else {},
        "type": "ACTION",
        "workflow_execution_id": str(row["workflow"]),
        "created_at": str(row["created_at"]),
        "updated_at": str(row["ended_at"] or row["started_at"] or row["created_at"]),
    }


def _workflow(row: Record) -> dict[str, Any]:
    flow = msgspec.msgpack.decode(row["flow"], type=FlowRow) if row["flow"] is not None else None
    return {
        "id": str(row["id"]),
        "name": row["name"],
        "spec": {"name": row["name"]},
        "state": row["state"],
        "input": msgspec.json.decode(flow.input) if flow is not None else {},
        "params": msgspec.json.decode(flow.params) if flow is not None else {},
        "created_at": str(row["created_at"]),
        "updated_at": str(row["ended_at"] or row["created_at"]),
        "root_execution_id": str(row["root_workflow"]) if row["root_workflow"] else None,
    }
