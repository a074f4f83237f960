"""Direct hand-off: a job that a commit queues goes to a poll that waits here, with the same commit."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import pytest

from ostro.core.events import JobEnded
from ostro.engine.dispatcher import Answered, Held
from ostro.errors import NotFound, OstroError
from ostro.store.database import Database
from ostro.store.queue import Granted
from ostro.values import TaskState, Term, WorkflowState
from tests.engine.fleet import Hands, sql
from tests.engine.whole import Whole, pull, task


async def report(server: Whole, hands: Hands, grant: Granted, free: int = 1, **how: Any) -> Answered:
    """A poll that brings a job's result, as service does it."""
    ended = JobEnded(job=grant.job, fence=grant.fence, state=TaskState.SUCCESS, result=b'{"n":7}', error=None)

    async def settle() -> list[Held]:
        await server.lanes.submit(1, grant.workflow, ended, session=grant.session)
        return [hands.holds.pop(grant.job)]

    ask = hands.ask(free, 0.0, **how)
    answer = await server.dispatcher.poll(ask, settle)
    for one in answer.grants:
        hands.holds[one.job] = Held(one.workflow, one.job, one.fence)
    return answer


async def outcome_of(work: Awaitable[Answered]) -> Answered | OstroError:
    try:
        return await work
    except OstroError as error:
        return error


async def test_a_step_of_a_chain_comes_with_the_answer_to_the_result_before_it(database: Database) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker()
        chain = [task(f"t{n}", *([f"t{n - 1}"] if n else [])) for n in range(5)]
        workflow = await server.create(*chain, seal=True)
        (grant,) = await pull(hands)
        for n in range(1, 5):
            (grant,) = (await report(server, hands, grant)).grants
            assert (grant.name, grant.place, grant.fence) == (f"t{n}", None, 1), "handed over, not claimed"
            assert grant.requires == {f"t{n - 1}": b'{"n":7}'}
        assert (await report(server, hands, grant)).grants == []
        assert await server.until_ended(workflow) is WorkflowState.SUCCESS


async def test_a_new_job_goes_to_a_worker_that_waits_with_its_lease_in_the_row(database: Database) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(hands.poll(wait=5))
            while not server.dispatcher.waiting:
                await asyncio.sleep(0)
            await server.create(task("A", timeout=60.0), seal=True)
        (grant,) = waiting.result().grants
        assert grant.place is None
        async with sql(database.dsn) as raw:
            row = await raw.fetchrow("SELECT * FROM queue")
            assert row is not None
        assert (row["session"], row["worker"], row["fence"]) == (hands.session, "w", 1)
        assert row["claimed_at"] is not None
        assert grant.until is not None
        assert grant.until <= row["until"], "the worker gives up no later than the server"


async def test_a_job_that_waits_already_is_never_overtaken_by_one_handed_over(database: Database) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker(capabilities={"role": frozenset({"web"})})
        first = await server.create(task("first"), seal=True)
        (held,) = await pull(hands)
        older = await server.create(task("older", target={"role": "web"}), seal=True)
        await server.add(await server.create(task("newer", "gate"), task("gate", action="std.noop")))
        (grant,) = (await report(server, hands, held)).grants
        assert grant.workflow == older
        assert await server.state(first) is WorkflowState.SUCCESS


async def test_a_session_that_is_just_ending_gets_nothing_and_the_job_is_queued(database: Database) -> None:
    async with Whole(database).running() as server:
        leaving = await server.worker("leaving")
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(outcome_of(leaving.poll(wait=2.0)))
            while not server.dispatcher.waiting:
                await asyncio.sleep(0)
            async with sql(database.dsn) as raw, raw.transaction():
                await raw.execute("SELECT FROM workers FOR UPDATE")
                await raw.execute("UPDATE workers SET left_at = clock_timestamp()")
            workflow = await server.create(task("A"), seal=True)
        other = await server.worker("other")
        (grant,) = await pull(other)
        assert isinstance(waiting.result(), NotFound)
        assert (grant.workflow, grant.fence) == (workflow, 1)


@pytest.mark.parametrize("size", [10, 5_000])
async def test_whatever_the_size_of_its_input_a_job_comes_whole(database: Database, size: int) -> None:
    text = b'{"run":"' + b"x" * size + b'"}'
    async with Whole(database).running() as server:
        hands = await server.worker()
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(hands.poll(wait=5))
            while not server.dispatcher.waiting:
                await asyncio.sleep(0)
            await server.create(task("A", input=text), seal=True)
        (grant,) = waiting.result().grants
        assert grant.input == text


async def test_jobs_of_one_commit_spread_over_the_workers_that_wait(database: Database) -> None:
    async with Whole(database).running() as server:
        crew = [await server.worker(f"w{n}", slots=4) for n in range(3)]
        async with asyncio.TaskGroup() as group:
            polls = [group.create_task(hands.poll(free=4, wait=5)) for hands in crew]
            while server.dispatcher.waiting < len(crew):
                await asyncio.sleep(0)
            await server.create(*(task(f"t{n}") for n in range(6)), seal=True)
        assert [len(poll.result().grants) for poll in polls] == [2, 2, 2]


async def test_a_newcomer_does_not_wait_for_a_thousand_jobs_of_another_workflow(database: Database) -> None:
    async with Whole(database).running() as server:
        crowd = await server.create(*(task(f"t{n}") for n in range(1_000)), seal=True)
        hands = await server.worker()
        assert {one.workflow for one in await pull(hands, 20)} == {crowd}
        newcomer = await server.create(*(task(f"n{n}") for n in range(20)), seal=True)
        found = [one.workflow for one in await pull(hands, 30)]
        assert 10 <= found.count(newcomer) <= 20, "the two workflows take turns"


async def test_a_job_leased_by_a_commit_whose_answer_was_lost_is_handed_out_after_all(
    database: Database,
) -> None:
    async with Whole(database).running() as server:
        hands = await server.worker()
        await hands.poll()
        await server.create(task("A", Term(tags=("none",))), seal=False)
        workflow = await server.create(task("B"), seal=True)
        async with sql(database.dsn) as raw:  # as if the commit had leased it and nobody here heard of it
            job = await raw.fetchval(
                "UPDATE queue SET session = $1, worker = 'w', fence = 1 RETURNING job", hands.session
            )
        async with asyncio.timeout(10):
            grants: list[Granted] = []
            while not grants:
                grants = (await hands.poll(wait=0.2)).grants
        assert (grants[0].workflow, grants[0].job) == (workflow, job)
