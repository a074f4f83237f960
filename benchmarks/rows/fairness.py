"""Fairness: how long a small one waits beside a large one, in another namespace and in the same one.

The hands beside it are busy for a while with each job, as workers are. Beside another workflow they are the same ones: then the
small one waits until one of them is free (at most the time of a job), and what tells of fairness is how many jobs of the
large one are handed out before it.
"""

import asyncio
import statistics
import time
from collections.abc import Iterable

from benchmarks.figures import Found, Scale, quantiles
from benchmarks.hands import Hands, open_hands
from benchmarks.house import House, Tenant, house
from benchmarks.load import task, workflow_of
from benchmarks.rows.fan_out import add_all
from benchmarks.wire import Wire
from ostro.client import Client
from ostro.protocol.paths import WORKFLOWS
from ostro.protocol.workers import Grant

_BUSY = 0.1
_SMALL = "t0"
"""What the small one's task is called; the large one's are called b0, b1, ..."""


async def fairness(scale: Scale) -> Found:
    """The small one adds a job a second; its pick-ups alone, and beside so many queued jobs."""
    queued, samples = scale.of(100_000, 8_000), scale.of(40, 3)
    found: Found = {}
    async with house() as where:
        small = await where.add_namespace("small")
        found |= quantiles("alone", (await _pick_ups(where, small, small, samples)).seconds)
        await _queue(where, queued)
        found |= quantiles(
            "beside a namespace", (await _pick_ups(where, small, where.tenant, samples)).seconds
        )
        beside = await _pick_ups(where, where.tenant, where.tenant, samples)
        found |= quantiles("beside a workflow", beside.seconds)
        found["beside a workflow, handed out before it, median"] = statistics.median(beside.before)
        found["beside a workflow, handed out before it, most"] = max(beside.before)
        found["still queued at the end"] = await where.value(
            "SELECT count(*) FROM queue WHERE session IS NULL"
        )
    if not found["still queued at the end"]:
        raise RuntimeError("the large one ran out of jobs while the small one was measured")
    return found


async def _queue(where: House, jobs: int) -> None:
    """One workflow with so many of them."""
    async with Client(where.url, where.tenant.admin) as client:
        large = await client.workflows.create("large")
        await add_all(large, [task(f"b{n}") for n in range(jobs)])


async def _pick_ups(where: House, small: Tenant, busy: Tenant, samples: int) -> "PickUps":
    """What became of each of the small one's jobs until it was in somebody's hands."""
    pick_ups = PickUps()
    body, caller = workflow_of(1, chain=False), Wire(where.url, small.admin)
    hands = await _hands(where, busy)
    if small is not busy:
        hands += await _hands(where, small)
    over = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        for one in hands:
            group.create_task(one.work(lambda _reported: over.is_set(), took=pick_ups.took))
        for number in range(samples):
            # About each second: exactly so, it would keep step with the half second for which the hands wait.
            await asyncio.sleep(0.75 + 0.5 * (number * 0.618 % 1))
            pick_ups.begin()
            await caller.post(WORKFLOWS, body)
            await asyncio.wait_for(pick_ups.taken.wait(), 60)
        over.set()
    return pick_ups


async def _hands(where: House, tenant: Tenant) -> list[Hands]:
    wire = Wire(where.url, tenant.worker)
    return await open_hands(wire, f"fair-{time.time_ns()}", 8, 10, busy=_BUSY)


class PickUps:
    """When the small one's jobs arrived, and how many others since each was created."""

    def __init__(self) -> None:
        self.seconds: list[float] = []
        self.before: list[int] = []
        self.taken = asyncio.Event()
        self._began = 0.0
        self._others = 0

    def begin(self) -> None:
        """It is created now."""
        self.taken.clear()
        self._began, self._others = time.perf_counter(), 0

    def took(self, grants: Iterable[Grant]) -> None:
        """Looks whether it is among these, which come in the order in which they are to run."""
        for grant in grants:
            if grant.name == _SMALL and not self.taken.is_set():
                self.seconds.append(time.perf_counter() - self._began)
                self.before.append(self._others)
                self.taken.set()
            self._others += grant.name != _SMALL
