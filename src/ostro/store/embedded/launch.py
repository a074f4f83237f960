"""Becomes another program, as somebody who may run PostgreSQL. Run by its path, not imported.

usage: launch.py HOW UID GID PARENT PROGRAM [ARGS...]

HOW is `self`, `namespace` (in a user namespace where this user is UID: root outside, nobody inside,
so files stay root's and PostgreSQL agrees to run) or `user` (as UID itself). PARENT is the process
with which the program ends, 0 for none: on Linux the kernel then tells it to stop (SIGINT, for
PostgreSQL a fast and clean stop), also when the parent was killed with -9.

It needs nothing but the standard library, since it starts before anything else is set up.
"""

import ctypes
import os
import signal
import sys
from pathlib import Path

CLONE_NEWUSER = 0x10000000
PR_SET_PDEATHSIG = 1


def main(how: str, uid: int, gid: int, parent: int, program: list[str]) -> None:
    """Does not return: this process is the program afterwards."""
    if how == "namespace":
        enter_user_namespace(uid, gid)
    elif how == "user":
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    if parent and sys.platform == "linux":
        libc().prctl(PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            sys.exit("The process that asked for this has ended.")
    os.umask(0o077)
    os.execv(program[0], program)  # noqa: S606 - no shell, on purpose


def enter_user_namespace(uid: int, gid: int) -> None:
    """Here this user is `uid` from now on; outside nothing changes."""
    outside_uid, outside_gid = os.geteuid(), os.getegid()
    if libc().unshare(CLONE_NEWUSER) != 0:
        sys.exit(f"no user namespace: {os.strerror(ctypes.get_errno())}")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {outside_uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {outside_gid} 1")


def libc() -> ctypes.CDLL:
    """The C library, for the two calls that Python 3.11 has no names for."""
    return ctypes.CDLL(None, use_errno=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
