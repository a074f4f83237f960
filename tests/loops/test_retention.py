"""Ended workflows are kept for a time, then go with all that belongs to them."""

import asyncio
import json
from typing import Any
from uuid import UUID

import pytest

from ostro.core.events import Describe
from ostro.errors import NotFound
from ostro.loops.namespaces import Namespaces
from ostro.loops.retain import Retain
from ostro.store import retention
from ostro.store.database import Database
from ostro.store.statements import statements
from ostro.store.tables import workflows
from tests.engine.fleet import sql
from tests.engine.whole import Whole, orphans, pull, task, work_off

DAY = 86_400
EVERYWHERE = (
    "workflows", "workflow_specs", "tasks", "task_specs", "gone", "sealed_tags", "queue", "jobs", "results", "logs",
    "changes", "timers", "messages",
)  # fmt: skip


async def ended(server: Whole, *, days: float, tasks: int = 1, **birth: Any) -> UUID:
    """A workflow of inline tasks that ended so many days ago."""
    made = await server.create(*(task(f"t{n}", action="std.noop") for n in range(tasks)), seal=True, **birth)
    await age(server, made, days)
    return made


async def age(server: Whole, workflow: UUID, days: float) -> None:
    async with sql(server.database.dsn) as raw:
        await raw.execute(
            "UPDATE workflows SET ended_at = ended_at - $2 * interval '1 day' WHERE id = $1", workflow, days
        )


def retaining(server: Whole, keep: int = 30 * DAY) -> Retain:
    return Retain(server.database, server.clock, Namespaces(server.database), keep)


async def there(server: Whole) -> set[UUID]:
    async with sql(server.database.dsn) as raw:
        return {UUID(int=row["id"].int) for row in await raw.fetch("SELECT id FROM workflows")}


async def rows(server: Whole) -> dict[str, int]:
    """How many rows each table still has, where there are any."""
    async with sql(server.database.dsn) as raw:
        counts = {table: await raw.fetchval(f"SELECT count(*) FROM {table}") for table in EVERYWHERE}
    return {table: count for table, count in counts.items() if count}


async def part(server: Whole, rows: int, keep: int = DAY, workflows: int = 10) -> bool:
    now = server.clock.now()
    return await retention.delete_expired(
        server.database, [1], now, keep=keep, workflows=workflows, rows=rows
    )


async def test_an_ended_workflow_goes_after_the_servers_time_and_a_running_one_never(
    database: Database,
) -> None:
    async with Whole(database).running(loops=False) as server:
        running = await server.create(task("a"))
        await ended(server, days=31)
        young = await ended(server, days=29)
        async with sql(database.dsn) as raw:
            await raw.execute("UPDATE workflows SET created_at = created_at - interval '100 days'")
        assert await retaining(server).tick() is False
        assert await there(server) == {running, young}
        assert await orphans(database.dsn) == []


async def test_without_a_time_ended_workflows_stay_for_ever(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        old = await ended(server, days=4_000)
        await retaining(server, keep=0).tick()
        assert await there(server) == {old}


async def test_a_namespace_may_keep_longer_shorter_or_for_ever(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        old, older = await ended(server, days=2), await ended(server, days=40)
        for keep, left in ((0, {old, older}), (60 * DAY, {old, older}), (3 * DAY, {old}), (DAY, set())):
            async with sql(database.dsn) as raw:
                await raw.execute("UPDATE namespaces SET keep = $1", keep)
            await retaining(server).tick()
            assert await there(server) == left


async def test_a_workflow_may_keep_itself_longer_shorter_or_for_ever(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        await ended(server, days=2, keep=DAY)
        longer = await ended(server, days=40, keep=60 * DAY)
        for_ever = await ended(server, days=4_000, keep=0)
        await retaining(server).tick()
        assert await there(server) == {longer, for_ever}


async def test_the_time_of_a_workflow_is_changed_and_taken_away_after_its_end(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        one, other = await ended(server, days=0), await ended(server, days=0, keep=0)
        await server.tell(one, Describe(keep=60 * DAY))
        await server.tell(other, Describe(name="as all others", keep=None))
        await server.tell(one, Describe(name="kept"))
        await age(server, one, 40)
        await age(server, other, 40)
        shown = await workflows.get(database, 1, one)
        assert shown is not None
        assert shown.keep == 60 * DAY
        await retaining(server).tick()
        assert await there(server) == {one}


async def test_nothing_is_left_of_what_went_in_any_table(database: Database) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker()
        one = await server.create(task("a"), task("b", "a"), seal=True)
        await work_off(server, hands, [one])
        async with sql(database.dsn) as raw:
            await raw.execute(
                "INSERT INTO logs SELECT 1, workflow, id, 1, 0, 'stdout', ended_at, 'said' FROM jobs"
            )
            await raw.execute("INSERT INTO gone SELECT 1, id, 'gone' FROM workflows")
            await raw.execute("INSERT INTO sealed_tags SELECT 1, id, 'tag' FROM workflows")
            for table, more in (("timers", "kind, task"), ("messages", "kind, id")):
                await raw.execute(
                    f"INSERT INTO {table} (namespace, workflow, {more}, due_at, parked) "
                    "SELECT 1, id, 'retry', gen_random_uuid(), ended_at, true FROM workflows"
                )
        await age(server, one, 31)
        assert set(await rows(server)) == set(EVERYWHERE) - {"queue"}
        await retaining(server).tick()
        assert await rows(server) == {}


async def test_a_job_that_is_still_being_stopped_is_waited_for(database: Database) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker()
        one = await server.create(task("a"), seal=True)
        await pull(hands)
        async with sql(database.dsn) as raw:
            await raw.execute("UPDATE workflows SET state = 'CANCELLED', ended_at = created_at")
        await age(server, one, 31)
        await retaining(server).tick()
        assert await there(server) == {one}


async def test_a_large_workflow_goes_in_parts_and_is_not_found_from_the_first_on(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        one = await ended(server, days=2, tasks=100)
        assert await part(server, 50) is True
        assert await workflows.get(database, 1, one) is None
        assert await workflows.state(database, 1, one) is None
        with pytest.raises(NotFound):
            await server.tell(one, Describe(name="too late"))  # though its lane still has it in memory
        parts = 1
        left = sum((await rows(server)).values())
        while await part(server, 50):
            parts += 1
            now_left = sum((await rows(server)).values())
            assert left - 51 <= now_left < left
            left = now_left
        assert parts > 5
        assert await rows(server) == {}


async def test_a_deletion_that_was_cut_is_finished_whatever_the_settings_have_become(
    database: Database,
) -> None:
    async with Whole(database).running(loops=False) as server:
        await ended(server, days=2, tasks=100)
        assert await part(server, 50) is True  # and here its server was killed
        while await part(server, 50, keep=0):
            pass
        assert await rows(server) == {}


async def test_what_was_begun_is_finished_before_anything_else_is_begun(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        begun = await ended(server, days=2, tasks=100)
        assert await part(server, 50) is True
        older = await ended(server, days=5)
        while begun in await there(server):
            await part(server, 50, workflows=1)
        assert await workflows.get(database, 1, older) is not None


async def test_many_small_workflows_go_in_one_part(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        for _ in range(12):
            await ended(server, days=2)
        assert await part(server, 1_000) is True
        assert len(await there(server)) == 2
        assert await part(server, 1_000) is False
        assert await rows(server) == {}


async def test_two_servers_share_the_work(database: Database) -> None:
    async def work_through(server: Whole) -> None:
        while await part(server, 20):
            pass

    async with Whole(database).running(loops=False) as server:
        for _ in range(30):
            await ended(server, days=2, tasks=3)
        await asyncio.gather(work_through(server), work_through(server))
        assert await rows(server) == {}


async def test_what_another_server_is_deleting_or_writing_is_passed_over(database: Database) -> None:
    async with Whole(database).running(loops=False) as server:
        one, other = await ended(server, days=3), await ended(server, days=2)
        async with sql(database.dsn) as raw, raw.transaction():
            await raw.execute("SELECT 1 FROM workflows WHERE id = $1 FOR NO KEY UPDATE", one)
            assert await part(server, 1_000) is False
            assert await there(server) == {one}
        assert other not in await there(server)


async def test_expired_workflows_are_found_by_index_alone(database: Database) -> None:
    async with sql(database.dsn) as raw:
        await raw.execute(
            "INSERT INTO workflows (namespace, id, version, stamp, state, sealed, created_at, ended_at, keep) "
            "SELECT 1 + n % 3, gen_random_uuid(), 1, 1, CASE WHEN n % 2 = 0 THEN 'SUCCESS' ELSE 'RUNNING' END, true, "
            "now(), CASE WHEN n % 2 = 0 THEN now() END, CASE WHEN n % 5 = 0 THEN n END FROM generate_series(1, 30000) n"
        )
        await raw.execute("ANALYZE workflows")
        for name, arguments in (("retention_due", "'{1,2,3}', now(), 2592000, 200"),):
            await raw.execute("SET enable_seqscan = off")
            await raw.execute(f"PREPARE due AS {statements[name]}")
            (plan,) = json.loads(
                await raw.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE due({arguments})")
            )
    scans = list(scans_of(plan["Plan"]))
    looked = {scan.get("Index Name") for scan in scans if scan["Relation Name"] == "workflows"}
    assert looked == {"workflows_ended", "workflows_kept"}
    assert not [one for one in scans if one.get("Rows Removed by Filter", 0) > 0]
    assert "Sort" not in json.dumps(plan)


def scans_of(plan: dict[str, Any]) -> Any:
    if "Relation Name" in plan and "Scan" in plan["Node Type"]:
        yield plan
    for below in plan.get("Plans", ()):
        yield from scans_of(below)
