"""Functions of regular expressions."""

import re
from collections.abc import Callable
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.regexes import Match, Regex, compiled, filled
from ostro.language.expressions.yaql.signatures import ANY, BOOL, INT, MATCH, REGEX, TEXT, function, method
from ostro.language.expressions.yaql.values import Lazy

Selector = Callable[[Match, dict[str, int]], Any]


@function("regex", TEXT, BOOL, BOOL, BOOL, optional=3)
def regex(
    run: Run, pattern: str, ignore_case: bool = False, multi_line: bool = False, dot_all: bool = False
) -> Regex:
    """A regular expression."""
    chosen = zip((ignore_case, multi_line, dot_all), (re.IGNORECASE, re.MULTILINE, re.DOTALL), strict=True)
    return compiled(run, pattern, sum(int(flag) for wanted, flag in chosen if wanted))


@function("escapeRegex", TEXT)
def escaped(run: Run, text: str) -> str:
    """The text as a pattern that finds just it."""
    run.meter.grow(2 * len(text))
    return re.escape(text)


@function("isRegex", ANY)
def is_regex(run: Run, value: Any) -> bool:
    """A regular expression."""
    return type(value) is Regex


@method("matches", REGEX, TEXT)
def matches(run: Run, pattern: Regex, text: str) -> bool:
    """Whether it is found in the text."""
    return pattern.search(run, text) is not None


@method("matches", TEXT, TEXT)
def text_matches(run: Run, text: str, pattern: str) -> bool:
    """Whether the pattern is found in the text."""
    return compiled(run, pattern).search(run, text) is not None


@method("search", REGEX, TEXT, MATCH, optional=1)
def search(run: Run, pattern: Regex, text: str, selector: Selector | None = None) -> Any:
    """The first match, or what the selector makes of it; null if there is none."""
    found = pattern.search(run, text)
    if found is None:
        return None
    return found.group() if selector is None else selector(found, pattern.named)


@method("searchAll", REGEX, TEXT, MATCH, optional=1)
def search_all(run: Run, pattern: Regex, text: str, selector: Selector | None = None) -> Lazy:
    """All matches, or what the selector makes of each."""
    found = pattern.find_all(run, text)
    return Lazy(run, (one.group() if selector is None else selector(one, pattern.named) for one in found))


@method("split", REGEX, TEXT, INT, optional=1)
def split(run: Run, pattern: Regex, text: str, most: int = 0) -> tuple[Any, ...]:
    """The parts of the text between matches."""
    return pattern.split(run, text, most)


@method("split", TEXT, REGEX, INT, optional=1)
def text_split(run: Run, text: str, pattern: Regex, most: int = 0) -> tuple[Any, ...]:
    """The parts of the text between matches."""
    return pattern.split(run, text, most)


@method("replace", REGEX, TEXT, TEXT, INT, optional=1)
def replace(run: Run, pattern: Regex, text: str, new: str, most: int = 0) -> str:
    r"""The text with each match replaced; `\1` stands for a group."""
    return pattern.replace(run, text, lambda found: filled(new, found, pattern), most)


@method("replace", TEXT, REGEX, TEXT, INT, optional=1)
def text_replace(run: Run, text: str, pattern: Regex, new: str, most: int = 0) -> str:
    r"""The text with each match replaced; `\1` stands for a group."""
    return pattern.replace(run, text, lambda found: filled(new, found, pattern), most)


@method("replaceBy", REGEX, TEXT, MATCH, INT, optional=1)
def replace_by(run: Run, pattern: Regex, text: str, made: Selector, most: int = 0) -> str:
    """The text with each match replaced by what is made of it."""
    return pattern.replace(run, text, _texts(made, pattern), most)


@method("replaceBy", TEXT, REGEX, MATCH, INT, optional=1)
def text_replace_by(run: Run, text: str, pattern: Regex, made: Selector, most: int = 0) -> str:
    """The text with each match replaced by what is made of it."""
    return pattern.replace(run, text, _texts(made, pattern), most)


def _texts(made: Selector, pattern: Regex) -> Callable[[Match], str]:
    def text(found: Match) -> str:
        new = made(found, pattern.named)
        if not isinstance(new, str):
            raise TypeError("`replaceBy` made something that is not a text")
        return new

    return text
