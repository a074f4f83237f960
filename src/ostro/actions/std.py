"""The actions that come with Ostro and start no process."""

import asyncio

import msgspec

from ostro.actions.context import Context, Outcome, Runner
from ostro.inline import InlineFailure, run_inline

_LONGEST = 7 * 24 * 3600.0


def inline_runner(action: str) -> Runner:
    """`std.noop`, `std.echo` or `std.fail` on a worker: the same as inside a decision."""

    async def run(context: Context) -> Outcome:
        try:
            return Outcome(run_inline(action, context.input))
        except InlineFailure as failed:
            return Outcome(failed.result, failed.message)

    return run


class SleepInput(msgspec.Struct, forbid_unknown_fields=True):
    """How long: `seconds`, or Mistral's `delay`."""

    seconds: float | None = None
    delay: float | None = None


async def sleep(context: Context) -> Outcome:
    """`std.sleep`: waits so many seconds, unless it is stopped."""
    try:
        given = msgspec.json.decode(context.input, type=SleepInput)
    except msgspec.DecodeError as wrong:
        return Outcome(error=f"the input of std.sleep is not what it takes: {wrong}")
    seconds = given.delay if given.seconds is None else given.seconds
    if seconds is None or not 0 <= seconds <= _LONGEST:
        return Outcome(error=f"std.sleep takes `seconds` between 0 and {_LONGEST:.0f}")
    try:
        async with asyncio.timeout(seconds):
            await context.stopping.wait()
    except TimeoutError:
        return Outcome()
    return Outcome(error="stopped")
