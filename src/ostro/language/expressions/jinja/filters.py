"""Jinja's filters and tests, each with its work counted before."""

from collections.abc import Callable
from typing import Any, cast

from jinja2 import pass_context
from jinja2.filters import FILTERS
from jinja2.runtime import Context
from jinja2.tests import TESTS

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind
from ostro.language.expressions.functions import FUNCTIONS, fits
from ostro.language.expressions.jinja import costs

_THEIRS: dict[str, Callable[..., Any]] = cast("Any", FILTERS)
_TESTS: dict[str, Callable[..., Any]] = cast("Any", TESTS)
_LEFT_OUT = frozenset({"pprint", "random", "urlize"})
_LAZY = frozenset({"map", "reject", "rejectattr", "select", "selectattr"})
_CHEAP = frozenset({"attr", "count", "d", "default", "first", "last", "length", "items"})
_COMPARING = frozenset(
    [
        "!=",
        "==",
        "eq",
        "equalto",
        "in",
        "ne",
        "<",
        "<=",
        ">",
        ">=",
        "ge",
        "gt",
        "greaterthan",
        "le",
        "lessthan",
        "lt",
        "lower",
        "upper",
    ]
)
_Args = tuple[Any, ...]
_Named = dict[str, Any]


def filters() -> dict[str, Callable[..., Any]]:
    """All of them, Mistral's functions included, by name."""
    ours = {name: _ours(function) for name, function in FUNCTIONS.items()}
    theirs = {name: _guarded(name, call) for name, call in _THEIRS.items() if name not in _LEFT_OUT}
    return {**theirs, **ours, **INTERNAL}


def tests() -> dict[str, Callable[..., Any]]:
    """Jinja's, those that compare with their operands weighed."""
    return {**_TESTS, **{name: _weighed_test(_TESTS[name]) for name in _COMPARING}}


def run_of(context: Context) -> Run:
    """The run that a context was made for."""
    run: Run = context.run  # type: ignore[attr-defined]
    return run


def _ours(function: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def call(context: Context, *args: Any, **kwargs: Any) -> Any:
        return ours(context, function, args, kwargs)

    return call


def ours(context: Context, function: Callable[..., Any], args: _Args, kwargs: _Named) -> Any:
    """One of Mistral's functions; its answer is copied where the template may change it."""
    run = run_of(context)
    run.meter.spend(20)
    if not fits(function, len(args), kwargs):
        said = f"`{function.__name__.rstrip('_')}` does not take these arguments."
        raise ExpressionError(Kind.TYPE, said)
    made = function(run, *(costs.listed(run, part) for part in args), **kwargs)
    return copied(run, made) if context.may_change else made  # type: ignore[attr-defined]


def copied(run: Run, value: Any) -> Any:
    """A copy of JSON data that may be changed."""
    run.meter.spend()
    if isinstance(value, dict):
        return {key: copied(run, part) for key, part in value.items()}
    return [copied(run, part) for part in value] if isinstance(value, list) else value


def _guarded(name: str, call: Callable[..., Any]) -> Callable[..., Any]:
    passed = getattr(call, "jinja_pass_arg", None)
    wanted = passed.name if passed is not None else ""
    guard = _GUARDS.get(name)

    @pass_context
    def guarded(context: Context, value: Any = "", *args: Any, **kwargs: Any) -> Any:
        run = run_of(context)
        run.meter.spend(8)
        ready = _ready(run, name, value)
        if guard is not None:
            guard(run, ready, args, kwargs)
        first = {"context": context, "eval_context": context.eval_ctx, "environment": context.environment}
        made = call(first[wanted], ready, *args, **kwargs) if wanted else call(ready, *args, **kwargs)
        if isinstance(made, str):
            run.meter.grow(len(made))
        return made

    return guarded


def _ready(run: Run, name: str, value: Any) -> Any:
    """The value with its work counted, as far as the filter looks at it."""
    if name in _CHEAP:
        return value
    if name in _LAZY:
        return costs.counted(run, value)
    rows = costs.listed(run, value)
    size = costs.size_of(run, rows)
    run.meter.grow(size)
    run.meter.spend(size >> 3)
    return rows


def _weighed_test(call: Callable[..., Any]) -> Callable[..., Any]:
    @pass_context
    def test(context: Context, *operands: Any) -> Any:
        run = run_of(context)
        return call(*(weighed(run, operand) for operand in operands))

    return test


def weighed(run: Run, value: Any) -> Any:
    """The value, ready to be compared."""
    run.meter.spend(costs.size_of(run, value) >> 7)
    return value


def _first(args: _Args, kwargs: _Named, name: str, default: Any) -> Any:
    return args[0] if args else kwargs.get(name, default)


def _center(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    run.meter.grow(max(_number(_first(args, kwargs, "width", 80)), 0))


def _indent(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    width = _first(args, kwargs, "width", 4)
    run.meter.grow((str(value).count("\n") + 1) * (len(width) if isinstance(width, str) else _number(width)))


def _number(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _groups(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    for part in (*args[:1], *kwargs.values()):
        run.meter.spend(abs(costs.small(run, part)))


def _rounded(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    costs.small(run, _first(args, kwargs, "precision", 0), 300)


def _wrapped(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    run.meter.spend(2 * len(str(value)))
    ending = kwargs.get("wrapstring") or (args[2] if len(args) > 2 else "")
    run.meter.grow(len(str(value)) * (1 + len(ending or "")))


def _replaced(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    given = dict(zip(("old", "new", "count"), args, strict=False)) | kwargs
    count = given.get("count")
    costs.replaced(run, str(value), given.get("old"), given.get("new"), -1 if count is None else count)


def _joined(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    costs.joined(run, _first(args, kwargs, "d", ""), value)


def _formatted(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    costs.formatted(run, value, [*args, *kwargs.values()])


def _summed(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    start = args[1] if len(args) > 1 else kwargs.get("start", 0)
    if not isinstance(start, int | float) and hasattr(value, "__len__"):
        run.meter.grow(len(value) * costs.size_of(run, value))


def _indented(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    costs.small(run, _first(args, kwargs, "indent", 0), 16)
    run.meter.spend(costs.size_of(run, value) >> 2)
    run.meter.grow(16 * costs.size_of(run, value))


def _stripped(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    text = str(value)
    run.meter.spend((text.count("<") + 1) * len(text) >> 10)


def _titled(run: Run, value: Any, args: _Args, kwargs: _Named) -> None:
    run.meter.spend(len(str(value)) >> 1)


_GUARDS: dict[str, Callable[[Run, Any, _Args, _Named], None]] = {
    "batch": _groups,
    "center": _center,
    "format": _formatted,
    "indent": _indent,
    "join": _joined,
    "replace": _replaced,
    "round": _rounded,
    "slice": _groups,
    "striptags": _stripped,
    "tojson": _indented,
    "sum": _summed,
    "title": _titled,
    "wordwrap": _wrapped,
}


@pass_context
def _counted_rows(context: Context, rows: Any, steps: int, size: int) -> Any:
    return costs.counted(run_of(context), rows, steps, size)


@pass_context
def _spent(context: Context, value: Any, steps: int, size: int) -> Any:
    run_of(context).meter.spend(steps)
    run_of(context).meter.grow(size)
    return value


@pass_context
def _weighed_value(context: Context, value: Any) -> Any:
    return weighed(run_of(context), value)


@pass_context
def _concatenated(context: Context, parts: list[Any]) -> str:
    run = run_of(context)
    run.meter.spend(len(parts))
    run.meter.grow(sum(costs.size_of(run, part) for part in parts))
    return "".join([str(part) for part in parts])


@pass_context
def _sliced(context: Context, value: Any, start: Any, stop: Any, step: Any) -> Any:
    if isinstance(value, str | list | tuple):
        run_of(context).meter.grow(len(value) * (1 if isinstance(value, str) else 8))
    return value[start:stop:step]


INTERNAL: dict[str, Callable[..., Any]] = {
    "ostro counted": _counted_rows,
    "ostro spent": _spent,
    "ostro weighed": _weighed_value,
    "ostro concatenated": _concatenated,
    "ostro sliced": _sliced,
}
"""Put into the tree by `rewriting`; no template can write these names."""
