"""How a call in the text becomes a call of an overload."""

from collections.abc import Callable
from typing import Any

from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, named
from ostro.language.expressions.functions import FUNCTIONS as OURS
from ostro.language.expressions.functions import fits
from ostro.language.expressions.yaql.frames import LAZY, Code, Frame
from ostro.language.expressions.yaql.grammar import Elsewhere
from ostro.language.expressions.yaql.nodes import Call, Node, Pair, Word
from ostro.language.expressions.yaql.signatures import FUNCTIONS, METHODS, Overload
from ostro.language.expressions.yaql.values import Lazy, usable

Compile = Callable[[Node], Code]


def call(node: Call, compile_node: Compile) -> Code:
    """`name(arguments)`."""
    if node.name == "switch":
        return _switch(node, compile_node)
    if node.name == "dict" and all(isinstance(part, Pair) for part in node.arguments):
        return mapped(node.arguments, compile_node)
    if node.name in OURS:
        return _ours(node, compile_node)
    return _overloaded(node, FUNCTIONS.get(node.name, []), None, compile_node)


def method_call(receiver: Code, node: Call, compile_node: Compile) -> Code:
    """`receiver.name(arguments)`."""
    return _overloaded(node, METHODS.get(node.name, []), receiver, compile_node)


def _overloaded(node: Call, overloads: list[Overload], receiver: Code | None, compile_node: Compile) -> Code:
    first = 0 if receiver is None else 1
    count = len(node.arguments) + first
    fitting = [one for one in overloads if one.takes(count)]
    lazies = {tuple(one.param(index).lazy for index in range(first, count)) for one in fitting}
    if len(lazies) != 1 or any(isinstance(part, Pair) for part in node.arguments):
        raise Elsewhere
    codes = [] if receiver is None else [receiver]
    for part, lazy in zip(node.arguments, lazies.pop(), strict=True):
        code = compile_node(part)
        codes.append(LAZY[lazy](code, part) if lazy else code)
    return _only(node, fitting[0], codes) if len(fitting) == 1 else _any(node, fitting, codes)


def _only(node: Call, overload: Overload, codes: list[Code]) -> Code:
    """A function that has one way to be called."""
    accepts = [overload.param(index).accepts for index in range(len(codes))]
    invoke = overload.call

    def run(frame: Frame) -> Any:
        values = [code(frame) for code in codes]
        for accept, value in zip(accepts, values, strict=True):
            if not accept(value):
                raise Elsewhere(_no_match(node, values))
        return _invoked(node, invoke, frame[2], values)

    return run


def _any(node: Call, overloads: list[Overload], codes: list[Code]) -> Code:
    """A function with several: the first that accepts all arguments."""
    choices = [([one.param(index).accepts for index in range(len(codes))], one.call) for one in overloads]

    def run(frame: Frame) -> Any:
        values = [code(frame) for code in codes]
        for accepts, invoke in choices:
            if all(accept(value) for accept, value in zip(accepts, values, strict=True)):
                return _invoked(node, invoke, frame[2], values)
        raise Elsewhere(_no_match(node, values))

    return run


def _invoked(node: Call, invoke: Callable[..., Any], run: Run, values: list[Any]) -> Any:
    run.meter.spend(3)
    try:
        return invoke(run, *values)
    except ExpressionError as error:
        error.offset = error.offset or node.offset
        raise


def _no_match(node: Call, values: list[Any]) -> ExpressionError:
    said = ", ".join(named(value) for value in values if not callable(value)) or "these arguments"
    return ExpressionError(Kind.TYPE, f"`{node.name}` does not work on {said}.", offset=node.offset)


def _switch(node: Call, compile_node: Compile) -> Code:
    pairs = []
    for part in node.arguments:
        if not isinstance(part, Pair):
            raise Elsewhere
        pairs.append((compile_node(part.source), compile_node(part.target)))

    def run(frame: Frame) -> Any:
        for condition, value in pairs:
            if condition(frame):
                return value(frame)
        return None

    return run


def mapped(parts: tuple[Node, ...], compile_node: Compile) -> Code:
    """`{key => value, ...}`."""
    pairs = []
    for part in parts:
        if not isinstance(part, Pair):
            raise Elsewhere
        pairs.append((compile_node(part.source), compile_node(part.target)))
    return lambda frame: {usable(source(frame)): target(frame) for source, target in pairs}


def _ours(node: Call, compile_node: Compile) -> Code:
    """A function of Mistral's or of Ostro's: values of JSON in, a value of JSON out."""
    function = OURS[node.name]
    plain = [compile_node(part) for part in node.arguments if not isinstance(part, Pair)]
    pairs = {
        part.source.value: compile_node(part.target)
        for part in node.arguments
        if isinstance(part, Pair) and isinstance(part.source, Word)
    }
    if not fits(function, len(plain), pairs) or len(plain) + len(pairs) != len(node.arguments):
        said = f"`{node.name}` does not take these arguments."
        return lambda _: _raise(ExpressionError(Kind.TYPE, said, offset=node.offset))

    def run(frame: Frame) -> Any:
        values = [_read(code(frame)) for code in plain]
        named_values = {name: _read(code(frame)) for name, code in pairs.items()}
        frame[2].meter.spend(20)
        return function(frame[2], *values, **named_values)

    return run


def _raise(error: ExpressionError) -> Any:
    raise error


def _read(value: Any) -> Any:
    return list(value) if type(value) is Lazy else value
