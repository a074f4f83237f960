"""The outermost layer of HTTP: every request gets an id, is counted, and is refused where there is no room for it."""

import re
from urllib.parse import quote

import structlog
from litestar import Litestar
from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from ostro.api import failures
from ostro.api.metrics import Metrics
from ostro.clock import monotonic, new_id
from ostro.errors import Overloaded
from ostro.protocol import paths
from ostro.service.desk import Desk

REQUEST_ID = b"x-request-id"

_log = structlog.get_logger("ostro.api")
_GOOD_ID = re.compile(rb"[A-Za-z0-9._:-]{1,128}")


class Door:
    """What uvicorn calls. `close` ends whatever waits here: parked polls, feeds, waits.

    It routes by the path as it was sent, so that a task's name may hold a slash (`%2F`).
    """

    def __init__(self, desk: Desk, routes: Litestar, poll: ASGIApp, metrics: Metrics) -> None:
        self.routes = routes
        self._poll = poll
        """The poll goes past the router: thousands of workers wait in it."""
        self._desk = desk
        self._metrics = metrics
        self._bytes = 0
        """Of the requests that are being worked on, as far as they announced their length."""
        self._most_bytes = desk.limits.bytes_in_flight

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request, or the server's start and end."""
        if scope["type"] != ScopeType.HTTP:
            await self.routes(scope, receive, send)
            return
        sent = scope.get("raw_path") or quote(scope["path"]).encode()
        scope["path"] = sent.partition(b"?")[0].decode("ascii", errors="replace")
        size, known = _announced(scope)
        await self._serve(scope, receive, _Answer(send, known or str(new_id()).encode()), size)

    async def _serve(self, scope: HTTPScope, receive: Receive, answer: "_Answer", size: int) -> None:
        began = monotonic()
        self._bytes += size
        structlog.contextvars.bind_contextvars(
            request=answer.id.decode()
        )  # each request has a task of its own
        try:
            if size and self._bytes > self._most_bytes:
                await failures.respond(answer.send, *failures.tell(_too_busy(self._most_bytes)))
            elif scope["path"] == paths.POLL:
                scope["path_template"] = paths.POLL
                await self._poll(scope, receive, answer.send)
            else:
                await self.routes(scope, receive, answer.send)
        finally:
            self._bytes -= size
            self._tell(scope, answer.status, monotonic() - began)

    def _tell(self, scope: HTTPScope, status: int, seconds: float) -> None:
        method, route = str(scope["method"]), str(scope.get("path_template") or "none")
        self._metrics.ended(method, route, status, seconds)
        _log.debug("answered", method=method, path=scope["path"], status=status, seconds=round(seconds, 4))

    def close(self) -> None:
        """The server is to stop: nobody waits here any longer."""
        self._desk.closing.set()


class _Answer:
    """Adds the request's id to its answer, and remembers the status (499: nobody was there to hear it)."""

    def __init__(self, send: Send, request_id: bytes) -> None:
        self._send = send
        self.id = request_id
        self.status = 499

    async def send(self, message: Message) -> None:
        """Passes it on."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            message["headers"] = [*message["headers"], (REQUEST_ID, self.id)]
        await self._send(message)


def _announced(scope: HTTPScope) -> tuple[int, bytes]:
    """The length of the body that is to come (0: the request does not say), and the id that it brings."""
    size, known = 0, b""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            size = int(value)
        elif name == REQUEST_ID and _GOOD_ID.fullmatch(value):
            known = value
    return size, known


def _too_busy(most: int) -> Overloaded:
    return Overloaded(
        f"Requests of {most} bytes are being worked on already, as many as this server may keep.",
        hint="Try again in a moment.",
    )
