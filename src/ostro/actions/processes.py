"""One process group: started behind a gate, its output pumped while it runs, ended as a whole.

The gate is a shell that waits for a word before it becomes the program: so the group's mark is on disk
before the program does anything, and a worker that dies in between leaves nothing running.
"""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from ostro.actions.context import Context, Stream
from ostro.actions.marks import leave, living_in, sync_folder

_GATE = 'IFS= read -r word && [ "$word" = go ] && exec "$@" </dev/null; exit 127'
_PIECE = 64 * 1024
_LOOK_EVERY = 0.02
_LAST_WORDS = 1.0


class Owner(msgspec.Struct, frozen=True):
    """The user that a group runs as, when it is not ours."""

    uid: int
    gid: int
    groups: list[int]
    home: str


class Tail:
    """The last so many bytes of a stream."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept = bytearray()

    def add(self, piece: bytes) -> None:
        """Keeps the end of what came."""
        self._kept += piece
        if len(self._kept) > self._limit:
            del self._kept[: len(self._kept) - self._limit]

    def text(self) -> str:
        """As text: what is not UTF-8, and NUL, becomes U+FFFD."""
        return self._kept.decode(errors="replace").replace("\0", "\ufffd")


async def run_group(
    context: Context,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    cwd: Path,
    owner: Owner | None,
    tails: Mapping[Stream, Tail],
) -> int:
    """Runs the command as the leader of a session of its own; its exit code (-N: killed by signal N).

    When it returns, nobody of the group lives: what the program left behind is ended as on a stop. Raises
    OSError if the program cannot be started.
    """
    process, pipes = await _start(command, environment, cwd, owner)
    mark, over = None, False
    try:
        mark = leave(context.marks, process.pid, context.job, context.workdir)
        async with asyncio.TaskGroup() as pumps:
            readers = [
                pumps.create_task(_pump(pipe, stream, tails[stream], context))
                for stream, pipe in pipes.items()
            ]
            _open_gate(process)
            code = await _until_over(process, context)
            over = True
            await _hear_last_words(readers)
        return code
    finally:
        if not over:  # we are cancelled, or the disk is full: nobody is left behind
            _tell(process.pid, signal.SIGKILL)
            await process.wait()  # its mark stays until it is gone
        if mark is not None:
            mark.unlink(missing_ok=True)
            sync_folder(context.marks)


async def _start(
    command: Sequence[str], environment: Mapping[str, str], cwd: Path, owner: Owner | None
) -> tuple[asyncio.subprocess.Process, dict[Stream, int]]:
    as_user = {} if owner is None else {"user": owner.uid, "group": owner.gid, "extra_groups": owner.groups}
    out, err = os.pipe(), os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            "/bin/sh",
            "-c",
            _GATE,
            "ostro-job",
            *command,
            stdin=asyncio.subprocess.PIPE,
            stdout=out[1],
            stderr=err[1],
            cwd=cwd,
            env=dict(environment),
            start_new_session=True,
            **as_user,  # type: ignore[arg-type]
        )
    except BaseException:
        os.close(out[0])
        os.close(err[0])
        raise
    finally:
        os.close(out[1])
        os.close(err[1])
    return process, {"stdout": out[0], "stderr": err[0]}


def _open_gate(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        with suppress(BrokenPipeError, ConnectionResetError):
            process.stdin.write(b"go\n")
            process.stdin.close()


async def _pump(pipe: int, stream: Stream, tail: Tail, context: Context) -> None:
    """Passes on what is written, until nobody holds the other end."""
    reader = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader),
        os.fdopen(pipe, "rb", 0),  # the transport closes it
    )
    try:
        while piece := await reader.read(_PIECE):
            tail.add(piece)
            context.emit(stream, piece)
    finally:
        transport.close()


async def _until_over(process: asyncio.subprocess.Process, context: Context) -> int:
    """The exit code of the leader, once the whole group is gone. TERM first, KILL after the grace time."""
    async with asyncio.TaskGroup() as waits:
        ended = waits.create_task(process.wait())
        stop = waits.create_task(context.stopping.wait())
        await asyncio.wait([ended, stop], return_when=asyncio.FIRST_COMPLETED)
        stop.cancel()
        await end_group(process.pid, context.kill_after)
    return ended.result()


async def end_group(group: int, kill_after: float) -> None:
    """Returns when nobody of the session lives: TERM first, KILL after the grace time (seconds)."""
    await asyncio.to_thread(_tell, group, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(kill_after):
            await _gone(group)
            return
    await asyncio.to_thread(_tell, group, signal.SIGKILL)
    await _gone(group)


async def _gone(group: int) -> None:
    """There is no signal for the end of processes that are not all our children: look."""
    while await asyncio.to_thread(living_in, group):  # noqa: ASYNC110
        await asyncio.sleep(_LOOK_EVERY)


def _tell(group: int, how: signal.Signals) -> None:
    """To the group at once, then to those of the session who made groups of their own."""
    with suppress(ProcessLookupError, PermissionError):  # macOS: a group of zombies is not permitted
        os.killpg(group, how)
    for pid in living_in(group):
        with suppress(ProcessLookupError):
            if os.getpgid(pid) != group:
                os.kill(pid, how)


async def _hear_last_words(readers: Sequence[asyncio.Task[None]]) -> None:
    """What is still in the pipes. Somebody who left the group may hold them open for ever: do not wait."""
    _, open_still = await asyncio.wait(readers, timeout=_LAST_WORDS)
    for reader in open_still:
        reader.cancel()
