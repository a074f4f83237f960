"""The one seam between Ostro's client side and HTTP.

A call sends a struct and gets a struct; whatever goes wrong is an error of `ostro.errors`. What is safe
to repeat is repeated: a GET, a request with an Idempotency-Key, and any request that never left.
"""

import ssl
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Protocol, Self, TypeVar

import httpx2
import msgspec
import stamina

from ostro.client.problems import Busy, NeverSent, failure
from ostro.clock import monotonic
from ostro.errors import OstroError, ServerUnreachable, TooMany

T = TypeVar("T")


class Page(Protocol):
    """A part of a list."""

    next: str | None


P = TypeVar("P", bound=Page)

_NEVER_LEFT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """Where a server is and how to prove oneself. `cert` is a PEM file, with its key in it or in `key`.

    `socket` is a Unix socket on which the server listens, whatever its address says.
    """

    server: str
    token: str = ""
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    socket: Path | None = None


class Transport:
    """HTTP to one server. Times are seconds; `patience` is how long a call is repeated where that is safe.

    `reach`, where it is given, is how long a server that never took a connection is looked for.
    Raises Refusal and its kin (the server said no), ServerUnreachable (there was no answer).
    """

    def __init__(
        self, link: Link, *, timeout: float = 30.0, patience: float = 20.0, reach: float | None = None
    ) -> None:
        self.link = link
        self._patience = patience
        self._reach = reach
        headers = {"authorization": f"Bearer {link.token}"} if link.token else {}
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=32)
        try:
            self._http = httpx2.AsyncClient(
                base_url=link.server.rstrip("/"),
                headers=headers,
                verify=_trust(link),
                timeout=httpx2.Timeout(timeout, connect=5.0),
                limits=limits,
                transport=httpx2.AsyncHTTPTransport(uds=str(link.socket), limits=limits)
                if link.socket
                else None,
            )
        except (OSError, ssl.SSLError) as wrong:
            files = ", ".join(str(path) for path in (link.ca, link.cert, link.key) if path)
            raise OstroError(
                f"The certificates cannot be used ({files}): {wrong}",
                hint="They come from --ca (OSTRO_CA), --cert and --key, or the profile.",
            ) from wrong
        except httpx2.InvalidURL as wrong:
            raise OstroError(f"{link.server} is no address of a server: {wrong}") from wrong

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    def use(self, token: str) -> None:
        """Another token from now on."""
        self._http.headers["authorization"] = f"Bearer {token}"

    async def close(self) -> None:
        """Closes the connections; open calls end in ServerUnreachable."""
        await self._http.aclose()

    async def call(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        key: str = "",
        timeout: float | None = None,
    ) -> T:
        """One request, repeated while that is safe and may help. `key` is its Idempotency-Key."""
        safe = method == "GET" or bool(key)
        began = monotonic()

        def again(error: Exception) -> bool | float:
            if isinstance(error, (TooMany, Busy)):
                return error.retry_after if safe or isinstance(error, TooMany) else False
            if isinstance(error, NeverSent):
                return self._reach is None or monotonic() - began < self._reach
            return safe and isinstance(error, ServerUnreachable)

        async for attempt in stamina.retry_context(
            on=again, attempts=None, timeout=self._patience, wait_initial=0.1, wait_max=2.0, wait_jitter=0.2
        ):
            with attempt:
                return await self.once(
                    method, path, answer, body=body, params=params, key=key, timeout=timeout
                )
        raise AssertionError  # the loop ends by return or raise

    async def pages(self, path: str, answer: type[P], **params: Any) -> AsyncIterator[P]:
        """The pages of a list, each asked for once the one before was taken."""
        cursor: str | None = None
        while True:
            page = await self.call("GET", path, answer, params={**params, "cursor": cursor})
            yield page
            cursor = page.next
            if cursor is None:
                return

    async def once(
        self,
        method: str,
        path: str,
        answer: type[T],
        *,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        key: str = "",
        timeout: float | None = None,
    ) -> T:
        """One request, sent at most once. `answer` Raw: the JSON as it came (empty where none came)."""
        content = None if body is None else msgspec.json.encode(body)
        headers = {} if content is None else {"content-type": "application/json"}
        if key:
            headers["idempotency-key"] = key
        chosen = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            response = await self._http.request(
                method,
                path,
                content=content,
                params=chosen or None,
                headers=headers,
                timeout=httpx2.USE_CLIENT_DEFAULT
                if timeout is None
                else httpx2.Timeout(timeout, connect=5.0),
            )
        except (httpx2.HTTPError, httpx2.StreamError, RuntimeError) as lost:
            raise self._unreachable(lost) from lost
        self._reach = None  # it is there: what comes now is a restart
        if response.status_code >= 300:
            raise failure(response.status_code, response.content, response.headers.get("retry-after"))
        return self._read(response.content, answer)

    def _read(self, content: bytes, answer: type[T]) -> T:
        if answer is msgspec.Raw:
            return msgspec.Raw(content)  # type: ignore[return-value]
        try:
            return msgspec.json.decode(content, type=answer)
        except msgspec.DecodeError as strange:
            raise OstroError(
                f"{self.link.server} answered something else than Ostro would: {strange}",
                hint="Is this the address of an Ostro server, and of the same version?",
            ) from strange

    def _unreachable(self, lost: Exception) -> ServerUnreachable:
        if isinstance(lost, RuntimeError) and "closed" not in str(lost):
            raise lost  # a mistake of ours
        why = str(lost) or type(lost).__name__
        kind = NeverSent if isinstance(lost, _NEVER_LEFT) else ServerUnreachable
        return kind(
            f"No answer from {self.link.server}: {why}.",
            hint="Is the server running, and is this its address (--server, OSTRO_SERVER)?",
        )


def _trust(link: Link) -> ssl.SSLContext | bool:
    """What certificates count. Without options those of the machine; None is read before it is needed."""
    if not link.server.startswith("https:"):
        return False
    context = ssl.create_default_context(cafile=str(link.ca) if link.ca else None)
    if link.cert:
        context.load_cert_chain(str(link.cert), str(link.key) if link.key else None)
    return context
