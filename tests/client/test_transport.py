"""What a call does when all is well, and what becomes of all that can go wrong."""

import asyncio
import socket
import time
from collections.abc import AsyncIterator

import msgspec
import pytest
import stamina.instrumentation

from ostro.client.transport import Link, Transport
from ostro.errors import (
    Conflict,
    Gone,
    Invalid,
    NotAllowed,
    NotFound,
    OstroError,
    Refusal,
    ServerUnreachable,
    TooLarge,
    TooMany,
    Unauthenticated,
)
from tests.client.played import Played, played


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])


class Thing(msgspec.Struct):
    a: int


@pytest.fixture
async def server() -> AsyncIterator[Played]:
    async with played() as running:
        yield running


@pytest.fixture
async def transport(server: Played) -> AsyncIterator[Transport]:
    async with Transport(Link(server=server.url, token="secret"), patience=5.0) as made:
        yield made


async def test_a_call_carries_token_body_and_parameters(server: Played, transport: Transport) -> None:
    server.will({"a": 1, "unheard": 2})
    answer = await transport.call(
        "POST", "/x%2Fy", Thing, body=Thing(2), params={"q": "é", "no": None}, key="k"
    )
    assert answer == Thing(1)
    asked = server.asked[0]
    assert (asked.path, asked.query, asked.json) == ("/x%2Fy", "q=%C3%A9", {"a": 2})
    assert asked.headers["authorization"] == "Bearer secret"
    assert asked.headers["idempotency-key"] == "k"


@pytest.mark.parametrize("kind", [Conflict, Gone, Invalid, NotAllowed, NotFound, TooLarge, Unauthenticated])
async def test_a_problem_is_the_error_of_its_status(
    server: Played, transport: Transport, kind: type[Refusal]
) -> None:
    server.will_refuse(
        kind.status,
        "a_kind",
        detail="No.",
        hint="Try.",
        fields=[{"path": "$.a", "what": "bad"}],
        more={"n": 1},
    )
    with pytest.raises(kind) as refused:
        await transport.call("GET", "/", Thing)
    error = refused.value
    assert (error.kind, error.message, error.hint) == ("a_kind", "No.", "Try.")
    assert (error.fields, error.detail) == ((("$.a", "bad"),), {"n": 1})
    assert len(server.asked) == 1


async def test_a_get_and_a_keyed_post_are_repeated_while_the_server_is_busy(
    server: Played, transport: Transport
) -> None:
    for key, method in (("", "GET"), ("k", "POST")):
        server.answers.clear()
        server.will_refuse(503, "storage_unavailable", retry_after="0.01")
        server.will({"a": 3})
        assert await transport.call(method, "/", Thing, key=key) == Thing(3)


async def test_a_post_without_a_key_is_not_repeated(server: Played, transport: Transport) -> None:
    server.will_refuse(503, "storage_unavailable", retry_after="0.01")
    with pytest.raises(ServerUnreachable):
        await transport.call("POST", "/", Thing)
    assert len(server.asked) == 1


async def test_too_many_is_repeated_when_the_server_says(server: Played, transport: Transport) -> None:
    server.will_refuse(429, "rate", retry_after="0.01")
    server.will({"a": 3})
    assert await transport.call("POST", "/", Thing) == Thing(3)


async def test_too_many_is_raised_when_patience_ends(server: Played) -> None:
    server.will_refuse(429, "rate", retry_after="0.02")
    async with Transport(Link(server=server.url), patience=0.05) as transport:
        with pytest.raises(TooMany):
            await transport.call("POST", "/", Thing)


async def test_nobody_there_is_unreachable() -> None:
    async with Transport(Link(server=f"http://127.0.0.1:{free_port()}"), patience=0.3) as transport:
        with pytest.raises(ServerUnreachable, match="OSTRO_SERVER"):
            await transport.call("POST", "/", Thing)


async def test_an_address_where_nobody_ever_was_is_given_up_soon() -> None:
    began = time.monotonic()
    async with Transport(Link(server=f"http://127.0.0.1:{free_port()}"), reach=0.1) as transport:
        with pytest.raises(ServerUnreachable):
            await transport.call("GET", "/", Thing)
    assert time.monotonic() - began < 5


async def test_a_server_that_was_reached_is_waited_for_while_it_starts_again() -> None:
    port, refused = free_port(), asyncio.Event()
    stamina.instrumentation.set_on_retry_hooks([lambda _: refused.set()])
    try:
        async with Transport(Link(server=f"http://127.0.0.1:{port}"), reach=0.0) as transport:
            async with played(port) as first:
                first.will({"a": 1})
                assert await transport.call("GET", "/", Thing) == Thing(1)
            async with asyncio.TaskGroup() as group:
                second = group.create_task(transport.call("GET", "/", Thing))
                await refused.wait()
                async with played(port) as again:
                    again.will({"a": 2})
                    assert await second == Thing(2)
    finally:
        stamina.instrumentation.set_on_retry_hooks(None)


@pytest.mark.parametrize("content", [b"<html>", b'{"b": 1}', b""])
async def test_an_answer_of_somebody_else_is_said_so(
    server: Played, transport: Transport, content: bytes
) -> None:
    server.will(content)
    with pytest.raises(OstroError, match="address of an Ostro server"):
        await transport.call("GET", "/", Thing)


async def test_a_proxys_page_is_no_puzzle(server: Played, transport: Transport) -> None:
    server.will(b"<html>", 404)
    with pytest.raises(NotFound, match="proxy"):
        await transport.call("GET", "/", Thing)


def test_a_missing_certificate_is_said() -> None:
    from pathlib import Path

    with pytest.raises(OstroError, match="--ca"):
        Transport(Link(server="https://localhost", ca=Path("/nonexistent")))
