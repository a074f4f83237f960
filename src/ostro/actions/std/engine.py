"""The process in which JavaScript runs: reads `input.json` in its folder, writes `result.json`, or says what is wrong."""

import json
import sys
from pathlib import Path

import quickjs  # type: ignore[import-untyped]

_MEMORY = 128 * 1024 * 1024
_CONSOLE = """
var $ = JSON.parse(__given), __given = undefined;
var console = {log: (...all) => __say(all.map(one => typeof one == "string" ? one : JSON.stringify(one)).join(" "))};
"""


def main() -> None:
    """Exit code 1, with one sentence on stderr, for whatever the script does wrong."""
    given = json.loads(Path("input.json").read_text())
    engine = quickjs.Context()
    engine.set_memory_limit(_MEMORY)
    engine.set("__given", json.dumps(given.get("context")))
    engine.add_callable("__say", lambda line: (sys.stdout.write(f"{line}\n"), sys.stdout.flush())[1])
    engine.eval(_CONSOLE)
    try:
        text = _text(_value(engine, given["script"]))
    except (quickjs.JSException, quickjs.StackOverflow) as wrong:
        sys.exit(str(wrong).strip().splitlines()[0])
    Path("result.json").write_text(text)


def _value(engine: quickjs.Context, script: str) -> object:
    """A script as it stands; one that says `return` is the body of a function."""
    try:
        return engine.eval(script)
    except quickjs.JSException as wrong:
        if "SyntaxError" not in str(wrong) or "return" not in script:
            raise
        return engine.eval(f"(function() {{{script}\n}})()")


def _text(value: object) -> str:
    return (
        (value.json() or "null") if isinstance(value, quickjs.Object) else json.dumps(value, allow_nan=False)
    )


if __name__ == "__main__":
    main()
