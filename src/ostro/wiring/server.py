"""A server from its parts: how they are put together, run, and taken apart in order."""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog

from ostro.api.app import make_app
from ostro.clock import Clock, monotonic, new_id, pause
from ostro.engine.dispatcher import Dispatcher
from ostro.engine.lanes import Lanes
from ostro.engine.parked import Parked
from ostro.engine.queues import Queues
from ostro.errors import StorageError, StorageUnavailable
from ostro.language.expressions import warm_up
from ostro.loops.all import all_loops
from ostro.loops.supervisor import Supervisor
from ostro.service import tokens
from ostro.service.desk import Desk, open_desk
from ostro.settings import Settings
from ostro.store import migrate
from ostro.store.database import Database
from ostro.store.embedded import EmbeddedPostgres
from ostro.store.embedded.server import reachable
from ostro.wiring.doors import Door, bind, built_in_worker, configured, refuse_open_doors, url_of

_log = structlog.get_logger("ostro.wiring")

_GRACE_SECONDS = 5
_LOOK_AGAIN = 0.5


@asynccontextmanager
async def database_at(settings: Settings) -> AsyncIterator[str]:
    """The URL of the server's database while the block lasts; runs the embedded PostgreSQL if there is no URL."""
    if settings.database_url:
        yield settings.database_url
        return
    postgres = EmbeddedPostgres(
        settings.data_dir, major=settings.postgres_major, bin_dir=settings.postgres_bin
    )
    dsn = await postgres.start()
    watching = asyncio.get_running_loop().create_task(postgres.watch())
    try:
        yield dsn
    finally:
        await postgres.stop()
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching


@asynccontextmanager
async def engine(settings: Settings, dsn: str) -> AsyncIterator[Desk]:
    """Everything of a server but its door, running while the block lasts."""
    database = await Database.connect(
        dsn,
        size=settings.connections,
        statement_cache=settings.statement_cache,
        notify=settings.notify,
        listen_dsn=settings.direct_url,
    )
    try:
        desk, supervisor = await _put_together(settings, database)
        async with asyncio.TaskGroup() as group:
            forever = (desk.lanes.run(), supervisor.run(), desk.parked.send(), desk.parked.listen())
            background = [group.create_task(work) for work in forever]
            try:
                yield desk
            finally:
                supervisor.stop()
                for task in background:
                    task.cancel()
    finally:
        await database.close()


async def _put_together(settings: Settings, database: Database) -> tuple[Desk, Supervisor]:
    """The parts, from the lowest up; nothing runs yet."""
    limits, timing = settings.limits, settings.timing
    clock = Clock(database.now)
    await clock.set()
    parked = Parked(database)
    queues = Queues(database, clock, limits)
    lanes = Lanes(
        database=database,
        queues=queues,
        parked=parked,
        clock=clock,
        limits=limits,
        timing=timing,
        new_id=new_id,
        cached_tasks=settings.cached_tasks,
    )
    dispatcher = Dispatcher(database, clock, parked, queues, timing=timing, limits=limits, new_id=new_id)
    desk = await open_desk(
        database=database,
        lanes=lanes,
        dispatcher=dispatcher,
        parked=parked,
        clock=clock,
        limits=limits,
        timing=timing,
        new_id=new_id,
    )
    return desk, Supervisor(
        all_loops(database, clock, lanes, dispatcher, queues, timing, sent=lanes.sent, keep=settings.keep)
    )


def run_server(settings: Settings, *, ready: Callable[[str], None] = lambda _url: None) -> int:
    """Serves until SIGTERM or SIGINT; the exit code. A wrong schema is refused with the command that mends it."""
    refuse_open_doors(settings)
    return _run(_serve(settings, upgrade=False, prepare=None, ready=ready))


def run_dev(
    settings: Settings, *, prepare: Callable[[Desk], object], ready: Callable[[str], None] = lambda _url: None
) -> int:
    """The same on a database that is brought up to date first. `prepare` may be a coroutine function of the desk."""
    refuse_open_doors(settings)
    return _run(_serve(settings, upgrade=True, prepare=prepare, ready=ready))


def first_token(settings: Settings, **wanted: Any) -> str:
    """A token made in the database itself, where no server has to be asked: the first admin's. Words of NewToken."""

    async def work() -> str:
        async with reach(settings) as dsn:
            await migrate.check(settings.direct_url or dsn)
            database = await Database.connect(dsn, size=2, statement_cache=False, notify=False)
            try:
                clock = Clock(database.now)
                await clock.set()
                return await tokens.first_token(database, tokens.NewToken(**wanted), clock.now())
            finally:
                await database.close()

    return asyncio.run(work())


async def dev_tokens(desk: Desk, admin: str, worker: str) -> tuple[str, str]:
    """For `ostro dev`: an admin's token and one for its own worker; those that it had, if they still count.

    They are kept, not replaced: the worker of an `ostro dev` that was killed reports its last results with its own.
    """
    wanted = (
        (admin, tokens.NewToken(kind="admin", label="ostro dev")),
        (worker, tokens.NewToken(kind="worker", label="ostro dev's worker", pool=True)),
    )
    now = desk.clock.now()
    found = [
        known
        if await tokens.counts(desk.database, known, new.kind, now)
        else await tokens.first_token(desk.database, new, now)
        for known, new in wanted
    ]
    return found[0], found[1]


@asynccontextmanager
async def reach(settings: Settings) -> AsyncIterator[str]:
    """The database, also while a server runs on the same data directory."""
    if settings.database_url:
        yield settings.database_url
        return
    try:
        async with reachable(settings.data_dir, bin_dir=settings.postgres_bin) as dsn:
            yield dsn
    except StorageError:
        if settings.data_dir.exists() and any(settings.data_dir.iterdir()):
            raise
        async with database_at(settings) as dsn:
            yield dsn


async def _serve(
    settings: Settings,
    *,
    upgrade: bool,
    prepare: Callable[[Desk], object] | None,
    ready: Callable[[str], None],
) -> int:
    door = bind(settings)
    async with database_at(settings) as dsn:
        schema = migrate.upgrade if upgrade else migrate.check
        await _patiently(lambda: schema(settings.direct_url or dsn), settings.timing.request)
        _calm_the_collector()
        async with engine(settings, dsn) as desk:
            prepared = prepare(desk) if prepare is not None else None
            if asyncio.iscoroutine(prepared):
                await prepared

            def opened(port: int) -> None:
                ready(url_of(settings, port))
                asyncio.get_running_loop().run_in_executor(None, warm_up)

            app = make_app(desk)
            server = Door(configured(settings, app), desk, opened)
            async with built_in_worker(settings, desk, app, server.is_open):
                await server.serve(sockets=[door])
    return 0


def _calm_the_collector() -> None:
    """Workflows in memory are many small objects that live long: looking through all of them again and again for
    rings is what stalls a server. The young are looked at in portions of a few milliseconds, the old once ten million
    have come to them; what is there now never. Smaller portions cost more: what 5,000 parked polls hold lives for 25 s
    and outlasts them, which was a fiftieth of a core.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(25_000, 4, 100)


async def _patiently(work: Callable[[], Awaitable[object]], patience: float) -> None:
    """Again while the database is starting or recovering, for so many seconds."""
    until = monotonic() + patience
    while True:
        try:
            await work()
        except StorageUnavailable as away:
            if monotonic() > until:
                raise
            _log.warning("waiting_for_the_database", why=str(away))
            await pause(_LOOK_AGAIN)
        else:
            return


def _run(work: Coroutine[Any, Any, int]) -> int:
    """On uvloop where there is one; what went wrong in one task alone is told as itself."""
    factory = None
    if sys.platform != "win32":
        import uvloop

        factory = uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(work)
