"""The folder of one run of a script: made owner-only, filled before, read after."""

import os
import pwd
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

import msgspec

from ostro.actions.context import Context
from ostro.actions.processes import Owner

SCRIPT = "script"


class Unusable(Exception):
    """What the task asks for cannot be done here; the text says why."""


def owner_of(user: str | None) -> Owner | None:
    """The user that a script asks for; None for our own. Unusable if we may not become it."""
    if user is None:
        return None
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise Unusable(f"there is no user {user} on this machine") from None
    if entry.pw_uid == os.geteuid():
        return None
    if os.geteuid() != 0:
        raise Unusable(f"only a worker that runs as root can run a script as user {user}")
    groups = os.getgrouplist(user, entry.pw_gid)
    return Owner(entry.pw_uid, entry.pw_gid, groups, entry.pw_dir)


def prepare(context: Context, text: str, files: Mapping[str, str], owner: Owner | None) -> Path:
    """Makes the run's folder with all that the script may read; the path of the script in it."""
    folder = context.workdir
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if owner is not None:
        _let_through(folder, owner)
    (folder / "requires").mkdir(mode=0o700, exist_ok=True)
    _write(folder / "input.json", context.input)
    for name, result in context.requires.items():
        _write(folder / "requires" / f"{quote(name, safe=' @+,=:')}.json", result)
    raw = {name: msgspec.Raw(result) for name, result in context.requires.items()}
    _write(folder / "requires.json", msgspec.json.encode(raw))
    for name, content in files.items():
        _write(_inside(folder, name), content.encode())
    script = folder / SCRIPT
    _write(script, text.encode(), mode=0o700)
    if owner is not None:
        _give_away(folder, owner)
    return script


def read_result(context: Context) -> bytes:
    """The JSON that the script left, `null` if none. Unusable if it is too large or no JSON."""
    path = context.workdir / "result.json"
    try:
        # The script may belong to somebody else: no link is followed to what only we may read.
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return b"null"
    except OSError as refused:
        raise Unusable(f"the result file cannot be read: {refused.strerror}") from refused
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if not stat.S_ISREG(about.st_mode):
            raise Unusable("the result file is not a regular file")
        content = file.read(context.result_bytes + 1)
    if len(content) > context.result_bytes:
        raise Unusable(f"result_too_large: {about.st_size} bytes, at most {context.result_bytes} are taken")
    return _checked(content)


def _checked(content: bytes) -> bytes:
    if not content.strip():
        return b"null"
    try:
        msgspec.json.decode(content)
        content.decode()
    except (ValueError, RecursionError) as wrong:
        raise Unusable(f"the result file is not JSON: {wrong}") from None
    return content.strip()


def _inside(folder: Path, name: str) -> Path:
    """A path below the folder; its parents are made."""
    relative = PurePosixPath(name)
    if relative.is_absolute() or ".." in relative.parts or not relative.parts:
        raise Unusable(f"`files` takes relative paths inside the run's folder, not {name!r}")
    path = folder.joinpath(*relative.parts)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def _write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)


def _let_through(folder: Path, owner: Owner) -> None:
    """Another user must be able to reach the folder: refuse here rather than fail later in the script."""
    for parent in folder.parents:
        about = parent.stat()
        bit = 0o100 if about.st_uid == owner.uid else 0o010 if about.st_gid in owner.groups else 0o001
        if not about.st_mode & bit:
            raise Unusable(
                f"the user {owner.uid} cannot enter {parent}: set TMPDIR of the worker to a folder that all may enter"
            )


def _give_away(folder: Path, owner: Owner) -> None:
    for root, folders, files in os.walk(folder):
        for name in [".", *folders, *files]:
            os.chown(Path(root, name), owner.uid, owner.gid, follow_symlinks=False)
