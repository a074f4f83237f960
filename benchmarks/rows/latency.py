"""Latency: a step in a chain, at idle and under load, and the way of a new task to a waiting worker."""

import asyncio
import time

from benchmarks import floor
from benchmarks.figures import Found, Scale, quantiles
from benchmarks.hands import Countdown, Hands
from benchmarks.house import House, house
from benchmarks.load import Pace, Run, workflow_of
from benchmarks.wire import Wire
from ostro.protocol.paths import WORKFLOWS

_WARM = 20
"""Steps that are not counted: the first ones meet cold caches."""
_GOLDEN = 0.618


async def steps(scale: Scale) -> Found:
    """At idle, and beside half of what the server can take at the most."""
    async with house() as where:
        commit = await floor.commit_ms(where.dsn)
        found = {"floor ms a commit": commit}
        idle = await _chain(where, "idle", scale.of(1_500, 60))
        found |= quantiles("idle", idle)
        found["idle p50 / floor"] = found["idle p50 ms"] / commit
        peak = await _peak(where, scale)
        found["peak tasks/s"] = peak
        load = await where.send(Pace(where.urls, where.tenant.admin, where.tenant.worker, peak / 2 / 5))
        assert load.stdout is not None
        await load.stdout.readline()
        await asyncio.sleep(scale.of(2, 1))
        found |= quantiles("half the peak", await _chain(where, "loaded", scale.of(1_500, 60)))
        if load.returncode is not None:
            raise RuntimeError("the load beside the chain broke down")
    return found


async def _chain(where: House, name: str, length: int) -> list[float]:
    """Seconds of each step of chains, of a hundred tasks each, that hands of their own work on."""
    wire = Wire(where.url, where.tenant.worker)
    hands = Hands(wire, name, 1, does=name)
    await hands.register()
    latencies: list[float] = []
    maker, body = Wire(where.url, where.tenant.admin), workflow_of(100, chain=True, does=name)
    while len(latencies) < length + _WARM:
        await maker.post(WORKFLOWS, body)
        before = len(latencies)
        await hands.work(Countdown(100), latencies=latencies)
        if len(latencies) == before:
            raise RuntimeError("no step of the chain was measured")
    wire.close()
    maker.close()
    return latencies[_WARM:]


async def _peak(where: House, scale: Scale) -> float:
    """Tasks a second that the same kind of load brings through when nothing holds it back."""
    rate = float(await where.order(_run(where, scale.of(200, 20))))
    return float(await where.order(_run(where, max(20, round(rate * scale.seconds / 5)))))


def _run(where: House, chains: int) -> Run:
    return Run(where.urls, where.tenant.admin, where.tenant.worker, chains)


async def pick_up(scale: Scale) -> Found:
    """Where the poll waits at the same server, at another, and at another that hears no NOTIFY."""
    found: Found = {}
    async with house(2) as where:
        commit = await floor.commit_ms(where.dsn)
        found["floor ms a commit"] = commit
        first, second = where.urls
        found |= quantiles("same server", await pick_ups(where, first, first, scale.of(500, 20)))
        found["same server p50 / floor"] = found["same server p50 ms"] / commit
        found |= quantiles("other server", await pick_ups(where, first, second, scale.of(500, 20)))
    async with house(2, OSTRO_NOTIFY="false") as where:
        first, second = where.urls
        found |= quantiles("without NOTIFY", await pick_ups(where, first, second, scale.of(60, 5), 0.5))
    return found


async def pick_ups(where: House, made_at: str, waits_at: str, count: int, apart: float = 0.0) -> list[float]:
    """Seconds from each call that creates a workflow until its job is in the hands.

    They come up to `apart` seconds after one another, evenly spread, else they would keep step with a server's
    own rhythm and meet always the same part of it.
    """
    does = f"pick-up-{waits_at == made_at}"
    caller, wire = Wire(made_at, where.tenant.admin), Wire(waits_at, where.tenant.worker)
    hands, body = Hands(wire, does, 1, does=does), workflow_of(1, chain=False, does=does)
    await hands.register()
    await hands.poll([], wait=0)
    latencies = []
    for number in range(count + _WARM):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(hands.poll([]))
            await asyncio.sleep(0.01 + apart * (number * _GOLDEN % 1))  # until the poll is parked
            began = time.perf_counter()
            group.create_task(caller.post(WORKFLOWS, body))
            grants = await waiting
            latencies.append(time.perf_counter() - began)
        await hands.poll(grants, wait=0)
    caller.close()
    wire.close()
    return latencies[_WARM:]
