"""The composition root: makes a server out of its parts, runs it, and takes it apart in order."""

import asyncio
import gc
import signal
import socket
import ssl
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

import structlog
import uvicorn

from ostro.api.app import make_app
from ostro.clock import Clock, monotonic, new_id, pause
from ostro.engine.dispatcher import Dispatcher
from ostro.engine.lanes import Lanes
from ostro.engine.parked import Parked
from ostro.engine.queues import Queues
from ostro.errors import Invalid, StorageError, StorageUnavailable
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


def refuse_open_doors(settings: Settings) -> None:
    """Invalid where tokens would travel in the clear over a network, or half of TLS is given."""
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise Invalid("bad_tls", "--tls-cert and --tls-key go together.", hint="Give both, or none.")
    if settings.tls_cert is not None:
        try:
            ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(
                settings.tls_cert, settings.tls_key
            )
        except OSError as wrong:
            raise Invalid("bad_tls", f"The certificate or its key cannot be used: {wrong}") from wrong
    host, _ = split_address(settings.listen)
    if host in {"127.0.0.1", "::1", "localhost"} or settings.tls_cert or settings.behind_proxy:
        return
    raise Invalid(
        "open_door",
        f"Tokens would travel in the clear to {settings.listen}.",
        hint="Give --tls-cert and --tls-key, or say --behind-proxy if something in front of it speaks TLS.",
    )


def split_address(listen: str) -> tuple[str, int]:
    """`HOST:PORT` (`[::1]:8420` for IPv6) as its parts. Invalid says what is wrong."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or not host:
        raise Invalid(
            "bad_listen", f"{listen!r} is no address.", hint="Write HOST:PORT, for example 127.0.0.1:8420."
        )
    return host.strip("[]"), int(port)


async def _serve(
    settings: Settings,
    *,
    upgrade: bool,
    prepare: Callable[[Desk], object] | None,
    ready: Callable[[str], None],
) -> int:
    door = _bind(settings)
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

            server = _Door(settings, desk, opened)
            await server.serve(sockets=[door])
    return 0


def _bind(settings: Settings) -> socket.socket:
    """The address is taken first: who finds it in use has not started a database for nothing."""
    host, port = split_address(settings.listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    door = socket.socket(family, socket.SOCK_STREAM)
    door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        door.bind((host, port))
    except OSError as taken:
        door.close()
        raise Invalid(
            "address_in_use",
            f"{settings.listen} cannot be listened on: {taken.strerror}.",
            hint="Is another server running? Choose another address with --listen.",
        ) from None
    door.set_inheritable(True)
    return door


class _Door(uvicorn.Server):
    """uvicorn that says when it is open, and leaves signals to us: our own streams must end first."""

    def __init__(self, settings: Settings, desk: Desk, opened: Callable[[int], None]) -> None:
        super().__init__(_uvicorn_config(settings, desk))
        self._desk = desk
        self._opened = opened

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Who asks us to stop asks the parked polls and feeds first."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.close)
        yield

    def close(self) -> None:
        """Ends the streams, then the server."""
        self._desk.closing.set()
        self.should_exit = True

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """From now on connections are accepted."""
        await super().startup(sockets)
        if self.started and sockets:
            self._opened(sockets[0].getsockname()[1])


def url_of(settings: Settings, port: int) -> str:
    """Where a client on this machine finds the server."""
    host, _ = split_address(settings.listen)
    scheme = "https" if settings.tls_cert else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


def _uvicorn_config(settings: Settings, desk: Desk) -> uvicorn.Config:
    return uvicorn.Config(
        make_app(desk),
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=settings.behind_proxy,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        timeout_graceful_shutdown=_GRACE_SECONDS,
        timeout_keep_alive=75,
        backlog=4096,
    )


def _calm_the_collector() -> None:
    """Workflows in memory are many small objects that live long: looking through all of them again and again for
    rings is what stalls a server. The young are looked at in portions of 5 ms, the old once ten million have come
    to them; what is there now never.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(5_000, 20, 100)


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
