"""Every conformance case through the whole stack: HTTP, lanes, PostgreSQL, timers, a worker."""

from contextlib import AsyncExitStack
from itertools import cycle

import pytest

from tests.api.world import a_world
from tests.cases.playing import play_all, working
from tests.cases.reading import OTHERWISE, own, recorded
from tests.engine.whole import orphans


@pytest.mark.parametrize(("servers", "cached_tasks"), [(1, 500_000), (1, 0), (2, 500_000)])
async def test_the_cases_end_as_recorded(database_url, tmp_path, servers, cached_tasks, request) -> None:
    """With nothing kept in memory each event reads its workflow anew; two servers are asked in turn. Our own cases go
    through the unusual ones with --long only.
    """
    usual = (servers, cached_tasks) == (1, 500_000)
    ours = own() if usual or request.config.getoption("--long") else []
    async with AsyncExitStack() as stack:
        worlds = [
            await stack.enter_async_context(
                a_world(database_url, tmp_path / str(n), cached_tasks=cached_tasks)
            )
            for n in range(servers)
        ]
        await stack.enter_async_context(working(worlds[0]))
        callers = cycle([world.caller(worlds[0].admin.token) for world in worlds])
        ended = await play_all(callers, [*recorded(), *ours])
        differing = [f"{one.case.name}: {'; '.join(one.differs)}" for one in ended if one.differs]
        assert differing == [], "\n".join(differing)
        assert {one.case.name for one in ended if one.remark} == OTHERWISE.keys()
        counts = [world.desk.lanes.counts for world in worlds]
        assert all(one.commits > 100 for one in counts), "a server had nothing to do"
    assert await orphans(database_url) == []
