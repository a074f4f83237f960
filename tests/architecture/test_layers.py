"""The layers of the house, held by import-linter's contracts."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_imports_keep_the_layers_and_the_narrower_laws() -> None:
    lint = Path(sys.executable).with_name("lint-imports")
    answer = subprocess.run(
        [lint, "--no-logo", "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
