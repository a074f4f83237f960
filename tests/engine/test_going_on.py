"""Jobs whose worker has done its part, and whose end comes from outside."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from ostro.core.events import JobEnded, StopWorkflow
from ostro.store.database import Database
from ostro.store.queue import Granted, Held
from ostro.values import Retry, TaskState, WorkflowState
from tests.engine.fleet import Hands, sql
from tests.engine.whole import Whole, orphans, pull, task


@pytest.fixture
async def whole(database: Database) -> AsyncIterator[Whole]:
    async with Whole(database).running() as running:
        yield running


def held(grant: Granted) -> Held:
    return Held(grant.workflow, grant.job, grant.fence)


async def begin(whole: Whole, hands: Hands, **more: Any) -> Granted:
    """A job that was pulled and goes on."""
    await whole.create(task("a", **more), seal=True)
    (grant,) = await pull(hands)
    assert await whole.dispatcher.go_on(1, hands.session, [held(grant)]) == {grant.job}
    await hands.poll(0, settled=(held(grant),))
    hands.holds.clear()
    return grant


async def of_job(whole: Whole, job: UUID) -> dict[str, object]:
    async with sql(whole.database.dsn) as raw:
        return dict(await raw.fetchrow("SELECT * FROM queue WHERE job = $1", job) or {})


async def test_nobody_claims_it_and_the_end_of_the_session_does_not_end_it(whole: Whole) -> None:
    hands = await whole.worker()
    grant = await begin(whole, hands)
    await whole.dispatcher.leave(1, "t", hands.session)
    await whole.dispatcher.free_lost([1], whole.clock.now())
    assert (await (await whole.worker("other")).poll(5, 0.1)).grants == []
    row = await of_job(whole, grant.job)
    assert (row["queue"], row["session"], row["fence"], row["worker"]) == (0, None, 1, "w")
    assert await whole.states(grant.workflow) == {"a": "RUNNING"}
    assert await orphans(whole.database.dsn) == []


async def test_it_ends_as_somebody_outside_says(whole: Whole) -> None:
    grant = await begin(whole, await whole.worker())
    ended = JobEnded(job=grant.job, fence=grant.fence, state=TaskState.SUCCESS, result=b"1")
    await whole.tell(grant.workflow, ended)
    assert await whole.until_ended(grant.workflow) is WorkflowState.SUCCESS
    assert await orphans(whole.database.dsn) == []


async def test_said_again_it_gets_the_same_answer_also_after_its_end(whole: Whole) -> None:
    hands = await whole.worker()
    grant = await begin(whole, hands)
    assert await whole.dispatcher.go_on(1, hands.session, [held(grant)]) == {grant.job}
    await whole.tell(grant.workflow, JobEnded(job=grant.job, fence=1, state=TaskState.SUCCESS))
    assert await whole.dispatcher.go_on(1, hands.session, [held(grant)]) == {grant.job}
    other_fence = Held(grant.workflow, grant.job, 2)
    assert await whole.dispatcher.go_on(1, hands.session, [other_fence]) == set()


async def test_a_job_of_another_session_does_not_go_on(whole: Whole) -> None:
    await whole.create(task("a"), seal=True)
    (grant,) = await pull(await whole.worker())
    stranger = await whole.worker("stranger")
    assert await whole.dispatcher.go_on(1, stranger.session, [held(grant)]) == set()
    assert (await of_job(whole, grant.job))["session"] == grant.session


async def test_its_time_runs_out_as_any_other_jobs_does(whole: Whole) -> None:
    grant = await begin(whole, await whole.worker(), timeout=0.3)
    assert await whole.until_ended(grant.workflow) is WorkflowState.ERROR
    assert await of_job(whole, grant.job) == {}


async def test_it_can_be_cancelled(whole: Whole) -> None:
    grant = await begin(whole, await whole.worker())
    await whole.tell(grant.workflow, StopWorkflow())
    assert await whole.until_ended(grant.workflow) is WorkflowState.CANCELLED
    assert await of_job(whole, grant.job) == {}


async def test_a_retry_is_a_job_of_its_own(whole: Whole) -> None:
    hands = await whole.worker()
    grant = await begin(whole, hands, retry=Retry(count=1, delay=0))
    await whole.tell(grant.workflow, JobEnded(job=grant.job, fence=1, state=TaskState.ERROR, error="no"))
    async with asyncio.timeout(10):
        (again,) = await pull(hands)
    assert (again.job != grant.job, again.run) == (True, 2)
