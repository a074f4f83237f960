"""The whole HTTP face as one ASGI application."""

from urllib.parse import quote

from litestar import Litestar, asgi, get
from litestar import Response as LitestarResponse
from litestar.enums import ScopeType
from litestar.types import ASGIApp, Receive, Scope, Send

from ostro.api import failures
from ostro.api.endpoints import handler
from ostro.api.openapi import ENDPOINTS, document
from ostro.api.v1 import poll
from ostro.api.v1.workers import POLL
from ostro.protocol import paths
from ostro.service.desk import Desk


class App:
    """Routes by the path as it was sent, so that a task's name may hold a slash (`%2F`).

    `close` ends whatever waits here: parked polls, feeds, waits.
    """

    def __init__(self, desk: Desk, routes: Litestar) -> None:
        self.routes = routes
        self._desk = desk
        self._next: ASGIApp = routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] == ScopeType.HTTP:
            sent = scope.get("raw_path") or quote(scope["path"]).encode()
            scope["path"] = sent.partition(b"?")[0].decode("ascii", errors="replace")
        await self._next(scope, receive, send)

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


@get(paths.OPENAPI, sync_to_thread=False)
def _openapi() -> LitestarResponse[bytes]:
    return LitestarResponse(document(), media_type="application/json")
