"""What stands before `->`: `let`, `with` and `unpack` give names to values."""

from collections.abc import Callable
from itertools import islice
from typing import Any

from ostro.language.expressions.yaql.frames import Code, Frame
from ostro.language.expressions.yaql.grammar import Elsewhere
from ostro.language.expressions.yaql.nodes import Binary, Call, Group, Literal, Node, Pair, Word
from ostro.language.expressions.yaql.values import ROWS

Bind = Callable[[Frame], dict[str, Any]]


def bindings(node: Node, compile_node: Callable[[Node], Code]) -> Bind:
    """The variables that it makes, "1" for `$`; Elsewhere for others, such as `def`."""
    match node:
        case Group(inner):
            return bindings(inner, compile_node)
        case Call("let" | "with", arguments):
            return _let(arguments, compile_node, pairs=node.name == "let")
        case Binary(".", left, Call("unpack", arguments)):
            return _unpack(compile_node(left), arguments)
        case _:
            raise Elsewhere


def _let(arguments: tuple[Node, ...], compile_node: Callable[[Node], Code], *, pairs: bool) -> Bind:
    made: list[tuple[str, Code]] = []
    for index, argument in enumerate(arguments, start=1):
        if not isinstance(argument, Pair):
            made.append((str(index), compile_node(argument)))
        elif pairs and isinstance(argument.source, Word):
            made.append((argument.source.value, compile_node(argument.target)))
        else:
            raise Elsewhere
    return lambda frame: {name: value(frame) for name, value in made}


def _unpack(rows: Code, arguments: tuple[Node, ...]) -> Bind:
    names = [part.value for part in arguments if isinstance(part, Word | Literal)]
    if not names or len(names) != len(arguments) or not all(isinstance(name, str) for name in names):
        raise Elsewhere

    def bind(frame: Frame) -> dict[str, Any]:
        source = rows(frame)
        if type(source) not in ROWS:
            raise Elsewhere
        taken = list(islice(iter(source), len(names) + 1))
        if len(taken) != len(names):
            raise ValueError(f"`unpack` has {len(names)} names for another number of elements")
        return {name.lstrip("$") or "1": value for name, value in zip(names, taken, strict=True)}

    return bind
