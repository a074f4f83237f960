"""One door, whose texts are made up by how far the ones before went: python -m tests.fuzz.guided DOOR MINUTES FOLDER

Ends the process: with 0 when the time is over, otherwise at the first find, which is kept in FOLDER.
"""

import sys
from pathlib import Path

import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore]

with atheris.instrument_imports(include=["ostro", "jinja2", "yaql", "yaml"]):
    # Only what is loaded here tells where a text went.
    from tests.fuzz.doors import DOORS, knock
    from tests.fuzz.seeds import LONGEST, write


def main(door: str, minutes: float, kept: Path) -> None:
    """Seeds, what was worth keeping in earlier nights, and finds: a folder each."""
    seeds, corpus, finds = (kept / kind / door for kind in ("seeds", "corpus", "finds"))
    write(door, seeds)
    for folder in (corpus, finds):
        folder.mkdir(parents=True, exist_ok=True)
    options = [f"-max_total_time={int(minutes * 60)}", f"-max_len={LONGEST}", f"-artifact_prefix={finds}/"]
    options += ["-timeout=20", "-rss_limit_mb=3000", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], *options, str(corpus), str(seeds)], lambda data: knock(DOORS[door], data))
    atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]), Path(sys.argv[3]))
