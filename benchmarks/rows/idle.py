"""What waits: workers without work, workflows at rest, and a large workflow that nobody has touched since a restart."""

import asyncio
import time

import msgspec

from benchmarks import processes
from benchmarks.figures import Found, Scale, quantiles
from benchmarks.house import House, house
from benchmarks.load import Park, task, workflow_of
from benchmarks.rows.fan_out import add_all
from benchmarks.rows.latency import pick_ups
from benchmarks.seed import copy_workflow
from benchmarks.wire import Wire
from ostro.client import Client
from ostro.protocol.paths import TASKS, WORKFLOWS, at
from ostro.protocol.tasks import TasksRequest
from ostro.protocol.workflows import CreatedWorkflow
from ostro.values import UUID, Term

_TRANSACTIONS = "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = current_database()"
_NOBODY = "nobody's"
"""No hands claim this."""


async def idle_workers(scale: Scale) -> Found:
    """CPU, memory and transactions of a server at which workers wait, and the same without any."""
    count = scale.of(5_000, 200)
    async with house() as where:
        alone = await _at_rest(where, scale)
        parked = await where.send(Park(where.url, where.tenant.worker, count))
        assert parked.stdout is not None
        await parked.stdout.readline()
        # PostgreSQL tells of transactions up to ten seconds late, and these have just registered.
        await asyncio.sleep(scale.of(15, 1))
        beside = await _at_rest(where, scale)
        if parked.returncode is not None:
            raise RuntimeError("the parked workers broke down")
    more = beside["transactions/s"] - alone["transactions/s"]
    return {
        **{f"without workers {name}": value for name, value in alone.items()},
        **beside,
        "more transactions/s for 1,000 workers": 1_000 * more / count,
        "server KiB a worker": 1024 * (beside["server MiB"] - alone["server MiB"]) / count,
    }


async def resting_workflows(scale: Scale) -> Found:
    """The same with many open workflows that wait for tasks to come, and how a new one starts among them."""
    async with house() as where, Client(where.url, where.tenant.admin) as client:
        waiting = task("after", requires=[Term(tags=("T",))])
        workflow = await client.workflows.create("at rest", tasks=[task("gate", does=_NOBODY), waiting])
        await copy_workflow(where.dsn, workflow.id, first=1, copies=scale.of(100_000, 1_000))
        await where.restart()
        await asyncio.sleep(scale.of(5, 1))
        found = await _at_rest(where, scale)
        return found | quantiles("pick-up", await pick_ups(where, where.url, where.url, scale.of(200, 20)))


async def _at_rest(where: House, scale: Scale) -> Found:
    """Shares of a core, memory and transactions, over a while in which nothing is asked."""
    server, seconds = where.servers[0].process.pid, scale.of(20, 2)
    pids = {"server": server, "postgres": where.postgres_pid}
    transactions = await where.value(_TRANSACTIONS)
    cpu = {name: processes.cpu_seconds(pid) for name, pid in pids.items()}
    began = time.perf_counter()
    await asyncio.sleep(seconds)
    took = time.perf_counter() - began
    shares = {
        f"{name} share of a core": (processes.cpu_seconds(pid) - cpu[name]) / took
        for name, pid in pids.items()
    }
    return shares | {
        "server MiB": processes.memory_mib(server),
        "transactions/s": (await where.value(_TRANSACTIONS) - transactions) / took,
    }


async def cold_workflow(scale: Scale) -> Found:
    """The first event on a large workflow after a restart, and the longest wait of the others meanwhile."""
    first_events: list[float] = []
    before: list[float] = []
    during: list[float] = []
    async with house() as where:
        large = await _large(where, scale.of(100_000, 3_000))
        for number in range(scale.of(3, 1)):
            await where.restart()
            others = Others(where)
            async with asyncio.TaskGroup() as group:
                asking = group.create_task(others.run())
                await asyncio.sleep(scale.of(3, 1))
                before += others.take()[scale.of(_FIRST, 1) :]
                first_events.append(await _add_one(where, large, number))
                during += others.take()
                asking.cancel()
    found = {"first event s": sorted(first_events)[len(first_events) // 2]}
    found |= quantiles("others before", before)
    return found | quantiles("others", during)


_FIRST = 50
"""Requests of the others that are not counted after a restart: they find caches empty, too."""


async def _large(where: House, tasks: int) -> UUID:
    """Open, and all but one of its tasks wait for one that nobody runs."""
    async with Client(where.url, where.tenant.admin) as client:
        large = await client.workflows.create("large", tasks=[task("gate", does=_NOBODY)])
        await add_all(large, [task(f"t{n}", tags=["T"], requires=["gate"]) for n in range(tasks - 1)])
        made: UUID = large.id
        return made


async def _add_one(where: House, large: UUID, number: int) -> float:
    wire = Wire(where.url, where.tenant.admin)
    began = time.perf_counter()
    more = TasksRequest(tasks=[task(f"more-{number}", requires=["gate"])])
    await wire.post(at(TASKS, workflow=large), more)
    wire.close()
    return time.perf_counter() - began


class Others:
    """Callers who create small workflows and add to them, one after the other, while something else happens."""

    def __init__(self, where: House) -> None:
        self._wire = Wire(where.url, where.tenant.admin)
        self._latencies: list[float] = []
        self._asked = 0.0

    async def run(self) -> None:
        """Until cancelled."""
        body = workflow_of(1, chain=False, does=_NOBODY).replace(b'"seal":true', b'"seal":false')
        more = TasksRequest(tasks=[task("more", does=_NOBODY)])
        while True:
            made = msgspec.json.decode(await self._timed(WORKFLOWS, body), type=CreatedWorkflow)
            await self._timed(at(TASKS, workflow=made.id), more)
            await asyncio.sleep(0.002)

    def take(self) -> list[float]:
        """How long each took since the last time; one that is still waiting counts with its wait so far."""
        taken, self._latencies = self._latencies, []
        return [*taken, time.perf_counter() - self._asked] if self._asked else taken

    async def _timed(self, path: str, body: object) -> bytes:
        self._asked = time.perf_counter()
        answer = await self._wire.post(path, body)
        self._latencies.append(time.perf_counter() - self._asked)
        self._asked = 0.0
        return answer
