"""Workflows that grow while they run: adds alone, and one hot workflow fed and worked on at two servers."""

import asyncio
import time
from contextlib import suppress
from typing import Any

from benchmarks import floor
from benchmarks.figures import Found, Scale, quantiles
from benchmarks.hands import Hands, open_hands, work_all
from benchmarks.house import House, house
from benchmarks.load import Add
from benchmarks.wire import Wire
from ostro.client import Client
from ostro.values import UUID

_CLIENTS = 8
_NOBODY = "nobody's"
"""No hands claim this: what is measured is the adding alone."""


async def adding(scale: Scale) -> Found:
    """Single adds by eight clients to one running workflow, and the same number in batches."""
    count = scale.of(10_000, 400)
    async with house() as where:
        lowest = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
        found: Found = {"floor tasks/s": lowest}
        await _add(where, count // 10, 1)
        for batch in (1, 100, 1_000):
            name = "single" if batch == 1 else f"in batches of {batch:,}"
            said = await _add(where, count, batch)
            found[f"{name} tasks/s"] = said["rate"]
            found[f"{name} share of the floor"] = said["rate"] / lowest
            found |= quantiles(f"{name}, a request,", said["latencies"])
    return found


async def _add(where: House, count: int, batch: int) -> dict[str, Any]:
    workflow = await _open(where)
    order = Add([where.url], where.tenant.admin, str(workflow), count, _CLIENTS, batch, _NOBODY)
    said: dict[str, Any] = await where.order(order)
    return said


async def hot(scale: Scale) -> Found:
    """One workflow, fed by callers at both servers while hands at both take what it has: nothing may get lost."""
    count = scale.of(10_000, 400)
    async with house(2) as where:
        lowest = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
        hands: list[Hands] = []
        for number, url in enumerate(where.urls):
            hands += await open_hands(Wire(url, where.tenant.worker), f"hot-{number}", 2, 100)
        await _feed(where, hands, await _open(where), count // 10)
        for one in hands:
            one.longest = 0.0
        workflow = await _open(where)
        seconds, added = await _feed(where, hands, workflow, count)
        ended = await where.value(_ENDED, workflow)
        twice = await where.value(_TWICE, workflow)
    return {
        "floor tasks/s": lowest,
        "tasks/s": count / seconds,
        "share of the floor": count / seconds / lowest,
        **quantiles("an add", added),
        "longest report ms": 1000 * max(one.longest for one in hands),
        "lost tasks": float(count - ended),
        "tasks run twice": float(twice),
    }


_ENDED = "SELECT count(*) FROM tasks WHERE workflow = $1 AND state = 'SUCCESS'"
_TWICE = "SELECT count(*) - count(DISTINCT task) FROM jobs WHERE workflow = $1"
_PATIENCE = 300.0
"""Seconds for all to end. Then what has not counts as lost."""


async def _feed(where: House, hands: list[Hands], workflow: UUID, count: int) -> tuple[float, list[float]]:
    """Seconds until all that was added has ended, and those of each add."""
    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        order = Add(where.urls, where.tenant.admin, str(workflow), count, _CLIENTS)
        adding_ = group.create_task(where.order(order))
        with suppress(TimeoutError):
            async with asyncio.timeout(_PATIENCE):
                await work_all(hands, count)
        seconds = time.perf_counter() - began
    return seconds, adding_.result()["latencies"]


async def _open(where: House) -> UUID:
    async with Client(where.url, where.tenant.admin) as client:
        made: UUID = (await client.workflows.create("growing")).id
    return made
