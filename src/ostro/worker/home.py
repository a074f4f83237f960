"""The worker's folder: who it is, what it must not forget, and that it is the only one here."""

import asyncio
import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Self

import structlog

from ostro.actions.marks import write_durably
from ostro.clock import monotonic
from ostro.errors import OstroError
from ostro.values import UUID

_LOOK_EVERY = 0.1
_log = structlog.get_logger("ostro.worker")


class Taken(OstroError):
    """Another worker has the folder."""


class Home:
    """An open state folder. `instance` says to the server that it is the same worker again."""

    def __init__(self, folder: Path, lock: int, instance: UUID) -> None:
        self.folder = folder
        self.instance = instance
        self.results = folder / "results"
        self.marks = folder / "marks"
        self.work = _work_root(folder, instance)
        for made in (self.results, self.marks):
            made.mkdir(mode=0o700, exist_ok=True)
        self._lock = lock

    @classmethod
    def take(cls, folder: Path, new_id: Callable[[], UUID]) -> Self:
        """Makes the folder owner-only and holds it for as long as this process lives.

        Taken if another worker has it, OstroError if it cannot be ours.
        """
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = folder.stat()
            if about.st_uid != os.geteuid():
                raise _unusable(folder, f"it belongs to user number {about.st_uid}")
            folder.chmod(0o700)
            return cls(folder, _lock(folder), _instance(folder, new_id))
        except OSError as failed:
            raise _unusable(folder, failed.strerror or str(failed)) from failed

    @classmethod
    async def take_within(cls, seconds: float, folder: Path, new_id: Callable[[], UUID]) -> Self:
        """`take`, once a former worker that is about to end has left; so long it may have for that."""
        until, told = monotonic() + seconds, False
        while True:
            try:
                return cls.take(folder, new_id)
            except Taken as held:
                if monotonic() >= until:
                    raise
                if not told:
                    _log.info("waiting for a former worker to leave", why=held.message)
                told = True
            await asyncio.sleep(_LOOK_EVERY)

    def release(self) -> None:
        """Lets another worker in. Harmless when repeated."""
        if self._lock >= 0:
            shutil.rmtree(self.work, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def forget_work(self) -> None:
        """Takes away what a former life left in its jobs' folders."""
        shutil.rmtree(self.work, ignore_errors=True)
        _make_work(self.work)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.release()


def kept_token(folder: Path) -> str:
    """The token that an earlier join brought; "" if there was none."""
    try:
        return (folder / "token").read_text().strip()
    except OSError:
        return ""


def keep_token(folder: Path, token: str) -> None:
    """Keeps a token for later starts, owner-only and on disk when this returns."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    write_durably(folder / "token", f"{token}\n".encode())


def _lock(folder: Path) -> int:
    descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as held:
        other = os.pread(descriptor, 50, 0).decode(errors="replace").strip()
        os.close(descriptor)
        if held.errno not in (errno.EAGAIN, errno.EACCES):
            raise
        raise Taken(
            f"Another worker (process {other or 'unknown'}) uses the state folder {folder}.",
            hint="Give each worker its own with --state-dir.",
        ) from None
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
    return descriptor


def _instance(folder: Path, new_id: Callable[[], UUID]) -> UUID:
    path = folder / "instance"
    try:
        return UUID(path.read_text().strip())
    except (OSError, ValueError):
        made = new_id()
        write_durably(path, f"{made}\n".encode())
        return made


def _work_root(folder: Path, instance: UUID) -> Path:
    """Where jobs' folders are made. As root outside the state folder, since scripts may run as other users."""
    root = folder / "work"
    if os.geteuid() == 0:
        root = Path(tempfile.gettempdir()) / f"ostro-work-{instance}"
    _make_work(root)
    return root


def _make_work(root: Path) -> None:
    root.mkdir(mode=0o711, exist_ok=True)
    about = root.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid():
        raise _unusable(root, "it is not our own folder")
    root.chmod(0o711)  # who runs as another user passes through, and sees nothing here


def _unusable(folder: Path, why: str) -> OstroError:
    return OstroError(
        f"The state folder {folder} cannot be used: {why}.",
        hint="Give it to the user that the worker runs as, or choose another with --state-dir.",
    )
