"""From the syntax tree to Python closures.

A closure takes a frame: the value of `$`, the other variables by name, and the run. What is not compiled
raises `Elsewhere`, when compiling or when running: the library evaluates the whole expression then.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, timedelta
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named
from ostro.language.expressions.yaql.bindings import bindings
from ostro.language.expressions.yaql.calls import call, mapped, method_call
from ostro.language.expressions.yaql.frames import Code, Frame
from ostro.language.expressions.yaql.functions import branches, folds, maps, patterns, rows, texts  # noqa: F401 (they fill the tables)
from ostro.language.expressions.yaql.grammar import Elsewhere
from ostro.language.expressions.yaql.nodes import (
    Binary,
    Call,
    Group,
    Index,
    Listing,
    Literal,
    Mapped,
    Node,
    Pair,
    Unary,
    Variable,
    Word,
)
from ostro.language.expressions.yaql.operators import BINARY, UNARY
from ostro.language.expressions.yaql.values import ROWS, Lazy, usable

_TIMES = (date, timedelta)


def compile_node(node: Node) -> Code:  # noqa: PLR0911 (a case a node)
    """The closure of a node; Elsewhere if it is the library's."""
    match node:
        case Literal(value) | Word(value):
            return lambda _: value
        case Variable(name):
            return _variable(name)
        case Group(inner):
            return compile_node(inner)
        case Call():
            return call(node, compile_node)
        case Listing(parts):
            return _listing([compile_node(part) for part in _unpaired(parts)])
        case Mapped(parts):
            return mapped(parts, compile_node)
        case Index():
            return _index(node)
        case Unary():
            return _unary(node)
        case Binary(operator):
            return _BINARY_NODES.get(operator, _binary)(node)
        case _:
            raise Elsewhere


def _unpaired(parts: tuple[Node, ...]) -> tuple[Node, ...]:
    if any(isinstance(part, Pair) for part in parts):
        raise Elsewhere
    return parts


def _variable(name: str) -> Code:
    if name == "1":
        return lambda frame: frame[0]
    if name.startswith("__"):
        raise Elsewhere
    return lambda frame: frame[1].get(name)


def _listing(parts: list[Code]) -> Code:
    return lambda frame: [part(frame) for part in parts]


def _index(node: Index) -> Code:
    value = compile_node(node.value)
    arguments = [compile_node(part) for part in _unpaired(node.arguments)]
    if len(arguments) != 1:
        raise Elsewhere
    argument, offset = arguments[0], node.offset

    def run(frame: Frame) -> Any:
        held, at = value(frame), argument(frame)
        kind = type(held)
        if (kind is list or kind is tuple) and isinstance(at, int):
            if -len(held) <= at < len(held):
                return held[at]
            said = f"There is no element {at} in a list of {len(held)}."
            raise ExpressionError(Kind.UNKNOWN, said, offset=offset)
        if isinstance(held, Mapping):
            return _member(held, usable(at), offset)
        raise ExpressionError(
            Kind.TYPE, f"{named(held).capitalize()} has no element {named(at)}.", offset=offset
        )

    return run


def _member(value: Mapping[Any, Any], key: Any, offset: int) -> Any:
    try:
        return value[key]
    except KeyError:
        raise ExpressionError(Kind.UNKNOWN, f"There is no `{key}` here.", offset=offset) from None


def _unary(node: Unary) -> Code:
    value, operate = compile_node(node.value), UNARY[node.operator]
    return lambda frame: operate(frame[2], value(frame))


def _binary(node: Binary) -> Code:
    left, right, operate = compile_node(node.left), compile_node(node.right), BINARY[node.operator]
    offset = node.offset

    def run(frame: Frame) -> Any:
        one, other = left(frame), right(frame)
        try:
            return operate(frame[2], one, other)
        except ExpressionError as error:
            error.offset = error.offset or offset
            raise

    return run


def _and(node: Binary) -> Code:
    left, right = compile_node(node.left), compile_node(node.right)
    return lambda frame: left(frame) and right(frame)


def _or(node: Binary) -> Code:
    left, right = compile_node(node.left), compile_node(node.right)
    return lambda frame: left(frame) or right(frame)


def _dot(node: Binary) -> Code:
    if isinstance(node.right, Word):
        return _path(node)
    if isinstance(node.right, Call):
        return method_call(compile_node(node.left), node.right, compile_node)
    raise Elsewhere


def _path(node: Binary) -> Code:
    """A chain of keys as one closure."""
    keys: list[tuple[str, int]] = []
    at: Node = node
    while isinstance(at, Binary) and at.operator == "." and isinstance(at.right, Word):
        keys.append((at.right.value, at.right.offset))
        at = at.left
    start = compile_node(at)
    keys.reverse()

    def run(frame: Frame) -> Any:
        value = start(frame)
        for key, offset in keys:
            if type(value) is dict and key in value:
                value = value[key]
            else:
                value = attribute(frame[2], value, key, offset)
        return value

    return run


def attribute(run: Run, value: Any, key: str, offset: int) -> Any:
    """What a key after a dot stands for: of a map its value, of a sequence that of each element."""
    if isinstance(value, Mapping):
        return _member(value, key, offset)
    if type(value) in ROWS:
        return Lazy(run, _each(run, value, key, offset), value)
    if isinstance(value, _TIMES):
        raise Elsewhere
    raise ExpressionError(Kind.TYPE, f"{named(value).capitalize()} has no `{key}`.", offset=offset)


def _each(run: Run, values: Any, key: str, offset: int) -> Iterator[Any]:
    for value in values:
        run.meter.spend()
        yield attribute(run, value, key, offset)


def _elvis(node: Binary) -> Code:
    """`a?.b`: null if a is null."""
    left = compile_node(node.left)
    reach = _reach(node.right)

    def run(frame: Frame) -> Any:
        value = left(frame)
        return None if value is None else reach((frame[0], {**frame[1], _HELD: value}, frame[2]))

    return run


_HELD = "?"
"""No variable of a user has this name."""


def _reach(right: Node) -> Code:
    if isinstance(right, Word):
        key, offset = right.value, right.offset
        return lambda frame: attribute(frame[2], frame[1][_HELD], key, offset)
    if isinstance(right, Call):
        return method_call(lambda frame: frame[1][_HELD], right, compile_node)
    raise Elsewhere


def _send(node: Binary) -> Code:
    """`let(...) -> expression`: the expression with more variables."""
    bind = bindings(node.left, compile_node)
    body = compile_node(node.right)

    def run(frame: Frame) -> Any:
        bound = bind(frame)
        return body((bound.get("1", frame[0]), {**frame[1], **bound}, frame[2]))

    return run


_BINARY_NODES: dict[str, Callable[[Binary], Code]] = {
    "and": _and,
    "or": _or,
    ".": _dot,
    "?.": _elvis,
    "->": _send,
}
