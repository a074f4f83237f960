"""A server whose answers are given in advance; what was asked is kept."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import uvicorn

from ostro.protocol.problems import PROBLEM, Problem

Answer = tuple[int, Any, dict[str, str]] | Callable[["Asked"], Any]


class Asked(msgspec.Struct):
    """One request."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Played:
    """Answers requests one after the other; the last answer for ever."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answers: list[Answer] = []
        self.url = ""

    def will(self, body: Any, status: int = 200, **headers: str) -> None:
        self.answers.append((status, body, headers))

    def will_refuse(self, status: int, kind: str, *, retry_after: str = "", **more: Any) -> None:
        problem = Problem(type=PROBLEM + kind, title=kind, status=status, **more)
        self.will(problem, status, **({"retry-after": retry_after} if retry_after else {}))

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        raw = scope["raw_path"].decode()
        self.asked.append(Asked(scope["method"], raw, scope["query_string"].decode(), headers, body))
        answer = self.answers[0] if len(self.answers) == 1 else self.answers.pop(0)
        status, given, more_headers = (200, answer(self.asked[-1]), {}) if callable(answer) else answer
        content = given if isinstance(given, bytes) else msgspec.json.encode(given)
        sent = [(b"content-length", str(len(content)).encode())]
        sent += [(name.replace("_", "-").encode(), value.encode()) for name, value in more_headers.items()]
        await send({"type": "http.response.start", "status": status, "headers": sent})
        await send({"type": "http.response.body", "body": content})


@asynccontextmanager
async def played(port: int = 0, **options: Any) -> AsyncIterator[Played]:
    made = Played()
    with socket.create_server(("127.0.0.1", port)) as listening:
        scheme = "https" if options else "http"
        made.url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        config = uvicorn.Config(
            made.app,
            lifespan="off",
            interface="asgi3",
            ws="none",
            log_level="error",
            access_log=False,
            **options,
        )
        server = uvicorn.Server(config)
        task = asyncio.get_running_loop().create_task(server._serve([listening]))
        try:
            yield made
        finally:
            server.should_exit = server.force_exit = True
            await task
