"""A YAQL expression: read once, evaluated often, by our closures or by the library."""

from collections.abc import Mapping
from typing import Any

from ostro.language.expressions.asked import Asked
from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, reason
from ostro.language.expressions.results import plain
from ostro.language.expressions.yaql import grammar
from ostro.language.expressions.yaql.analysis import asked_by
from ostro.language.expressions.yaql.compiler import compile_node
from ostro.language.expressions.yaql.frames import Code
from ostro.language.expressions.yaql.library import engine
from ostro.language.expressions.yaql.nodes import Node


class Yaql:
    """What stands between `<%` and `%>`. `offset` is where it starts in the whole text."""

    __slots__ = ("_code", "_statement", "asked", "is_read", "offset", "text")

    def __init__(self, text: str, offset: int) -> None:
        self.text = text
        self.offset = offset
        self._statement: Any = None
        self._code: Code | None = None
        try:
            self._read()
        except RecursionError:
            said = "The expression is nested too deeply."
            raise ExpressionError(Kind.LIMIT, said, offset=offset) from None

    def _read(self) -> None:
        node = _tree(self.text, self.offset)
        self.is_read = node is not None
        if node is None:
            self.asked = Asked()
            self._statement = engine.read(self.text, self.offset)
        else:
            self.asked = asked_by(node)
            self._code = _compiled(node)

    @property
    def is_compiled(self) -> bool:
        """Whether our own closures evaluate it, as far as its values allow."""
        return self._code is not None

    def evaluate(self, data: Mapping[str, Any], run: Run) -> Any:
        """The plain value; ExpressionError otherwise."""
        try:
            return self._evaluated(data, run)
        except ExpressionError as error:
            error.offset = error.offset or self.offset
            raise
        except Exception as error:  # noqa: BLE001 (the user's expression may raise whatever Python does)
            kind, said = reason(error)
            raise ExpressionError(kind, f"The expression failed: {said}.", offset=self.offset) from None

    def _evaluated(self, data: Mapping[str, Any], run: Run) -> Any:
        if self._code is None:
            return self._by_library(data, run)
        try:
            return plain(run, self._code((data, {}, run)))
        except grammar.Elsewhere as error:
            return self._by_library(data, run, error.otherwise)

    def _by_library(self, data: Mapping[str, Any], run: Run, otherwise: ExpressionError | None = None) -> Any:
        """In a run of its own: what was half done is done again."""
        if self._statement is None:
            self._statement = engine.read(self.text, self.offset)
        fresh = Run(run.snapshot, run.limits)
        try:
            return engine.evaluate(self._statement, self._read_of(data), fresh)
        except ExpressionError as error:
            if otherwise is not None and error.kind is Kind.TYPE:
                raise otherwise from None
            raise
        finally:
            run.meter.left -= fresh.meter.limits.steps - fresh.meter.left

    def _read_of(self, data: Mapping[str, Any]) -> Mapping[str, Any]:
        """The variables that it reads: the library converts all that it is given."""
        if not self.is_read or "*" in self.asked.reached:
            return data
        return {name: data[name] for name in self.asked.reached if name in data}


def _tree(text: str, offset: int) -> Node | None:
    try:
        return grammar.read(text, offset)
    except grammar.Elsewhere:
        return None


def _compiled(node: Node) -> Code | None:
    try:
        return compile_node(node)
    except grammar.Elsewhere:
        return None
