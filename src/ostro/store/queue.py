"""Queues and their jobs. The rows are the dispatcher's; a lane adds them and takes one away with a result."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from ostro.store.database import Connection, Database, Record
from ostro.values import UUID


class Queue(msgspec.Struct, frozen=True, gc=False, eq=False):
    """What the jobs of a queue share. `tags` are sorted."""

    namespace: int
    id: int
    action: str
    target: dict[str, str]
    tags: tuple[str, ...]


class Held(msgspec.Struct, frozen=True, gc=False):
    """A job in a worker's hands, as the worker quotes it."""

    workflow: UUID
    job: UUID
    fence: int


class HeldRow(msgspec.Struct, frozen=True, gc=False):
    """What a row says of a held job. `revoked`: the worker is to stop it; `fence` is then one further."""

    session: UUID
    workflow: UUID
    job: UUID
    fence: int
    revoked: bool


class Granted(msgspec.Struct, kw_only=True):
    """A job in a session's hands, with all that it takes to run it.

    `until` is when the server gives it up, `timeout` the same in seconds from the claim. `requires` maps the
    names of required tasks to their results, JSON as bytes (`null` for a task that ended without one).
    `place` is where it stood: queue, priority, position; None for one that was handed over without queueing.
    """

    namespace: int
    workflow: UUID
    task: UUID
    name: str
    job: UUID
    run: int
    fence: int
    session: UUID
    action: str
    input: bytes
    timeout: float | None
    until: datetime | None
    requires: dict[str, bytes]
    place: tuple[int, int, int] | None = None


class LostLease(msgspec.Struct, frozen=True, gc=False):
    """A job in the hands of a session that is no more."""

    namespace: int
    workflow: UUID
    job: UUID
    fence: int
    session: UUID
    worker: str
    safe_rerun: bool
    revoked: bool


class Overdue(msgspec.Struct, frozen=True, gc=False):
    """A job that ran longer than its task allows."""

    namespace: int
    workflow: UUID
    job: UUID
    fence: int


class Offer(msgspec.Struct):
    """What one claim statement is asked: parties of sessions, the queues offered to each, and their free slots.

    `queues` are (namespace, queue, party); `slots` are (party, number from 1, namespace, session).
    """

    queues: list[tuple[int, int, int]]
    slots: list[tuple[int, int, int, UUID]]
    most: dict[int, int]


async def intern(database: Database, queues: Sequence[Queue], now: datetime) -> None:
    """Makes the rows that are missing and marks all as in use now. `queues` are in the order of their keys."""
    await database.execute(
        "queues_intern",
        [queue.namespace for queue in queues],
        [queue.id for queue in queues],
        [queue.action for queue in queues],
        [msgspec.json.encode(dict(sorted(queue.target.items()))) for queue in queues],
        [msgspec.json.encode(queue.tags).decode() for queue in queues],
        now,
    )


async def queues(database: Database, keys: Sequence[tuple[int, int]]) -> list[Queue]:
    """The queues with these (namespace, id) that exist."""
    rows = await database.fetch("queues_by_key", [key[0] for key in keys], [key[1] for key in keys])
    return [
        Queue(
            row["namespace"],
            row["id"],
            row["action"],
            msgspec.json.decode(row["target"], type=dict[str, str]),
            tuple(row["tags"]),
        )
        for row in rows
    ]


async def count_queues(database: Database, namespace: int, most: int) -> int:
    """How many queues a namespace has, counting no further than `most`."""
    count: int = await database.fetchval("queues_count", namespace, most)
    return count


async def claim(database: Database, offer: Offer, now: datetime) -> tuple[list[Granted], set[UUID]]:
    """Leases the best jobs of the offered queues to the free slots, best first; the lease begins `now`.

    Returns the sessions as well for whose party there are more jobs than it had slots.
    """
    rows = await database.fetch(
        "queue_claim",
        [namespace for namespace, _queue, _party in offer.queues],
        [queue for _namespace, queue, _party in offer.queues],
        [party for _namespace, _queue, party in offer.queues],
        [offer.most[party] for _namespace, _queue, party in offer.queues],
        [slot[0] for slot in offer.slots],
        [slot[1] for slot in offer.slots],
        [slot[2] for slot in offer.slots],
        [slot[3] for slot in offer.slots],
        now,
    )
    more = {row["session"] for row in rows if row["more"]}
    return await _granted(database, rows), more


async def granted_again(
    database: Database, namespace: int, session: UUID, held: Sequence[Held]
) -> list[Granted]:
    """The grants of these jobs once more; those that the session does not hold any more are left out."""
    rows = await database.fetch("queue_granted", namespace, *_columns(held), session)
    return await _granted(database, rows)


def _columns(held: Sequence[Held]) -> tuple[list[UUID], list[UUID], list[int]]:
    return [one.workflow for one in held], [one.job for one in held], [one.fence for one in held]


async def _granted(database: Database, rows: Sequence[Record]) -> list[Granted]:
    grants = [
        Granted(
            namespace=row["namespace"],
            workflow=row["workflow"],
            task=row["task"],
            name=row["name"] or "",
            job=row["job"],
            run=row["run"],
            fence=row["fence"],
            session=row["session"],
            action=row["action"] or "",
            input=row["input"] or b"{}",
            timeout=row["timeout"],
            until=row["until"],
            requires=dict.fromkeys(row["hands_over"], b"null"),
            place=(row["queue"], row["priority"], row["position"]),
        )
        for row in rows
    ]
    await _hand_over(database, [grant for grant in grants if grant.requires])
    return grants


async def _hand_over(database: Database, grants: Sequence[Granted]) -> None:
    """Fills in the results of required tasks, in one statement for all."""
    wanted = sorted({(grant.namespace, grant.workflow, name) for grant in grants for name in grant.requires})
    if not wanted:
        return
    rows = await database.fetch(
        "queue_handed_over",
        [one[0] for one in wanted],
        [one[1] for one in wanted],
        [one[2] for one in wanted],
    )
    bodies = {(row["workflow"], row["name"]): row["body"] for row in rows}
    for grant in grants:
        for name in grant.requires:
            grant.requires[name] = bodies.get((grant.workflow, name), b"null")


async def held(database: Database, sessions: Sequence[tuple[int, UUID]]) -> list[HeldRow]:
    """What these sessions (namespace, id) hold, revoked jobs included."""
    rows = await database.fetch("queue_held", [one[0] for one in sessions], [one[1] for one in sessions])
    return [_held_row(row) for row in rows]


async def stray(
    database: Database, sessions: Sequence[tuple[int, UUID]], believed: Sequence[tuple[int, UUID, Held]]
) -> set[UUID]:
    """Of some (namespace, session), believed to hold (namespace, session, job): those whose rows say otherwise."""
    rows = await database.fetch(
        "queue_stray",
        [namespace for namespace, _session, _one in believed],
        [one.workflow for _namespace, _session, one in believed],
        [one.job for _namespace, _session, one in believed],
        [one.fence for _namespace, _session, one in believed],
        [session for _namespace, session, _one in believed],
        [namespace for namespace, _session in sessions],
        [session for _namespace, session in sessions],
    )
    return {row["session"] for row in rows}


async def give_back(database: Database, grants: Sequence[Granted | LostLease]) -> list[tuple[int, int]]:
    """Frees leases, as far as they still are what is said; the (namespace, queue) that have claimable jobs now."""
    rows = await database.fetch(
        "queue_give_back",
        [grant.namespace for grant in grants],
        [grant.workflow for grant in grants],
        [grant.job for grant in grants],
        [grant.fence for grant in grants],
        [grant.session for grant in grants],
    )
    return [(row["namespace"], row["queue"]) for row in rows]


async def go_on(database: Database, namespace: int, session: UUID, held: Sequence[Held]) -> set[UUID]:
    """Puts these jobs where nobody claims them; those that are there now, or have ended there."""
    rows = await database.fetch("queue_go_on", namespace, *_columns(held), session)
    return {row["job"] for row in rows}


async def stopped(
    database: Database, namespace: int, session: UUID, jobs: Sequence[tuple[UUID, UUID]]
) -> int:
    """Removes revoked jobs (workflow, job) whose processes are gone; how many there were."""
    return await database.execute(
        "queue_stopped", namespace, [one[0] for one in jobs], [one[1] for one in jobs], session
    )


async def drop_revoked(database: Database, leases: Sequence[LostLease]) -> int:
    """Removes revoked jobs whose session is no more; how many there were."""
    return await database.execute(
        "queue_drop_revoked",
        [one.namespace for one in leases],
        [one.workflow for one in leases],
        [one.job for one in leases],
        [one.session for one in leases],
    )


async def lost(
    database: Database, namespaces: Sequence[int], expired_before: datetime, most: int
) -> list[LostLease]:
    """Jobs held by sessions that left, were replaced, or whose lease ran out before an instant."""
    rows = await database.fetch("queue_lost", namespaces, expired_before, most)
    return [
        LostLease(
            row["namespace"],
            row["workflow"],
            row["job"],
            row["fence"],
            row["session"],
            row["worker"],
            row["safe_rerun"],
            row["revoked"],
        )
        for row in rows
    ]


async def overdue(
    database: Database, namespaces: Sequence[int], now: datetime, since: datetime, most: int
) -> list[Overdue]:
    """Jobs whose time ran out between `since` and `now`, the longest overdue of each namespace first."""
    rows = await database.fetch("queue_overdue", namespaces, now, since, most)
    return [Overdue(row["namespace"], row["workflow"], row["job"], row["fence"]) for row in rows]


async def failed(database: Database, namespace: int, workflow: UUID, job: UUID, problem: str) -> bool:
    """Counts that the end of a job could not be decided; True with the third time, after which it is left alone."""
    return bool(await database.fetchval("queue_failed", namespace, workflow, job, problem))


async def take_over(
    connection: Connection,
    namespace: int,
    former: UUID,
    session: UUID,
    worker: str,
    jobs: Sequence[Held],
) -> list[HeldRow]:
    """Moves jobs from a worker's former session to its new one; those that moved."""
    rows = await connection.fetch(
        "queue_take_over",
        namespace,
        [one.workflow for one in jobs],
        [one.job for one in jobs],
        [one.fence for one in jobs],
        former,
        session,
        worker,
    )
    return [_held_row(row) for row in rows]


async def revoked(database: Database, namespaces: Sequence[int]) -> list[tuple[UUID, UUID]]:
    """All (session, job) whose job is to be stopped, of some namespaces."""
    rows = await database.fetch("queue_revoked", namespaces)
    return [(row["session"], row["job"]) for row in rows]


async def filled(database: Database, after: Sequence[tuple[int, int]], most: int) -> list[tuple[int, int]]:
    """Queues with claimable jobs, in order of their ids: of each namespace `most`, from after a given id on."""
    rows = await database.fetch("queue_filled", [one[0] for one in after], [one[1] for one in after], most)
    return [(row["namespace"], row["queue"]) for row in rows]


def _held_row(row: Record) -> HeldRow:
    return HeldRow(row["session"], row["workflow"], row["job"], row["fence"], row["revoked"])
