"""Fan-out and join: what one wide workflow costs."""

import time

from benchmarks import floor
from benchmarks.figures import Found, Scale
from benchmarks.hands import Hands, open_hands, work_all
from benchmarks.house import House, house
from benchmarks.load import task
from benchmarks.wire import Wire
from ostro.client import Client
from ostro.client.workflow import Workflow
from ostro.protocol.tasks import TaskRequest
from ostro.values import Term

_BATCH = 1_000


async def fan_out(scale: Scale) -> Found:
    """A first task, so many that require it, one that requires them all, by their tag or by their names."""
    found: Found = {}
    widths = (100, 1_000) if scale.quick else (1_000, 10_000, 100_000)
    async with house() as where, Client(where.url, where.tenant.admin) as client:
        lowest = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
        found["floor tasks/s"] = lowest
        await _fan(where, client, widths[0] // 2, by_names=False)
        found[f"{widths[0]:,} by names s"] = await _fan(where, client, widths[0], by_names=True)
        for width in widths:
            seconds = await _fan(where, client, width, by_names=False)
            found[f"{width:,} by tag s"] = seconds
            found[f"{width:,} by tag share of the floor"] = width / seconds / lowest
        found[f"{widths[-1]:,} / {widths[-2]:,}"] = (
            found[f"{widths[-1]:,} by tag s"] / found[f"{widths[-2]:,} by tag s"]
        )
    return found


async def _fan(where: House, client: Client, width: int, *, by_names: bool) -> float:
    """Seconds from the first task's adding to the end of the join."""
    names = [f"b{n}" for n in range(width)]
    workflow = await client.workflows.create(f"fan {width}")
    await add_all(workflow, [task(name, tags=["branch"], requires=["first"]) for name in names])
    joined: list[str | Term] = [*names] if by_names else [Term(tags=("branch",))]
    await workflow.add_many([task("join", requires=joined)])
    wire = Wire(where.url, where.tenant.worker)
    hands = await open_hands(wire, f"fan-{width}-{by_names}-{time.time_ns()}", 4, 250)
    began = time.perf_counter()
    await workflow.add_many([task("first")])
    await workflow.seal()
    adding = time.perf_counter() - began
    seconds = adding + await work_all(hands, width + 2)
    wire.close()
    return seconds


async def one_tag(scale: Scale) -> Found:
    """What the first and the last thousand completions cost, while one task waits for all."""
    width = scale.of(10_000, 2_000)
    async with house() as where, Client(where.url, where.tenant.admin) as client:
        wire = Wire(where.url, where.tenant.worker)
        hands = Hands(wire, "one-tag", 250)
        await hands.register()
        await _thousands(hands, client, 1_000)
        times = await _thousands(hands, client, width)
        wire.close()
    first, last = times[1] - times[0], times[-1] - times[-2]
    return {"first 1,000 s": first, "last 1,000 s": last, "last 1,000 / first 1,000": last / first}


async def _thousands(hands: Hands, client: Client, width: int) -> list[float]:
    """When each thousand was done; the first entry is the begin."""
    workflow = await client.workflows.create("one tag")
    await add_all(workflow, [task(f"b{n}", tags=["T"]) for n in range(width)])
    await workflow.add_many([task("after", requires=[Term(tags=("T",))])])
    times, done = [time.perf_counter()], 0

    def enough(reported: int) -> bool:
        nonlocal done
        done += reported
        times.extend([time.perf_counter()] * (done // 1_000 + 1 - len(times)))
        return done >= width

    await hands.work(enough)
    return times


async def add_all(workflow: Workflow, tasks: list[TaskRequest]) -> None:
    """In batches as large as one may be."""
    for at in range(0, len(tasks), _BATCH):
        await workflow.add_many(tasks[at : at + _BATCH])
