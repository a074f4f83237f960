"""Throughput: many workflows through real worker processes, enqueued and run at the same time."""

from uuid import UUID

from benchmarks import floor
from benchmarks.figures import Found, Scale
from benchmarks.house import House, house
from benchmarks.load import Create

SHAPES = {"one task": (1, False), "chain of 5": (5, True), "50 tasks": (50, False)}
"""What a workflow consists of: so many tasks, in a chain or side by side."""

_SLOTS = 250


async def measure(scale: Scale) -> Found:
    """All combinations; the best of them is what the goal speaks of."""
    found: Found = {}
    for servers in (1, 2):
        async with house(servers) as where:
            lowest = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
            found[f"floor tasks/s, {_many(servers, 'server')}"] = lowest
            for workers in (1, 2, 4):
                await where.grow_to(workers, _SLOTS)
                for shape in SHAPES:
                    name = f"{shape}, {_many(workers, 'worker')}, {_many(servers, 'server')}"
                    rate = await _rate(where, shape, scale)
                    found[f"{name} tasks/s"] = rate
                    found[f"{name} share of the floor"] = rate / lowest
    for shape in SHAPES:
        found[f"best share of the floor, {shape}"] = _best(found, shape)
    found["best share of the floor"] = _best(found, "")
    return found


def _best(found: Found, start: str) -> float:
    return max(
        value
        for name, value in found.items()
        if name.endswith("share of the floor") and name.startswith(start)
    )


async def _rate(where: House, shape: str, scale: Scale) -> float:
    """Tasks a second; a short pass warms up and says how many tasks keep it busy for long enough."""
    warm = await _pass(where, shape, scale.of(1_000, 100))
    return await _pass(where, shape, max(200, round(warm * scale.seconds)))


async def _pass(where: House, shape: str, tasks: int) -> float:
    """From the first workflow's creation to the last task's end, by the server's own times."""
    each, chain = SHAPES[shape]
    many = max(1, tasks // each)
    latest = await where.value(_NEWEST) or UUID(int=0)
    await where.order(Create(where.urls, where.tenant.admin, many, each, chain))
    await where.until_nothing_is_queued()
    seconds: float = await where.value(_SECONDS, latest)
    ended = await where.value("SELECT count(*) FROM jobs WHERE workflow > $1 AND state = 'SUCCESS'", latest)
    if ended != many * each:
        raise RuntimeError(f"{many * each} tasks were made, and {ended} ended in SUCCESS")
    return many * each / seconds


_NEWEST = "SELECT id FROM workflows ORDER BY namespace DESC, id DESC LIMIT 1"
_SECONDS = """
SELECT extract(epoch FROM (SELECT max(ended_at) FROM jobs WHERE workflow > $1)
    - (SELECT min(created_at) FROM workflows WHERE id > $1))::float8
"""


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
