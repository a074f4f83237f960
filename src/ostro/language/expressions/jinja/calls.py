"""What templates may call, and the work of it counted before."""

from collections.abc import Callable
from types import BuiltinFunctionType
from typing import Any

from jinja2.exceptions import SecurityError
from jinja2.runtime import LoopContext, Macro
from jinja2.utils import Cycler, Joiner

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.jinja import costs

_TEXT = frozenset(
    [
        "capitalize",
        "casefold",
        "center",
        "count",
        "endswith",
        "expandtabs",
        "find",
        "format",
        "format_map",
        "index",
        "isalnum",
        "isalpha",
        "isascii",
        "isdecimal",
        "isdigit",
        "isidentifier",
        "islower",
        "isnumeric",
        "isprintable",
        "isspace",
        "istitle",
        "isupper",
        "join",
        "ljust",
        "lower",
        "lstrip",
        "partition",
        "removeprefix",
        "removesuffix",
        "replace",
        "rfind",
        "rindex",
        "rjust",
        "rpartition",
        "rsplit",
        "rstrip",
        "split",
        "splitlines",
        "startswith",
        "strip",
        "swapcase",
        "title",
        "upper",
        "zfill",
    ]
)
_NUMBER = frozenset({"bit_length", "bit_count", "is_integer", "conjugate"})
_NAMED = frozenset({"format", "rsplit", "split", "splitlines"})
_READING = frozenset({"get", "items", "keys", "values", "copy", "count", "index"})
MUTATING = frozenset(
    {
        "append",
        "clear",
        "extend",
        "insert",
        "pop",
        "popitem",
        "remove",
        "reverse",
        "setdefault",
        "sort",
        "update",
    }
)


def before_call(
    run: Run, called: Any, args: tuple[Any, ...], kwargs: dict[str, Any], *, may_change: bool
) -> tuple[Any, ...]:
    """Refuses or counts a call; the arguments to call with."""
    run.meter.spend(8 + len(args) + len(kwargs))
    if isinstance(called, Macro):
        return args
    if isinstance(called, LoopContext):
        return tuple(costs.counted(run, rows, 50) for rows in args)
    for part in args:
        if isinstance(part, tuple | list | dict):
            run.meter.spend(run.meter.weigh(part) >> 7)
    bound = getattr(called, "__wrapped__", called)  # the sandbox wraps `format`
    receiver, name = getattr(bound, "__self__", None), getattr(bound, "__name__", "")
    if receiver is None:
        if isinstance(bound, BuiltinFunctionType):  # `''.maketrans`, which belongs to no text
            raise SecurityError(f"`{name}` cannot be called here.")
        return args
    if kwargs and isinstance(receiver, str):
        if name not in _NAMED:
            raise SecurityError(f"`{name}` takes its arguments by position.")
        costs.formatted(run, receiver, [*args, *kwargs.values()])
    return _method(run, receiver, name, args, may_change=may_change)


def _method(
    run: Run, receiver: Any, name: str, args: tuple[Any, ...], *, may_change: bool
) -> tuple[Any, ...]:
    if isinstance(receiver, str):
        return _text_method(run, receiver, name, args)
    if isinstance(receiver, dict | list | tuple):
        return _container_method(run, receiver, name, args, may_change=may_change)
    known = isinstance(receiver, (Cycler, Joiner, LoopContext, Macro))
    if not known and not (isinstance(receiver, int | float) and name in _NUMBER):
        raise SecurityError(f"`{name}` cannot be called here.")
    return args


def _container_method(
    run: Run, receiver: Any, name: str, args: tuple[Any, ...], *, may_change: bool
) -> tuple[Any, ...]:
    if name in MUTATING and may_change:
        run.meter.grow(64 * (1 + sum(len(part) for part in args if isinstance(part, list | dict | tuple))))
        if name in ("remove", "sort"):
            run.meter.weigh(receiver)
        return tuple(costs.listed(run, part) for part in args)
    if name not in _READING:
        raise SecurityError(f"`{name}` cannot be called on a list or map.")
    if name in ("copy", "items", "count", "index"):
        run.meter.grow(8 * len(receiver))
        run.meter.spend(len(receiver) >> 3)
    if name in ("count", "index"):
        run.meter.weigh(receiver)
    return args


def _text_method(run: Run, text: str, name: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    if name not in _TEXT:
        raise SecurityError(f"`{name}` cannot be called on a text.")
    run.meter.scan(16 * len(text))
    guard = _TEXT_GUARDS.get(name)
    if guard is None:
        run.meter.grow(8 * len(text) if name in ("split", "rsplit", "splitlines") else 3 * len(text))
        return args
    return guard(run, text, args) or args


def _padded(run: Run, text: str, args: tuple[Any, ...]) -> None:
    run.meter.grow(len(text) + sum(max(part, 0) for part in args if isinstance(part, int)))


def _expanded(run: Run, text: str, args: tuple[Any, ...]) -> None:
    width = args[0] if args and isinstance(args[0], int) else 8
    run.meter.grow(len(text) + text.count("\t") * max(width, 8))


def _replaced(run: Run, text: str, args: tuple[Any, ...]) -> None:
    costs.replaced(run, text, *args[:3])


def _joined(run: Run, text: str, args: tuple[Any, ...]) -> tuple[Any, ...]:
    return (costs.joined(run, text, args[0]), *args[1:]) if args else args


def _formatted(run: Run, text: str, args: tuple[Any, ...]) -> None:
    parts: list[Any] = []
    for part in args:
        parts += [part, *part.values()] if isinstance(part, dict) else [part]
    costs.formatted(run, text, parts)


_TEXT_GUARDS: dict[str, Callable[[Run, str, tuple[Any, ...]], tuple[Any, ...] | None]] = {
    "center": _padded,
    "ljust": _padded,
    "rjust": _padded,
    "zfill": _padded,
    "expandtabs": _expanded,
    "replace": _replaced,
    "join": _joined,
    "format": _formatted,
    "format_map": _formatted,
}
