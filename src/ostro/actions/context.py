"""What one run of an action is given, and what it answers."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from ostro.actions.egress import Egress

Stream = Literal["stdout", "stderr"]


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended: with an `error` (a readable sentence) or without; `result` is JSON, None for none.

    `goes_on`: it has not ended. What was begun goes on elsewhere, and somebody outside says how it ends.
    """

    result: bytes | None = None
    error: str | None = None
    goes_on: bool = False


class Context(msgspec.Struct, kw_only=True):
    """One run. `input` is JSON, `requires` maps names of required tasks to their results as JSON.

    `workflow` and `task` are the ids of what it belongs to. `environment` is what a child process gets to know of
    its job. `workdir` is the run's own folder; an action that needs it makes it, the worker takes it away. `emit`
    adds to the job's log and never blocks. `stopping` is set when nobody waits for the result any more: end within
    `kill_after` seconds. `marks` is where a process group leaves its mark before it starts, so that no life of the
    worker loses it. `egress` says where it may connect to, `lends_keys` whether files of the
    worker's own keys may be used: not where every tenant's definitions run.
    """

    job: str
    input: bytes
    requires: Mapping[str, bytes]
    workdir: Path
    marks: Path
    environment: Mapping[str, str]
    emit: Callable[[Stream, bytes], None]
    stopping: asyncio.Event
    workflow: str = ""
    task: str = ""
    egress: Egress = Egress()
    lends_keys: bool = True
    kill_after: float = 10.0
    result_bytes: int = 1024 * 1024

    def log(self, text: str) -> None:
        """Adds a line to the job's log."""
        self.emit("stdout", f"{text}\n".encode(errors="replace"))


Runner = Callable[[Context], Awaitable[Outcome]]
"""What runs an action. It may raise WrongInput."""

STOPPED = Outcome(error="stopped")


class WrongInput(Exception):
    """The input is not what the action takes; the text says what is wrong."""


def taken(action: str, given: bytes, kind: type[Any]) -> Any:
    """An action's input as what it takes. WrongInput says what does not fit."""
    try:
        return msgspec.json.decode(given, type=kind)
    except msgspec.DecodeError as wrong:
        raise WrongInput(f"the input of {action} is not what it takes: {wrong}") from None


async def unless_stopped(context: Context, work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """What `work` brings. It is cancelled at once when nobody waits for it any more."""
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_kept(work))
        stop = group.create_task(context.stopping.wait())
        await asyncio.wait([running, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        running.cancel()
    if running.cancelled():
        return STOPPED
    outcome = running.result()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _kept(work: Coroutine[Any, Any, Outcome]) -> Outcome | Exception:
    """An action's mistake is an outcome here: it must not come out wrapped by the group."""
    try:
        return await work
    except Exception as mistake:  # noqa: BLE001
        return mistake
