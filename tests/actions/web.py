"""A small HTTP server that answers what a test says, and keeps what it was asked."""

import asyncio
import ssl
from typing import Any, Self


class Asked:
    """One request."""

    def __init__(self, head: str, body: bytes) -> None:
        line, *rest = head.split("\r\n")
        self.method, self.path, _ = line.split(" ", 2)
        pairs = [one.split(": ", 1) for one in rest if one]
        self.headers = {name.lower(): value for name, value in pairs}
        self.body = body


class Web:
    """Answers by path: (status line, headers, body). `hangs` paths are never answered."""

    def __init__(self, answers: dict[str, tuple[str, dict[str, str], bytes]], **where: Any) -> None:
        self.answers = answers
        self.where = {"host": "127.0.0.1", **where}
        self.asked: list[Asked] = []
        self.hung = asyncio.Event()
        self.hung_up = asyncio.Event()
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        host = self.where["host"]
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, port=0, **self.where)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_exc: object) -> None:
        assert self._server is not None
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().strip()
            length = next(
                (int(one[15:]) for one in head.split("\r\n") if one.lower().startswith("content-length:")), 0
            )
            asked = Asked(head, await reader.readexactly(length))
            self.asked.append(asked)
            path = asked.path.partition("?")[0]
            if path not in self.answers:
                self.hung.set()
                await reader.read()
                self.hung_up.set()
                return
            status, headers, body = self.answers[path]
            lines = [f"HTTP/1.1 {status}", *(f"{name}: {value}" for name, value in headers.items())]
            writer.write("\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            writer.close()
