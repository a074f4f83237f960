"""`std.http`: one HTTP request, with the options and the result that Mistral's users know."""

import asyncio
import ssl
from contextlib import suppress
from functools import cache
from typing import Any
from urllib.parse import urlencode

import httpx2
import msgspec

from ostro.actions.context import Context, Outcome, taken, unless_stopped
from ostro.actions.egress import Refused
from ostro.actions.std.guarded import Guarded
from ostro.clock import monotonic
from ostro.language.model.standard import Http

_PATIENCE = 60.0
_MOST_REDIRECTS = 20
_GOOD = range(200, 307)


class Answer(msgspec.Struct):
    """What came back. `history` are the redirects on the way, `elapsed` is in seconds."""

    content: Any
    status: int
    headers: dict[str, str]
    url: str
    history: list[dict[str, Any]]
    encoding: str | None
    reason: str
    cookies: dict[str, str | None]
    elapsed: float


class TooLong(Exception):
    """The body is above the limit of results."""


async def run(context: Context) -> Outcome:
    """Sends the request; a status outside 200 to 306 is an ERROR, with the same result."""
    given: Http = taken("std.http", context.input, Http)
    return await unless_stopped(context, asked(context, given, {}))


async def asked(context: Context, given: Http, besides: dict[str, str]) -> Outcome:
    """The outcome of the request, with these headers besides."""
    patience = given.timeout or _PATIENCE
    try:
        async with asyncio.timeout(patience):
            answer = await _exchange(context, given, besides)
    except TimeoutError:
        return Outcome(error=f"no answer from {given.url} within {patience:g} s")
    except Refused as refused:
        return Outcome(error=f"{given.method} {given.url} was refused: {refused}")
    except TooLong:
        limit = context.result_bytes
        return Outcome(
            error=f"the answer of {given.url} is larger than the {limit} bytes that a result may have"
        )
    except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as failed:
        return Outcome(error=f"{given.method} {given.url} failed: {str(failed) or type(failed).__name__}")
    error = None if answer.status in _GOOD else f"HTTP {answer.status} {answer.reason}".rstrip()
    return Outcome(msgspec.json.encode(answer), error)


async def _exchange(context: Context, given: Http, besides: dict[str, str]) -> Answer:
    begun = monotonic()
    transport = Guarded(context.egress, _trust(given.verify), given.proxies or {})
    async with httpx2.AsyncClient(
        transport=transport, timeout=None, trust_env=False, cookies=given.cookies
    ) as client:
        request = _request(client, given, besides)
        passed: list[dict[str, Any]] = []
        response = await client.send(request, stream=True, auth=_auth(given.auth))
        # Not by the client itself: it would read the bodies of redirects whole.
        while given.allow_redirects and response.next_request is not None:
            passed.append({"status": response.status_code, "url": str(response.url)})
            if len(passed) > _MOST_REDIRECTS:
                raise httpx2.TooManyRedirects(f"more than {_MOST_REDIRECTS} redirects", request=request)
            await response.aclose()
            response = await client.send(response.next_request, stream=True)
        body = await _body(response, context.result_bytes)
        return _answer(response, body, passed, monotonic() - begun)


def _request(client: httpx2.AsyncClient, given: Http, besides: dict[str, str]) -> httpx2.Request:
    headers = {name: str(value) for name, value in (given.headers or {}).items()} | besides
    content = None
    if given.body is not None:
        content = given.body.encode() if isinstance(given.body, str) else msgspec.json.encode(given.body)
    url = httpx2.URL(given.url)
    if given.params:
        query = given.params if isinstance(given.params, str) else urlencode(given.params, doseq=True)
        url = url.copy_with(query="&".join(filter(None, [url.query.decode(), query])).encode())
    return client.build_request(given.method, url, content=content, json=given.json, headers=headers)


def _auth(given: str | list[str] | None) -> tuple[str, str] | None:
    if given is None:
        return None
    user, password = given if isinstance(given, list) else given.partition(":")[::2]
    return user, password


@cache
def _everybody_known() -> ssl.SSLContext:
    return ssl.create_default_context()


def _trust(verify: bool | str | None) -> ssl.SSLContext:
    """What certificates count: those of the machine, of a file, or any."""
    if verify is None or verify is True:
        return _everybody_known()
    if isinstance(verify, str):
        return ssl.create_default_context(cafile=verify)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


async def _body(response: httpx2.Response, most: int) -> bytes:
    body = bytearray()
    try:
        async for piece in response.aiter_bytes():
            body += piece
            if len(body) > most:
                raise TooLong
    finally:
        await response.aclose()
    return bytes(body)


def _answer(response: httpx2.Response, body: bytes, passed: list[dict[str, Any]], elapsed: float) -> Answer:
    return Answer(
        content=_content(body, response.charset_encoding),
        status=response.status_code,
        headers=dict(response.headers),
        url=str(response.url),
        history=passed,
        encoding=response.charset_encoding,
        reason=response.reason_phrase,
        cookies={one.name: one.value for one in response.cookies.jar},
        elapsed=round(elapsed, 6),
    )


def _content(body: bytes, encoding: str | None) -> Any:
    """JSON as it came, anything else as text: what is none, and NUL, becomes U+FFFD."""
    with suppress(ValueError, RecursionError):
        msgspec.json.decode(body)
        return msgspec.Raw(body)
    try:
        text = body.decode(encoding or "utf-8", errors="replace")
    except LookupError:
        text = body.decode(errors="replace")
    return text.replace("\0", "\ufffd")
