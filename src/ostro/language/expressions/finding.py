"""Strings taken apart: what of them is YAQL, and whether they are Jinja2."""

from typing import NamedTuple

from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.marks import first_jinja, yaql_in


class Piece(NamedTuple):
    """A part of a string: literal text, or YAQL without its brackets. `offset`: where it starts."""

    text: str
    offset: int
    is_yaql: bool


def is_jinja(text: str) -> bool:
    """Whether the string is Jinja2's; ExpressionError if it is YAQL's too."""
    found, other = first_jinja(text), next(yaql_in(text), None)
    if found is not None and other is not None:
        said = "YAQL (`<% %>`) and Jinja2 (`{{ }}`) cannot be mixed in one string."
        raise ExpressionError(Kind.MIXED, said, offset=max(found, other[0]))
    return found is not None


def pieces_of(text: str) -> list[Piece]:
    """The literal and the YAQL parts, in order."""
    pieces, at = [], 0
    for start, end in yaql_in(text):
        if start > at:
            pieces.append(Piece(text[at:start], at, is_yaql=False))
        inner = text[start + 2 : end - 2]
        lead = len(inner) - len(inner.lstrip())
        pieces.append(Piece(inner.strip(), start + 2 + lead, is_yaql=True))
        at = end
    if at < len(text):
        pieces.append(Piece(text[at:], at, is_yaql=False))
    return pieces
