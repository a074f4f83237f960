"""What is due: timers, messages, and what is old enough to be dropped."""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from ostro.store.database import Database
from ostro.values import UUID


class DueTimer(msgspec.Struct, frozen=True):
    """A timer that struck: kind `retry` or `timeout` (of a task) or `deadline`."""

    namespace: int
    workflow: UUID
    kind: str
    task: UUID
    due_at: datetime


class DueMessage(msgspec.Struct, frozen=True):
    """A message that nobody took yet."""

    namespace: int
    workflow: UUID
    id: UUID
    kind: str
    due_at: datetime
    body: bytes = b""


def _utc(moment: datetime) -> datetime:
    """An instant that the driver cannot hold comes without its zone (`-infinity`): it must not stop the others."""
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


async def namespaces(database: Database) -> list[int]:
    """All namespaces."""
    return [row["id"] for row in await database.fetch("namespace_ids")]


async def timers(database: Database, namespaces: Sequence[int], now: datetime, most: int) -> list[DueTimer]:
    """Timers that are due, of each namespace at most so many, the oldest first."""
    rows = await database.fetch("timers_due", namespaces, now, most)
    return [
        DueTimer(row["namespace"], row["workflow"], row["kind"], row["task"], _utc(row["due_at"]))
        for row in rows
    ]


async def timer_failed(database: Database, timer: DueTimer, problem: str) -> bool:
    """Counts a failure; True with the third, which parks it."""
    return bool(
        await database.fetchval(
            "timer_failed", timer.namespace, timer.workflow, timer.kind, timer.task, problem
        )
    )


async def drop_timer(database: Database, timer: DueTimer) -> None:
    """Takes it away, unless it was set anew."""
    await database.execute(
        "timer_drop", timer.namespace, timer.workflow, timer.kind, timer.task, timer.due_at
    )


async def messages(
    database: Database, namespaces: Sequence[int], now: datetime, most: int
) -> list[DueMessage]:
    """Messages that are due, of each namespace at most so many, the oldest first."""
    rows = await database.fetch("messages_due", namespaces, now, most)
    return [
        DueMessage(row["namespace"], row["workflow"], row["id"], row["kind"], row["due_at"], row["body"])
        for row in rows
    ]


async def message_failed(database: Database, message: DueMessage, problem: str) -> bool:
    """Counts a failure; True with the third, which parks it."""
    return bool(
        await database.fetchval("message_failed", message.namespace, message.workflow, message.id, problem)
    )


async def drop_message(database: Database, message: DueMessage) -> None:
    """Takes it away."""
    await drop(database, message.namespace, message.workflow, message.id)


async def drop(database: Database, namespace: int, workflow: UUID, message: UUID) -> None:
    """Takes a message away, by its key."""
    await database.execute("message_drop", namespace, workflow, message)


async def park_workflow(database: Database, namespace: int, workflow: UUID) -> None:
    """The workflow says from now on that something of it could not be decided."""
    await database.execute("workflow_parked", namespace, workflow)


async def prune_answers(database: Database, namespaces: Sequence[int], now: datetime, most: int) -> int:
    """Drops answers past their time, of each namespace at most so many; how many."""
    return await database.execute("answers_prune", namespaces, now, most)


async def prune_queues(
    database: Database, namespaces: Sequence[int], unused_since: datetime, most: int
) -> list[tuple[int, int]]:
    """Drops queues without jobs that were not in use since; those (namespace, id) that it dropped."""
    rows = await database.fetch("queues_prune", namespaces, unused_since, most)
    return [(row["namespace"], row["id"]) for row in rows]


async def prune_tokens(
    database: Database, namespaces: Sequence[int], ended_before: datetime, most: int
) -> int:
    """Forgets tokens that were revoked or expired before an instant; how many."""
    return await database.execute("tokens_prune", namespaces, ended_before, most)


async def prune_libraries(
    database: Database, namespaces: Sequence[int], unused_since: datetime, now: datetime, most: int
) -> int:
    """Looks at libraries unmarked since then, of each namespace at most so many: marks those that somebody needs, drops
    the rest. At how many it looked.
    """
    return int(await database.fetchval("libraries_prune", namespaces, unused_since, most, now))


async def prune_definitions(
    database: Database, namespaces: Sequence[int], deleted_before: datetime, most: int
) -> int:
    """Forgets definitions deleted before an instant that no workflow tells of; how many."""
    return await database.execute("definitions_prune", namespaces, deleted_before, most)


async def prune_workers(database: Database, namespaces: Sequence[int], gone_since: datetime) -> int:
    """Drops workers that were last heard of before an instant; how many."""
    return await database.execute("workers_prune", namespaces, gone_since)
