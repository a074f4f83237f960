"""Ticks are called when they are due or woken, and outlive their errors."""

import asyncio

from ostro.errors import StorageUnavailable
from ostro.loops.supervisor import Loop, Supervisor


async def test_a_loop_ticks_at_once_when_it_is_woken() -> None:
    wake, ticks = asyncio.Event(), asyncio.Semaphore(0)

    async def tick() -> None:
        ticks.release()

    supervisor = Supervisor([Loop(name="woken", tick=tick, every=1_000, wake=wake)])
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await ticks.acquire()
        wake.set()
        await ticks.acquire()
        supervisor.stop()


async def test_a_loop_that_has_more_to_do_does_not_wait() -> None:
    left = [True, True, False]
    supervisor: Supervisor

    async def tick() -> bool:
        if len(left) == 1:
            supervisor.stop()
        return left.pop(0)

    supervisor = Supervisor([Loop(name="busy", tick=tick, every=1_000)])
    await supervisor.run()
    assert left == []


async def test_a_loop_outlives_its_errors_and_its_neighbours_do_not_notice() -> None:
    failures = [StorageUnavailable("away"), ZeroDivisionError()]
    neighbours = 0
    supervisor: Supervisor

    async def tick() -> None:
        if failures:
            raise failures.pop()
        supervisor.stop()

    async def neighbour() -> None:
        nonlocal neighbours
        neighbours += 1

    supervisor = Supervisor(
        [Loop(name="failing", tick=tick, every=0), Loop(name="neighbour", tick=neighbour, every=0.01)]
    )
    await supervisor.run()
    assert failures == []
    assert neighbours > 1


async def test_stopping_lets_a_tick_under_way_end() -> None:
    begun, go_on, ended = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def tick() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    supervisor = Supervisor([Loop(name="slow", tick=tick, every=1_000)])
    async with asyncio.TaskGroup() as group:
        running = group.create_task(supervisor.run())
        await begun.wait()
        supervisor.stop()
        assert not running.done()
        go_on.set()
    assert ended.is_set()
