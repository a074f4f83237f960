"""What an expression reads, found in its tree: variables, tasks, lookups."""

from typing import Any

from ostro.language.expressions.asked import Asked, need_of_call
from ostro.language.expressions.lookups import Lookup, Need
from ostro.language.expressions.yaql.nodes import (
    Binary,
    Call,
    Group,
    Index,
    Literal,
    Node,
    Pair,
    Variable,
    Word,
    parts_of,
)
from ostro.language.expressions.yaql.signatures import FUNCTIONS, METHODS

_CHANCE = frozenset({"random", "uuid"})
_LIBRARY_LAMBDAS = frozenset(
    {"accumulate", "assert", "def", "generate", "generateMany", "join", "mergeWith", "sliceWhere"}
)
_COMPUTED: Any = object()


def asked_by(node: Node) -> Asked:
    """All that the expression asks for."""
    found = _Finder()
    found.visit(node, outside=True)
    return Asked(frozenset(found.roots), frozenset(found.needs), frozenset(found.functions))


class _Finder:
    """`outside` says whether `$` is still the context, and not an element of something."""

    def __init__(self) -> None:
        self.roots: set[str] = set()
        self.needs: set[Need] = set()
        self.functions: set[str] = set()

    def visit(self, node: Node, *, outside: bool) -> None:
        root = _root_of(node) if outside else None
        if root is not None:
            self.roots.add(root)
        elif isinstance(node, Binary) and node.operator == "->":
            self.visit(node.left, outside=outside)
            self.visit(node.right, outside=outside and not _rebinds(node.left))
            return
        for part, still in self.parts(node, outside=outside):
            if root is None or not _is_context(part):
                self.visit(part, outside=still)

    def parts(self, node: Node, *, outside: bool) -> list[tuple[Node, bool]]:
        if isinstance(node, Call):
            self.called(node)
            return [
                (part, outside and not _takes_elements(node.name, index))
                for index, part in enumerate(node.arguments)
            ]
        return [(part, outside) for part in parts_of(node)]

    def called(self, node: Call) -> None:
        self.functions.add(node.name)
        if node.name in _CHANCE:
            self.needs.add(Need(Lookup.CHANCE))
        elif node.name in ("now", "localtz"):
            self.needs.add(Need(Lookup.NOW))
        plain = [_value(part) for part in node.arguments if not isinstance(part, Pair)]
        pairs = {
            str(part.source.value): _value(part.target)
            for part in node.arguments
            if isinstance(part, Pair) and isinstance(part.source, Word)
        }
        known = not any(value is _COMPUTED for value in (*plain, *pairs.values()))
        need = need_of_call(node.name, plain, pairs, known=known)
        if need is not None:
            self.needs.add(need)


def _value(node: Node) -> Any:
    if isinstance(node, Group):
        return _value(node.inner)
    return node.value if isinstance(node, Literal | Word) else _COMPUTED


def _is_context(node: Node) -> bool:
    return isinstance(node, Variable) and node.name == "1"


def _root_of(node: Node) -> str | None:
    """`$.a`, `$['a']`, `$.get(a)`: a; `$` alone: all, written `*`."""
    match node:
        case Binary("." | "?.", Variable("1"), Word(name)):
            return name
        case Index(Variable("1"), (Literal(str() as name) | Word(name),)):
            return name
        case Binary(".", Variable("1"), Call("get", (Literal(str() as name) | Word(name), *_))):
            return name
        case Variable("1"):
            return "*"
        case _:
            return None


def _rebinds(node: Node) -> bool:
    """Whether `$` is another one after this `->`."""
    if isinstance(node, Group):
        return _rebinds(node.inner)
    if isinstance(node, Call):
        return any(not isinstance(part, Pair) for part in node.arguments) and node.name != "def"
    return not (isinstance(node, Binary) and isinstance(node.right, Call) and bool(node.right.arguments))


def _takes_elements(name: str, index: int) -> bool:
    overloads = [(one, 1) for one in METHODS.get(name, [])] + [(one, 0) for one in FUNCTIONS.get(name, [])]
    if name in _LIBRARY_LAMBDAS:
        return True
    return any(one.param(index + shift).lazy in ("each", "match") for one, shift in overloads if one.takes(index + 1 + shift))
