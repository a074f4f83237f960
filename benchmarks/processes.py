"""What processes cost, as Linux tells it in /proc: CPU and memory of one and all its descendants."""

import os
from contextlib import suppress
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for one in found:
        with suppress(OSError):  # it, or a thread of it, ended just now
            for thread in os.listdir(f"/proc/{one}/task"):  # noqa: PTH208  (must raise where it is gone)
                children = Path(f"/proc/{one}/task/{thread}/children").read_text()
                found += [int(child) for child in children.split()]
    return found


def cpu_seconds(*pids: int) -> float:
    """CPU time of these and their descendants that live now, in user and system mode."""
    return sum(_cpu(one) for pid in pids for one in tree(pid))


def memory_mib(*pids: int) -> float:
    """Memory of these and their descendants; what they share is counted once (PSS), else as resident."""
    return sum(_memory(one) for pid in pids for one in tree(pid)) / 1024


def _cpu(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / _TICK


def _memory(pid: int) -> int:
    for file, key in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            lines = Path(f"/proc/{pid}/{file}").read_text().splitlines()
        except OSError:
            continue  # another user's: the coarser one is for all to read
        for line in lines:
            if line.startswith(key):
                return int(line.split()[1])
    return 0
