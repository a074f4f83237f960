"""The words of a YAQL text."""

import codecs
import re
from typing import Any, NamedTuple

from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.limits import MOST_TOKENS


class Token(NamedTuple):
    """`kind` is the operator itself, or one of number, text, word, call, variable, constant, end."""

    kind: str
    value: Any
    offset: int


_TOKEN = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    | (?P<variable>\$\w*)
    | (?P<number>\b\d+(?:\.?\d+)?\b)
    | (?P<call>\b[^\W\d]\w*\()
    | (?P<word>(?!__)\b[^\W\d]\w*\b)
    | (?P<text>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")
    | (?P<verbatim>`(?:[^`\\]|\\.)*`)
    | (?P<operator>\?\.|=~|!~|>=|<=|!=|->|=>|[.+\-*/><=\[\]{}(),])""",
    re.VERBOSE,
)
_ESCAPE = re.compile(r"""\\(?:U.{8}|u.{4}|x.{2}|[0-7]{1,3}|N\{[^}]+\}|[\\'"abfnrtv])""")
_CONSTANTS = {"true": True, "false": False, "null": None}
_OPERATORS = frozenset({"and", "or", "not", "in", "mod"})


def tokens_of(text: str, base: int = 0) -> list[Token]:
    """The tokens, an `end` last; offsets start at `base`. Raises ExpressionError."""
    found: list[Token] = []
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            said = (
                "a text that does not end"
                if text[at] in "'\"`"
                else f"`{text[at]}`, which has no meaning here"
            )
            raise ExpressionError(Kind.SYNTAX, f"The expression has {said}.", offset=base + at)
        if match.lastgroup != "space":
            found.append(_token(match, base + at))
        at = match.end()
        if len(found) > MOST_TOKENS:
            said = f"The expression has more than {MOST_TOKENS} words and signs."
            raise ExpressionError(Kind.LIMIT, said, offset=base)
    found.append(Token("end", None, base + len(text)))
    return found


def _token(match: re.Match[str], offset: int) -> Token:
    kind, value = match.lastgroup or "", match.group()
    if kind == "operator":
        return Token(value, value, offset)
    if kind == "word" and value in _OPERATORS:
        return Token(value, value, offset)
    if kind == "word" and value in _CONSTANTS:
        return Token("constant", _CONSTANTS[value], offset)
    return Token("text" if kind == "verbatim" else kind, _value(kind, value, offset), offset)


def _value(kind: str, value: str, offset: int) -> Any:
    try:
        if kind == "number":
            return float(value) if "." in value else int(value)
        if kind == "text":
            return _ESCAPE.sub(lambda found: codecs.decode(found.group(), "unicode-escape"), value[1:-1])
    except ValueError:
        said = f"The expression has a {kind} that cannot be read."
        raise ExpressionError(Kind.SYNTAX, said, offset=offset) from None
    if kind == "verbatim":
        return value[1:-1].replace("\\`", "`")
    if kind == "variable":
        return value[1:] or "1"
    return value.removesuffix("(") if kind == "call" else value
