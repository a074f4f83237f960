"""A string with Jinja2 in it: read once, evaluated often."""

from collections.abc import Iterable, Mapping
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError, Undefined, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateAssertionError
from jinja2.parser import Parser

from ostro.language.expressions.asked import Asked, need_of_call
from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.failures import ExpressionError, Kind, reason
from ostro.language.expressions.functions import FUNCTIONS
from ostro.language.expressions.jinja.calls import MUTATING
from ostro.language.expressions.jinja.environment import ENVIRONMENT, context_for
from ostro.language.expressions.limits import MOST_TOKENS
from ostro.language.expressions.lookups import Need
from ostro.language.expressions.results import plain


class Jinja:
    """The whole string. One `{{ }}` and nothing else keeps its value's type."""

    __slots__ = ("_may_change", "_template", "asked", "text", "whole")

    def __init__(self, text: str) -> None:
        self.text = text
        try:
            inner = _inner(text)
            self.whole = inner is not None
            tree = _template(text) if inner is None else _expression(inner)
            self._may_change = any(_name_in(node) in MUTATING for node in tree.find_all(_NAMING))
            self.asked = _asked_by(tree)
            self._template = ENVIRONMENT.from_string(tree)
        except TemplateSyntaxError as error:
            raise _syntax(text, error) from None
        except (RecursionError, MemoryError, SyntaxError):
            raise ExpressionError(Kind.LIMIT, "The template is nested too deeply.") from None
        except ValueError as error:
            kind, said = reason(error)
            kind = kind if kind is Kind.LIMIT else Kind.SYNTAX
            raise ExpressionError(kind, f"The template cannot be read: {said}.") from None

    def evaluate(self, data: Mapping[str, Any], run: Run) -> Any:
        """The plain value; ExpressionError otherwise."""
        try:
            return self._evaluated(data, run)
        except ExpressionError:
            raise
        except UndefinedError as error:
            raise ExpressionError(Kind.UNKNOWN, _sentence(error)) from None
        except SecurityError as error:
            raise ExpressionError(Kind.REFUSED, _sentence(error)) from None
        except TemplateError as error:
            raise ExpressionError(Kind.VALUE, _sentence(error)) from None
        except Exception as error:  # noqa: BLE001 (the user's template may raise whatever Python does)
            kind, said = reason(error)
            raise ExpressionError(kind, f"The template failed: {said}.") from None

    def _evaluated(self, data: Mapping[str, Any], run: Run) -> Any:
        context = context_for(self._template, run, data, may_change=self._may_change)
        printed = "".join(self._template.root_render_func(context))
        if not self.whole:
            return plain(run, printed)
        value = context.vars["result"]
        if isinstance(value, Undefined):
            str(value)  # raises, and says what is missing
        return plain(run, value)


def _inner(text: str) -> str | None:
    """What stands between the braces, if they are all there is."""
    tokens = list(ENVIRONMENT.lex(text))
    if len(tokens) > MOST_TOKENS:
        raise ExpressionError(Kind.LIMIT, f"The template has more than {MOST_TOKENS} words and signs.")
    kinds = [kind for _, kind, _ in tokens]
    only = kinds.count("variable_begin") == 1 and kinds[0] == "variable_begin" and kinds[-1] == "variable_end"
    return text[len(tokens[0][2]) : -len(tokens[-1][2])] if only else None


def _template(text: str) -> nodes.Template:
    return ENVIRONMENT.parse(text)


def _expression(text: str) -> nodes.Template:
    parser = Parser(ENVIRONMENT, text, state="variable")
    value = parser.parse_expression()
    if not parser.stream.eos:
        raise TemplateSyntaxError("there is something after the expression", parser.stream.current.lineno)
    return nodes.Template([nodes.Assign(nodes.Name("result", "store"), value, lineno=1)], lineno=1)


_NAMING = (nodes.Getattr, nodes.Const)


def _name_in(node: nodes.Node) -> str:
    if isinstance(node, nodes.Getattr):
        return node.attr
    return node.value if isinstance(node, nodes.Const) and isinstance(node.value, str) else ""


def _syntax(text: str, error: TemplateSyntaxError) -> ExpressionError:
    """Jinja knows the line alone: the offset is that of the first tag on it."""
    kind = Kind.UNKNOWN if isinstance(error, TemplateAssertionError) else Kind.SYNTAX
    lines = text.splitlines(keepends=True)
    at = sum(len(line) for line in lines[: error.lineno - 1])
    tag = min((found for mark in ("{{", "{%") if (found := text.find(mark, at)) >= 0), default=at)
    return ExpressionError(kind, f"The template cannot be read: {_sentence(error)}", offset=tag)


def _sentence(error: TemplateError) -> str:
    said = (error.message or type(error).__name__).splitlines()[0][:300].rstrip(".")
    return f"{said[0].upper()}{said[1:]}."


def _asked_by(tree: nodes.Template) -> Asked:
    roots, known = set(), set()
    for node in tree.find_all((nodes.Getattr, nodes.Getitem, nodes.Call)):
        name = _root_of(node)
        if name is not None:
            roots.add(name)
            known.add(id(_base(node)))
    if any(node.name == "_" and id(node) not in known for node in tree.find_all(nodes.Name)):
        roots.add("*")
    calls = [*tree.find_all((nodes.Call, nodes.Filter))]
    needs = {need for call in calls if (need := _need_of(call)) is not None}
    functions = {name for call in calls if (name := _called(call)) is not None}
    return Asked(frozenset(roots), frozenset(needs), frozenset(functions))


def _root_of(node: nodes.Node) -> str | None:
    match node:
        case nodes.Getattr(node=nodes.Name(name="_"), attr=str() as name) if not hasattr(dict, name):
            return name
        case nodes.Getitem(node=nodes.Name(name="_"), arg=nodes.Const(value=str() as name)):
            return name
        case nodes.Call(
            node=nodes.Getattr(node=nodes.Name(name="_"), attr="get"),
            args=[nodes.Const(value=str() as name), *_],
        ):
            return name
        case _:
            return None


def _base(node: nodes.Node) -> nodes.Node:
    while not isinstance(node, nodes.Name):
        node = node.node  # type: ignore[attr-defined]
    return node


def _called(node: nodes.Node) -> str | None:
    if isinstance(node, nodes.Filter):
        return node.name
    return node.node.name if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Name) else None


def _need_of(node: nodes.Node) -> Need | None:
    name = _called(node)
    if name is None or name not in FUNCTIONS:
        return None
    piped: Iterable[Any] = [node.node] if isinstance(node, nodes.Filter) else []
    plain_args = [*piped, *node.args]  # type: ignore[attr-defined]
    named = {pair.key: pair.value for pair in node.kwargs}  # type: ignore[attr-defined]
    known = all(isinstance(part, nodes.Const) for part in (*plain_args, *named.values()))
    values = [getattr(part, "value", None) for part in plain_args]
    return need_of_call(
        name, values, {key: getattr(v, "value", None) for key, v in named.items()}, known=known
    )
