"""Text → everything that is wrong with it, and the document if nothing keeps it from being used."""

import re

import msgspec

from ostro.language.check.all import check
from ostro.language.check.given import Takes
from ostro.language.look import Parse, look
from ostro.language.model.definitions import Document, Kind
from ostro.language.model.standard import STANDARD
from ostro.language.problems import Problem, Severity, with_source
from ostro.language.read import read
from ostro.language.source.compose import Bounds

_IGNORE = re.compile(r"#\s*ostro:\s*ignore(?:\[([\w\s,-]*)\])?")


class Linted(msgspec.Struct, frozen=True):
    """What is known of a text. `document` is None if it has an error; `lines` are the text's."""

    document: Document | None
    problems: tuple[Problem, ...]
    lines: list[str]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """What keeps the text from being accepted."""
        return tuple(one for one in self.problems if one.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """What does not."""
        return tuple(one for one in self.problems if one.severity is Severity.WARNING)


def lint(
    text: str | bytes,
    kind: Kind | None = None,
    *,
    parse: Parse = look,
    bounds: Bounds | None = None,
    takes: Takes = STANDARD,
) -> Linted:
    """Reads a text and checks it. Never raises for what it holds. `takes`: what known actions take.

    A warning is silent on a line that ends in `# ostro: ignore` or `# ostro: ignore[code, code]`.
    """
    reading = read(text, kind, parse=parse, bounds=bounds)
    if reading.document is not None:
        check(reading.document, reading.reader.looks, reading.reader.problems, takes)
    lines = reading.source.lines
    found = reading.reader.problems.sorted()
    problems = tuple(with_source(one, lines) for one in found if not _is_silenced(one, lines))
    refused = any(one.severity is Severity.ERROR for one in problems)
    return Linted(None if refused else reading.document, problems, lines)


def _is_silenced(problem: Problem, lines: list[str]) -> bool:
    if problem.severity is Severity.ERROR or not 1 <= problem.line <= len(lines):
        return False
    said = _IGNORE.search(lines[problem.line - 1])
    if said is None:
        return False
    codes = {one.strip() for one in (said[1] or "").split(",")} - {""}
    return not codes or problem.code in codes
