"""Marks of process groups on disk: by them a worker finds what its former, killed self left running.

A mark names the group's leader by process id, the time it started and the boot it belongs to, so that a
process that merely got the same number later is never taken for it.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import msgspec

_PROC = Path("/proc")
_HAS_PROC = (_PROC / "self" / "stat").exists()
_BOOT_ID = _PROC / "sys" / "kernel" / "random" / "boot_id"


class Mark(msgspec.Struct, frozen=True):
    """One process group. `started` and `boot` are opaque texts to compare; `workdir` is the run's folder."""

    pid: int
    started: str
    boot: str
    job: str
    workdir: str


def leave(folder: Path, pid: int, job: str, workdir: Path) -> Path:
    """Writes the mark of a group whose leader exists already; on disk when this returns."""
    mark = Mark(pid, started_at(pid), boot(), job, str(workdir))
    path = folder / f"{pid}.json"
    write_durably(path, msgspec.json.encode(mark))
    return path


def all_in(folder: Path) -> list[tuple[Path, Mark | None]]:
    """Every mark in the folder, None where a file cannot be read as one."""
    found: list[tuple[Path, Mark | None]] = []
    for path in sorted(folder.glob("*.json")):
        try:
            found.append((path, msgspec.json.decode(path.read_bytes(), type=Mark)))
        except (OSError, msgspec.DecodeError):
            found.append((path, None))
    return found


def members(mark: Mark) -> list[int]:
    """The live processes of the marked group, also when its leader is dead. Never anybody else's."""
    if mark.boot != boot():
        return []
    here = living_in(mark.pid)
    leader = started_at(mark.pid)
    if leader:
        # A number is not given out again while a group has it: another start means that the group is gone.
        return here if leader == mark.started else []
    return [pid for pid in here if _bears(pid, mark)]


def started_at(pid: int) -> str:
    """When the process started, as a text to compare; "" if there is none (a zombie counts as none)."""
    if not _HAS_PROC:
        return _ask_ps("lstart=", pid)
    fields = _stat(pid)
    return "" if not fields or fields[0] in "ZX" else fields[19]


def boot() -> str:
    """Which life of this machine it is."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return ""


def write_durably(path: Path, content: bytes) -> None:
    """The file is there whole and owner-only, or not at all, whatever happens to us or the machine."""
    half = path.with_name(f"{path.name}.half")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb", closefd=False) as file:
            file.write(content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    half.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Makes the names in a folder as durable as the files' contents."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def living_in(group: int) -> list[int]:
    """Live processes whose group or session has this number: `timeout` and others make groups of their own."""
    if not _HAS_PROC:
        listed = subprocess.run(["ps", "-A", "-o", "pid=,pgid="], capture_output=True, text=True, check=False)
        pairs = [line.split() for line in listed.stdout.splitlines()]
        return [int(pair[0]) for pair in pairs if len(pair) == 2 and pair[1] == str(group)]
    found = []
    for name in os.listdir(_PROC):  # noqa: PTH208 - names alone, there are thousands
        if name.isdigit():
            fields = _stat(int(name))
            if fields and fields[0] not in "ZX" and str(group) in fields[2:4]:
                found.append(int(name))
    return found


def _bears(pid: int, mark: Mark) -> bool:
    """Whether a process without its leader is known to be of this job: by its environment or its folder."""
    with suppress(OSError):
        if f"OSTRO_JOB={mark.job}".encode() in (_PROC / str(pid) / "environ").read_bytes().split(b"\0"):
            return True
    with suppress(OSError):
        return Path(mark.workdir) in [(here := (_PROC / str(pid) / "cwd").readlink()), *here.parents]
    return False


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; [] if there is no such process."""
    try:
        return (_PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return []


def _ask_ps(what: str, pid: int) -> str:
    answer = subprocess.run(["ps", "-o", what, "-p", str(pid)], capture_output=True, text=True, check=False)
    return answer.stdout.strip()
