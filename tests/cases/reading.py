"""Folders of conformance cases, read as the README beside the recorded ones says."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import yaml

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "conformance"
"""What a real Mistral did; never changed."""
OWN = ROOT / "tests" / "corpus"
"""What the recorded ones do not reach."""
EXAMPLES = ROOT / "docs" / "reference" / "examples"
"""One for each key of the language."""

_PAGE = ROOT / "docs" / "reference" / "mistral-differences.md"
_ROW = re.compile(r"^\| `([a-z-]+/[a-z-]+)` \| (.+) \|$", re.MULTILINE)
OTHERWISE = dict(_ROW.findall(_PAGE.read_text(encoding="utf-8")))
"""Cases that end otherwise on purpose, and why."""

_KEYS = {"about", "kind", "definition", "also", "start", "steps", "until", "settle", "expect", "defect", "observed",
         "ignore"}  # fmt: skip
_VERBS = {"complete_action", "pause", "resume", "cancel", "stop", "rerun", "skip", "wait"}


class Unreadable(Exception):
    """A folder or a case that cannot be read; the sentence says where and why."""


class Case(msgspec.Struct, frozen=True):
    """One case: `said` is what stands in its file, or one entry of a list of expressions."""

    name: str
    said: dict[str, Any]

    @property
    def topic(self) -> str:
        """The folder that it stands in."""
        return self.name.partition("/")[0]

    @property
    def is_expression(self) -> bool:
        """Whether it is one expression and its value."""
        return "expr" in self.said


def read_cases(folder: Path) -> list[Case]:
    """All cases of a folder, `<topic>/<name>.yaml`. Raises Unreadable."""
    if not folder.is_dir():
        raise Unreadable(f"{folder} is no folder; name one that holds <topic>/<name>.yaml")
    found = [case for path in sorted(folder.glob("*/*.yaml")) for case in _read(path)]
    if not found:
        raise Unreadable(f"{folder} holds no case; cases are files <topic>/<name>.yaml")
    return found


def recorded() -> list[Case]:
    """The workflows that a real Mistral ran."""
    return [case for case in kept_cases(RECORDED) if not case.is_expression]


def own() -> list[Case]:
    """The corpus beside them, and the examples of the reference."""
    return [*kept_cases(OWN), *kept_cases(EXAMPLES)]


@cache
def kept_cases(folder: Path) -> list[Case]:
    """The same, read once: of folders that nobody changes meanwhile."""
    return read_cases(folder)


def _read(path: Path) -> list[Case]:
    name = f"{path.parent.name}/{path.stem}"
    try:
        said = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unreadable(f"{path} does not parse: {' '.join(str(error).split())}") from None
    if isinstance(said, list):
        return [Case(f"{name}#{number}", _expression(path, number, one)) for number, one in enumerate(said)]
    return [Case(name, _workflow(path, said))]


def _expression(path: Path, number: int, said: Any) -> dict[str, Any]:
    if not isinstance(said, dict) or "expr" not in said or ("result" in said) == ("error" in said):
        raise Unreadable(
            f"{path}: entry {number} is not {{expr, context, result}} or {{expr, context, error}}"
        )
    return {"context": {}, **said}


def _workflow(path: Path, said: Any) -> dict[str, Any]:
    wrong = _wrong(said)
    if wrong:
        raise Unreadable(f"{path}: {wrong}")
    return dict(said)


def _wrong(said: Any) -> str:
    """What keeps it from being a case; empty if nothing does."""
    if not isinstance(said, dict):
        return "a case is a mapping, or a list of expressions"
    if unknown := sorted(said.keys() - _KEYS, key=str):
        return f"`{unknown[0]}` is not a key of a case; it knows {', '.join(sorted(_KEYS))}"
    if not isinstance(said.get("definition"), str):
        return "`definition`, the text to upload, is missing"
    if not isinstance(said.get("expect"), dict) or not said["expect"].keys() & {"invalid", "valid", "state"}:
        return "`expect` is missing, or says neither invalid, nor valid, nor a state"
    if "state" in said["expect"] and "tasks" not in said["expect"]:
        return "`expect` has a state and no `tasks`"
    if "state" in said["expect"] and "workflow" not in (said.get("start") or {}):
        return "`start` with the name of a `workflow` is missing, and `expect` has its end"
    verbs = [step.get("do") if isinstance(step, dict) else None for step in said.get("steps", ())]
    strange = [verb for verb in verbs if verb not in _VERBS]
    return f"a step does {strange[0]!r}; it can {', '.join(sorted(_VERBS))}" if strange else ""
