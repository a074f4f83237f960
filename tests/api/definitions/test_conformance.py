"""Every conformance case through the whole stack: HTTP, lanes, PostgreSQL, timers, a worker."""

import asyncio
from contextlib import suppress

import pytest

from tests.api.definitions.played import Play, work_for_ever
from tests.api.world import a_world
from tests.core.definitions.compared import differences
from tests.core.definitions.test_conformance import OTHERWISE
from tests.language.test_conformance import cases

_AT_ONCE = 8


@pytest.mark.parametrize("cached_tasks", [500_000, 1], ids=["in_memory", "read_anew"])
async def test_the_cases_end_as_recorded(database_url, tmp_path, cached_tasks) -> None:
    """Whether workflows stay in memory or each event reads its own anew: what is kept of them is all that counts."""
    async with a_world(database_url, tmp_path, cached_tasks=cached_tasks) as world:
        await _all_hold(world)


async def _all_hold(world) -> None:
    few = asyncio.Semaphore(_AT_ONCE)

    async def play(case, name: str) -> tuple[str, list[str]]:
        async with few:
            try:
                return name, differences(case, await Play(world.admin, case).outcome())
            except Exception as failed:
                return name, [f"{type(failed).__name__}: {failed}"]

    chosen = [(one.values[0], one.id) for one in cases() if one.id not in OTHERWISE]
    working = asyncio.create_task(work_for_ever(world))
    outcomes = await asyncio.gather(*(play(case, name) for case, name in chosen))
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    differing = {name: found for name, found in outcomes if found}
    assert differing == {}, "\n".join(f"{name}: {'; '.join(found)}" for name, found in differing.items())
