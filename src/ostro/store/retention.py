"""Deleting ended workflows past their time, with all that belongs to them, in short transactions."""

from collections.abc import Sequence
from datetime import datetime

from ostro.store.database import Database

_PARTS = (
    ("retention_task_specs", 1),
    ("retention_results", 1),
    ("retention_logs", 10),
    ("retention_jobs", 1),
    ("retention_steps", 1),
    ("retention_inputs", 1),
    ("retention_flows", 1),
    ("retention_tasks", 1),
    ("retention_changes", 1),
    ("retention_gone", 1),
    ("retention_sealed_tags", 1),
    ("retention_timers", 1),
    ("retention_messages", 1),
)
"""In this order, and how many rows one counts for: a piece of a log is some kilobytes."""


async def delete_expired(
    database: Database,
    namespaces: Sequence[int],
    now: datetime,
    *,
    keep: int,
    workflows: int,
    rows: int,
) -> bool:
    """Deletes about `rows` rows of expired workflows, of up to `workflows` at once; whether there may be more.

    `keep` is how many seconds those are kept whose namespace says nothing, 0 for ever. What was begun is finished by
    the next call, on any server.
    """
    async with database.transaction() as connection:
        found = await connection.fetch("retention_due", namespaces, now, keep, workflows)
        if not found:
            return False
        these = [row["namespace"] for row in found], [row["id"] for row in found]
        left = rows
        for statement, weight in _PARTS:
            most = -(-left // weight)
            left -= weight * await connection.execute(statement, *these, most)
            if left <= 0:
                await connection.execute("retention_mark", *these)
                return True
        await connection.execute("retention_drop", *these)
    return len(found) >= workflows
