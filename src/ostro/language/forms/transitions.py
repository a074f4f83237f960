"""The forms of what follows a task: transitions, clauses, joins."""

from typing import Any

from ostro.language.forms.base import WRONG, Form, Reader, Shape
from ostro.language.forms.calls import given
from ostro.language.forms.simple import EXPRESSION, NAME, Guard, is_expression, refuse_repeated
from ostro.language.forms.written import call
from ostro.language.marks import has_expression
from ostro.language.parts import Expression, Transition
from ostro.language.source.nodes import Items, Mapping, Node, Scalar


class Next(Form):
    """What follows: a task or a command, one with a guard, or a list of those."""

    said = "a task's name, `{task: <% guard %>}`, or a list of those"

    def read(self, node: Node, reader: Reader) -> Any:
        """A tuple of Transitions; what is wrong in a list is left away."""
        if not isinstance(node, Items):
            one = self._one(node, reader)
            return WRONG if one is WRONG else (one,)
        if not node.items:
            return reader.wrong(node, self.said)
        made = [self._one(item, reader) for item in node.items]
        keys = [WRONG if one is WRONG else _identity(one) for one in made]
        refuse_repeated(list(zip(keys, node.items, strict=True)), reader)
        return tuple(one for one in made if one is not WRONG)

    def _one(self, node: Node, reader: Reader) -> Any:
        if isinstance(node, Mapping) and len(node.pairs) == 1:
            (pair,) = node.pairs.values()
            guard = Guard().read(pair.value, reader)
            key = Scalar(
                pair.key.text, pair.key.text, pair.key.place, plain=False
            )  # a key is a text, whatever it reads as
            return self._to(key, None if guard is WRONG else guard, reader)
        if isinstance(node, Mapping):
            return reader.wrong(
                node,
                "one task with one guard in each entry",
                "Begin each of these keys with a `-` of its own." if node.pairs else "",
            )
        return self._to(node, None, reader)

    def _to(self, node: Node, guard: Expression | None, reader: Reader) -> Any:
        text = NAME.read(node, reader)
        if text is WRONG:
            return WRONG
        written = call(text.strip())
        if has_expression(written.name):
            return reader.wrong(
                node, "the name of a task", "A transition's target cannot be an expression; use guards."
            )
        return Transition(
            target=written.name,
            guard=guard,
            parameters=given(written, node.place, reader),
            place=node.place,
        )

    def schema(self) -> dict[str, Any]:
        """A string, an object with one key, or an array of them."""
        guarded = {
            "type": "object",
            "minProperties": 1,
            "maxProperties": 1,
            "additionalProperties": EXPRESSION,
        }
        one = {"anyOf": [NAME.schema(), guarded]}
        return {"anyOf": [*one["anyOf"], {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}


class Clauses(Form):
    """`on-success` and its kin: what follows, or a mapping with `publish` and `next`."""

    said = "what follows (a name, `{task: <% guard %>}`, a list of those), or `publish` and `next`"

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def read(self, node: Node, reader: Reader) -> Any:
        """The shape's struct, with `next` and perhaps `publish`."""
        if isinstance(node, Mapping) and _is_advanced(node):
            return self.shape.read(node, reader)
        if isinstance(node, Mapping) and not node.pairs:
            return reader.wrong(node, self.said)
        following = Next().read(node, reader)
        return WRONG if following is WRONG else self.shape.struct(next=following)

    def schema(self) -> dict[str, Any]:
        """Any of the ways."""
        return {"anyOf": [*Next().schema()["anyOf"], self.shape.schema()]}


class Join(Form):
    """`all`, `one`, or how many of the tasks that lead here must arrive."""

    said = "`all`, `one` or a whole number"

    def read(self, node: Node, reader: Reader) -> Any:
        """`"all"` or a number; `one` is 1."""
        value = node.value if isinstance(node, Scalar) else None
        if value == "all":
            return "all"
        if value == "one":
            return 1
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        return reader.wrong(node, self.said)

    def schema(self) -> dict[str, Any]:
        """Two words, or an integer."""
        return {"anyOf": [{"enum": ["all", "one"]}, {"type": "integer", "minimum": 0}]}


def _identity(transition: Transition) -> tuple[str, str, str]:
    guard, parameters = transition.guard, transition.parameters
    return transition.target, guard.text if guard else "", repr(parameters.data) if parameters else ""


def _is_advanced(node: Mapping) -> bool:
    """Whether it is `{publish, next}`; a task may have one of these names, then its value is a guard."""
    if any(isinstance(pair.value, Mapping) for pair in node.pairs.values()):
        return True
    if not {"publish", "next"} & set(node.pairs):
        return False
    return len(node.pairs) != 1 or not is_expression(next(iter(node.pairs.values())).value)
