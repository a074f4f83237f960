"""A whole server without its door: lanes, dispatcher and loops on a database, and a simulated worker."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

from ostro.clock import new_id
from ostro.core.events import Added, AddTasks, Create, Event, JobEnded
from ostro.core.specs import Birth, TaskSpec
from ostro.core.workflow import Workflow
from ostro.engine.lanes import Lanes
from ostro.errors import StorageError
from ostro.loops.all import all_loops
from ostro.loops.supervisor import Supervisor
from ostro.store.database import Database
from ostro.store.queue import Granted
from ostro.values import Limits, TaskState, Term, Timing, WorkflowState
from tests.engine.fleet import QUICK, Hands, Server, a_worker, sql


def task(name: str, *requires: str | Term, action: str = "script", **more: Any) -> TaskSpec:
    """A task as the edge would make it; a requirement given as text is a name."""
    terms = tuple(Term(task=one) if isinstance(one, str) else one for one in requires)
    tags = tuple(sorted(more.pop("tags", ())))
    said = repr((name, action, terms, tags, sorted(more.items(), key=str)))
    digest = hashlib.sha256(said.encode()).digest()
    return TaskSpec(name=name, action=action, requires=terms, tags=tags, hash=digest, **more)


class Whole(Server):
    """One of the servers on a database, with everything that runs in it."""

    def __init__(
        self, database: Database, timing: Timing = QUICK, limits: Limits | None = None, **lanes: Any
    ) -> None:
        super().__init__(database, timing, limits)
        self.lanes = Lanes(
            database=database,
            queues=self.queues,
            parked=self.parked,
            clock=self.clock,
            limits=limits or Limits(),
            timing=timing,
            new_id=new_id,
            **lanes,
        )

    @asynccontextmanager
    async def running(self, *, loops: bool = True) -> AsyncIterator["Whole"]:
        await self.clock.set()
        every = all_loops(
            self.database,
            self.clock,
            self.lanes,
            self.dispatcher,
            self.queues,
            self.timing,
            sent=self.lanes.sent,
        )
        supervisor = Supervisor(every if loops else [])
        async with asyncio.TaskGroup() as group:
            work = [
                group.create_task(one)
                for one in (self.lanes.run(), supervisor.run(), self.parked.send(), self.parked.listen())
            ]
            try:
                yield self
            finally:
                for one in work:
                    one.cancel()

    async def create(self, *tasks: TaskSpec, seal: bool = False, **birth: Any) -> UUID:
        """A new workflow; its id."""
        made = new_id()
        born = Birth(namespace=1, id=made, **birth)
        await self.lanes.submit(1, made, Create(birth=born, tasks=tasks, seal=seal))
        return made

    async def add(self, workflow: UUID, *tasks: TaskSpec) -> Added:  # type: ignore[override]
        answer = await self.lanes.submit(1, workflow, AddTasks(tasks=tasks))
        assert isinstance(answer, Added)
        return answer

    async def tell(self, workflow: UUID, event: Event, **more: Any) -> Any:
        return await self.lanes.submit(1, workflow, event, **more)

    async def end(self, grant: Granted, state: TaskState = TaskState.SUCCESS, **more: Any) -> Any:
        """What a worker's report becomes."""
        ended = JobEnded(
            job=grant.job, fence=grant.fence, state=state, result=b'{"n":1}',
            error=None if state is TaskState.SUCCESS else "as told",
        )  # fmt: skip
        return await self.lanes.submit(1, grant.workflow, ended, session=grant.session, **more)

    async def states(self, workflow: UUID) -> dict[str, str]:
        return await self.lanes.peek(1, workflow, states_of)

    async def state(self, workflow: UUID) -> WorkflowState:
        return await self.lanes.peek(1, workflow, lambda one: one.state)

    async def until_ended(self, workflow: UUID, seconds: float = 20.0) -> WorkflowState:
        """Waits for news of the workflow until it has ended."""
        async with asyncio.timeout(seconds), self.parked.watching(1, workflow) as woken:
            while True:
                state = await self.state(workflow)
                if state is not WorkflowState.RUNNING:
                    return state
                await woken.wait(self.timing.fall_back)

    async def worker(self, name: str = "w", **facts: Any) -> Hands:
        return await Hands(self, a_worker(name, **facts)).register()


def states_of(workflow: Workflow) -> dict[str, str]:
    return {name: one.state.value for name, one in workflow.names.items()}


async def pull(hands: Hands, count: int = 1, seconds: float = 10.0) -> list[Granted]:
    """So many jobs, however many polls that takes."""
    found: list[Granted] = []
    async with asyncio.timeout(seconds):
        while len(found) < count:
            answer = await hands.poll(count - len(found), 0.5)
            found += answer.grants
    return found


async def work_off(
    server: Whole,
    hands: Hands,
    workflows: Sequence[UUID],
    outcome: Callable[[Granted], TaskState] = lambda _grant: TaskState.SUCCESS,
) -> None:
    """A simulated worker: every job ends as `outcome` says, until the workflows have ended."""
    left = set(workflows)
    async with asyncio.timeout(60):
        while left:
            for grant in (await hands.poll(50, 0.1)).grants:
                try:
                    await server.end(grant, outcome(grant))
                except StorageError:
                    continue  # it stays in the list, so it is handed out again
                hands.holds.pop(grant.job)
            left = {one for one in left if await server.state(one) is WorkflowState.RUNNING}


TABLES = ("workflow_specs", "tasks", "gone", "sealed_tags", "queue", "jobs", "changes", "timers", "messages",
          "flows", "steps", "inputs")  # fmt: skip


async def orphans(dsn: str) -> list[str]:
    """What in the hot tables belongs to nothing, or contradicts its neighbour; empty if all is well."""
    found = []
    checks = {
        f"{table} without workflow": f"SELECT count(*) FROM {table} x WHERE NOT EXISTS "
        "(SELECT FROM workflows w WHERE w.namespace = x.namespace AND w.id = x.workflow)"
        for table in TABLES
    } | _CHECKS
    async with sql(dsn) as raw:
        for what, check in checks.items():
            count = await raw.fetchval(check)
            if count:
                found.append(f"{count} {what}")
    return found


_SAME = "t.namespace = x.namespace AND t.workflow = x.workflow"
_STEP = "EXISTS (SELECT FROM steps s WHERE s.namespace = x.namespace AND s.workflow = x.workflow AND s.task = x.id)"
"""A task of a definition: it may have a run for each item, and children that have none."""
_CHECKS = {
    "workflows without what was said of them": "SELECT count(*) FROM workflows w WHERE NOT EXISTS "
    "(SELECT FROM workflow_specs s WHERE s.namespace = w.namespace AND s.workflow = w.id)",
    "tasks without specification": "SELECT count(*) FROM tasks x WHERE NOT EXISTS "
    f"(SELECT FROM task_specs t WHERE {_SAME} AND t.task = x.id)",
    "specifications without task": "SELECT count(*) FROM task_specs x WHERE NOT EXISTS "
    f"(SELECT FROM tasks t WHERE {_SAME} AND t.id = x.task)",
    "running tasks without live job": "SELECT count(*) FROM tasks x WHERE state = 'RUNNING' AND NOT EXISTS "
    f"(SELECT FROM queue t WHERE {_SAME} AND (t.job = x.job OR t.task = x.id AND {_STEP}) AND t.revoked_at IS NULL)",
    "live jobs that no task runs": "SELECT count(*) FROM queue x WHERE revoked_at IS NULL AND NOT EXISTS "
    f"(SELECT FROM tasks t WHERE {_SAME} AND t.id = x.task AND t.state = 'RUNNING' "
    "AND (t.job = x.job OR t.job IS NULL AND EXISTS (SELECT FROM steps s WHERE s.task = t.id)))",
    "jobs without task": "SELECT count(*) FROM jobs x WHERE NOT EXISTS "
    f"(SELECT FROM tasks t WHERE {_SAME} AND t.id = x.task)",
    "jobs both live and ended": "SELECT count(*) FROM jobs x WHERE EXISTS "
    f"(SELECT FROM queue t WHERE {_SAME} AND t.job = x.id AND t.revoked_at IS NULL)",
    "steps without task": "SELECT count(*) FROM steps x WHERE NOT EXISTS "
    f"(SELECT FROM tasks t WHERE {_SAME} AND t.id = x.task)",
    "results without job": "SELECT count(*) FROM results x WHERE NOT EXISTS "
    f"(SELECT FROM jobs t WHERE {_SAME} AND t.task = x.task AND t.run = x.run)",
    "runs that were not counted": "SELECT count(*) FROM tasks x WHERE run <> (SELECT count(*) FROM jobs t "
    f"WHERE {_SAME} AND t.task = x.id) + (state = 'RUNNING')::integer AND NOT {_STEP}",
    "retries without a timer's task": "SELECT count(*) FROM timers x WHERE kind = 'retry' AND NOT EXISTS "
    f"(SELECT FROM tasks t WHERE {_SAME} AND t.id = x.task AND t.state = 'DELAYED')",
    "queues that are not interned": "SELECT count(*) FROM queue x WHERE NOT EXISTS "
    "(SELECT FROM queues t WHERE t.namespace = x.namespace AND t.id = x.queue) AND x.queue <> 0",
    "versions missing in a log": "SELECT count(*) FROM workflows w WHERE version <> "
    "(SELECT count(*) FROM changes c WHERE c.namespace = w.namespace AND c.workflow = w.id) OR version <> "
    "(SELECT max(version) FROM changes c WHERE c.namespace = w.namespace AND c.workflow = w.id)",
    "ended workflows with unended tasks": "SELECT count(*) FROM workflows w WHERE ended_at IS NOT NULL AND EXISTS "
    "(SELECT FROM tasks t WHERE t.namespace = w.namespace AND t.workflow = w.id AND t.ended_at IS NULL)",
    "timers and messages of ended workflows": "SELECT count(*) FROM workflows w JOIN "
    "(SELECT namespace, workflow FROM timers UNION ALL SELECT namespace, workflow FROM messages) x "
    "ON x.namespace = w.namespace AND x.workflow = w.id WHERE ended_at IS NOT NULL",
}
