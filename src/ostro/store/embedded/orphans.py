"""What a former life left running in a data directory, and how it is ended.

A postgres whose holder was killed is told to stop by the kernel, on Linux; elsewhere, or while it is
still stopping, it is found here. Only the holder of the data directory may call this: then whatever
runs in it is nobody's.
"""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from ostro.errors import StorageError

_LOOK_EVERY = 0.01
_HAS_PROC = Path("/proc/self/cwd").is_symlink()
# Fast and clean first; each signal gets its time before the next.
_ASK = ((signal.SIGINT, 20.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))


async def clear(cluster: Path, sockets: Path) -> None:
    """Returns when no process lives in the cluster's folder and no stale file bars the next start."""
    for how, seconds in _ASK:
        for pid in living_in(cluster):
            _tell(pid, how, postmaster=postmaster_of(cluster))
        if await _gone(cluster, seconds):
            _forget(cluster)
            for left_behind in sockets.glob(".s.PGSQL.*"):
                left_behind.unlink(missing_ok=True)
            return
    raise StorageError(
        f"A former PostgreSQL in {cluster} does not end: {living_in(cluster)}.",
        hint="End these processes, then start again.",
    )


def postmaster_of(cluster: Path) -> int | None:
    """The process id in the cluster's pid file, whoever has it today."""
    try:
        first = (cluster / "postmaster.pid").read_text().split("\n", 1)[0]
        return abs(int(first))
    except (OSError, ValueError):
        return None


def is_ready(cluster: Path) -> bool:
    """Whether the pid file says that connections are accepted (its eighth line)."""
    try:
        lines = (cluster / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) >= 8 and lines[7].strip() == "ready"


def living_in(cluster: Path) -> list[int]:
    """The live processes that work in the cluster's folder. A zombie is dead: it holds nothing."""
    if _HAS_PROC:
        return [pid for pid in _all_processes() if _works_in(pid, cluster) and not _is_zombie(pid)]
    pid = postmaster_of(cluster)
    return [pid] if pid is not None and _is_postgres(pid) else []


def _all_processes() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]  # noqa: PTH208 - names alone


def _works_in(pid: int, cluster: Path) -> bool:
    try:
        return Path(f"/proc/{pid}/cwd").readlink() == cluster and Path(
            f"/proc/{pid}/exe"
        ).readlink().name.startswith("postgres")
    except OSError:
        return False


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _is_postgres(pid: int) -> bool:
    answer = subprocess.run(
        ["ps", "-o", "stat=,command=", "-p", str(pid)], capture_output=True, text=True, check=False
    )
    state, _, command = answer.stdout.strip().partition(" ")
    return bool(state) and not state.startswith("Z") and "postgres" in command


def _tell(pid: int, how: signal.Signals, *, postmaster: int | None) -> None:
    """The postmaster tells its children; those who outlived it understand TERM and stronger."""
    if how is signal.SIGINT and pid != postmaster:
        how = signal.SIGTERM
    try:
        os.kill(pid, how)
    except ProcessLookupError:
        return
    except PermissionError as foreign:
        raise StorageError(
            f"Process {pid} of another user runs in this data directory.", hint="End it, then start again."
        ) from foreign


async def _gone(cluster: Path, seconds: float) -> bool:
    for _ in range(round(seconds / _LOOK_EVERY)):
        if not living_in(cluster):
            return True
        await asyncio.sleep(_LOOK_EVERY)
    return False


def _forget(cluster: Path) -> None:
    """PostgreSQL takes any live process with the number in its pid file for itself; we looked better.

    A pid file whose process is gone stays: PostgreSQL's own check of the shared memory uses it.
    """
    pid = postmaster_of(cluster)
    if pid is not None and _exists(pid):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
