"""Work that blocks, in a thread of its own: the worker's own threads stay free, however many jobs hang."""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from typing import Any

import msgspec

from ostro.actions.context import STOPPED, Context, Outcome, Stream


async def in_thread(context: Context, work: Callable[[], Outcome]) -> Outcome:
    """What `work` brings, or raises. A thread cannot be ended from outside: once nobody waits for the result it is
    given `kill_after` seconds to notice, and is left behind then. It does not keep the process from ending.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[Outcome] = loop.create_future()

    def tell(outcome: Outcome | Exception) -> None:
        if ended.done():
            return
        if isinstance(outcome, Exception):
            ended.set_exception(outcome)
        else:
            ended.set_result(outcome)

    def run() -> None:
        outcome: Outcome | Exception
        try:
            outcome = work()
        except Exception as mistake:  # noqa: BLE001 - it is raised where it is waited for
            outcome = mistake
        with suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(tell, outcome)

    threading.Thread(target=copy_context().run, args=(run,), name=f"job {context.job}", daemon=True).start()
    return await _until_over(ended, context)


async def _until_over(ended: asyncio.Future[Outcome], context: Context) -> Outcome:
    async with asyncio.TaskGroup() as group:
        stop = group.create_task(context.stopping.wait())
        either: set[asyncio.Future[Any]] = {ended, stop}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
    if not ended.done():
        await asyncio.wait([ended], timeout=context.kill_after)
    if ended.done():
        return await ended
    ended.cancel()
    context.log("[ostro: the thread of this job does not end; it is left behind]")
    return STOPPED


def for_threads(context: Context) -> Context:
    """The same run, for a thread: what it writes into the log is handed over to the worker's loop."""
    loop, emit = asyncio.get_running_loop(), context.emit

    def handed_over(stream: Stream, piece: bytes) -> None:
        with suppress(RuntimeError):
            loop.call_soon_threadsafe(emit, stream, piece)

    return msgspec.structs.replace(context, emit=handed_over)
