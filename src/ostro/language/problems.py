"""What is wrong with a text: problems with a place, collected and never raised."""

from collections.abc import Collection, Iterable, Sequence
from difflib import get_close_matches
from enum import StrEnum
from itertools import chain
from typing import NamedTuple

import msgspec

from ostro.language.codes import CODES

MOST = 1_000
"""So many errors, and so many warnings, are kept of one text."""

_MOST_SEARCHED, _MOST_WORDS = 50, 2_000


class Severity(StrEnum):
    """An error keeps a text from being accepted; a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Place(NamedTuple):
    """Where something stands in the text: line and column from 1, and its width in characters on that line."""

    line: int
    column: int
    width: int = 1


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that is wrong: a stable code, a sentence, a place, and what to do (`hint`, may be empty).

    `source` is the line of the text, cut to 160 characters around the place.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    line: int
    column: int
    width: int = 1
    source: str = ""


class Problems:
    """Collects problems; the same one at the same place counts once."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, Place, str], Problem] = {}
        self._counts = {Severity.ERROR: 0, Severity.WARNING: 0}

    def __len__(self) -> int:
        return len(self._found)

    def add(self, code: str, place: Place, message: str, *, hint: str = "") -> None:
        """Notes one; its severity is the one of its code."""
        key = (code, place, message)
        severity = Severity(CODES[code].severity)
        if key in self._found or self._counts[severity] >= MOST:
            return
        self._counts[severity] += 1
        self._found[key] = Problem(
            code=code,
            severity=severity,
            message=message,
            hint=hint,
            line=place.line,
            column=place.column,
            width=place.width,
        )

    def meant(self, word: str, *words: Collection[str]) -> str:
        """`Did you mean …?`, or nothing. A text with very many problems is not searched for near words any more."""
        searched = len(self._found) < _MOST_SEARCHED and sum(map(len, words)) <= _MOST_WORDS
        near = nearest(word, chain(*words)) if searched else ""
        return f"Did you mean `{near}`?" if near else ""

    def sorted(self) -> tuple[Problem, ...]:
        """All of them in the order of the text; a warning at the end if there may be more."""
        found = sorted(self._found.values(), key=lambda one: (one.line, one.column, one.code))
        if max(self._counts.values()) >= MOST:
            message = f"The first {MOST:,} problems are told; there may be more."
            last = Problem(
                code="too-many", severity=Severity.WARNING, message=message, line=found[-1].line, column=1
            )
            found.append(last)
        return tuple(found)


def nearest(word: str, words: Iterable[str]) -> str:
    """The one of these words that was probably meant; empty if none is near."""
    known = sorted(set(words))
    if len(word) > 100:
        return ""
    folded = word.lower().replace("_", "-")
    for one in known:
        if one.lower().replace("_", "-") == folded and one != word:
            return one
    found = get_close_matches(word, known, n=1, cutoff=0.72)
    return found[0] if found and found[0] != word else ""


def listed(words: Sequence[str], *, most: int = 12, joint: str = "and") -> str:
    """`a`, `b` and `c`; a long list is cut."""
    named = [f"`{word}`" for word in words[:most]]
    if len(words) > most:
        return f"{', '.join(named)} {joint} {len(words) - most} more"
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} {joint} {named[-1]}" if named else ""


def with_source(problem: Problem, lines: Sequence[str]) -> Problem:
    """The problem with the line that it is about."""
    if not 1 <= problem.line <= len(lines):
        return problem
    return msgspec.structs.replace(problem, source=_window(lines[problem.line - 1], problem.column - 1)[0])


def shown(problem: Problem, name: str, lines: Sequence[str]) -> str:
    """A problem for people: place, sentence, code, the line of the text with a caret, and what to do."""
    head = f"{name}:{problem.line}:{problem.column}: {problem.severity}: {problem.message} [{problem.code}]"
    if not 1 <= problem.line <= len(lines):
        return "\n".join(filter(None, (head, problem.hint and f"      {problem.hint}")))
    line, column = _window(lines[problem.line - 1], problem.column - 1)
    carets = "^" * max(1, min(problem.width, len(line) - column))
    parts = [head, f"{problem.line:>5} | {line}", f"      | {' ' * column}{carets}"]
    return "\n".join([*parts, f"      {problem.hint}"] if problem.hint else parts)


def _window(line: str, column: int) -> tuple[str, int]:
    """At most 160 characters of a line around a column, free of what would steer a terminal."""
    start = max(0, column - 120)
    cut = line[start : start + 160]
    return "".join(one if one.isprintable() else " " for one in cut), column - start
