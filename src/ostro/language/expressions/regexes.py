"""Regular expressions of Python, in time that is linear in the text.

A pattern is parsed by Python's own parser and written anew for RE2, which never backtracks. What RE2 does
not know (look-around, references back, words and line ends in unusual texts) is left to `re` if its
structure bounds the work, and refused otherwise.
"""

import functools
import re
from collections.abc import Iterator
from typing import Any, Protocol

import re2  # type: ignore[import-untyped]

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.rewriting import Rewritten, rewrite

_MOST_WORK = 2_000_000
"""Positions that `re` may try: about 20 ms."""


class Match(Protocol):
    """What the two engines have in common."""

    def group(self, index: int = 0, /) -> Any:  # noqa: D102
        ...
    def start(self, index: int = 0, /) -> int:  # noqa: D102
        ...
    def end(self, index: int = 0, /) -> int:  # noqa: D102
        ...
    def groups(self) -> tuple[Any, ...]:  # noqa: D102
        ...


class Regex:
    """A pattern that was read; engines are made for the texts that need them."""

    __slots__ = ("_engines", "_python", "named", "rewritten")

    def __init__(self, python: re.Pattern[str], rewritten: Rewritten) -> None:
        self._python = python
        self._engines: dict[str, Any] = {}
        self.rewritten = rewritten
        self.named = dict(python.groupindex)

    def search(self, run: Run, text: str) -> Match | None:
        """The first match."""
        engine, price = self._engine(run, text)
        run.meter.spend(8 + (price * len(text) >> 10))
        return engine.search(text)  # type: ignore[no-any-return]

    def find_all(self, run: Run, text: str) -> Iterator[Match]:
        """All matches that do not overlap."""
        engine, price = self._engine(run, text)
        run.meter.spend(8 + (price * len(text) >> 10))
        last, was_empty = 0, False
        for found in engine.finditer(text):
            start, end = found.start(), found.end()
            if not (start == end == last and was_empty):
                yield found
            ahead = len(text) - end if self.rewritten.looks_ahead else end - last
            run.meter.spend(60 + (price * ahead >> 10))
            last, was_empty = end, start == end

    def split(self, run: Run, text: str, most: int = 0) -> tuple[Any, ...]:
        """The parts between matches, with the groups of each match."""
        parts, at = [], 0
        for count, found in enumerate(self.find_all(run, text)):
            if most and count >= most:
                break
            parts += [text[at : found.start()], *found.groups()]
            at = found.end()
        return (*parts, text[at:])

    def replace(self, run: Run, text: str, made: Any, most: int = 0) -> str:
        """With each match replaced by what `made(match)` gives."""
        parts, at = [], 0
        for count, found in enumerate(self.find_all(run, text)):
            if most and count >= most:
                break
            new = made(found)
            run.meter.grow(len(new))
            parts += [text[at : found.start()], new]
            at = found.end()
        run.meter.grow(len(text))
        return "".join([*parts, text[at:]])

    def _engine(self, run: Run, text: str) -> tuple[Any, int]:
        """What searches this text, and its price: steps for 1024 characters."""
        form = self.rewritten.form_for(text)
        if form is not None:
            if form not in self._engines:
                self._engines[form] = _linear(form)
            engine = self._engines[form]
            if engine is not None:
                return engine, 16 + engine.programsize
        power = self.rewritten.power
        if power is None or (len(text) + 1) ** (power + 1) > _MOST_WORK:
            said = f"The regular expression `{self._python.pattern[:60]}` could take too long on this text."
            raise ExpressionError(Kind.LIMIT, said)
        return self._python, 32 * (len(text) + 1) ** power


def compiled(run: Run, pattern: str, flags: int = 0) -> Regex:
    """The regular expression; ExpressionError if it cannot be read."""
    if len(pattern) > run.limits.regex_length:
        most = run.limits.regex_length
        raise ExpressionError(Kind.LIMIT, f"A regular expression is longer than {most} characters.")
    if (pattern, flags) not in run.patterns:
        # Its price is paid once in a run, whatever other runs left in the cache.
        run.meter.spend(100 + 40 * len(pattern))
        run.patterns[pattern, flags] = _read(pattern, flags)
    return run.patterns[pattern, flags]  # type: ignore[no-any-return]


def _read(pattern: str, flags: int) -> Regex:
    try:
        return _compiled(pattern, flags)
    except (re.error, RecursionError, OverflowError) as error:
        said = f"The regular expression `{pattern[:60]}` cannot be read: {str(error)[:80]}."
        raise ExpressionError(Kind.VALUE, said) from None


@functools.lru_cache(maxsize=256)
def _compiled(pattern: str, flags: int) -> Regex:
    return Regex(re.compile(pattern, flags), rewrite(pattern, flags))


def _linear(form: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 * 1024 * 1024
    try:
        return re2.compile(form, options)
    except re2.error:
        return None


def filled(template: str, found: Match, regex: Regex) -> str:
    r"""The replacement text with `\1`, `\g<name>` and escapes filled in from a match."""
    if "\\" not in template:
        return template
    return _REFERENCE.sub(lambda at: _reference(at, found, regex), template)


_REFERENCE = re.compile(
    r"\\(?:g<(?P<name>\w+)>|(?P<octal>0[0-7]{0,2}|[0-3][0-7]{2})|(?P<number>[1-9]\d?)|(?P<other>.?))",
    re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "f": "\f", "v": "\v", "b": "\b", "\\": "\\"}


def _reference(at: re.Match[str], found: Match, regex: Regex) -> str:
    other = at["other"]
    if at["octal"]:
        return chr(int(at["octal"], 8))
    if other is not None:
        if other in _ESCAPES:
            return _ESCAPES[other]
        if not other or other.isalnum():
            raise ExpressionError(Kind.VALUE, f"The replacement has a bad escape `\\{other}`.")
        return f"\\{other}"
    name = at["name"] or at["number"]
    index = int(name) if name.isdecimal() else regex.named.get(name, -1)
    if not 0 <= index <= len(found.groups()):
        raise ExpressionError(Kind.VALUE, f"The replacement names a group `{name}` that the pattern has not.")
    return found.group(index) or ""
