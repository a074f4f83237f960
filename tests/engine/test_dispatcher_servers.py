"""Several servers on one database: every job is granted once, none is forgotten."""

import asyncio
from collections import Counter
from uuid import UUID

import pytest

from ostro.store.database import Database
from tests.engine.fleet import Hands, Server, a_worker, sql

TARGETS: list[dict[str, str]] = [{}, {"server": "w0"}, {"server": "w1"}, {"server": "w2"}]


@pytest.mark.parametrize("notify", [True, False])
async def test_two_servers_never_grant_one_job_twice_and_all_are_granted(
    database_url: str, notify: bool
) -> None:
    databases = [
        await Database.connect(database_url, size=3, statement_cache=notify, notify=notify) for _ in range(2)
    ]
    granted: Counter[tuple[UUID, int]] = Counter()
    count = 400
    async with Server(databases[0]).running() as one, Server(databases[1]).running() as two:
        jobs = []

        async def work(hands: Hands) -> None:
            while sum(granted.values()) < count:
                answer = await hands.poll(free=7, wait=0.2, keep=False, settled=())
                granted.update((grant.job, grant.fence) for grant in answer.grants)
                for grant in answer.grants:  # it is done at once
                    async with sql(database_url) as raw:
                        await raw.execute(
                            "DELETE FROM queue WHERE job = $1 AND fence = $2", grant.job, grant.fence
                        )

        workers = [
            Hands(server, a_worker(f"{n}{where}", capabilities={"server": frozenset({f"w{n}"})}))
            for n in range(3)
            for where, server in enumerate((one, two))
        ]
        async with asyncio.TaskGroup() as group:
            for hands in workers:
                group.create_task(work(await hands.register()))
            for n in range(count // 20):
                server = (one, two)[n % 2]
                jobs += await server.add(20, target=TARGETS[n % 4], tags=("even",) if n % 3 else ())
    # The fence may be further: a claim that comes back when its poll has gone is given back.
    assert Counter(job for job, _fence in granted.elements()) == Counter(job.job for job in jobs)
    for database in databases:
        await database.close()


async def test_a_job_queued_at_one_server_reaches_a_poll_at_another(database: Database) -> None:
    async with Server(database).running() as one, Server(database).running() as two:
        hands = await Hands(two, a_worker()).register()
        async with asyncio.TaskGroup() as group:
            polling = group.create_task(hands.poll(wait=2))
            (job,) = await one.add(tags=("new",))
        assert [grant.job for grant in polling.result().grants] == [job.job]


async def test_a_worker_that_takes_its_place_at_another_server_ends_its_poll_here(database: Database) -> None:
    worker = a_worker()
    async with Server(database).running() as one, Server(database).running() as two:
        former = await Hands(one, worker).register()

        async def move() -> Hands:
            return await Hands(two, worker).register()

        _parked, hands = await asyncio.gather(former.poll(wait=0.2), move(), return_exceptions=True)
        assert isinstance(hands, Hands)
        (job,) = await one.add()
        (grant,) = (await hands.poll(wait=2)).grants
        assert (grant.job, grant.fence) == (job.job, 1)
