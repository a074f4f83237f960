"""The actions that come with Ostro and need nothing but a worker."""

import asyncio
from typing import Any

import msgspec

from ostro.actions.context import STOPPED, Context, Outcome, Runner, taken
from ostro.inline import InlineFailure, run_inline
from ostro.language.model.standard import Echo, Made, Sleep


def _inline(action: str) -> Runner:
    """On a worker the same as inside a decision."""

    async def run(context: Context) -> Outcome:
        try:
            return Outcome(run_inline(action, context.input))
        except InlineFailure as failed:
            return Outcome(failed.result, failed.message)

    return run


noop = _inline("std.noop")
fail = _inline("std.fail")


async def echo(context: Context) -> Outcome:
    """`std.echo`: its `output`, after a delay."""
    given: Echo = taken("std.echo", context.input, Echo)
    if await _stopped_within(context, given.delay):
        return STOPPED
    return await _inline("std.echo")(context)


async def sleep(context: Context) -> Outcome:
    """`std.sleep`: waits so many seconds, unless it is stopped."""
    given: Sleep = taken("std.sleep", context.input, Sleep)
    seconds = given.delay if given.seconds is None else given.seconds
    if seconds is None:
        return Outcome(error="std.sleep takes `seconds`")
    return STOPPED if await _stopped_within(context, seconds) else Outcome()


async def test_dict(context: Context) -> Outcome:
    """`std.test_dict`: a mapping of a wished size."""
    given: Made = taken("std.test_dict", context.input, Made)
    made: dict[str, Any] = {f"{given.key_prefix}{number}": given.val for number in range(given.size)}
    return Outcome(msgspec.json.encode(made))


async def _stopped_within(context: Context, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await context.stopping.wait()
    except TimeoutError:
        return False
    return True
