"""The whole HTTP face as one ASGI application."""

from urllib.parse import quote

from litestar import Litestar, asgi, get
from litestar import Response as LitestarResponse
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Receive, Scope, Send

from ostro.api import failures
from ostro.api.endpoints import handler
from ostro.api.openapi import ENDPOINTS, document
from ostro.api.v1 import poll
from ostro.api.v1.workers import POLL
from ostro.errors import Overloaded
from ostro.protocol import paths
from ostro.service.desk import Desk


class App:
    """Routes by the path as it was sent, so that a task's name may hold a slash (`%2F`).

    `close` ends whatever waits here: parked polls, feeds, waits.
    """

    def __init__(self, desk: Desk, routes: Litestar) -> None:
        self.routes = routes
        self._desk = desk
        self._bytes = 0
        """Of the requests that are being worked on, as far as they announced their length."""
        self._most_bytes = desk.limits.bytes_in_flight
        self._next: ASGIApp = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] != ScopeType.HTTP:
            await self._next(scope, receive, send)
            return
        sent = scope.get("raw_path") or quote(scope["path"]).encode()
        scope["path"] = sent.partition(b"?")[0].decode("ascii", errors="replace")
        size = _announced(scope)
        if size and self._bytes + size > self._most_bytes:
            await failures.respond(send, *failures.tell(_too_busy(self._most_bytes)))
            return
        self._bytes += size
        try:
            await self._next(scope, receive, send)
        finally:
            self._bytes -= size

    def close(self) -> None:
        """The server is to stop: nobody waits here any longer."""
        self._desk.closing.set()


def make_app(desk: Desk) -> App:
    """All of /v1 on this desk."""
    handlers = [handler(desk, endpoint) for endpoint in ENDPOINTS if endpoint.does is not None]
    raw_poll = asgi(paths.POLL, opt={"endpoint": POLL}, copy_scope=False)(poll.route(desk))
    routes = Litestar(
        [*handlers, raw_poll, _openapi],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=desk.limits.request_bytes,
        exception_handlers={Exception: failures.answer_with},
    )
    return App(desk, routes)


def _announced(scope: HTTPScope) -> int:
    """The length of the body that is to come; 0 where the request does not say."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _too_busy(most: int) -> Overloaded:
    return Overloaded(
        f"Requests of {most} bytes are being worked on already, as many as this server may keep.",
        hint="Try again in a moment.",
    )


@get(paths.OPENAPI, sync_to_thread=False)
def _openapi() -> LitestarResponse[bytes]:
    return LitestarResponse(document(), media_type="application/json")
