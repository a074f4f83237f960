"""Every conformance case through the whole stack: HTTP, lanes, PostgreSQL, timers, a worker."""

import asyncio
from contextlib import AsyncExitStack, suppress
from itertools import cycle

import pytest

from tests.api.definitions.played import Play, work_for_ever
from tests.api.world import Caller, a_world
from tests.core.definitions.compared import differences
from tests.core.definitions.test_conformance import OTHERWISE
from tests.engine.whole import orphans
from tests.language.test_conformance import cases

_AT_ONCE = 8


@pytest.mark.parametrize(("servers", "cached_tasks"), [(1, 500_000), (1, 0), (2, 500_000)])
async def test_the_cases_end_as_recorded(database_url, tmp_path, servers, cached_tasks) -> None:
    """With nothing kept in memory each event reads its workflow anew; two servers are asked in turn."""
    async with AsyncExitStack() as stack:
        worlds = [
            await stack.enter_async_context(
                a_world(database_url, tmp_path / str(n), cached_tasks=cached_tasks)
            )
            for n in range(servers)
        ]
        callers = cycle([world.caller(worlds[0].admin.token) for world in worlds])
        working = asyncio.create_task(work_for_ever(worlds[0]))
        differing = await _differing(callers)
        working.cancel()
        with suppress(asyncio.CancelledError):
            await working
        assert differing == {}, "\n".join(f"{name}: {'; '.join(found)}" for name, found in differing.items())
        counts = [world.desk.lanes.counts for world in worlds]
        assert all(one.commits > 100 for one in counts), "a server had nothing to do"
    assert await orphans(database_url) == []


async def _differing(callers: "cycle[Caller]") -> dict[str, list[str]]:
    few = asyncio.Semaphore(_AT_ONCE)

    async def play(case, name: str) -> tuple[str, list[str]]:
        async with few:
            try:
                return name, differences(case, await Play(callers, case).outcome())
            except Exception as failed:
                return name, [f"{type(failed).__name__}: {failed}"]

    chosen = [(one.values[0], one.id) for one in cases() if one.id not in OTHERWISE]
    outcomes = await asyncio.gather(*(play(case, name) for case, name in chosen))
    return {name: found for name, found in outcomes if found}
