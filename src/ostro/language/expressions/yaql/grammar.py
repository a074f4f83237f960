"""From tokens to the syntax tree, by the precedence table of the `yaql` library.

What the library accepts and we do not is `Elsewhere`; what nobody accepts is an ExpressionError.
"""

from ostro.language.expressions.failures import ExpressionError, Kind
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
from ostro.language.expressions.yaql.tokens import Token, tokens_of

_DOT, _BRACKET, _SIGN, _REGEX, _TIMES, _PLUS, _COMPARE, _NOT, _AND, _OR, _SEND = range(110, 0, -10)
_BINARY = {
    ".": _DOT,
    "?.": _DOT,
    "=~": _REGEX,
    "!~": _REGEX,
    "*": _TIMES,
    "/": _TIMES,
    "mod": _TIMES,
    "+": _PLUS,
    "-": _PLUS,
    ">": _COMPARE,
    "<": _COMPARE,
    ">=": _COMPARE,
    "<=": _COMPARE,
    "!=": _COMPARE,
    "=": _COMPARE,
    "in": _COMPARE,
    "and": _AND,
    "or": _OR,
    "->": _SEND,
}
_UNARY = {"-": _SIGN, "+": _SIGN, "not": _NOT}
_DEEPEST = 60


class Elsewhere(Exception):
    """Not ours: the `yaql` library decides. If it knows no better, `otherwise` is what was wrong."""

    def __init__(self, otherwise: ExpressionError | None = None) -> None:
        super().__init__("this is evaluated by the library")
        self.otherwise = otherwise


def read(text: str, base: int = 0) -> Node:
    """The tree of a YAQL text whose first character has the offset `base`."""
    reader = _Reader(tokens_of(text, base))
    node = reader.value(0)
    reader.expect("end")
    return node


class _Reader:
    """Precedence climbing: `value(least)` reads operators that bind tighter than `least`."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.at = 0
        self.depth = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.at]

    def take(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1]

    def expect(self, kind: str) -> Token:
        if self.token.kind != kind:
            raise unexpected(self.token)
        return self.take()

    def value(self, least: int) -> Node:
        self.depth += 1
        if self.depth > _DEEPEST:
            said = f"The expression is nested more than {_DEEPEST} levels deep."
            raise ExpressionError(Kind.LIMIT, said, offset=self.token.offset)
        left = self.prefix()
        while True:
            kind = self.token.kind
            if kind == "[" and least < _BRACKET:
                left = self.index(left)
            elif (binding := _BINARY.get(kind, 0)) > least:
                left = self.binary(left, binding)
            else:
                self.depth -= 1
                return left

    def binary(self, left: Node, binding: int) -> Node:
        operator = self.take()
        right = self.value(binding - 1 if binding == _SEND else binding)
        return Binary(operator.kind, left, right, operator.offset)

    def index(self, left: Node) -> Node:
        offset = self.take().offset
        arguments = self.arguments("]")
        return Index(left, arguments, offset)

    def prefix(self) -> Node:
        token = self.take()
        match token.kind:
            case "number" | "text" | "constant":
                return Literal(token.value, token.offset)
            case "word":
                return Word(token.value, token.offset)
            case "variable":
                return Variable(token.value, token.offset)
            case "call":
                return Call(token.value, self.arguments(")"), token.offset)
            case "[":
                return Listing(self.arguments("]"), token.offset)
            case "{":
                return Mapped(self.arguments("}"), token.offset)
            case _:
                return self.prefixed(token)

    def prefixed(self, token: Token) -> Node:
        if token.kind in _UNARY:
            return Unary(token.kind, self.value(_UNARY[token.kind]), token.offset)
        if token.kind != "(":
            raise unexpected(token)
        inner = self.value(0)
        self.expect(")")
        return Group(inner, token.offset)

    def arguments(self, closing: str) -> tuple[Node, ...]:
        """Plain ones, then pairs. Left out ones (`f(, 1)`) are the library's."""
        found: list[Node] = []
        while self.token.kind != closing:
            if self.token.kind == ",":
                raise Elsewhere
            found.append(self.argument(after=found[-1] if found else None))
            if self.token.kind != closing:
                self.expect(",")
                if self.token.kind == closing:
                    raise unexpected(self.token)
        self.take()
        return tuple(found)

    def argument(self, after: Node | None) -> Node:
        value = self.value(0)
        if self.token.kind == "=>":
            offset = self.take().offset
            return Pair(value, self.value(0), offset)
        if isinstance(after, Pair):
            raise unexpected(self.token)
        return value


def unexpected(token: Token) -> ExpressionError:
    """The error for a token that cannot stand there."""
    if token.kind == "end":
        return ExpressionError(Kind.SYNTAX, "The expression ends too early.", offset=token.offset)
    shown = f"{token.value}(" if token.kind == "call" else token.value
    return ExpressionError(Kind.SYNTAX, f"The expression has an unexpected `{shown}`.", offset=token.offset)
