"""Lanes when something goes wrong: poisoned events, cut connections, keys used twice, a workflow that is large."""

import asyncio
from datetime import timedelta

import pytest

from ostro.clock import new_id
from ostro.core.events import AddTasks, Create
from ostro.core.specs import Birth
from ostro.engine.lanes import AlreadyAnswered, Once, slow
from ostro.engine.lanes.decided import decide_all
from ostro.engine.lanes.envelope import Envelope
from ostro.errors import StorageError
from ostro.store.commit import commit
from ostro.store.database import Database
from ostro.store.loading.load import Loaded, load
from ostro.store.statements import statements
from ostro.values import WorkflowState
from tests.engine.fleet import sql
from tests.engine.whole import Whole, orphans, pull, task, work_off


@pytest.fixture
async def server(database):
    async with Whole(database).running() as running:
        yield running


def fails(_workflow):
    raise ValueError("the rules fail on this one")


def born(*tasks, **more) -> tuple:
    made = new_id()
    return made, Create(birth=Birth(namespace=1, id=made, **more), tasks=tasks)


async def test_one_event_on_which_the_rules_fail_fails_alone_among_500(server) -> None:
    shared = await server.create(task("A"))
    adds = [server.add(shared, task(f"t{n}")) for n in range(250)]
    creates = [server.tell(*born(task("A"))) for _ in range(250)]
    answers = await asyncio.gather(
        *adds[:100], server.lanes.peek(1, shared, fails), *adds[100:], *creates, return_exceptions=True
    )
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert [type(one) for one in failed] == [StorageError]
    assert len(await server.states(shared)) == 251


async def test_thirty_poisoned_events_do_not_use_up_the_patience_with_their_neighbours(server) -> None:
    shared = await server.create(task("A"))
    work = [server.lanes.peek(1, shared, fails) for _ in range(30)]
    work += [server.add(shared, task(f"t{n}")) for n in range(30)]
    answers = await asyncio.gather(*work, return_exceptions=True)
    assert sum(isinstance(answer, StorageError) for answer in answers) == 30
    assert len(await server.states(shared)) == 31


@pytest.mark.parametrize("text", ["a\0b", "\ud800"], ids=["NUL", "surrogate"])
async def test_one_row_that_postgresql_refuses_fails_alone_among_500(server, database_url, text) -> None:
    # The edge refuses such texts; an event forged behind it must not hurt others.
    good = [born(task("A")) for _ in range(499)]
    forged = born(task("A"), description=text)
    answers = await asyncio.gather(
        *(server.tell(*one) for one in [*good[:200], forged, *good[200:]]), return_exceptions=True
    )
    failed = [answer for answer in answers if isinstance(answer, Exception)]
    assert len(failed) == 1
    assert isinstance(failed[0], StorageError)
    async with sql(database_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM workflows") == 499


async def test_one_refused_row_fails_alone_among_the_events_of_its_own_workflow(server) -> None:
    shared = await server.create(task("A"))
    adds = [server.add(shared, task(f"t{n}", description="")) for n in range(40)]
    forged = server.add(shared, task("wrong\0name"))
    answers = await asyncio.gather(*adds[:20], forged, *adds[20:], return_exceptions=True)
    assert sum(isinstance(answer, Exception) for answer in answers) == 1
    assert len(await server.states(shared)) == 41


async def test_a_cut_in_the_middle_of_commits_loses_and_doubles_nothing(postgres, database_url) -> None:
    database = await Database.connect(database_url, size=8)
    async with Whole(database).running() as server:
        shared = await server.create(task("A"))
        births = [born(task("A")) for _ in range(200)]
        work = [server.tell(*one) for one in births]
        work += [server.add(shared, task(f"t{n}")) for n in range(200)]
        going = asyncio.gather(*work, return_exceptions=True)
        for _ in range(5):
            await asyncio.to_thread(postgres.cut_connections, database_url)
        async with asyncio.timeout(60):
            answers = await going
        # A birth whose answer was lost is known again by its stamp: nobody is told that his workflow was there.
        assert [answer for answer in answers if isinstance(answer, Exception)] == []
        assert len(await server.states(shared)) == 201
    await database.close()
    assert await orphans(database_url) == []


async def test_results_sent_while_connections_are_cut_count_once(postgres, database_url) -> None:
    database = await Database.connect(database_url, size=8)
    async with Whole(database).running() as server:
        workflow = await server.create(*(task(f"t{n}") for n in range(50)), seal=True)
        hands = await server.worker(slots=50)
        grants = await pull(hands, 50)
        going = asyncio.gather(*(server.end(grant) for grant in grants for _ in range(2)))
        for _ in range(3):
            await asyncio.to_thread(postgres.cut_connections, database_url)
        async with asyncio.timeout(60):
            answers = await going
        assert len(answers) == 100
        assert await server.until_ended(workflow) is WorkflowState.SUCCESS
    await database.close()
    async with sql(database_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM jobs") == 50
    assert await orphans(database_url) == []


async def test_a_write_whose_answer_was_lost_is_known_also_when_another_server_wrote_since(
    database, database_url
) -> None:
    async with Whole(database).running() as server:
        workflow = await server.create(task("A"))
        key = (1, workflow)
        lane = server.lanes._lane(key)
        adding = Envelope(key, AddTasks(tasks=(task("B"),)), expires=lane.clock.now().timestamp())
        loaded = await load(database, *key, nothing)
        attempt = decide_all(key, loaded, [adding], lane.moment(1), lane.places, hand_off=False)
        assert attempt.write is not None
        await commit(database, [attempt.write], lane.clock.now())  # and the connection breaks
        async with Whole(database).running() as other:
            await other.add(workflow, task("C"))
        await slow.work(lane, key, [adding], attempt)
        (added,) = (await adding.answer).tasks
        assert not added.again  # the first answer, not that to a copy
        assert set(await server.states(workflow)) == {"A", "B", "C"}
    assert await orphans(database_url) == []


async def nothing() -> None:
    """Nobody else wants to breathe."""


def once(server, key: str) -> Once:
    until = server.clock.now() + timedelta(hours=1)
    return Once(key, b"request", until, lambda answer: (201, repr(answer).encode()))


async def test_a_key_is_answered_once_also_when_two_come_at_once(server, database_url) -> None:
    births = [born(task("A")) for _ in range(2)]
    answers = await asyncio.gather(
        *(server.tell(*one, once=once(server, "k")) for one in births), return_exceptions=True
    )
    assert sorted(isinstance(answer, AlreadyAnswered) for answer in answers) == [False, True]
    async with sql(database_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM answers") == 1
        assert await raw.fetchval("SELECT count(*) FROM workflows") == 1
    assert await orphans(database_url) == []


async def test_a_key_is_answered_once_over_two_servers(database_url) -> None:
    databases = [await Database.connect(database_url, size=4) for _ in range(2)]
    async with Whole(databases[0]).running() as one, Whole(databases[1]).running() as other:
        for number in range(20):
            births = [born(task("A")) for _ in range(2)]
            answers = await asyncio.gather(
                *(s.tell(*b, once=once(s, f"k{number}")) for s, b in zip((one, other), births, strict=True)),
                return_exceptions=True,
            )
            assert sorted(isinstance(answer, AlreadyAnswered) for answer in answers) == [False, True]
    for database in databases:
        await database.close()


async def test_a_pool_of_four_connections_is_enough_for_all_lanes_and_slow_paths(
    database, database_url
) -> None:
    async with Whole(database).running() as server:  # `database` has four
        workflows = [await server.create(task("A")) for _ in range(20)]
    async with Whole(database).running() as server:
        # Nothing is in memory, and every one needs a queue of its own on the way.
        async with asyncio.timeout(30):
            await asyncio.gather(
                *(server.add(one, task("B", tags=(f"q{n}",))) for n, one in enumerate(workflows))
            )
    assert await orphans(database_url) == []


async def test_a_large_workflow_is_loaded_in_slices_and_others_go_on_meanwhile(
    database, database_url
) -> None:
    count = 20_000
    async with Whole(database).running() as server:
        large = await server.create()
        for start in range(0, count, 1_000):
            chunk = (task(f"t{n}", "gate", tags=(f"g{n % 50}",)) for n in range(start, start + 1_000))
            await server.add(large, *chunk)
        other = await server.create(task("A"))
    slices = 0

    async def breathe() -> None:
        nonlocal slices
        slices += 1
        await asyncio.sleep(0)

    loaded = await load(database, 1, large, breathe)
    assert loaded is not None
    assert len(loaded.workflow.tasks) == count
    assert slices >= count / 400  # each a bounded part of the loop's time
    async with Whole(database).running() as server:
        loading = asyncio.ensure_future(server.state(large))
        assert len((await server.add(other, task("B"))).tasks) == 1
        assert not loading.done()
        assert await loading is WorkflowState.RUNNING


async def test_what_changes_much_goes_out_in_several_commits(server, database_url) -> None:
    large = await server.create()
    adds = [server.add(large, *(task(f"t{n}-{m}", "gate") for m in range(900))) for n in range(8)]
    await asyncio.gather(*adds)
    assert len(await server.states(large)) == 7_200
    async with sql(database_url) as raw:
        most = await raw.fetchval("SELECT max(cardinality(tasks)) FROM changes")
    assert most <= 5_900


@pytest.mark.parametrize("analyzed", [False, True])
async def test_the_guarded_statement_finds_its_rows_by_index(database, database_url, analyzed) -> None:
    async with Whole(database).running() as server:
        for _ in range(3):
            await server.create(*(task(f"t{n}") for n in range(1_000)))
    async with sql(database_url) as raw:
        if analyzed:
            await raw.execute("ANALYZE")
        await raw.execute(
            "SET enable_seqscan = off; SET enable_mergejoin = off; SET plan_cache_mode = force_generic_plan"
        )
        text = statements["commit_batch"]
        await raw.execute(f"PREPARE it AS {text}")
        nulls = ", ".join("NULL" for _ in range(20))
        plan = "\n".join(row[0] for row in await raw.fetch(f"EXPLAIN EXECUTE it ({nulls})"))
    for table in ("workflows", "tasks", "task_specs", "queue", "timers", "messages"):
        assert f"Seq Scan on {table} " not in plan, plan
    for line in plan.splitlines():
        if "Index Scan" in line and " on tasks" in line:
            assert "tasks_pkey" in line or "tasks_by_name" in line


async def test_work_goes_on_after_a_cut(postgres, database_url) -> None:
    database = await Database.connect(database_url, size=8)
    async with Whole(database).running() as server:
        hands = await server.worker()
        workflows = [await server.create(task("A"), task("B", "A"), seal=True) for _ in range(5)]
        await asyncio.to_thread(postgres.cut_connections, database_url)
        await work_off(server, hands, workflows)
        assert {await server.state(one) for one in workflows} == {WorkflowState.SUCCESS}
    await database.close()
    assert await orphans(database_url) == []


def company(loaded: Loaded) -> str:
    return loaded.company


async def test_a_workflow_that_two_servers_write_stays_in_memory_and_is_looked_at_first_until_only_one_does(
    database, database_url
) -> None:
    second = await Database.connect(database_url, size=4)
    async with Whole(database).running() as one, Whole(second).running() as other:
        workflow = await one.create(task("A"))
        key = (1, workflow)
        lane = one.lanes._lane(key)
        await other.add(workflow, task("B"))
        await one.add(workflow, task("C"))  # decided in vain; then read anew
        kept = lane.cache.get(key)
        assert kept is not None
        assert company(kept) == "shared"
        await other.add(workflow, task("D"))
        await one.add(workflow, task("E"))
        assert lane.cache.get(key) is kept, "only what the other server wrote was read"
        assert company(kept) == "shared"
        await one.add(workflow, task("F"))
        assert lane.cache.get(key) is kept
        assert company(kept) == "none"
        assert set(await one.states(workflow)) == set("ABCDEF")
        assert lane.counts.slow == 0
    await second.close()


async def test_what_comes_too_late_twice_is_decided_under_the_lock_until_nobody_else_writes(
    server, database_url
) -> None:
    workflow = await server.create(task("A"))
    lane = server.lanes._lane((1, workflow))
    async with sql(database_url) as other:
        hold = other.transaction()
        await hold.start()
        await other.execute("SELECT 1 FROM workflows WHERE id = $1 FOR NO KEY UPDATE", workflow)
        added = asyncio.create_task(server.add(workflow, task("B")))
        while lane.counts.slow == 0:
            await asyncio.sleep(0.001)
        assert lane.counts.commits == 3, "the creation, and two tries"
        await hold.rollback()
    await added
    kept = lane.cache.get((1, workflow))
    assert kept is not None
    assert company(kept) == "contested"
    for expected in (2, 2):
        await server.add(workflow, task(f"C{lane.counts.commits}"))
        assert lane.counts.slow == expected
        assert company(kept) == "none"


async def test_what_others_changed_at_large_is_read_under_the_lock_without_loading_the_workflow_anew(
    database, database_url
) -> None:
    second = await Database.connect(database_url, size=4)
    async with Whole(database).running() as one, Whole(second).running() as other:
        workflow = await one.create(task("A"))
        lane = one.lanes._lane((1, workflow))
        await other.add(workflow, task("B"))
        await one.add(workflow, task("C"))
        kept = lane.cache.get((1, workflow))
        await other.add(workflow, *(task(f"t{n}") for n in range(900)))
        await one.add(workflow, task("D"))
        assert lane.counts.slow == 1
        assert lane.cache.get((1, workflow)) is kept
        assert len(await one.states(workflow)) == 904
        assert await one.states(workflow) == await other.states(workflow)
    await second.close()


async def test_small_workflows_that_are_not_in_memory_are_read_together(database) -> None:
    async with Whole(database).running() as former:
        workflows = [await former.create(task("A"), task("B", "A")) for _ in range(50)]
        large = await former.create(*(task(f"t{n}") for n in range(400)))
    async with Whole(database).running() as server:
        await asyncio.gather(*(server.add(one, task("C")) for one in workflows))
        for one in workflows:
            assert set(await server.states(one)) == set("ABC")
        assert server.lanes.counts.slow == 0
        await server.add(large, task("C"))
        assert server.lanes.counts.slow == 1, "a large one holds nobody else up"


async def test_results_kept_for_others_are_bounded_and_go_with_the_end(database) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker(slots=2)
        workflow = await server.create(task("A"), task("B", "A"), seal=True)
        lane = server.lanes._lane((1, workflow))
        (grant,) = await pull(hands)
        await server.end(grant)
        kept = lane.cache.get((1, workflow))
        assert kept is not None
        assert kept.results == {"A": b'{"n":1}'}
        for name in ("x", "y", "z"):
            kept.keep(name, b"." * 400, most=1_000)
        assert list(kept.results) == ["y", "z"]
        assert kept.kept_bytes == 800
        (grant,) = await pull(hands)
        await server.end(grant)
        assert await server.until_ended(workflow) is WorkflowState.SUCCESS
        assert (kept.results, kept.kept_bytes) == ({}, 0)
