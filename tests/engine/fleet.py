"""A server's dispatcher with its loops, and queue rows put in by hand, for tests of the dispatcher."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg

from ostro.clock import Clock, new_id
from ostro.engine.dispatcher import Answered, Ask, Dispatcher, Held, Worker
from ostro.engine.parked import Hint, Parked
from ostro.engine.queues import Queues, queue_id
from ostro.loops.dispatch import dispatching
from ostro.loops.supervisor import Supervisor
from ostro.store.database import Database
from ostro.values import Limits, Timing

QUICK = Timing(lease=3.0, poll=2.0, fall_back=0.05, timers=0.05)


class Server:
    """One of the servers on a database."""

    def __init__(self, database: Database, timing: Timing = QUICK, limits: Limits | None = None) -> None:
        self.database = database
        self.timing = timing
        self.clock = Clock(database.now)
        self.parked = Parked(database)
        self.queues = Queues(database, self.clock, limits or Limits())
        self.dispatcher = Dispatcher(
            database,
            self.clock,
            self.parked,
            self.queues,
            timing=timing,
            limits=limits or Limits(),
            new_id=new_id,
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Server"]:
        await self.clock.set()
        supervisor = Supervisor(dispatching(self.dispatcher, self.timing))
        async with asyncio.TaskGroup() as group:
            group.create_task(supervisor.run())
            talk = [group.create_task(self.parked.send()), group.create_task(self.parked.listen())]
            try:
                yield self
            finally:
                supervisor.stop()
                for one in talk:
                    one.cancel()

    async def add(self, count: int = 1, *, tell: bool = True, **job: Any) -> list["Job"]:
        """Queues jobs as a lane would."""
        jobs = [Job(**job) for _ in range(count)]
        await self.queues.intern(
            {
                (j.namespace, j.action, tuple(j.target.items()), j.tags): (
                    j.namespace,
                    j.action,
                    j.target,
                    j.tags,
                )
                for j in jobs
            }.values()
        )
        await insert(self.database.dsn, jobs)
        if tell:
            for one in jobs:
                self.parked.tell(Hint(one.namespace, queues=(one.queue,)))
        return jobs


class Job:
    """A job as a lane would queue it."""

    position = 0

    def __init__(
        self,
        *,
        namespace: int = 1,
        action: str = "script",
        target: dict[str, str] | None = None,
        tags: tuple[str, ...] = (),
        priority: int = 0,
        timeout: float | None = None,
        safe_rerun: bool = False,
        hands_over: tuple[str, ...] = (),
        workflow: UUID | None = None,
        name: str | None = None,
    ) -> None:
        Job.position += 1
        self.namespace, self.action, self.target, self.tags = namespace, action, target or {}, tags
        self.priority, self.timeout, self.safe_rerun, self.hands_over = (
            priority,
            timeout,
            safe_rerun,
            hands_over,
        )
        self.workflow, self.task, self.job = workflow or new_id(), new_id(), new_id()
        self.name = name or f"task-{Job.position}"
        self.place = Job.position
        self.queue = queue_id(action, self.target, tags)

    def held(self, fence: int = 1) -> Held:
        return Held(self.workflow, self.job, fence)


_INSERT = """
WITH queued AS (
    INSERT INTO queue (namespace, workflow, job, task, run, queue, priority, position, timeout, safe_rerun,
        hands_over, queued_at)
    VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $8, $9, $10, clock_timestamp())
), task AS (
    INSERT INTO tasks (namespace, workflow, id, name, tags, hash, state, run, job, version, spawned, weighs,
        required, created_at, started_at)
    VALUES ($1, $2, $4, $11, '{}', '', 'RUNNING', 1, $3, 1, 0, false, 0, clock_timestamp(), clock_timestamp())
)
INSERT INTO task_specs (namespace, workflow, task, spec, input, input_stays) VALUES ($1, $2, $4, '', $12, false)
"""


async def insert(dsn: str, jobs: list[Job]) -> None:
    async with sql(dsn) as raw:
        await raw.executemany(
            _INSERT,
            [
                [
                    *(j.namespace, j.workflow, j.job, j.task, j.queue, j.priority, j.place, j.timeout),
                    *(j.safe_rerun, list(j.hands_over), j.name, f'{{"n":{j.place}}}'.encode()),
                ]
                for j in jobs
            ],
        )


@asynccontextmanager
async def sql(dsn: str) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    raw = await asyncpg.connect(dsn, statement_cache_size=0)
    try:
        yield raw
    finally:
        await raw.close()


async def row(dsn: str, job: Job) -> "asyncpg.Record | None":
    async with sql(dsn) as raw:
        return await raw.fetchrow("SELECT * FROM queue WHERE job = $1", job.job)


def a_worker(name: str = "w", **facts: Any) -> Worker:
    chosen: dict[str, Any] = {
        "namespace": 1, "name": name, "instance": new_id(), "token": "t", "pool": True,
        "actions": frozenset({"script"}), "slots": 1_000,
    }  # fmt: skip
    return Worker(**chosen | facts)


class Hands:
    """A worker's side of a session: counts its requests and lists what it holds."""

    def __init__(self, server: Server, worker: Worker) -> None:
        self.server = server
        self.worker = worker
        self.counter = 0
        self.holds: dict[UUID, Held] = {}
        self.session: UUID

    async def register(self, **how: Any) -> "Hands":
        self.session = await self.server.dispatcher.register(self.worker, **how)
        self.counter = 0
        return self

    def ask(self, free: int = 1, wait: float = 0.0, **more: Any) -> Ask:
        self.counter += 1
        chosen: dict[str, Any] = {
            "namespace": self.worker.namespace, "token": self.worker.token, "session": self.session,
            "counter": self.counter, "free": free, "wait": wait, "held": tuple(self.holds.values()),
        }  # fmt: skip
        return Ask(**chosen | more)

    async def poll(
        self,
        free: int = 1,
        wait: float = 0.0,
        *,
        keep: bool = True,
        settled: tuple[Held, ...] = (),
        **more: Any,
    ) -> Answered:
        async def settle() -> tuple[Held, ...]:
            return settled

        answer = await self.server.dispatcher.poll(self.ask(free, wait, **more), settle)
        if keep:
            for grant in answer.grants:
                self.holds[grant.job] = Held(grant.workflow, grant.job, grant.fence)
        return answer
