"""`./dev`, the front door."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_dev_started_from_inside_its_own_environment_makes_nothing_anew() -> None:
    # The environment has no pip; to be asked for one, or to be made anew under our feet, would be a surprise.
    stamp = ROOT / ".venv" / "made-from"
    before = stamp.stat().st_mtime_ns
    command = [sys.executable, str(ROOT / "dev"), "run", "python", "-c", "print('here')"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stdout, answer.stderr) == (0, "here\n", "")
    assert stamp.stat().st_mtime_ns == before
