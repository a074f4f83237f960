"""Lanes on a real PostgreSQL: answers, results that count once, and two servers that share a workflow."""

import asyncio
from contextlib import AsyncExitStack

import pytest

from ostro.core.events import AddTasks, CancelTask, Create, DeleteTask, Done, SealWorkflow, StopWorkflow
from ostro.core.specs import Birth
from ostro.engine.dispatcher import Held
from ostro.errors import Conflict, NotFound, TooMany
from ostro.store.database import Database
from ostro.store.loading.load import load
from ostro.store.loading.refresh import catch_up
from ostro.values import Limits, Retry, TaskState, Term, TermState, WorkflowState
from tests.core.recount import recount
from tests.engine.fleet import sql
from tests.engine.whole import Whole, orphans, pull, states_of, task, work_off


@pytest.fixture
async def server(database):
    async with Whole(database).running() as running:
        yield running


async def test_a_chain_runs_to_its_end(server, database_url) -> None:
    workflow = await server.create(task("A"), task("B", "A"), seal=True)
    hands = await server.worker()
    (first,) = await pull(hands)
    assert (await server.end(first)).changed
    hands.holds.clear()
    (second,) = await pull(hands)
    assert second.name == "B"
    await server.end(second)
    assert await server.until_ended(workflow) is WorkflowState.SUCCESS
    assert await orphans(database_url) == []


async def test_the_same_result_again_gets_the_same_answer_and_is_counted_once(server, database_url) -> None:
    workflow = await server.create(task("A"), task("B"))
    grant, _ = await pull(await server.worker(), 2)
    answers = await asyncio.gather(*(server.end(grant) for _ in range(5)))
    assert sorted(answer.changed for answer in answers) == [False] * 4 + [True]
    assert (await server.end(grant)).changed is False
    async with sql(database_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM jobs WHERE workflow = $1", workflow) == 1


async def test_a_stale_fence_is_refused_alone(server) -> None:
    workflow = await server.create(task("A"), task("B"))
    one, other = await pull(await server.worker(), 2)
    stale = type(one)(**{**{f: getattr(one, f) for f in one.__struct_fields__}, "fence": one.fence + 1})
    answers = await asyncio.gather(server.end(stale), server.end(other), return_exceptions=True)
    assert isinstance(answers[0], Conflict)
    assert answers[0].kind == "stale"
    assert answers[1] == Done(changed=True)
    assert (await server.states(workflow))[one.name] == "RUNNING"


async def test_a_result_from_another_session_does_not_count(server) -> None:
    workflow = await server.create(task("A"))
    (grant,) = await pull(await server.worker("one"))
    other = await server.worker("two")
    forged = type(grant)(
        **{**{f: getattr(grant, f) for f in grant.__struct_fields__}, "session": other.session}
    )
    with pytest.raises(Conflict, match="Nobody waits"):
        await server.end(forged)
    assert await server.states(workflow) == {"A": "RUNNING"}
    assert (await server.end(grant)).changed


async def test_a_copy_with_another_outcome_than_the_first_is_stale(server) -> None:
    await server.create(task("A"))
    (grant,) = await pull(await server.worker())
    await server.end(grant)
    with pytest.raises(Conflict):
        await server.end(grant, TaskState.ERROR)


async def test_what_is_not_there_is_not_found(server) -> None:
    workflow = await server.create(task("A"))
    missing = type(workflow)(int=workflow.int + 1)
    with pytest.raises(NotFound):
        await server.tell(missing, SealWorkflow())
    with pytest.raises(NotFound):
        await server.states(missing)
    with pytest.raises(Conflict, match="id already"):
        await server.tell(workflow, Create(birth=Birth(namespace=1, id=workflow)))


async def test_another_namespace_sees_nothing(server) -> None:
    workflow = await server.create(task("A"))
    with pytest.raises(NotFound):
        await server.lanes.submit(2, workflow, SealWorkflow())


async def test_an_event_behind_a_refused_birth_finds_the_workflow_that_is_only_not_in_memory(
    database,
) -> None:
    async with Whole(database).running() as server:
        workflow = await server.create(task("A"))
    async with Whole(database).running() as server:
        wrong = Create(birth=Birth(namespace=1, id=workflow, done_when=(Term(tags=("x",)),)))
        answers = await asyncio.gather(
            server.tell(workflow, wrong), server.add(workflow, task("B")), return_exceptions=True
        )
        assert not isinstance(answers[1], Exception)
        assert await server.states(workflow) == {"A": "RUNNING", "B": "RUNNING"}


async def test_two_servers_share_one_workflow_and_nothing_is_lost(database_url) -> None:
    async with AsyncExitStack() as stack:
        servers = []
        for _ in range(2):
            database = await Database.connect(database_url, size=8)
            stack.push_async_callback(database.close)
            servers.append(await stack.enter_async_context(Whole(database).running()))
        one, other = servers
        workflow = await one.create(task("join", Term(tags=("t",))))
        adds = [servers[n % 2].add(workflow, task(f"t{n}", tags=("t",))) for n in range(60)]
        await asyncio.gather(*adds)
        await other.tell(workflow, SealWorkflow())
        hands = [await one.worker("one"), await other.worker("two")]
        await asyncio.gather(*(work_off(s, h, [workflow]) for s, h in zip(servers, hands, strict=True)))
        assert set((await one.states(workflow)).values()) == {"SUCCESS"}
        assert await one.states(workflow) == await other.states(workflow)
    assert await orphans(database_url) == []


async def test_catching_up_from_the_change_log_equals_a_fresh_load(database) -> None:
    async def breathe() -> None: ...

    async with Whole(database).running() as server:
        workflow = await server.create(
            task("A", tags=("x",), retry=Retry(count=1)), task("B", "A"), task("J", Term(tags=("x",))),
            task("D", "nobody"),
        )  # fmt: skip
        cached = await load(database, 1, workflow, breathe)
        assert cached is not None
        hands = await server.worker()
        (grant,) = await pull(hands)
        await server.end(grant, TaskState.ERROR)
        hands.holds.clear()
        await server.add(workflow, task("E", "B", tags=("x",)), task("F", Term(tags=("x",), at_least=1)))
        await server.tell(workflow, DeleteTask("D"))
        (grant,) = await pull(hands)
        await server.end(grant)
        await server.tell(workflow, SealWorkflow())
        assert await catch_up(database, [cached], breathe) == {(1, workflow)}
    fresh = await load(database, 1, workflow, breathe)
    assert fresh is not None
    recount(cached.workflow)
    assert (cached.version, cached.stamp) == (fresh.version, fresh.stamp)
    assert states_of(cached.workflow) == states_of(fresh.workflow)
    assert cached.workflow.row == fresh.workflow.row
    assert {n: t.row for n, t in cached.workflow.names.items()} == {
        n: t.row for n, t in fresh.workflow.names.items()
    }


async def test_a_cache_that_is_ahead_of_a_database_that_failed_over_is_not_trusted(
    server, database, database_url
) -> None:
    async def breathe() -> None: ...

    workflow = await server.create(task("A"))
    cached = await load(database, 1, workflow, breathe)
    assert cached is not None
    cached.stamp += 1  # as if another history had led to this version
    await server.add(workflow, task("B"))
    assert not await catch_up(database, [cached], breathe)


async def test_a_deleted_workflow_leaves_nothing_and_a_running_one_stays(server, database_url) -> None:
    workflow = await server.create(task("A"))
    with pytest.raises(Conflict):
        await server.lanes.delete(1, workflow)
    await server.tell(workflow, StopWorkflow())
    await server.lanes.delete(1, workflow)
    with pytest.raises(NotFound):
        await server.lanes.delete(1, workflow)
    with pytest.raises(NotFound):
        await server.add(workflow, task("B"))
    assert await orphans(database_url) == []


async def test_a_cancelled_job_is_stopped_at_its_worker(server, database_url) -> None:
    workflow = await server.create(task("A"))
    hands = await server.worker()
    (grant,) = await pull(hands)
    asking = asyncio.ensure_future(hands.poll(0, 5.0))
    await server.tell(workflow, CancelTask(name="A"))
    async with asyncio.timeout(5):
        answer = await asking
    assert [one.job for one in answer.cancels] == [grant.job]
    with pytest.raises(Conflict):
        await server.end(grant)
    hands.holds.clear()
    await hands.poll(0, 0.0, stopped=(Held(grant.workflow, grant.job, grant.fence),))
    assert await orphans(database_url) == []
    async with sql(database_url) as raw:
        assert await raw.fetchval("SELECT count(*) FROM queue") == 0


async def test_a_cancel_that_meets_a_claim_in_flight_revokes_what_was_claimed(database, database_url) -> None:
    async with Whole(database).running(loops=False) as server:
        workflow = await server.create(task("A"))
        async with sql(database_url) as raw:
            claim = raw.transaction()
            await claim.start()
            await raw.execute("SELECT 1 FROM queue FOR UPDATE")
            cancelling = asyncio.ensure_future(server.tell(workflow, CancelTask(name="A")))
            await blocked(database_url)
            await raw.execute("UPDATE queue SET session = gen_random_uuid(), fence = fence + 1")
            await claim.commit()
            await cancelling
            row = await raw.fetchrow("SELECT fence, revoked_at FROM queue")
    assert row is not None
    assert row["fence"] == 2
    assert row["revoked_at"] is not None


async def blocked(dsn: str) -> None:
    """Until somebody waits for a lock."""
    async with asyncio.timeout(10), sql(dsn) as raw:
        while not await raw.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"):
            await asyncio.sleep(0.01)


async def test_a_namespace_without_room_for_queues_says_so_when_tasks_are_added(database) -> None:
    async with Whole(database, limits=Limits(queues_per_namespace=2)).running() as server:
        workflow = await server.create(task("A"), task("B", "A", tags=("x",)))
        with pytest.raises(TooMany):
            await server.add(workflow, task("C", tags=("y",)))
        assert set(await server.states(workflow)) == {"A", "B"}


async def test_timers_retry_and_strike_deadlines(server, database_url) -> None:
    workflow = await server.create(task("A", retry=Retry(count=1, delay=0.05)), seal=True)
    hands = await server.worker()
    runs = []

    def outcome(grant):
        runs.append(grant.run)
        return TaskState.ERROR if grant.run == 1 else TaskState.SUCCESS

    await work_off(server, hands, [workflow], outcome)
    assert runs == [1, 2]
    deadline = server.clock.now()
    late = await server.create(task("B"), task("C", "B"), deadline=deadline, seal=True)
    assert await server.until_ended(late) is WorkflowState.ERROR
    assert await server.states(late) == {"B": "CANCELLED", "C": "SKIPPED"}
    assert await orphans(database_url) == []


async def test_a_decision_in_small_parts_ends_as_one_in_a_large_part(database, database_url) -> None:
    async with Whole(database, limits=Limits(steps_per_decision=7)).running() as server:
        chain = [task(f"n{n}", *([f"n{n - 1}"] if n else []), action="std.noop") for n in range(100)]
        workflow = await server.create(*chain, seal=True)
        assert await server.until_ended(workflow) is WorkflowState.SUCCESS
        fan = [task(f"f{n}", "gate") for n in range(100)]
        stopped = await server.create(task("gate"), *fan)
        await server.tell(stopped, StopWorkflow())
        assert await server.until_ended(stopped) is WorkflowState.CANCELLED
    assert await orphans(database_url) == []


async def test_what_was_left_for_later_goes_on_at_another_server(database, database_url) -> None:
    limits = Limits(steps_per_decision=3)
    chain = [task(f"n{n}", *([f"n{n - 1}"] if n else []), action="std.noop") for n in range(30)]
    async with Whole(database, limits=limits).running(loops=False) as server:
        workflow = await server.create(*chain, seal=True)
    async with sql(database_url) as raw:  # the server went away; its message is due later
        await raw.execute("UPDATE messages SET due_at = clock_timestamp() - interval '1 second'")
    async with Whole(database, limits=limits).running() as server:
        assert await server.until_ended(workflow) is WorkflowState.SUCCESS
    assert await orphans(database_url) == []


@pytest.mark.parametrize("cached_tasks", [0, 1_000])
async def test_a_fall_to_stillness_in_small_parts_is_one_fall_wherever_it_goes_on(
    database, database_url, cached_tasks
) -> None:
    limits = Limits(steps_per_decision=4)
    async with Whole(database, limits=limits, cached_tasks=cached_tasks).running() as server:
        falls = [task(f"f{n}", "ghost") for n in range(20)]
        freed = task("freed", Term(task="f0", state=TermState.COMPLETE))
        workflow = await server.create(*falls, freed)
        await server.tell(workflow, SealWorkflow())
        async with asyncio.timeout(10):
            while await server.states(workflow) != {
                **{one.name: "SKIPPED" for one in falls},
                "freed": "RUNNING",
            }:
                await asyncio.sleep(0.02)
        async with sql(database_url) as raw:
            while await raw.fetchval("SELECT count(*) FROM messages"):
                await asyncio.sleep(0.02)
    assert await orphans(database_url) == []


@pytest.mark.parametrize("how", [{"notify": False}, {"statement_cache": False}])
async def test_all_works_without_notify_and_without_a_statement_cache(database_url, how) -> None:
    database = await Database.connect(database_url, size=6, **how)
    async with Whole(database).running() as server:
        workflow = await server.create(task("A"), task("B", "A"), task("J", Term(tags=("x",), optional=True)))
        await server.tell(workflow, SealWorkflow())
        await work_off(server, await server.worker(), [workflow])
        assert await server.state(workflow) is WorkflowState.SUCCESS
    await database.close()
    assert await orphans(database_url) == []


async def test_adding_is_all_or_nothing(server) -> None:
    workflow = await server.create(task("A"))
    with pytest.raises(Conflict):
        await server.tell(workflow, AddTasks(tasks=(task("B"), task("A", tags=("other",)))))
    assert set(await server.states(workflow)) == {"A"}
