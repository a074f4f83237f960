"""What is due becomes an event; what is old goes away."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from uuid import UUID, uuid4

from ostro.core.events import DeadlineDue, Done, Event, GoOn, JobLost, JobTimedOut, RetryDue
from ostro.errors import Conflict
from ostro.loops.all import all_loops
from ostro.loops.deliver import Deliver
from ostro.loops.leases import Leases
from ostro.loops.namespaces import Namespaces
from ostro.loops.prune import Prune
from ostro.loops.timers import Timers
from ostro.store.database import Database
from ostro.values import Timing
from tests.engine.fleet import Hands, Server, a_worker, row, sql

BRISK = Timing(lease=0.3, poll=0.2, fall_back=0.05)


class Lanes:
    """Records what is submitted; a real lane would take the row away."""

    def __init__(self, answer: Callable[[Event], object] = lambda _event: Done()) -> None:
        self.events: list[Event] = []
        self.answer = answer

    async def submit(self, namespace: int, workflow: UUID, event: Event) -> object:
        self.events.append(event)
        return self.answer(event)


def refuse(_event: Event) -> object:
    raise Conflict("poisoned", "This cannot be decided.")


async def add_timer(
    database: Database, kind: str, task: UUID, seconds: float, workflow: UUID | None = None
) -> None:
    async with sql(database.dsn) as raw:
        await raw.execute(
            "INSERT INTO timers (namespace, workflow, kind, task, due_at) "
            "VALUES (1, $1, $2, $3, clock_timestamp() + $4 * interval '1 second')",
            workflow or uuid4(), kind, task, seconds,
        )  # fmt: skip


async def count(database: Database, table: str) -> int:
    async with sql(database.dsn) as raw:
        found: int = await raw.fetchval(f"SELECT count(*) FROM {table}")
        return found


async def a_workflow(database: Database) -> UUID:
    workflow = uuid4()
    async with sql(database.dsn) as raw:
        await raw.execute(
            "INSERT INTO workflows (namespace, id, version, stamp, state, sealed, created_at) "
            "VALUES (1, $1, 1, 1, 'RUNNING', false, clock_timestamp())",
            workflow,
        )
    return workflow


async def test_due_timers_are_submitted_and_others_wait(database: Database) -> None:
    server, lanes, task = Server(database), Lanes(), uuid4()
    await server.clock.set()
    timers = Timers(database, server.clock, lanes, Namespaces(database))
    await add_timer(database, "retry", task, -1)
    await add_timer(database, "deadline", UUID(int=0), -2)
    await add_timer(database, "retry", uuid4(), 3_600)
    await timers.tick()
    assert lanes.events == [DeadlineDue(), RetryDue(task)]


async def test_a_timer_that_fails_three_times_is_parked_and_its_workflow_says_so(database: Database) -> None:
    server, lanes = Server(database), Lanes(refuse)
    await server.clock.set()
    workflow = await a_workflow(database)
    timers = Timers(database, server.clock, lanes, Namespaces(database))
    await add_timer(database, "deadline", UUID(int=0), -1, workflow)
    for _ in range(5):
        await timers.tick()
    assert len(lanes.events) == 3
    async with sql(database.dsn) as raw:
        assert await raw.fetchval("SELECT parked FROM workflows")
        assert "cannot be decided" in await raw.fetchval("SELECT problem FROM timers WHERE parked")


async def test_a_timer_long_due_without_anything_to_do_goes_away(database: Database) -> None:
    server, lanes = Server(database), Lanes(lambda _event: Done(changed=False))
    await server.clock.set()
    timers = Timers(database, server.clock, lanes, Namespaces(database))
    await add_timer(database, "retry", uuid4(), -1)
    await add_timer(database, "retry", uuid4(), -3_600)
    await timers.tick()
    assert await count(database, "timers") == 1


async def test_a_message_that_nobody_followed_up_is_delivered(database: Database) -> None:
    server, lanes, message = Server(database), Lanes(), uuid4()
    await server.clock.set()
    async with sql(database.dsn) as raw:
        await raw.execute(
            "INSERT INTO messages (namespace, workflow, id, kind, due_at) "
            "VALUES (1, $1, $2, 'go_on', clock_timestamp() - interval '1 second')",
            uuid4(), message,
        )  # fmt: skip
    await Deliver(database, server.clock, lanes, Namespaces(database)).tick()
    assert lanes.events == [GoOn(message)]


async def test_a_silent_workers_jobs_are_freed_or_reported_lost_after_one_lease(database: Database) -> None:
    async with Server(database, BRISK).running() as server:
        lanes = Lanes()
        leases = Leases(database, server.clock, server.dispatcher, lanes, Namespaces(database), BRISK)
        hands = await Hands(server, a_worker()).register()
        (safe,) = await server.add(safe_rerun=True)
        (unsafe,) = await server.add()
        while len(hands.holds) < 2:
            await hands.poll(free=2, wait=0.2)
        async with sql(database.dsn) as raw:
            await raw.execute("UPDATE workers SET expires_at = clock_timestamp() - interval '1 second'")
        await leases.tick()
        assert lanes.events == [], "nothing expires for one lease after a start"
        while not lanes.events:
            await leases.tick()
        assert lanes.events[0] == JobLost(unsafe.job, 1, "w")
        freed, kept = await row(database.dsn, safe), await row(database.dsn, unsafe)
        assert freed is not None
        assert kept is not None
        assert (freed["session"], kept["session"]) == (None, hands.session)
        other = await Hands(server, a_worker("other")).register()
        (grant,) = (await other.poll(wait=2)).grants
        assert (grant.job, grant.fence) == (safe.job, 2)


async def test_a_job_that_ran_too_long_times_out_without_grace(database: Database) -> None:
    async with Server(database).running() as server:
        lanes = Lanes()
        leases = Leases(database, server.clock, server.dispatcher, lanes, Namespaces(database), server.timing)
        await leases.tick()
        hands = await Hands(server, a_worker()).register()
        (job,) = await server.add(timeout=0.05)
        await hands.poll(wait=2)
        while not lanes.events:
            await leases.tick()
        assert lanes.events[0] == JobTimedOut(job.job, 1)


async def test_revoked_jobs_of_a_session_that_left_are_gone(database: Database) -> None:
    async with Server(database).running() as server:
        hands = await Hands(server, a_worker()).register()
        (job,) = await server.add()
        await hands.poll(wait=2)
        async with sql(database.dsn) as raw:
            await raw.execute(
                "UPDATE queue SET fence = fence + 1, revoked_at = clock_timestamp(), attempts = 3"
            )
        await server.dispatcher.leave(1, "t", hands.session)
        assert await server.dispatcher.free_lost([1], server.clock.now()) == []
        assert await row(database.dsn, job) is None


async def test_what_is_long_out_of_use_is_dropped_and_the_rest_stays(database: Database) -> None:
    server = Server(database)
    await server.clock.set()
    await server.add(target={"server": "used"})
    leased = await server.add(target={"server": "leased"})
    await server.queues.intern([(1, "script", {"server": "unused"}, ())])
    await server.dispatcher.register(a_worker("new"))
    await server.dispatcher.register(a_worker("old"))
    async with sql(database.dsn) as raw:
        await raw.execute("UPDATE queue SET session = gen_random_uuid() WHERE job = $1", leased[0].job)
        await raw.execute("UPDATE queues SET made_at = made_at - interval '2 days'")
        await raw.execute("UPDATE workers SET expires_at = expires_at - interval '8 days' WHERE name = 'old'")
        await raw.execute(
            "INSERT INTO answers (namespace, key, request, status, body, until) SELECT 1, n::text, '', 200, '', "
            "clock_timestamp() + n * interval '1 hour' FROM generate_series(-3, 2) AS n WHERE n <> 0"
        )
        await raw.execute(
            "INSERT INTO tokens (id, namespace, kind, secret, label, created_at, expires_at, revoked_at) SELECT "
            "name, 1, 'worker', '', '', now(), now() - expired * interval '1 day', now() - revoked * interval '1 day' "
            "FROM (VALUES ('lives', -1, NULL), ('for ever', NULL, NULL), ('expired', 29, NULL), ('long expired', 31, "
            "NULL), ('long revoked', -9, 31), ('revoked', 40, 41)) AS t (name, expired, revoked)"
        )
    await Prune(database, server.clock, server.queues, Namespaces(database)).tick()
    assert [await count(database, table) for table in ("queues", "workers", "answers")] == [2, 1, 2]
    async with sql(database.dsn) as raw:
        kept = [row["id"] for row in await raw.fetch("SELECT id FROM tokens ORDER BY id")]
    assert kept == ["expired", "for ever", "lives"]


async def test_all_loops_have_names_of_their_own(database: Database) -> None:
    server = Server(database)
    loops = all_loops(
        database, server.clock, Lanes(), server.dispatcher, server.queues, Timing(), sent=asyncio.Event()
    )
    assert len({loop.name for loop in loops}) == len(loops) == 9
    for loop in loops:
        await loop.tick()
    assert (server.clock.now() - await database.now()) < timedelta(seconds=1)
