"""The tree of a template with counters in its loops, macros, comparisons, concatenations and slices."""

from math import isfinite
from typing import cast

from jinja2 import nodes
from jinja2.exceptions import TemplateAssertionError
from jinja2.visitor import NodeTransformer

from ostro.language.expressions.failures import ExpressionError, Kind

_DEEPEST = 40
"""Blocks one inside the other. Jinja's compiler takes the cube of that; Python itself refuses 20 loops."""
_REFUSED = (nodes.Block, nodes.Extends, nodes.Include, nodes.Import, nodes.FromImport)


class Counting(NodeTransformer):
    """Visits each node of a template once."""

    def __init__(self) -> None:
        self._depth = 0

    def generic_visit(self, node: nodes.Node) -> nodes.Node:
        """All nodes that need nothing."""
        if isinstance(node, _REFUSED):
            said = f"`{type(node).__name__.lower()}` has no use in an expression."
            raise TemplateAssertionError(said, node.lineno)
        if not isinstance(node, nodes.Stmt):
            return super().generic_visit(node)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ExpressionError(Kind.LIMIT, "The template is nested too deeply.")
        visited = super().generic_visit(node)
        self._depth -= 1
        return visited

    def visit_Const(self, node: nodes.Const) -> nodes.Node:  # noqa: N802
        """`1e999` is no number that JSON can carry."""
        if isinstance(node.value, float) and not isfinite(node.value):
            raise ExpressionError(Kind.LIMIT, "A number is too large.")
        return node

    def visit_For(self, node: nodes.For) -> nodes.Node:  # noqa: N802 (Jinja's name)
        """Each turn costs what its body costs."""
        steps, size = _price(node)
        self.generic_visit(node)
        node.iter = _filter(cast("nodes.Expr", node.iter), "counted", nodes.Const(steps), nodes.Const(size))
        return node

    def visit_Macro(self, node: nodes.Macro) -> nodes.Node:  # noqa: N802
        """Each call costs what its body costs."""
        return self._with_price(node)

    def visit_CallBlock(self, node: nodes.CallBlock) -> nodes.Node:  # noqa: N802
        """Each call of `caller` costs what its body costs."""
        return self._with_price(node)

    def _with_price(self, node: nodes.Macro | nodes.CallBlock) -> nodes.Node:
        steps, size = _price(node)
        self.generic_visit(node)
        spent = _filter(nodes.Const(0), "spent", nodes.Const(steps), nodes.Const(size))
        node.body.insert(0, nodes.ExprStmt(spent, lineno=node.lineno))
        return node

    def visit_Compare(self, node: nodes.Compare) -> nodes.Node:  # noqa: N802
        """What is compared is weighed before."""
        self.generic_visit(node)
        node.expr = _weighed(node.expr)
        for operand in node.ops:
            operand.expr = _weighed(operand.expr)
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Node:  # noqa: N802
        """`~` is a filter of a list."""
        self.generic_visit(node)
        return _filter(nodes.List(node.nodes, lineno=node.lineno), "concatenated")

    def visit_Getitem(self, node: nodes.Getitem) -> nodes.Node:  # noqa: N802
        """A slice is a filter; an index is weighed before it is hashed."""
        self.generic_visit(node)
        if not isinstance(node.arg, nodes.Slice):
            node.arg = _weighed(node.arg)
            return node
        cut = node.arg
        ends: list[nodes.Expr] = [end or nodes.Const(None) for end in (cut.start, cut.stop, cut.step)]
        return _filter(node.node, "sliced", *ends)

    def visit_Pair(self, node: nodes.Pair) -> nodes.Node:  # noqa: N802
        """Keys are weighed before they are hashed."""
        self.generic_visit(node)
        node.key = _weighed(node.key)
        return node


def _weighed(node: nodes.Expr) -> nodes.Expr:
    return node if isinstance(node, nodes.Const) else _filter(node, "weighed")


def _filter(node: nodes.Expr, name: str, *arguments: nodes.Expr) -> nodes.Filter:
    return nodes.Filter(node, f"ostro {name}", list(arguments), [], None, None, lineno=node.lineno)


def _price(node: nodes.Node) -> tuple[int, int]:
    """Steps and bytes of one pass."""
    steps = 4 + 2 * sum(1 for _ in node.find_all(nodes.Node))
    return steps, sum(len(data.data) for data in node.find_all(nodes.TemplateData))
