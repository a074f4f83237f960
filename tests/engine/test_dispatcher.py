"""Jobs come to the workers that are meant for them, once, and come back when their worker is gone."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from ostro.engine.parked import Hint
from ostro.errors import Conflict, NotFound
from ostro.store.database import Database
from ostro.values import Limits
from tests.engine.fleet import Hands, Server, a_worker, row, sql


@pytest.fixture
async def server(database: Database) -> AsyncIterator[Server]:
    async with Server(database).running() as running:
        yield running


async def test_a_waiting_worker_gets_a_job_as_soon_as_it_is_queued(server: Server) -> None:
    hands = await Hands(server, a_worker(capabilities={"server": frozenset({"x"})})).register()
    async with asyncio.TaskGroup() as group:
        polling = group.create_task(hands.poll(free=3, wait=2))
        await server.add(target={"server": "y"})
        (job,) = await server.add(target={"server": "x"}, name="deploy", timeout=60.0)
    (grant,) = polling.result().grants
    assert (grant.job, grant.workflow, grant.task, grant.name) == (job.job, job.workflow, job.task, "deploy")
    assert (grant.fence, grant.run, grant.action, grant.timeout) == (1, 1, "script", 60.0)
    assert grant.input == f'{{"n":{job.place}}}'.encode()
    leased = await row(server.database.dsn, job)
    assert leased is not None
    assert (leased["session"], leased["worker"], leased["fence"]) == (hands.session, "w", 1)
    assert grant.until == leased["until"]
    assert (leased["until"] - leased["claimed_at"]).total_seconds() == 60


async def test_all_works_without_hints(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    (job,) = await server.add(tell=False)
    answer = await hands.poll(wait=2)
    assert [grant.job for grant in answer.grants] == [job.job]


async def test_better_jobs_come_first_and_equal_ones_in_their_order(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    usual = await server.add(3, tell=False)
    urgent = await server.add(2, priority=7, tags=("b",), tell=False)
    await server.dispatcher.look()
    answer = await hands.poll(free=4, wait=2)
    while len(answer.grants) < 4:
        answer.grants += (await hands.poll(free=4 - len(answer.grants), wait=2)).grants
    assert [grant.job for grant in answer.grants] == [job.job for job in urgent + usual[:2]]


async def test_results_of_required_tasks_travel_with_the_job(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    workflow = uuid4()
    first, second = await server.add(workflow=workflow, name="build", action="other") + await server.add(
        workflow=workflow, name="silent", action="other"
    )
    async with sql(server.database.dsn) as raw:
        await raw.execute(
            "INSERT INTO results (namespace, workflow, task, run, body) VALUES (1, $1, $2, 1, $3)",
            workflow, first.task, b'{"id": 1.50}',
        )  # fmt: skip
    assert second.name == "silent"
    await server.add(workflow=workflow, hands_over=("build", "silent"))
    (grant,) = (await hands.poll(wait=2)).grants
    assert grant.requires == {"build": b'{"id": 1.50}', "silent": b"null"}


async def test_what_did_not_arrive_is_handed_out_again_with_the_same_fence(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    (job,) = await server.add()
    lost = await hands.poll(wait=2, keep=False)
    again = await hands.poll(wait=2)
    assert (
        [(g.job, g.fence) for g in lost.grants] == [(g.job, g.fence) for g in again.grants] == [(job.job, 1)]
    )
    assert (await hands.poll()).grants == []


async def test_an_answer_that_could_not_be_written_frees_its_leases_at_once(server: Server) -> None:
    hands = await Hands(server, a_worker("one")).register()
    other = await Hands(server, a_worker("two")).register()
    (job,) = await server.add()
    answer = await hands.poll(wait=2, keep=False)
    server.dispatcher.give_back(answer)
    (grant,) = (await other.poll(wait=2)).grants
    assert (grant.job, grant.fence) == (job.job, 2)
    assert (await hands.poll()).grants == []


async def test_a_poll_whose_client_went_away_holds_nothing(server: Server) -> None:
    hands = await Hands(server, a_worker("one")).register()
    other = await Hands(server, a_worker("two")).register()
    async with asyncio.TaskGroup() as group:
        polling = group.create_task(hands.poll(wait=2))
        await asyncio.sleep(0.05)
        polling.cancel()
    (job,) = await server.add()
    (grant,) = (await other.poll(wait=2)).grants
    assert grant.job == job.job


async def test_a_newer_request_releases_the_parked_one_and_an_older_one_is_ignored(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(hands.poll(wait=2))
        await asyncio.sleep(0.05)
        second = group.create_task(hands.poll(wait=2))
        assert (await first).released
        await server.add()
    assert len(second.result().grants) == 1
    late = hands.ask()
    late.counter = 1
    assert (await server.dispatcher.poll(late)).released


async def test_a_revoked_job_is_told_to_a_busy_worker_until_it_says_that_it_stopped(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    (job,) = await server.add()
    await hands.poll(wait=2)
    async with asyncio.TaskGroup() as group:
        busy = group.create_task(hands.poll(free=0, wait=2))
        async with sql(server.database.dsn) as raw:
            await raw.execute(
                "UPDATE queue SET fence = fence + 1, revoked_at = clock_timestamp() WHERE job = $1", job.job
            )
        server.parked.tell(Hint(1, sessions=(hands.session,)))
    (order,) = busy.result().cancels
    assert (order.job, order.fence) == (job.job, 1)
    assert (await hands.poll(free=0)).cancels == []  # it was told just now, and is given time
    assert await row(server.database.dsn, job) is not None
    del hands.holds[job.job]
    await hands.poll(free=0, stopped=(job.held(),))
    assert await row(server.database.dsn, job) is None


async def test_a_revocation_is_found_without_a_hint_and_a_vanished_job_is_cancelled(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    job, other = await server.add(2)
    await hands.poll(free=2, wait=2)
    async with asyncio.TaskGroup() as group:
        busy = group.create_task(hands.poll(free=0, wait=2))
        async with sql(server.database.dsn) as raw:
            await raw.execute(
                "UPDATE queue SET fence = fence + 1, revoked_at = clock_timestamp() WHERE job = $1", job.job
            )
    assert [order.job for order in busy.result().cancels] == [job.job]
    async with asyncio.TaskGroup() as group:
        busy = group.create_task(hands.poll(free=0, wait=2))
        async with sql(server.database.dsn) as raw:
            await raw.execute("DELETE FROM queue WHERE job = $1", other.job)
    assert [order.job for order in busy.result().cancels] == [other.job]


async def test_a_settled_job_is_neither_handed_out_again_nor_cancelled(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    (job,) = await server.add()
    await hands.poll(wait=2)
    async with sql(server.database.dsn) as raw:
        await raw.execute("DELETE FROM queue WHERE job = $1", job.job)
    held = hands.holds.pop(job.job)
    answer = await hands.poll(settled=(held,))
    assert (answer.grants, answer.cancels) == ([], [])


async def test_the_end_of_a_former_hand_out_leaves_the_later_one_of_the_same_job_alone(
    server: Server,
) -> None:
    hands = await Hands(server, a_worker()).register()
    (job,) = await server.add()
    await hands.poll(wait=2)
    async with sql(server.database.dsn) as raw:  # it was given back, as if the answer had been lost
        await raw.execute("UPDATE queue SET session = NULL, worker = NULL WHERE job = $1", job.job)
    server.parked.tell(Hint(1, queues=(job.queue,), sessions=(hands.session,)))
    assert [(order.job, order.fence) for order in (await hands.poll(wait=2)).cancels] == [(job.job, 1)]
    (again,) = (await hands.poll(wait=2)).grants
    assert again.fence == 2
    assert hands.holds == {job.job: job.held(2)}
    answer = await hands.poll(stopped=(job.held(1),))
    assert (answer.grants, answer.cancels) == ([], [])
    session = server.dispatcher._sessions.get(hands.session)
    assert session is not None
    assert session.held == {job.job: job.held(2)}, "it runs on, and is not told to stop"


async def test_another_instance_does_not_get_a_name_that_is_in_use(server: Server) -> None:
    await Hands(server, a_worker("web-1")).register()
    with pytest.raises(Conflict) as refused:
        await Hands(server, a_worker("web-1")).register()
    assert refused.value.kind == "worker_name_taken"
    with pytest.raises(Conflict):
        await Hands(server, a_worker("web-1", token="another")).register(replace=True)
    await Hands(server, a_worker("web-1")).register(replace=True)


async def test_the_same_instance_takes_over_what_it_still_runs(server: Server) -> None:
    worker = a_worker()
    hands = await Hands(server, worker).register()
    kept, dropped = await server.add(2, safe_rerun=True)
    await hands.poll(free=2, wait=2)
    again = await Hands(server, worker).register(held=[kept.held()])
    again.holds = {kept.job: kept.held()}
    with pytest.raises(NotFound) as gone:
        await hands.poll()
    assert gone.value.kind == "session_unknown"
    await server.dispatcher.free_lost([1], server.clock.now())
    (grant,) = (await again.poll(wait=2)).grants
    assert (grant.job, grant.fence) == (dropped.job, 2)
    mine = await row(server.database.dsn, kept)
    assert mine is not None
    assert (mine["session"], mine["fence"]) == (again.session, 1)


async def test_a_job_that_is_not_safe_to_run_again_is_reported_when_its_worker_left(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    (job,) = await server.add()
    await hands.poll(wait=2)
    assert await server.dispatcher.free_lost([1], server.clock.now()) == []
    await server.dispatcher.leave(1, "t", hands.session)
    assert server.dispatcher.lost.is_set()
    (lost,) = await server.dispatcher.free_lost([1], server.clock.now())
    assert (lost.job, lost.fence, lost.worker) == (job.job, 1, "w")


async def test_a_revoked_token_ends_its_parked_polls(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()

    async def revoke() -> None:
        await server.dispatcher.end_sessions_of_token(1, "t")

    parked, _revoked = await asyncio.gather(hands.poll(wait=2), revoke(), return_exceptions=True)
    assert isinstance(parked, NotFound)
    with pytest.raises(NotFound):
        await hands.poll()


async def test_a_session_of_another_token_or_namespace_is_unknown(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    with pytest.raises(NotFound):
        await hands.poll(token="another")
    with pytest.raises(NotFound):
        await hands.poll(namespace=2)


async def test_a_filter_may_change_with_each_poll(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    (plain,) = await server.add()
    (tagged,) = await server.add(tags=("Deployment",))
    first = await hands.poll(free=2, wait=2, tags=frozenset({"Deployment", "x"}))
    assert [grant.job for grant in first.grants] == [tagged.job]
    second = await hands.poll(free=1, wait=2, tags=None)
    assert [grant.job for grant in second.grants] == [plain.job]


async def test_live_workers_are_listed_with_what_they_hold(server: Server) -> None:
    hands = await Hands(server, a_worker("b", slots=4)).register()
    await Hands(server, a_worker("a", slots=1, capabilities={"role": frozenset({"db", "web"})})).register()
    await server.add()
    await hands.poll(wait=2)
    listed = await server.dispatcher.live_workers(1)
    assert [(one.name, one.slots, one.busy) for one in listed] == [("a", 1, 0), ("b", 4, 1)]
    assert listed[0].capabilities == {"role": {"db", "web"}}


async def test_polling_renews_and_a_session_that_left_elsewhere_is_found_out(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    async with sql(server.database.dsn) as raw:
        before = await raw.fetchval("SELECT expires_at FROM workers")
        await hands.poll()
        await server.dispatcher.renew()
        assert await raw.fetchval("SELECT expires_at FROM workers") > before
        await raw.execute("UPDATE workers SET left_at = clock_timestamp()")
    with pytest.raises(NotFound):
        await hands.poll(wait=2)
        await server.dispatcher.renew()
        await hands.poll(wait=2)


async def test_a_session_moves_between_servers(server: Server, database: Database) -> None:
    async with Server(database).running() as other:
        hands = await Hands(server, a_worker()).register()
        (job,) = await server.add()
        await hands.poll(wait=2)
        hands.server = other
        assert (await hands.poll()).grants == []
        hands.server = server
        assert (await hands.poll(keep=False)).cancels == []
        hands.server = other
        del hands.holds[job.job]
        assert [grant.job for grant in (await hands.poll()).grants] == [job.job]


async def test_a_token_has_a_limit_of_sessions(database: Database) -> None:
    server = Server(database, limits=Limits(sessions_per_token=1))
    await Hands(server, a_worker("one")).register()
    with pytest.raises(Exception, match="1 live sessions"):
        await Hands(server, a_worker("two")).register()


async def test_a_brief_poll_comes_back_after_one_claim(server: Server) -> None:
    hands = await Hands(server, a_worker()).register()
    first, second = await server.add(2)
    taken = await hands.poll(wait=0)
    assert [grant.job for grant in taken.grants] == [first.job]
    settled = hands.holds.pop(first.job)
    taken = await hands.poll(wait=0, settled=(settled,))
    assert [grant.job for grant in taken.grants] == [second.job]
    assert (await hands.poll(free=0, wait=0)).grants == []
