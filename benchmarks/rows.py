"""The rows of the benchmark: what is measured, and how."""

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
import msgspec

from benchmarks import floor
from benchmarks.hands import Hands
from benchmarks.house import House
from ostro.client import Client
from ostro.protocol.paths import WORKFLOWS

Row = Callable[[House, Client], Awaitable[dict[str, Any]]]

AIMED: dict[str, Any] = {"action": "std.noop", "target": {"bench": "1"}}
"""Aimed at a worker, so that it is not run inside the decision."""


async def throughput(house: House, client: Client) -> dict[str, Any]:
    """Worker-run tasks per second over HTTP, in many workflows, from the first creation to the last end."""
    workflows, each, sessions = 200, 50, 4
    lowest = await floor.tasks_per_second(house.dsn)
    hands = [Hands(house, f"throughput-{n}", 250) for n in range(sessions)]
    for one in hands:
        await one.register()
    left = workflows * each
    tasks = [{"name": f"t{n}", **AIMED} for n in range(each)]
    body = msgspec.json.encode({"name": "throughput", "tasks": tasks, "seal": True})
    headers = {"authorization": f"Bearer {house.admin}", "content-type": "application/json"}
    http = httpx2.AsyncClient(base_url=house.url, headers=headers, timeout=60)

    def enough(reported: int) -> bool:
        nonlocal left
        left -= reported
        return left <= 0

    began = time.perf_counter()
    async with http, asyncio.TaskGroup() as group:
        for one in hands:
            group.create_task(one.work(enough))
        makers = asyncio.Semaphore(16)

        async def make() -> None:
            async with makers:  # without the SDK: what is measured is the server
                answer = await http.post(WORKFLOWS, content=body)
                answer.raise_for_status()

        for _ in range(workflows):
            group.create_task(make())
    rate = workflows * each / (time.perf_counter() - began)
    await close(hands)
    return {
        "tasks/s": round(rate),
        "floor tasks/s": round(lowest),
        "share of the floor": f"{rate / lowest:.0%}",
    }


async def steps(house: House, client: Client) -> dict[str, Any]:
    """A step in a chain, worker included: result reported → next job in the worker's hands."""
    hands, length = Hands(house, "steps", 1), 400
    await hands.register()
    chain = [{"name": f"t{n}", "requires": [f"t{n - 1}"] if n else [], **AIMED} for n in range(length)]
    await client.workflows.create("steps", tasks=chain, seal=True)
    left = length

    def enough(reported: int) -> bool:
        nonlocal left
        left -= reported
        return left <= 0

    latencies: list[float] = []
    await hands.work(enough, latencies)
    await close([hands])
    return quantiles(latencies[20:])


async def start(house: House, client: Client) -> dict[str, Any]:
    """Create → running: a task posted while a worker waits, until the worker has it."""
    hands = Hands(house, "start", 1)
    await hands.register()
    latencies = []
    for number in range(150):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(hands.poll([]))
            await asyncio.sleep(0.005)
            began = time.perf_counter()
            tasks = [{"name": "t", **AIMED}]
            group.create_task(client.workflows.create(f"start {number}", tasks=tasks, seal=True))
            grants = await waiting
            latencies.append(time.perf_counter() - began)
        await hands.poll(grants, wait=0)
    await close([hands])
    return quantiles(latencies[20:])


async def fan_out(house: House, client: Client) -> dict[str, Any]:
    """Fan-out and join: a first task, so many that require it, one that requires their tag."""
    found: dict[str, Any] = {}
    for width in (1_000, 10_000):
        hands = [Hands(house, f"fan-{width}-{n}", 250) for n in range(4)]
        for one in hands:
            await one.register()
        workflow = await client.workflows.create(f"fan {width}")
        branches = [
            {"name": f"b{n}", "tags": ["branch"], "requires": ["first"], **AIMED} for n in range(width)
        ]
        for at in range(0, width, 1_000):
            await workflow.add_many(branches[at : at + 1_000])
        await workflow.add("join", requires=[{"tags": ["branch"]}], **AIMED)
        left = width + 2

        def enough(reported: int) -> bool:
            nonlocal left
            left -= reported
            return left <= 0

        began = time.perf_counter()
        await workflow.add("first", **AIMED)
        await workflow.seal()
        async with asyncio.TaskGroup() as group:
            for one in hands:
                group.create_task(one.work(enough))
        found[f"{width} s"] = round(time.perf_counter() - began, 2)
        await close(hands)
    return found


async def one_tag(house: House, client: Client) -> dict[str, Any]:
    """10,000 tasks under one tag with one dependent: what a completion costs early and late."""
    width = 10_000
    hands = Hands(house, "one-tag", 250)
    await hands.register()
    workflow = await client.workflows.create("one tag")
    for at in range(0, width, 1_000):
        await workflow.add_many([{"name": f"b{n}", "tags": ["T"], **AIMED} for n in range(at, at + 1_000)])
    await workflow.add("after", requires=[{"tags": ["T"]}], **AIMED)
    times = [time.perf_counter()]
    done = 0

    def enough(reported: int) -> bool:
        nonlocal done
        done += reported
        times.extend([time.perf_counter()] * (done // 1_000 + 1 - len(times)))
        return done >= width

    await hands.work(enough)
    await close([hands])
    first, last = times[2] - times[1], times[-1] - times[-2]
    return {
        "first 1,000 s": round(first, 3),
        "last 1,000 s": round(last, 3),
        "last / first": round(last / first, 2),
    }


def quantiles(latencies: list[float]) -> dict[str, Any]:
    """In milliseconds."""
    cuts = statistics.quantiles(latencies, n=100)
    return {f"p{n} ms": round(1000 * cuts[n - 1], 2) for n in (50, 95, 99)}


async def close(hands: list[Hands]) -> None:
    """All of them."""
    for one in hands:
        await one.close()


ROWS: dict[str, Row] = {
    "throughput": throughput,
    "steps": steps,
    "start": start,
    "fan-out": fan_out,
    "one-tag": one_tag,
}
