"""Keeps the built-in worker: a child process, started when the server is ready and again whenever it ends.

It gets what it needs on its standard input, and that input's end tells it that the server is gone, also after a
`kill -9`. Its tokens are made here, go nowhere else and expire.
"""

import asyncio
import fcntl
import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import structlog

from ostro.clock import monotonic
from ostro.errors import StorageError
from ostro.loops.namespaces import Namespaces
from ostro.service import tokens
from ostro.service.desk import Desk

_log = structlog.get_logger("ostro.built_in")

_COMMAND = (sys.executable, "-m", "ostro.cli.main", "worker", "built-in")
_TOKEN_LIVES = 24 * 3600.0
_LOOK_EVERY = 5.0
"""Seconds between two looks for new namespaces."""
_DRAIN = 4.0
_GRACE = 8.0
_FIRST_BACK_OFF, _LONGEST_BACK_OFF = 0.2, 30.0
_LONG_LIFE = 60.0
_FOLDERS = 100


class BuiltIn:
    """The child of one server. `folder` is below the data directory, so that a life finds what the last one left."""

    def __init__(self, desk: Desk, *, socket: Path, data_dir: Path, told: Mapping[str, Any]) -> None:
        self._desk = desk
        self._namespaces = Namespaces(desk.database)
        self._lock, self._folder = _take_folder(data_dir / "built-in-worker", socket.parent)
        name = f"built-in-{_identity(self._folder)}"
        self._told = {
            "socket": str(socket),
            "folder": str(self._folder),
            "name": name,
            "drain": _DRAIN,
            **told,
        }
        self._tokens: dict[int, tuple[str, float]] = {}
        self._closing = asyncio.Event()

    async def keep(self) -> None:
        """Lives until it is cancelled; after `let_go` the child may give back what it has."""
        back_off = _FIRST_BACK_OFF
        while not self._closing.is_set():
            begun = monotonic()
            try:
                await self._live()
            except Exception as failed:  # noqa: BLE001 - a keeper outlives its errors
                _log.warning("built_in_worker_waits", why=str(failed))
            if self._closing.is_set():
                return
            back_off = _FIRST_BACK_OFF if monotonic() - begun > _LONG_LIFE else back_off
            _log.warning("built_in_worker_ended", starts_again_in=back_off)
            with suppress(TimeoutError):
                async with asyncio.timeout(back_off):
                    await self._closing.wait()
            back_off = min(_LONGEST_BACK_OFF, back_off * 2)

    def let_go(self) -> None:
        """From now on no child is started, and one that lives has some seconds left."""
        self._closing.set()

    async def close(self) -> None:
        """When no child lives any more: the folder is free, and the tokens count no more."""
        os.close(self._lock)
        with suppress(StorageError):  # they expire
            for namespace, (token, _) in self._tokens.items():
                await tokens.forget(self._desk.database, namespace, token, self._desk.clock.now())

    async def _live(self) -> None:
        """One child, from its start to its end."""
        process = await asyncio.create_subprocess_exec(
            *_COMMAND,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env={name: value for name, value in os.environ.items() if name != "OSTRO_TOKEN"},
            start_new_session=True,  # Ctrl-C is the server's to hear
        )
        try:
            self._tell(process, self._told)
            for namespace, (token, _) in self._tokens.items():
                self._tell(process, {"namespace": namespace, "token": token})
            while process.returncode is None and not self._closing.is_set():
                with suppress(StorageError):  # the database is away: what it has is good for hours
                    await self._pass_on(process)
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_EVERY):
                        await process.wait()
        finally:
            await _end(process, _GRACE if self._closing.is_set() else 0.0)

    async def _pass_on(self, process: asyncio.subprocess.Process) -> None:
        """Tokens for the namespaces that have none, and new ones for those that are half used up."""
        for namespace in await self._namespaces.ids():
            if self._closing.is_set():
                return
            _, good_until = self._tokens.get(namespace, ("", 0.0))
            if monotonic() < good_until:
                continue
            token = await _made_token(self._desk, namespace)
            self._tokens[namespace] = token, monotonic() + _TOKEN_LIVES / 2
            self._tell(process, {"namespace": namespace, "token": token})

    def _tell(self, process: asyncio.subprocess.Process, what: Mapping[str, Any]) -> None:
        if process.stdin is not None:
            process.stdin.write(msgspec.json.encode(what) + b"\n")


async def _end(process: asyncio.subprocess.Process, grace: float) -> None:
    """The end of its standard input tells it to end; after so many seconds it is killed."""
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(grace):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def _made_token(desk: Desk, namespace: int) -> str:
    """A pool token for a day."""
    wanted = tokens.NewToken(
        kind="worker", label="a server's built-in worker", pool=True, expires_in=_TOKEN_LIVES
    )
    return await tokens.first_token(desk.database, wanted, desk.clock.now(), namespace=namespace)


def _take_folder(below: Path, instead: Path) -> tuple[int, Path]:
    """The first folder that no other server has; one that goes with this life where none can be made."""
    for number in range(1, _FOLDERS):
        folder = below / str(number)
        try:
            return _locked(folder), folder
        except BlockingIOError:
            continue
        except OSError:
            break
    return _locked(instead / "worker"), instead / "worker"


def _locked(folder: Path) -> int:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / "server", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _identity(folder: Path) -> str:
    """Eight letters that tell this folder's worker from all others."""
    path = folder / "name"
    if not path.exists():
        path.write_text(os.urandom(4).hex())
    return path.read_text()
