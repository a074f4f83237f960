"""Texts that are made up to go where none went before, for each door of `tests.fuzz.doors`.

python -m tests.fuzz --minutes 10            # all doors; it needs atheris, which `./dev fuzz` brings
python -m tests.fuzz yaql --again FILE...    # what was found, played once more; without atheris
"""

import argparse
import subprocess
import sys
from pathlib import Path

from tests.fuzz.doors import DOORS, knock

KEPT = Path(__file__).parents[2] / ".dev" / "fuzz"
"""Survives the night: what texts reached is where the next one begins."""


def guided(door: str, minutes: float) -> bool:
    """Whether nothing was found, in a process of its own."""
    print(f"fuzz: {door}, {minutes:g} min", flush=True)
    command = [sys.executable, "-m", "tests.fuzz.guided", door, str(minutes), str(KEPT)]
    if subprocess.run(command, check=False).returncode == 0:
        return True
    print(
        f"fuzz: a find at {door}: python -m tests.fuzz {door} --again {KEPT / 'finds' / door}/*", flush=True
    )
    return False


def main() -> int:
    """What was asked for."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.fuzz", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("doors", nargs="*", metavar="DOOR", help=", ".join(DOORS))
    parser.add_argument("--minutes", type=float, default=10.0, help="for each door; 10 if it is not said")
    parser.add_argument("--again", type=Path, nargs="+", metavar="FILE", help="knock with these alone")
    asked = parser.parse_args()
    doors = asked.doors or list(DOORS)
    if strange := [door for door in doors if door not in DOORS]:
        parser.error(f"no door {strange[0]!r}; there are {', '.join(DOORS)}")
    if asked.again:
        for file in asked.again:
            knock(DOORS[doors[0]], file.read_bytes())
        return 0
    found = [door for door in doors if not guided(door, asked.minutes)]
    print(f"fuzz: {len(doors)} doors, {len(found)} with finds {' '.join(found)}", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
