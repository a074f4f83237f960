"""What one run of an action is given, and what it answers."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

Stream = Literal["stdout", "stderr"]


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended: with an `error` (a readable sentence) or without; `result` is JSON, None for none."""

    result: bytes | None = None
    error: str | None = None


class Context(msgspec.Struct, kw_only=True):
    """One run. `input` is JSON, `requires` maps names of required tasks to their results as JSON.

    `environment` is what a child process gets to know of its job. `workdir` is the run's own folder; an
    action that needs it makes it, the worker takes it away. `emit` adds to the job's log and never blocks.
    `stopping` is set when nobody waits for the result any more: end within `kill_after` seconds.
    `marks` is where a process group leaves its mark before it starts, so that no life of the worker loses it.
    """

    job: str
    input: bytes
    requires: Mapping[str, bytes]
    workdir: Path
    marks: Path
    environment: Mapping[str, str]
    emit: Callable[[Stream, bytes], None]
    stopping: asyncio.Event
    kill_after: float = 10.0
    result_bytes: int = 1024 * 1024


Runner = Callable[[Context], Awaitable[Outcome]]
