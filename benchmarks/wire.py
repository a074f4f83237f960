"""A lean HTTP/1.1 client: keep-alive, one request at a time on a connection, nothing that Ostro does not send.

What measures must cost little, or it measures itself: this takes a tenth of the CPU of a full client.
"""

import asyncio
from contextlib import suppress
from urllib.parse import urlsplit

import msgspec

_BUSY = {429, 503}
_SHORTEST_PAUSE = 0.02


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, path: str, status: int, text: str) -> None:
        super().__init__(f"{path}: {status} {text}")
        self.status = status


class _Connection:
    """One socket."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def ask(self, request: bytes) -> tuple[int, bytes, bytes]:
        """Status, head and body of the answer."""
        self._writer.write(request)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = _header(head, b"content-length")
        if not length:
            raise Refused("", 0, f"an answer without a length: {head!r}")
        return int(head[9:12]), head, await self._reader.readexactly(int(length))

    def close(self) -> None:
        with suppress(Exception):
            self._writer.close()


class Wire:
    """As many connections to one server as there are requests at once; they are kept and used again."""

    def __init__(self, url: str, token: str) -> None:
        where = urlsplit(url)
        self._host, self._port = where.hostname or "", where.port or 80
        self._same = f"host: {where.netloc}\r\nauthorization: Bearer {token}\r\n"
        self._idle: list[_Connection] = []

    async def post(self, path: str, body: object) -> bytes:
        """The answer's body. `body` is bytes, or what JSON is made of. Waits and repeats while the server is busy."""
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        head = f"POST {path} HTTP/1.1\r\n{self._same}content-type: application/json\r\n"
        return await self._patiently(path, f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)

    async def get(self, path: str) -> bytes:
        """The answer's body."""
        return await self._patiently(path, f"GET {path} HTTP/1.1\r\n{self._same}\r\n".encode())

    def close(self) -> None:
        """Closes the connections that are not in use."""
        while self._idle:
            self._idle.pop().close()

    async def _patiently(self, path: str, request: bytes) -> bytes:
        while True:
            status, head, body = await self._once(request)
            if status < 300:
                return body
            if status not in _BUSY:
                raise Refused(path, status, body.decode(errors="replace"))
            await asyncio.sleep(max(_SHORTEST_PAUSE, float(_header(head, b"retry-after") or 0)))

    async def _once(self, request: bytes) -> tuple[int, bytes, bytes]:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            answer = await connection.ask(request)
        except BaseException:  # also when cancelled: half an answer may still come
            connection.close()
            raise
        self._idle.append(connection)
        return answer

    async def _connect(self) -> _Connection:
        return _Connection(*await asyncio.open_connection(self._host, self._port))


def _header(head: bytes, name: bytes) -> bytes:
    start = head.find(b"\r\n" + name + b":")
    if start < 0:
        return b""
    start += len(name) + 3
    return head[start : head.index(b"\r\n", start)].strip()
