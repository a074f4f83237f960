"""A context of the library that counts what it calls and weighs what it makes."""

from collections.abc import Callable
from typing import Any

from yaql.language import contexts, utils  # type: ignore[import-untyped]

from ostro.language.expressions.evaluation import Run

PRICE = 200
"""Steps of one call inside the library: about 40 µs."""
_REACHING = frozenset(
    {"#get_context_data", "#operator_.", "#operator_?.", "#indexer", "first", "last", "get"}
)
_MADE = (tuple, list, set, frozenset, utils.MappingType)


class Watched(contexts.Context):  # type: ignore[misc]
    """Made for one evaluation; its children know its run."""

    def __init__(
        self, parent_context: Any = None, data: Any = utils.NO_VALUE, convention: Any = None
    ) -> None:
        super().__init__(parent_context, data, convention)
        self.run: Run | None = getattr(parent_context, "run", None)

    def of(self) -> Run:
        """The run that it was made for."""
        assert self.run is not None, "a context without a run evaluates nothing"  # noqa: S101
        return self.run

    def __call__(self, name: str, *args: Any, **kwargs: Any) -> Callable[..., Any]:
        """What the library calls to find a function."""
        found = super().__call__(name, *args, **kwargs)
        run = self.run
        return found if run is None else _counted(run, name, found)


def _counted(run: Run, name: str, found: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **kwargs: Any) -> Any:
        meter = run.meter
        meter.spend(PRICE)
        meter.enter()
        try:
            made = found(*args, **kwargs)
        finally:
            meter.depth -= 1
        if isinstance(made, _MADE) and name not in _REACHING:
            meter.weigh(made)
        elif type(made) is str and name not in _REACHING:
            meter.grow(len(made))
        elif type(made) is int:
            meter.whole(made)
        return made

    return call
