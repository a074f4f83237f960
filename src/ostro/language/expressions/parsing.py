"""Strings with expressions in them: parsed once, evaluated often."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from ostro.language.expressions.asked import Asked
from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.finding import is_jinja, pieces_of
from ostro.language.expressions.jinja.evaluator import Jinja
from ostro.language.expressions.limits import DEFAULT_LIMITS, ExpressionLimits
from ostro.language.expressions.lookups import Need, Snapshot
from ostro.language.expressions.results import as_text, plain
from ostro.language.expressions.yaql.evaluator import Yaql
from ostro.language.marks import has_expression


class Language(StrEnum):
    """What a string is written in."""

    LITERAL = "literal"
    YAQL = "yaql"
    JINJA = "jinja"


class Expression:
    """A string of a definition. Immutable, and safe to share."""

    __slots__ = ("_asked", "_parts", "language", "text")

    def __init__(self, text: str, language: Language, parts: tuple[str | Yaql | Jinja, ...]) -> None:
        self.text = text
        self.language = language
        self._parts = parts
        asked = Asked()
        for part in parts:
            if not isinstance(part, str):
                asked = asked.and_(part.asked)
        self._asked = asked

    @property
    def roots(self) -> frozenset[str]:
        """The variables that it reads: `$.a` and `_.a` read a; `*` stands for all of them."""
        return self._asked.roots

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that it names: `task(a)`."""
        return self._asked.tasks

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks of the snapshot."""
        return self._asked.needs

    @property
    def functions(self) -> frozenset[str]:
        """The functions, methods and filters that it calls."""
        return self._asked.functions

    def evaluate(
        self, data: Mapping[str, Any], snapshot: Snapshot, limits: ExpressionLimits = DEFAULT_LIMITS
    ) -> Any:
        """Plain JSON data, new. Raises ExpressionError; `Unanswered` names what the snapshot lacks."""
        return self.evaluate_in(data, Run(snapshot, limits))

    def evaluate_in(self, data: Mapping[str, Any], run: Run) -> Any:
        """The same, as a part of something that shares its limits."""
        if len(self._parts) == 1:
            part = self._parts[0]
            return part if isinstance(part, str) else part.evaluate(data, run)
        texts = [
            part if isinstance(part, str) else as_text(run, part.evaluate(data, run)) for part in self._parts
        ]
        return plain(run, "".join(texts))

    def __repr__(self) -> str:
        return f"Expression({self.text!r})"


def parse(text: str, limits: ExpressionLimits = DEFAULT_LIMITS) -> Expression:
    """Reads a string of a definition. ExpressionError says what is wrong, and at which offset."""
    if not has_expression(text):
        return Expression(text, Language.LITERAL, (text,))
    if len(text) > limits.text_length:
        said = f"A string with expressions is longer than {limits.text_length} characters."
        raise ExpressionError(Kind.LIMIT, said)
    if is_jinja(text):
        return Expression(text, Language.JINJA, (Jinja(text),))
    parts = tuple(
        Yaql(piece.text, piece.offset) if piece.is_yaql else piece.text for piece in pieces_of(text)
    )
    return Expression(text, Language.YAQL, parts)


def parse_yaql(text: str, limits: ExpressionLimits = DEFAULT_LIMITS) -> Expression:
    """Reads YAQL without its brackets, for places where nothing else can stand."""
    if len(text) > limits.text_length:
        said = f"An expression is longer than {limits.text_length} characters."
        raise ExpressionError(Kind.LIMIT, said)
    return Expression(text, Language.YAQL, (Yaql(text.strip(), len(text) - len(text.lstrip())),))
