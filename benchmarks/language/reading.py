"""Texts read and checked. The floor is the YAML library alone on the same text."""

import yaml

from benchmarks.figures import Found, Scale
from benchmarks.language.texts import roll_out
from benchmarks.language.timing import milliseconds
from ostro.core.plans.library import Library, Text
from ostro.language.lint import lint
from ostro.language.model.definitions import Document
from ostro.language.parsed import parsed
from ostro.language.read import read


def parse(scale: Scale) -> Found:
    """A text read without checks, and what a checked one takes to be made ready to run."""
    found: Found = {}
    for tasks in _sizes(scale):
        name = f"{tasks:,} tasks"
        text = roll_out(tasks)
        floor = _yaml_ms(text)
        took = milliseconds(lambda text=text: read(text))  # type: ignore[misc]
        found |= {f"floor YAML, {name} ms": floor, f"{name} ms": took, f"{name} / floor": took / floor}
    texts, document = (Text("workflows", text),), _document(text)
    found[f"{name} made ready to run ms"] = milliseconds(lambda: Library(texts, [document]).plan("roll_out"))
    return found


def lint_all(scale: Scale) -> Found:
    """The same texts with all checks, each expression read by the parser that runs it, as the server does."""
    found: Found = {}
    for tasks in _sizes(scale):
        name = f"{tasks:,} tasks"
        text = roll_out(tasks)
        _document(text)
        floor = _yaml_ms(text) / 1000
        took = milliseconds(lambda text=text: lint(text, parse=parsed)) / 1000  # type: ignore[misc]
        found |= {f"floor YAML, {name} s": floor, f"{name} s": took, f"{name} / floor": took / floor}
    return found


def _sizes(scale: Scale) -> tuple[int, int]:
    return scale.of(100, 10), scale.of(1_000, 50)


def _yaml_ms(text: str) -> float:
    return milliseconds(lambda: yaml.load(text, yaml.CSafeLoader))


def _document(text: str) -> Document:
    """Of a text with which nothing is wrong, not even slightly."""
    linted = lint(text, parse=parsed)
    if linted.document is None or linted.problems:
        raise RuntimeError(f"the text that is measured has problems: {linted.problems[:1]}")
    return linted.document
