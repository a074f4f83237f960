"""One row of the language: its name, and `quick` behind it for small sizes."""

import sys
from collections.abc import Callable

import msgspec

from benchmarks.figures import Found, Scale
from benchmarks.language import expressions, reading, transitions

MEASURES: dict[str, Callable[[Scale], Found]] = {
    "parse": reading.parse,
    "lint": reading.lint_all,
    "expression": expressions.evaluate,
    "transition": transitions.decide_all,
}

if __name__ == "__main__":
    found = MEASURES[sys.argv[1]](Scale(quick="quick" in sys.argv[2:]))
    print(msgspec.json.encode(found).decode(), flush=True)
