"""YAML values with expressions anywhere inside: a shape with holes, read once and filled often."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError
from ostro.language.expressions.limits import DEFAULT_LIMITS, ExpressionLimits
from ostro.language.expressions.lookups import Need, Snapshot
from ostro.language.expressions.parsing import Expression, Language, parse

Path = tuple[str | int, ...]
_Fill = Callable[[Mapping[str, Any], Run], Any]


class Template:
    """A value of a definition. What has no expressions is given back as it is: do not change it."""

    __slots__ = ("_fill", "expressions", "value")

    def __init__(
        self, value: Any, expressions: tuple[tuple[Path, Expression], ...], fill: _Fill | None
    ) -> None:
        self.value = value
        self.expressions = expressions
        self._fill = fill

    @property
    def is_literal(self) -> bool:
        """Whether there is nothing to evaluate."""
        return self._fill is None

    @property
    def roots(self) -> frozenset[str]:
        """The variables that it reads; `*` stands for all of them."""
        return frozenset[str]().union(*(one.roots for _, one in self.expressions))

    @property
    def tasks(self) -> frozenset[str]:
        """The tasks that it names."""
        return frozenset[str]().union(*(one.tasks for _, one in self.expressions))

    @property
    def needs(self) -> frozenset[Need]:
        """What it asks of the snapshot."""
        return frozenset[Need]().union(*(one.needs for _, one in self.expressions))

    def evaluate(
        self, data: Mapping[str, Any], snapshot: Snapshot, limits: ExpressionLimits = DEFAULT_LIMITS
    ) -> Any:
        """The value with all expressions evaluated, within the limits of one evaluation."""
        return self.value if self._fill is None else self._fill(data, Run(snapshot, limits))


def template(value: Any, limits: ExpressionLimits = DEFAULT_LIMITS) -> Template:
    """Reads a YAML value: strings in maps and lists, keys left as they are. Raises the first ExpressionError."""
    found: list[tuple[Path, Expression]] = []
    for path, text in _strings(value, ()):
        try:
            expression = parse(text, limits)
        except ExpressionError as error:
            error.path = path
            raise
        if expression.language is not Language.LITERAL:
            found.append((path, expression))
    return Template(value, tuple(found), _filler(value, dict(found), ()))


def faults(value: Any, limits: ExpressionLimits = DEFAULT_LIMITS) -> list[ExpressionError]:
    """All mistakes in the expressions of a YAML value, each with its path."""
    found = []
    for path, text in _strings(value, ()):
        try:
            parse(text, limits)
        except ExpressionError as error:
            error.path = path
            found.append(error)
    return found


def _strings(value: Any, path: Path) -> Iterator[tuple[Path, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for key, part in value.items():
            yield from _strings(part, (*path, key))
    elif isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _strings(part, (*path, index))


def _filler(value: Any, found: dict[Path, Expression], path: Path) -> _Fill | None:
    """Makes the value anew; None where it has no expressions."""
    if isinstance(value, str):
        return _filled(found[path], path) if path in found else None
    if isinstance(value, Mapping):
        keys = {key: _filler(part, found, (*path, key)) for key, part in value.items()}
        return _map_filler(dict(value), keys) if any(keys.values()) else None
    if isinstance(value, list | tuple):
        fills = [_filler(part, found, (*path, index)) for index, part in enumerate(value)]
        return _list_filler(list(value), fills) if any(fills) else None
    return None


def _filled(expression: Expression, path: Path) -> _Fill:
    def fill(data: Mapping[str, Any], run: Run) -> Any:
        try:
            return expression.evaluate_in(data, run)
        except ExpressionError as error:
            error.path = path
            raise

    return fill


def _map_filler(literal: dict[str, Any], fills: dict[str, _Fill | None]) -> _Fill:
    holes = [(key, fill) for key, fill in fills.items() if fill is not None]
    return lambda data, run: literal | {key: fill(data, run) for key, fill in holes}


def _list_filler(literal: list[Any], fills: list[_Fill | None]) -> _Fill:
    parts = list(zip(literal, fills, strict=True))
    return lambda data, run: [part if fill is None else fill(data, run) for part, fill in parts]
