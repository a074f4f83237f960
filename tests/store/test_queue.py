"""The statements about queue rows touch what they are meant for and nothing else."""

from uuid import uuid4

from ostro.clock import new_id
from ostro.store import queue
from ostro.store.database import Database
from ostro.store.queue import Granted, Held, Offer
from tests.engine.fleet import Job, Server, a_worker, row


async def claimed(database: Database, count: int = 1) -> tuple[list[Job], list[Granted]]:
    server = Server(database)
    session = await server.dispatcher.register(a_worker())
    jobs = await server.add(count)
    slots = [(0, number, 1, session) for number in range(1, count + 1)]
    offer = Offer(queues=[(1, jobs[0].queue, 0)], slots=slots, most={0: count})
    grants, more = await queue.claim(database, offer, await database.now())
    assert more == set()
    return jobs, grants


async def test_a_claim_takes_no_more_than_there_are_slots(database: Database) -> None:
    server = Server(database)
    session = await server.dispatcher.register(a_worker())
    jobs = await server.add(5)
    offer = Offer(queues=[(1, jobs[0].queue, 0)], slots=[(0, 1, 1, session), (0, 2, 1, session)], most={0: 2})
    grants, more = await queue.claim(database, offer, await database.now())
    assert [grant.job for grant in grants] == [job.job for job in jobs[:2]]
    assert more == {session}
    offer = Offer(queues=[(1, jobs[0].queue, 0)], slots=[(0, n, 1, session) for n in (1, 2, 3)], most={0: 3})
    grants, more = await queue.claim(database, offer, await database.now())
    assert [grant.job for grant in grants] == [job.job for job in jobs[2:]]
    assert more == set(), "there were exactly as many as there were slots"


async def test_a_session_that_is_no_more_claims_nothing(database: Database) -> None:
    server = Server(database)
    (job,) = await server.add()
    offer = Offer(queues=[(1, job.queue, 0)], slots=[(0, 1, 1, uuid4())], most={0: 1})
    assert await queue.claim(database, offer, await database.now()) == ([], set())


async def test_each_party_is_served_from_its_own_queues(database: Database) -> None:
    server = Server(database)
    one, two = [await server.dispatcher.register(a_worker(name)) for name in ("one", "two")]
    (web,) = await server.add(target={"role": "web"})
    (db,) = await server.add(target={"role": "db"}, priority=9)
    offer = Offer(
        queues=[(1, web.queue, 0), (1, db.queue, 1)],
        slots=[(0, 1, 1, one), (0, 2, 1, one), (1, 1, 1, two), (1, 2, 1, two)],
        most={0: 2, 1: 2},
    )
    grants, _more = await queue.claim(database, offer, await database.now())
    assert {grant.job: grant.session for grant in grants} == {web.job: one, db.job: two}


async def test_a_lease_is_given_back_only_by_who_holds_it(database: Database) -> None:
    (job,), (grant,) = await claimed(database)
    other = Granted(
        **{field: getattr(grant, field) for field in grant.__struct_fields__} | {"session": new_id()}
    )
    assert await queue.give_back(database, [other]) == []
    assert await queue.give_back(database, [grant]) == [(1, job.queue)]
    freed = await row(database.dsn, job)
    assert freed is not None
    assert (freed["session"], freed["worker"], freed["fence"]) == (None, None, 1)
    assert await queue.give_back(database, [grant]) == []


async def test_only_what_was_revoked_can_be_stopped(database: Database) -> None:
    (job,), (grant,) = await claimed(database)
    assert await queue.stopped(database, 1, grant.session, [(job.workflow, job.job)]) == 0
    assert await row(database.dsn, job) is not None


async def test_what_is_believed_to_be_held_is_compared_with_the_rows(database: Database) -> None:
    (job,), (grant,) = await claimed(database)
    truth, here = Held(job.workflow, job.job, 1), [(1, grant.session)]
    assert await queue.stray(database, here, []) == {grant.session}, "it holds a job that nobody knows of"
    assert await queue.stray(database, here, [(1, grant.session, truth)]) == set()
    assert await queue.stray(database, here, [(1, grant.session, Held(job.workflow, job.job, 2))]) == {
        grant.session
    }
    gone = Held(job.workflow, uuid4(), 1)
    assert await queue.stray(database, here, [(1, grant.session, truth), (1, grant.session, gone)]) == {
        grant.session
    }


async def test_a_filled_queue_is_listed_from_where_the_last_look_ended(database: Database) -> None:
    server = Server(database)
    jobs = [(await server.add(target={"server": name}))[0] for name in "abc"]
    await server.add(2, namespace=2)
    ids = sorted(job.queue for job in jobs)
    assert await queue.filled(database, [(1, -(2**63))], 2) == [(1, one) for one in ids[:2]]
    assert await queue.filled(database, [(1, ids[1])], 2) == [(1, ids[2])]
