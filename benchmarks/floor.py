"""The floor: the same rows written, claimed and finished by a bare batch loop on the same PostgreSQL."""

import asyncio
import statistics
import time
from uuid import UUID

import asyncpg

from ostro.clock import new_id

_BATCH = 500
_LOOPS = 2

_TABLES = """
CREATE TABLE IF NOT EXISTS floor_tasks (ns int, wf uuid, id uuid, name text, state text, at timestamptz,
    PRIMARY KEY (ns, wf, id));
CREATE TABLE IF NOT EXISTS floor_queue (ns int, wf uuid, job uuid, task uuid, q bigint, pos bigint, fence int,
    session uuid, PRIMARY KEY (ns, wf, job));
CREATE INDEX IF NOT EXISTS floor_claim ON floor_queue (ns, q, pos) WHERE session IS NULL;
CREATE TABLE IF NOT EXISTS floor_jobs (ns int, wf uuid, id uuid, state text, at timestamptz, PRIMARY KEY (ns, wf, id));
"""
_WRITE = """
WITH t AS (INSERT INTO floor_tasks SELECT 1, wf, task, 'a', 'RUNNING', $4 FROM unnest($1::uuid[], $2::uuid[]) u(wf, task))
INSERT INTO floor_queue SELECT 1, wf, job, task, $5, pos, 0, NULL
FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) WITH ORDINALITY u(wf, task, job, pos)
"""
_CLAIM = """
UPDATE floor_queue q SET session = $2, fence = fence + 1
FROM (SELECT ns, wf, job FROM floor_queue WHERE ns = 1 AND q = $1 AND session IS NULL ORDER BY pos LIMIT $3
      FOR UPDATE SKIP LOCKED) c
WHERE q.ns = c.ns AND q.wf = c.wf AND q.job = c.job RETURNING q.wf, q.job, q.task
"""
_FINISH = """
WITH d AS (DELETE FROM floor_queue q USING unnest($1::uuid[], $2::uuid[]) u(wf, job)
           WHERE q.ns = 1 AND q.wf = u.wf AND q.job = u.job),
     t AS (UPDATE floor_tasks x SET state = 'SUCCESS' FROM unnest($1::uuid[], $3::uuid[]) u(wf, task)
           WHERE x.ns = 1 AND x.wf = u.wf AND x.id = u.task)
INSERT INTO floor_jobs SELECT 1, wf, job, 'SUCCESS', $4 FROM unnest($1::uuid[], $2::uuid[]) u(wf, job)
"""


async def tasks_per_second(dsn: str, tasks: int = 30_000) -> float:
    """How many tasks such a loop brings through in a second."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_TABLES)
    await connection.execute("ANALYZE floor_tasks, floor_queue, floor_jobs")
    await connection.close()
    began = time.perf_counter()
    await asyncio.gather(*(_loop(dsn, queue, tasks // _LOOPS) for queue in range(_LOOPS)))
    return tasks / (time.perf_counter() - began)


async def commit_ms(dsn: str, commits: int = 200, tasks: int = 1) -> float:
    """How long one commit of so many tasks and their queue rows takes at idle, in milliseconds: the median."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(_TABLES)
    now = await connection.fetchval("SELECT clock_timestamp()")
    took = []
    for _ in range(commits):
        rows = [_ids(tasks) for _ in ("workflows", "tasks", "jobs")]
        began = time.perf_counter()
        await connection.execute(_WRITE, *rows, now, -1)
        took.append(time.perf_counter() - began)
    await connection.close()
    return 1000 * statistics.median(took)


async def _loop(dsn: str, queue: int, tasks: int) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off"
    )
    now = await connection.fetchval("SELECT clock_timestamp()")
    session = new_id()
    for _ in range(tasks // _BATCH):
        workflows = _ids(_BATCH)
        await connection.execute(_WRITE, workflows, _ids(_BATCH), _ids(_BATCH), now, queue)
        rows = await connection.fetch(_CLAIM, queue, session, _BATCH)
        columns = [[row[name] for row in rows] for name in ("wf", "job", "task")]
        await connection.execute(_FINISH, *columns, now)
    await connection.close()


async def stored_kb(dsn: str, text: bytes, times: int) -> float:
    """What a table of such texts grows by with each, in KB: the same text, as PostgreSQL keeps it."""
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE floor_texts (id int PRIMARY KEY, body bytea)")
    before = await connection.fetchval(_TEXTS_SIZE)
    await connection.executemany("INSERT INTO floor_texts VALUES ($1, $2)", [(n, text) for n in range(times)])
    grown: int = await connection.fetchval(_TEXTS_SIZE) - before
    await connection.close()
    return grown / times / 1000


_TEXTS_SIZE = "SELECT pg_total_relation_size('floor_texts')"


def _ids(count: int) -> list[UUID]:
    return [new_id() for _ in range(count)]
