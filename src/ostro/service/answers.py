"""The same request again: who sends an Idempotency-Key gets the first answer, however often it is sent."""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import msgspec

from ostro.core.events import Answer
from ostro.engine.lanes import AlreadyAnswered, Once
from ostro.errors import Conflict, Invalid
from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.store.tables import answers

Render = Callable[[Answer], tuple[int, bytes]]
"""Makes the status and the body of an answer."""

_LONGEST_KEY = 255


class Asked(msgspec.Struct, frozen=True):
    """A request that may come again. `request` is a hash of all of it."""

    key: str
    request: bytes


async def once(
    desk: Desk,
    caller: Caller,
    asked: Asked | None,
    render: Render,
    work: Callable[[Once | None], Awaitable[Answer]],
) -> tuple[int, bytes]:
    """Status and body of the answer: the first one's, if this request was answered before.

    `work` submits its event with the `Once` that it is given, so that the answer is written in the deciding
    transaction. A refusal is not kept: nothing was changed. Conflict if the key was used for another request.
    """
    if asked is None:
        return render(await work(None))
    _check(asked.key)
    key = f"{caller.id}:{asked.key}"  # nobody sees another's answers
    kept = await _kept(desk, caller, key, asked)
    if kept is not None:
        return kept
    until = desk.clock.now() + timedelta(seconds=desk.timing.answers_kept)
    try:
        return render(await work(Once(key=key, request=asked.request, until=until, render=render)))
    except AlreadyAnswered:
        kept = await _kept(desk, caller, key, asked)
        if kept is None:
            raise
        return kept


async def _kept(desk: Desk, caller: Caller, key: str, asked: Asked) -> tuple[int, bytes] | None:
    kept = await answers.get(desk.database, caller.namespace, key, desk.clock.now())
    if kept is None:
        return None
    if kept.request != asked.request:
        raise Conflict(
            "idempotency_key_reused",
            "This Idempotency-Key was used for another request.",
            hint="Make a new key for each request, and send the same one only with the same request.",
        )
    return kept.status, kept.body


def _check(key: str) -> None:
    if not key.isascii() or not key.isprintable() or not 0 < len(key) <= _LONGEST_KEY:
        raise Invalid(
            "bad_idempotency_key",
            f"An Idempotency-Key is 1 to {_LONGEST_KEY} printable ASCII characters.",
            fields=[("Idempotency-Key", "not a key")],
        )
