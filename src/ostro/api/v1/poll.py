"""POST /v1/workers/poll, as a raw ASGI route: while it waits it watches whether the worker is still there.

A handler of the framework does not notice a client that went away, and jobs granted to nobody would wait for
the end of their lease.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

import msgspec
from litestar.exceptions import MethodNotAllowedException
from litestar.types import Receive, Scope, Send

from ostro.api import failures
from ostro.api.auth import caller_of
from ostro.api.checked import check_depth, check_text
from ostro.api.v1.shapes import polled as shape
from ostro.api.v1.workers import POLL, check_filter, held_of
from ostro.engine.dispatcher import Ask
from ostro.errors import OstroError, Refusal, TooLarge
from ostro.protocol.workers import JobResult, Poll
from ostro.service import workers
from ostro.service.access import SESSION_FRESH, Caller, require
from ostro.service.desk import Closing, Desk
from ostro.service.workers import Ended, Polled
from ostro.values import Limits, TaskState, readable

T = TypeVar("T")

_AUTHORIZATION = b"authorization"


class WorkerIsGone(Exception):
    """The worker closed its connection before it was answered."""


def route(desk: Desk) -> Callable[[Scope, Receive, Send], Awaitable[None]]:
    """The ASGI application of this one path."""

    async def serve(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await _answer(desk, scope, receive)
        except WorkerIsGone:
            return
        except Exception as error:  # noqa: BLE001  (the edge: every error becomes a problem, what is ours is logged)
            await failures.respond(send, *failures.tell(error))
            return
        body = msgspec.json.encode(shape(answer))
        try:
            await failures.respond(send, 200, body, {"content-type": "application/json"})
        except OSError:
            desk.dispatcher.give_back(answer.answered)

    return serve


async def _answer(desk: Desk, scope: Scope, receive: Receive) -> Polled:
    if scope["method"] != POLL.method:  # type: ignore[typeddict-item]
        raise MethodNotAllowedException
    bearer = next((value for key, value in scope["headers"] if key == _AUTHORIZATION), b"")
    caller = await caller_of(desk, {"authorization": bearer.decode("latin-1")}, fresh=SESSION_FRESH)
    require(caller, POLL.allowed or frozenset())
    asked: Poll = _decode(await _read(receive, desk.limits.request_bytes))
    work = _poll(desk, caller, asked)
    return await _watched(receive, desk.closing, work, lambda lost: desk.dispatcher.give_back(lost.answered))


_decode = msgspec.json.Decoder(Poll).decode


async def _poll(desk: Desk, caller: Caller, asked: Poll) -> Polled:
    tags = asked.tags
    if isinstance(tags, list):
        check_filter(tags, desk.limits)
    ask = Ask(
        namespace=caller.namespace,
        token=caller.id,
        session=asked.session,
        counter=asked.counter,
        free=asked.free,
        wait=asked.wait,
        held=held_of(asked.held),
        stopped=held_of(asked.stopped),
        tags=frozenset(tags) if isinstance(tags, list) else tags,
    )
    reports = [report_of(one, desk.limits) for one in asked.results]
    return await workers.poll(desk, caller, ask, reports)


def report_of(result: JobResult, limits: Limits) -> Ended:
    """A worker's report. One that cannot be kept ends the job in ERROR: refused, it would come for ever."""
    body: bytes | None = bytes(result.result) if isinstance(result.result, msgspec.Raw) else None
    state, error = TaskState(result.state), readable(result.error) if result.error is not None else None
    if body is not None:
        wrong = _problem_with(body, limits)
        if wrong is not None:
            state, error, body = TaskState.ERROR, wrong, None
    return Ended(
        workflow=result.workflow,
        job=result.job,
        fence=result.fence,
        state=state,
        result=body,
        error=error,
        goes_on=result.goes_on and state is TaskState.SUCCESS,
    )


def _problem_with(body: bytes, limits: Limits) -> str | None:
    try:
        if len(body) > limits.result_bytes:
            raise TooLarge(
                "result_too_large", f"a result has at most {limits.result_bytes} bytes, this had {len(body)}"
            )
        check_text(body)
        check_depth(body, limits.json_depth)
    except Refusal as refusal:
        return f"{refusal.kind}: {refusal.message}"
    return None


async def _read(receive: Receive, most: int) -> bytes:
    """The whole body; TooLarge above `most` bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise WorkerIsGone
        part: bytes = message.get("body", b"")  # type: ignore[assignment]
        size += len(part)
        if size > most:
            raise TooLarge("request_too_large", f"A request has at most {most} bytes.")
        parts.append(part)
        if not message.get("more_body", False):
            return b"".join(parts)


async def _watched(
    receive: Receive, closing: Closing, work: Coroutine[Any, Any, T], undo: Callable[[T], None]
) -> T:
    """What `work` brings. It is cancelled when the worker goes (WorkerIsGone) or the server closes.

    What came at the very moment that the worker went is undone.
    """
    outcome: list[T | OstroError] = []
    try:
        async with asyncio.TaskGroup() as group:
            watching = group.create_task(_gone(receive))
            outcome.append(await _kept(work, closing))
            watching.cancel()
    except BaseExceptionGroup as ended:
        if not isinstance(ended.exceptions[0], WorkerIsGone):
            raise
        if outcome and not isinstance(outcome[0], OstroError):
            undo(outcome[0])
        raise ended.exceptions[0] from None
    if isinstance(outcome[0], OstroError):
        raise outcome[0]
    return outcome[0]


async def _kept(work: Coroutine[Any, Any, T], closing: Closing) -> T | OstroError:
    """A refusal is an outcome like another: it must not tear the group down."""
    try:
        with closing.heeded():
            return await work
    except OstroError as error:
        work.close()
        return error


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    raise WorkerIsGone
