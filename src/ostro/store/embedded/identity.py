"""Who PostgreSQL runs as: it refuses to be root, and we may well be."""

import hashlib
import os
import pwd
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ostro.errors import StorageError
from ostro.store.embedded import launch
from ostro.store.embedded.binaries import Binaries

# Where the data and the copied programs live when PostgreSQL must be another user.
SHARED_HOME = Path("/var/lib/ostro")
_USERS = ("ostro", "postgres", "nobody")
_INSIDE = 65534  # nobody's number everywhere


@dataclass(frozen=True)
class Identity:
    """How a program of PostgreSQL is started, and whom the files belong to."""

    how: Literal["self", "namespace", "user"]
    uid: int
    gid: int

    def command(self, program: Path, *args: str, dies_with_us: bool = False) -> list[str]:
        """The command line that runs the program as this identity, under our own process id."""
        parent = str(os.getpid()) if dies_with_us else "0"
        starter = [
            sys.executable,
            "-I",
            "-S",
            launch.__file__,
            self.how,
            str(self.uid),
            str(self.gid),
            parent,
        ]
        return [*starter, str(program), *args]

    def own(self, path: Path) -> None:
        """Gives a file or folder that we made to the user that PostgreSQL runs as."""
        if self.how == "user":
            os.chown(path, self.uid, self.gid)

    def place(self, data_dir: Path) -> Path:
        """The folder for PostgreSQL's files: the data directory, or one that its user can reach."""
        if self.how != "user":
            return data_dir
        SHARED_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        home = SHARED_HOME / f"data-{hashlib.sha256(bytes(data_dir)).hexdigest()[:12]}"
        home.mkdir(mode=0o700, exist_ok=True)
        self.own(home)
        return home

    def reachable(self, binaries: Binaries) -> Binaries:
        """The same programs, copied once if this identity cannot run them where they are."""
        if self.how == "self" or self._runs(binaries.tool("postgres"), "--version"):
            return binaries
        if self.how == "namespace":
            raise StorageError(
                f"PostgreSQL's programs in {binaries.folder} cannot be run from a user namespace.",
                hint="Start Ostro as a plain user, or give a PostgreSQL with OSTRO_DATABASE_URL.",
            )
        return _copied(binaries)

    def _runs(self, program: Path, *args: str) -> bool:
        return subprocess.run(self.command(program, *args), capture_output=True, check=False).returncode == 0


def _copied(binaries: Binaries) -> Binaries:
    """A copy that everybody can run; the wheel's libraries lie beside it as they do in the wheel."""
    source = binaries.folder.parent
    package = source.parent
    mark = f"{source}{(binaries.folder / 'postgres').stat().st_mtime_ns}"
    copy = SHARED_HOME / f"postgresql-{binaries.major}-{hashlib.sha256(mark.encode()).hexdigest()[:12]}"
    if not copy.exists():
        SHARED_HOME.mkdir(mode=0o711, parents=True, exist_ok=True)
        half = copy.with_name(f"{copy.name}.{os.getpid()}")
        unneeded = shutil.ignore_patterns("include", "*.a")
        shutil.copytree(source, half / package.name / source.name, symlinks=True, ignore=unneeded)
        libraries = package.with_name(f"{package.name}.libs")
        if libraries.is_dir():
            shutil.copytree(libraries, half / libraries.name, symlinks=True)
        for folder in (half, half / package.name):
            folder.chmod(0o755)
        half.rename(copy)
    return Binaries(copy / package.name / source.name / binaries.folder.name, binaries.major)


def choose() -> Identity:
    """Ourselves if that is not root; else nobody in a user namespace; else an unprivileged user."""
    if os.geteuid() != 0:
        return Identity("self", os.geteuid(), os.getegid())
    inside = Identity("namespace", _INSIDE, _INSIDE)
    if sys.platform == "linux" and inside._runs(Path(sys.executable), "-I", "-S", "-c", ""):  # noqa: SLF001 - our own
        return inside
    return unprivileged()


def unprivileged() -> Identity:
    """A user of this machine that is not root, for where user namespaces are not allowed."""
    for name in _USERS:
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return Identity("user", user.pw_uid, user.pw_gid)
    raise StorageError(
        "PostgreSQL does not run as root, and this machine has no user to run it as.",
        hint="Start Ostro as a plain user, make a user 'ostro', or set OSTRO_DATABASE_URL.",
    )
