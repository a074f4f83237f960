"""The doors of a server: where it listens, who may come in there, and the one of its built-in worker."""

import asyncio
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Any

import uvicorn

from ostro.actions.egress import egress
from ostro.errors import Invalid
from ostro.loops.built_in import BuiltIn
from ostro.service.desk import Desk
from ostro.settings import Settings

_GRACE_SECONDS = 5


def refuse_open_doors(settings: Settings) -> None:
    """Invalid where tokens would travel in the clear over a network, or half of TLS is given.

    OstroError where nobody can tell who is to be let out.
    """
    egress(_words(settings.egress_allow), _words(settings.egress_deny))
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


def _words(text: str | None) -> list[str]:
    """A setting with blanks between its parts."""
    return (text or "").split()


def split_address(listen: str) -> tuple[str, int]:
    """`HOST:PORT` (`[::1]:8420` for IPv6) as its parts. Invalid says what is wrong."""
    host, colon, port = listen.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535 or not host:
        raise Invalid(
            "bad_listen", f"{listen!r} is no address.", hint="Write HOST:PORT, for example 127.0.0.1:8420."
        )
    return host.strip("[]"), int(port)


def bind(settings: Settings) -> socket.socket:
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


class Door(uvicorn.Server):
    """uvicorn that says when it is open, and leaves signals to us: our own streams must end first."""

    def __init__(self, config: uvicorn.Config, desk: Desk, opened: Callable[[int], None]) -> None:
        super().__init__(config)
        self._desk = desk
        self._opened = opened
        self.is_open = asyncio.Event()

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
            self.is_open.set()


class _InnerDoor(uvicorn.Server):
    """For the built-in worker alone; signals are the other door's."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None."""
        yield


def url_of(settings: Settings, port: int) -> str:
    """Where a client on this machine finds the server."""
    host, _ = split_address(settings.listen)
    scheme = "https" if settings.tls_cert else "http"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}"


_PLAIN: dict[str, Any] = {
    "lifespan": "off",
    "log_config": None,
    "access_log": False,
    "server_header": False,
    "timeout_graceful_shutdown": _GRACE_SECONDS,
    "timeout_keep_alive": 75,
}


def configured(settings: Settings, app: Any) -> uvicorn.Config:
    """How the public door speaks."""
    return uvicorn.Config(
        app,
        **_PLAIN,
        proxy_headers=settings.behind_proxy,
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        backlog=4096,
    )


@asynccontextmanager
async def built_in_worker(
    settings: Settings, desk: Desk, app: Any, is_open: asyncio.Event
) -> AsyncIterator[None]:
    """The server's own worker, from when the door is open. It comes in by a door of its own that nobody else finds,
    so TLS, addresses and proxies are nothing to it.
    """
    if not settings.built_in_slots:
        yield
        return
    told = {
        "slots": settings.built_in_slots,
        "egress_allow": _words(settings.egress_allow),
        "egress_deny": _words(settings.egress_deny),
    }
    with TemporaryDirectory(prefix="ostro-", dir=_short_folder()) as folder:
        socket_path = Path(folder) / "socket"
        inner = _InnerDoor(uvicorn.Config(app, uds=str(socket_path), **_PLAIN))
        kept = BuiltIn(desk, socket=socket_path, data_dir=settings.data_dir, told=told)
        async with asyncio.TaskGroup() as group:

            async def keep() -> None:
                try:
                    await is_open.wait()
                    await kept.keep()
                finally:
                    await kept.close()

            listening = group.create_task(inner.serve())
            keeping = group.create_task(keep())
            try:
                yield
            finally:
                kept.let_go()
                keeping.cancel()
                await asyncio.wait([keeping])
                inner.should_exit = True
                await listening


def _short_folder() -> str | None:
    """The name of a socket has about a hundred letters at most."""
    return "/tmp" if len(gettempdir()) > 60 else None  # noqa: S108
