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
    {
        "accumulate",
        "assert",
        "def",
        "generate",
        "generateMany",
        "join",
        "mergeWith",
        "sliceWhere",
        "zipLongest",
    }
)
_COMPUTED: Any = object()


def asked_by(node: Node) -> Asked:
    """All that the expression asks for."""
    found = _Finder()
    found.visit(node, outside=True)
    return Asked(
        frozenset(found.roots), frozenset(found.needs), frozenset(found.functions), frozenset(found.reached)
    )


class _Finder:
    """`outside` says whether `$` is still the context, and not an element of something; None: who knows."""

    def __init__(self) -> None:
        self.roots: set[str] = set()
        self.reached: set[str] = set()
        self.needs: set[Need] = set()
        self.functions: set[str] = set()

    def visit(self, node: Node, *, outside: bool | None) -> None:
        root = _root_of(node)
        if root is not None:
            self.root(root, outside=outside)
        elif isinstance(node, Binary) and node.operator == "->":
            self.visit(node.left, outside=outside)
            self.visit(node.right, outside=outside and not _rebinds(node.left))
            return
        for part, still in self.parts(node, outside=outside):
            if root is None or not _is_context(part):
                self.visit(part, outside=still)

    def root(self, name: str, *, outside: bool | None) -> None:
        if outside:
            self.roots.add(name)
        if name != "*" or outside is not False:
            self.reached.add(name)

    def parts(self, node: Node, *, outside: bool | None) -> list[tuple[Node, bool | None]]:
        if isinstance(node, Call):
            self.called(node)
            if node.name in _LIBRARY_LAMBDAS:
                return [(part, outside and None) for part in node.arguments]
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
    return any(
        one.param(index + shift).lazy in ("each", "match")
        for one, shift in overloads
        if one.takes(index + 1 + shift)
    )
