"""What every package says of itself, and what no file of the project says."""

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "ostro"

# Written so that the pattern does not find itself.
OF_ONE_MACHINE = re.compile(
    r"/(root|work|opt/(wheels|pypi))/\w|file:/{3}|https?:/{2}(?!pypi\.org)[^ ]*/simple\b"
)
MAY_NAME_PATHS = {"locks"}


def test_each_package_opens_with_what_it_owns_never_does_and_who_calls_it() -> None:
    silent = []
    for init in sorted(SOURCE.rglob("__init__.py")):
        docstring = ast.get_docstring(ast.parse(init.read_text())) or ""
        starts = [line.split(":")[0] for line in docstring.splitlines() if ":" in line]
        if not {"Owns", "Never", "Called by"} <= set(starts):
            silent.append(str(init.relative_to(ROOT)))
    assert silent == []


def test_each_folder_with_modules_is_a_package() -> None:
    folders = {path.parent for path in SOURCE.rglob("*.py")}
    assert [str(f.relative_to(ROOT)) for f in sorted(folders) if not (f / "__init__.py").exists()] == []


def test_no_tracked_file_names_a_path_of_one_machine_or_a_private_index() -> None:
    found = [
        f"{path}: {match.group()}"
        for path in tracked()
        if (text := readable(ROOT / path)) is not None and (match := OF_ONE_MACHINE.search(text))
    ]
    assert found == []


def test_the_locks_hold_hashes_and_no_addresses() -> None:
    for lock in sorted((ROOT / "locks").glob("*.txt")):
        lines = lock.read_text().splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("-")], lock
        pinned = [line for line in lines if "==" in line]
        assert pinned, lock
        assert all(line.endswith("\\") for line in pinned), lock


def tracked() -> list[str]:
    try:
        listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("not a git checkout")
    return [
        name
        for name in listing.stdout.decode().split("\0")
        if name and Path(name).parts[0] not in MAY_NAME_PATHS
    ]


def readable(path: Path) -> str | None:
    try:
        return path.read_text()
    except (UnicodeDecodeError, OSError):
        return None
