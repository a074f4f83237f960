"""How PostgreSQL carries out the statements that everything waits for, and what one of them is asked."""

import json
from collections.abc import Iterator
from typing import Any
from uuid import uuid4

import pytest

from ostro.engine.dispatcher.matching import Dirty, Waiting
from ostro.engine.dispatcher.plan import plan
from ostro.engine.dispatcher.session import Ask, Poll, Session
from ostro.store.database import Database
from ostro.store.queue import Queue
from ostro.store.statements import statements
from ostro.store.workers import Worker
from tests.engine.fleet import Server, a_worker, sql

FILL = """
INSERT INTO queue (namespace, workflow, job, task, run, queue, priority, position, safe_rerun, hands_over, queued_at)
SELECT 1, gen_random_uuid(), gen_random_uuid(), gen_random_uuid(), 1, CASE WHEN n % 10 = 0 THEN n % 1000 ELSE 7 END,
    0, n, false, '{}', clock_timestamp()
FROM generate_series(1, 100000) AS n
"""


async def explain(raw: Any, name: str, *args: object) -> dict[str, Any]:
    """The plan as it was carried out, and rolled back."""
    transaction = raw.transaction()
    await transaction.start()
    text = await raw.fetchval("EXPLAIN (ANALYZE, FORMAT JSON) " + statements[name].partition("*/")[2], *args)
    await transaction.rollback()
    explained: dict[str, Any] = json.loads(text)[0]
    return explained


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for inner in node.get("Plans", ()):
        yield from nodes(inner)


def on_queue(explained: dict[str, Any]) -> list[dict[str, Any]]:
    return [node for node in nodes(explained["Plan"]) if node.get("Relation Name") == "queue"]


async def test_a_claim_looks_into_each_queue_by_the_index_and_sorts_none(database: Database) -> None:
    server = Server(database)
    sessions = [await server.dispatcher.register(a_worker(f"w{n}")) for n in range(4)]
    async with sql(database.dsn) as raw:
        await raw.execute(FILL)
        for analyzed in (False, True):
            if analyzed:
                await raw.execute("ANALYZE")
            explained = await explain(
                raw, "queue_claim",
                [1] * 3, [7, 10, 20], [0, 0, 0], [20] * 3,
                [0] * 20, list(range(1, 21)), [1] * 20, sessions * 5,
                await database.now(),
            )  # fmt: skip
            assert "JIT" not in explained, "compiling the statement takes longer than carrying it out"
            touched = on_queue(explained)
            assert {node["Node Type"] for node in touched} <= {"Index Scan", "Index Only Scan", "ModifyTable"}
            looks = [node for node in touched if node.get("Index Name") == "queue_claim"]
            assert len(looks) == 2, "one that picks, one for whether there are more"
            for look in looks:
                assert look["Actual Loops"] <= 3
                assert look["Actual Rows"] <= 21
            sorts = [node for node in nodes(explained["Plan"]) if node["Node Type"] == "Sort"]
            assert all(node["Actual Rows"] <= 60 for node in sorts)


FILL_TASKS = """
WITH numbered AS (SELECT n, gen_random_uuid() AS id FROM generate_series(1, 20000) AS n),
task AS (
    INSERT INTO tasks (namespace, workflow, id, name, tags, hash, state, run, version, spawned, weighs, required,
        created_at, started_at)
    SELECT 1, $1, id, 'task-' || n, '{}', '', 'RUNNING', 1, 1, 0, false, 0, clock_timestamp(), clock_timestamp()
    FROM numbered
), spec AS (
    INSERT INTO task_specs (namespace, workflow, task, spec, input, input_stays) SELECT 1, $1, id, '', '{}', false FROM numbered
), result AS (
    INSERT INTO results (namespace, workflow, task, run, body) SELECT 1, $1, id, 1, '1' FROM numbered
)
INSERT INTO queue (namespace, workflow, job, task, run, queue, priority, position, safe_rerun, hands_over, queued_at)
SELECT 1, $1, gen_random_uuid(), id, 1, 7, 0, n, false, '{}', clock_timestamp() FROM numbered
"""


@pytest.mark.parametrize("analyzed", [False, True])
async def test_a_grant_finds_one_task_among_many_of_its_workflow(database: Database, analyzed: bool) -> None:
    server, workflow = Server(database), uuid4()
    session = await server.dispatcher.register(a_worker())
    slots = [0] * 20, list(range(1, 21)), [1] * 20, [session] * 20
    async with sql(database.dsn) as raw:
        await raw.execute(FILL_TASKS, workflow)
        if analyzed:
            await raw.execute("ANALYZE")
        explained = await explain(raw, "queue_claim", [1], [7], [0], [20], *slots, await database.now())
        used = {node.get("Index Name") for node in nodes(explained["Plan"])}
        assert {"queue_claim", "queue_pkey", "tasks_pkey", "task_specs_pkey"} <= used
        names = [f"task-{n}" for n in range(1, 20_000, 1_000)]
        explained = await explain(raw, "queue_handed_over", [1] * 20, [workflow] * 20, names)
        used = {node.get("Index Name") for node in nodes(explained["Plan"])}
        assert {"tasks_by_name", "results_pkey"} <= used


FILL_IN_ORDER = """
INSERT INTO tasks (namespace, workflow, id, name, tags, hash, state, run, version, spawned, weighs, required, created_at)
SELECT 1, $1, ('00000000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'b' || n, '{}', '', 'WAITING', 0, 1, 0,
    false, 0, clock_timestamp()
FROM generate_series(1, 12000) AS n ORDER BY n
"""


async def test_a_plan_without_statistics_finds_a_task_by_its_key_though_the_index_by_name_is_less_deep(
    database: Database,
) -> None:
    async with sql(database.dsn) as raw:
        await raw.execute(FILL_IN_ORDER, uuid4())
        # As a fan-out leaves them: full pages of the key's index were split when the tasks started.
        await raw.execute("UPDATE tasks SET job = gen_random_uuid(), version = 2")
        await raw.execute("SET enable_seqscan = off; SET enable_mergejoin = off; SET jit = off")
        await raw.execute("SET plan_cache_mode = force_generic_plan")
        for name, arguments in (
            ("queue_claim", 9),
            ("queue_granted", 5),
            ("load_tasks", 5),
            ("load_some_tasks", 3),
        ):
            await raw.execute(f"PREPARE {name} AS {statements[name]}")
            nulls = ", ".join(["NULL"] * arguments)
            plan = "\n".join(row[0] for row in await raw.fetch(f"EXPLAIN EXECUTE {name} ({nulls})"))
            assert "tasks_pkey" in plan, plan
            assert "tasks_by_name" not in plan, plan


async def test_the_fall_back_look_leaps_from_queue_to_queue(database: Database) -> None:
    async with sql(database.dsn) as raw:
        await raw.execute(FILL)
        await raw.execute("ANALYZE")
        explained = await explain(raw, "queue_filled", [1], [-(2**63)], 2_000)
        assert explained["Plan"]["Actual Rows"] == 101
        for node in on_queue(explained):
            assert node["Node Type"] in {"Index Scan", "Index Only Scan"}
            assert node["Actual Rows"] <= 1


async def test_looks_for_what_ran_out_read_no_queued_rows(database: Database) -> None:
    async with sql(database.dsn) as raw:
        await raw.execute(FILL)
        await raw.execute("ANALYZE")
        now = await database.now()
        for name, args in {
            "queue_lost": ([1], now, 100),
            "queue_overdue": ([1], now, now, 100),
            "queue_revoked": ([1],),
        }.items():
            for node in on_queue(await explain(raw, name, *args)):
                assert "Index" in node["Node Type"], name


def a_poll(worker: Worker, free: int = 1) -> Poll:
    session = Session(uuid4(), worker)
    return Poll(session, Ask(namespace=1, token="t", session=session.id, counter=1, free=free))


def test_polls_with_the_same_wish_are_one_party_and_a_queue_is_offered_once() -> None:
    shared, own = Queue(1, 1, "script", {}, ()), Queue(1, 2, "script", {"server": "x"}, ())
    dirty, waiting = Dirty(), Waiting[Poll]()
    polls = [a_poll(a_worker(f"w{n}"), free=n + 1) for n in range(3)]
    special = a_poll(a_worker("x", capabilities={"server": frozenset({"x"})}))
    for queue in (shared, own):
        dirty.add(queue)
    for poll in (*polls, special):
        waiting.add(poll, poll.session.worker)
    planned = plan([shared, own], [], dirty, waiting)
    assert [(party.polls, party.queues) for party in planned.parties] == [
        (polls, [shared]),
        ([special], [own]),
    ]
    assert planned.parties[0].slots == [*polls, *polls[1:], polls[2]]  # in turn
    assert planned.left == []


def test_a_new_poll_is_offered_what_is_dirty_and_who_left_is_offered_nothing() -> None:
    queue = Queue(1, 1, "script", {}, ())
    dirty, waiting = Dirty(), Waiting[Poll]()
    dirty.add(queue)
    poll, left = a_poll(a_worker()), a_poll(a_worker())
    waiting.add(poll, poll.session.worker)
    (party,) = plan([], [left, poll], dirty, waiting).parties
    assert (party.polls, party.queues) == ([poll], [queue])
    assert plan([], [left], dirty, waiting).parties == []


def test_what_does_not_fit_into_one_statement_is_left_for_the_next() -> None:
    many = [Queue(1, n, "script", {}, (f"t{n}",)) for n in range(1_200)]
    dirty, waiting = Dirty(), Waiting[Poll]()
    for queue in many:
        dirty.add(queue)
    poll = a_poll(a_worker())
    waiting.add(poll, poll.session.worker)
    planned = plan(many, [], dirty, waiting)
    assert len(planned.parties[0].queues) == 500
    assert len(planned.left) == 700
