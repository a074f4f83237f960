"""Growth: what a task costs as the tables fill, while retention runs, and while somebody holds a snapshot open."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext

import asyncpg
import msgspec

from benchmarks import floor, processes
from benchmarks.figures import Found, Scale
from benchmarks.house import House, house
from benchmarks.load import Run
from benchmarks.seed import copy_workflow
from ostro.values import UUID

_ENDED = "SELECT count(*) FROM workflows WHERE ended_at IS NOT NULL"
_EACH = 5
_PASSES = 3


async def growth(scale: Scale) -> Found:
    """With no, some and many ended tasks in the tables, by chains of five."""
    sizes = (0, scale.of(1_000_000, 2_000), scale.of(5_000_000, 10_000))
    found: Found = {}
    async with house() as where:
        found["floor tasks/s"] = await floor.tasks_per_second(where.dsn, scale.of(30_000, 2_000))
        pattern, copied = await _pattern(where), 0
        chains = await _warm_up(where, scale)
        for size in sizes:
            if size:
                await copy_workflow(where.dsn, pattern, first=copied + 1, copies=size // _EACH - copied)
                copied = size // _EACH
            found |= await _cost(where, f"{size:,} ended", chains, nullcontext())
        before = await where.value(_ENDED)
        found |= await _cost(where, "with retention", chains, retention(where))
        found["deleted meanwhile, workflows"] = float(before - await where.value(_ENDED))
        found |= await _cost(where, "with a snapshot held", chains, snapshot_held(where))
    first, last = (f"{size:,} ended µs a task" for size in (sizes[0], sizes[-1]))
    found[f"{sizes[-1]:,} / 0 ended tasks"] = found[last] / found[first]
    held = "with a snapshot held µs a task"
    found["with a snapshot held / without"] = found[held] / found[last]
    return found


@asynccontextmanager
async def retention(where: House) -> AsyncIterator[None]:
    """The servers delete what `copy_workflow` has made, as fast as they may."""
    await where.restart(OSTRO_KEEP="1")
    try:
        yield
    finally:
        await where.restart(OSTRO_KEEP="0")


@asynccontextmanager
async def snapshot_held(where: House) -> AsyncIterator[None]:
    """Somebody reads for long, as a dump does: PostgreSQL may clean up nothing that died since."""
    connection = await asyncpg.connect(where.dsn)
    try:
        async with connection.transaction(isolation="repeatable_read"):
            await connection.fetchval("SELECT count(*) FROM queue")
            yield
    finally:
        await connection.close()


async def _pattern(where: House) -> UUID:
    """An ended chain, of which the others are copies."""
    await where.order(Run(where.urls, where.tenant.admin, where.tenant.worker, 1, _EACH, 1))
    pattern: UUID = await where.value("SELECT id FROM workflows WHERE ended_at IS NOT NULL")
    return UUID(int=pattern.int)


async def _warm_up(where: House, scale: Scale) -> int:
    """How many chains take long enough."""
    rate = float(await where.order(_run(where, scale.of(200, 20))))
    return max(20, round(2 * rate * scale.seconds / _EACH))


def _run(where: House, chains: int) -> Run:
    return Run(where.urls, where.tenant.admin, where.tenant.worker, chains, _EACH)


async def _cost(where: House, name: str, chains: int, around: AbstractAsyncContextManager[None]) -> Found:
    """Wall time, CPU, WAL and dead tuples of a task. The last of several passes: what is slow gets slower by then."""
    async with around:
        for _ in range(_PASSES - 1):
            await where.order(_run(where, chains))
        before = await _State.now(where)
        rate = float(await where.order(_run(where, chains)))
        spent = (await _State.now(where)).minus(before)
    tasks = chains * _EACH
    return {
        f"{name} µs a task": 1e6 / rate,
        f"{name} server CPU µs a task": 1e6 * spent.server / tasks,
        f"{name} PostgreSQL CPU µs a task": 1e6 * spent.postgres / tasks,
        f"{name} WAL bytes a task": spent.wal / tasks,
        f"{name} dead tuples a task": spent.dead / tasks,
    }


class _State(msgspec.Struct):
    server: float
    postgres: float
    wal: float
    dead: float

    @classmethod
    async def now(cls, where: House) -> "_State":
        server = processes.cpu_seconds(where.servers[0].process.pid)
        wal = await where.value("SELECT pg_current_wal_lsn() - '0/0'::pg_lsn")
        # Each update and delete leaves one, whether VACUUM has been there since or not.
        dead = await where.value("SELECT sum(n_tup_upd + n_tup_del) FROM pg_stat_user_tables")
        return cls(server, processes.cpu_seconds(where.postgres_pid), float(wal), float(dead))

    def minus(self, before: "_State") -> "_State":
        return _State(
            self.server - before.server,
            self.postgres - before.postgres,
            self.wal - before.wal,
            self.dead - before.dead,
        )
