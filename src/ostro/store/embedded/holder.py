"""The data directory, and the one process that may use it at a time."""

import errno
import fcntl
import os
import shutil
import sys
from pathlib import Path

from ostro.errors import StorageError

LOCK_NAME = "holder"
_FREE_FOR_A_NEW_ONE = 200 * 2**20
_FREE_FOR_A_START = 24 * 2**20


class Holder:
    """An exclusive hold on a data directory; the kernel ends it with our process, however that ends."""

    def __init__(self, folder: Path, descriptor: int) -> None:
        self.folder = folder
        self._descriptor = descriptor

    def release(self) -> None:
        """Lets the next one in. Harmless when repeated."""
        if self._descriptor >= 0:
            os.ftruncate(self._descriptor, 0)
            os.close(self._descriptor)
            self._descriptor = -1


class Held(StorageError):
    """Another live process holds the data directory."""


def take(folder: Path) -> Holder:
    """Makes the folder owner-only and holds it; StorageError says why that cannot be.

    Held names the process that has it now.
    """
    prepare(folder)
    try:
        descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as failed:
        raise _unusable(folder, failed) from failed
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {_ourselves()}\n".encode(errors="replace"), 0)
    except OSError as failed:
        held_by = os.pread(descriptor, 500, 0).decode(errors="replace").strip()
        os.close(descriptor)
        if failed.errno not in (errno.EAGAIN, errno.EACCES):
            raise _unusable(folder, failed) from failed
        raise Held(
            f"The data directory {folder} is in use by process {held_by or '(unknown)'}.",
            hint="Stop that one first, or choose another data directory.",
        ) from None
    return Holder(folder, descriptor)


def prepare(folder: Path) -> None:
    """An existing or new folder that only its owner can enter."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        there = folder.stat()
        if there.st_uid != os.geteuid():
            raise StorageError(
                f"The data directory {folder} belongs to user number {there.st_uid}, and this is {os.geteuid()}.",
                hint="Start Ostro as its owner, or choose another data directory.",
            )
        if there.st_mode & 0o077:
            if any(folder.iterdir()) and not (folder / LOCK_NAME).exists():
                raise StorageError(
                    f"{folder} can be read by others and holds files that are not Ostro's.",
                    hint="Choose an empty folder, or a new one, as the data directory.",
                )
            folder.chmod(0o700)
    except OSError as failed:
        raise _unusable(folder, failed) from failed


def room_for_a_database(folder: Path) -> None:
    """StorageError unless a new database has room to start in."""
    _refuse_below(_FREE_FOR_A_NEW_ONE, folder)


def refuse_a_full_disk(folder: Path) -> None:
    """StorageError if that is why a PostgreSQL did not start: it cannot even write its log then."""
    _refuse_below(_FREE_FOR_A_START, folder)


def _refuse_below(needed: int, folder: Path) -> None:
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise StorageError(
            f"The disk of {folder} is full: {free // 2**20} MiB are free, PostgreSQL needs {needed // 2**20}.",
            hint="Make room, or choose a data directory on another disk.",
        )


def _unusable(folder: Path, failed: OSError) -> StorageError:
    if failed.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageError(f"The disk of {folder} is full.", hint="Make room, then start again.")
    why = failed.strerror or str(failed)
    return StorageError(
        f"The data directory {folder} cannot be used: {why}.",
        hint="Give it to the user that Ostro runs as, or choose another data directory.",
    )


def _ourselves() -> str:
    return " ".join([Path(sys.argv[0]).name, *sys.argv[1:3]])
