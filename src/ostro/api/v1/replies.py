"""Replies that several endpoints give."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from ostro.api.endpoints import Call, Reply
from ostro.api.v1 import shapes
from ostro.core.events import Answer
from ostro.engine.lanes import Once
from ostro.service import answers


async def changed(call: Call[Any, Any], work: Callable[[Once | None], Awaitable[Answer]]) -> Reply:
    """Whether something changed; the first answer, if the request came before. `work` as of `answers.once`."""
    return await _once(call, work, shapes.changed)


async def revived(call: Call[Any, Any], work: Callable[[Once | None], Awaitable[Answer]]) -> Reply:
    """The same for a task that left its end."""
    return await _once(call, work, shapes.revived)


async def signalled(call: Call[Any, Any], work: Callable[[Once | None], Awaitable[Answer]]) -> Reply:
    """The same for a signal: which task took it."""
    return await _once(call, work, shapes.signalled)


async def _once(
    call: Call[Any, Any], work: Callable[[Once | None], Awaitable[Answer]], shape: Callable[[Answer], object]
) -> Reply:
    status, body = await answers.once(
        call.desk, call.caller, call.asked, lambda answer: (200, msgspec.json.encode(shape(answer))), work
    )
    return Reply(body, status)
