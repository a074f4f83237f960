"""The syntax tree of YAQL. Each node knows its offset in the text that was parsed."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A number, a text in quotes, true, false, null."""

    value: Any
    offset: int


@dataclass(frozen=True, slots=True)
class Word:
    """A bare word: a key after a dot, a text elsewhere."""

    value: str
    offset: int


@dataclass(frozen=True, slots=True)
class Variable:
    """`$`, `$1`, `$name`; the name without its dollar, "1" for `$`."""

    name: str
    offset: int


@dataclass(frozen=True, slots=True)
class Group:
    """Something in brackets, which is no bare word any more."""

    inner: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Pair:
    """`source => target`."""

    source: "Node"
    target: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Call:
    """`name(arguments)`; with pairs for named ones."""

    name: str
    arguments: "tuple[Node, ...]"
    offset: int


@dataclass(frozen=True, slots=True)
class Listing:
    """`[a, b]`."""

    parts: "tuple[Node, ...]"
    offset: int


@dataclass(frozen=True, slots=True)
class Mapped:
    """`{a => b}`."""

    parts: "tuple[Node, ...]"
    offset: int


@dataclass(frozen=True, slots=True)
class Index:
    """`value[arguments]`."""

    value: "Node"
    arguments: "tuple[Node, ...]"
    offset: int


@dataclass(frozen=True, slots=True)
class Unary:
    """`-a`, `+a`, `not a`."""

    operator: str
    value: "Node"
    offset: int


@dataclass(frozen=True, slots=True)
class Binary:
    """`a + b`, and the dot too."""

    operator: str
    left: "Node"
    right: "Node"
    offset: int


Node = Literal | Word | Variable | Group | Pair | Call | Listing | Mapped | Index | Unary | Binary


def parts_of(node: Node) -> "tuple[Node, ...]":
    """What stands directly below this node."""
    match node:
        case Group(inner):
            return (inner,)
        case Pair(source, target):
            return (source, target)
        case Call(_, parts) | Listing(parts) | Mapped(parts):
            return parts
        case Index(value, arguments):
            return (value, *arguments)
        case Unary(_, value):
            return (value,)
        case Binary(_, left, right):
            return (left, right)
        case _:
            return ()


def walk(node: Node) -> Iterator[Node]:
    """This node and all below it."""
    open_ = [node]
    while open_:
        at = open_.pop()
        yield at
        open_.extend(reversed(parts_of(at)))
