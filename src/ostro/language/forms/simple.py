"""The forms of single values: texts, numbers, durations, truth values, expressions, JSON."""

from typing import Any

from ostro.language.forms.base import WRONG, Form, Reader, told
from ostro.language.forms.written import duration
from ostro.language.marks import has_expression
from ostro.language.parts import Value
from ostro.language.problems import listed
from ostro.language.source.nodes import Items, Mapping, Node, Scalar

EXPRESSION = {"type": "string", "pattern": "<%|\\{\\{|\\{%"}
_OPENS = ("<%", "{{", "{%")
_CLOSES = ("%>", "}}", "%}")


class Text(Form):
    """A text that is not empty."""

    def __init__(self, said: str = "a text") -> None:
        self.said = said

    def read(self, node: Node, reader: Reader) -> Any:
        """The text."""
        if isinstance(node, Scalar) and isinstance(node.value, str) and node.value:
            return node.value
        return reader.wrong(node, self.said)

    def schema(self) -> dict[str, Any]:
        """A string."""
        return {"type": "string", "minLength": 1}


class Texts(Form):
    """A list of different texts; with `alone`, one text may stand without the list."""

    def __init__(self, said: str = "a list of texts", *, alone: bool = False) -> None:
        self.said, self.alone = said, alone

    def read(self, node: Node, reader: Reader) -> Any:
        """The texts, in order."""
        if self.alone and isinstance(node, Scalar):
            text = Text(self.said).read(node, reader)
            return WRONG if text is WRONG else (text,)
        if not isinstance(node, Items) or not node.items:
            return reader.wrong(node, self.said)
        texts = [Text("a text in this list").read(one, reader) for one in node.items]
        refuse_repeated(list(zip(texts, node.items, strict=True)), reader)
        return tuple(dict.fromkeys(one for one in texts if one is not WRONG))

    def schema(self) -> dict[str, Any]:
        """An array of different strings."""
        many = {"type": "array", "items": Text().schema(), "minItems": 1, "uniqueItems": True}
        return {"anyOf": [Text().schema(), many]} if self.alone else many


class Word(Form):
    """One of a few words."""

    def __init__(self, *words: str) -> None:
        self.words = words
        self.said = listed(words, joint="or")

    def read(self, node: Node, reader: Reader) -> Any:
        """The word."""
        if isinstance(node, Scalar) and node.value in self.words and isinstance(node.value, str):
            return node.value
        near = reader.problems.meant(node.text, self.words) if isinstance(node, Scalar) else ""
        return reader.wrong(node, self.said, near)

    def schema(self) -> dict[str, Any]:
        """An enumeration."""
        return {"enum": list(self.words)}


class Truth(Form):
    """`true` or `false`; with `expression`, what gives one."""

    def __init__(self, *, expression: bool = False) -> None:
        self.expression = expression
        self.said = "`true`, `false` or an expression" if expression else "`true` or `false`"

    def read(self, node: Node, reader: Reader) -> Any:
        """A bool, or an Expression."""
        if isinstance(node, Scalar) and isinstance(node.value, bool):
            return node.value
        return (
            expression_in(node, reader)
            if self.expression and is_expression(node)
            else reader.wrong(node, self.said)
        )

    def schema(self) -> dict[str, Any]:
        """A boolean, or an expression."""
        return {"anyOf": [{"type": "boolean"}, EXPRESSION]} if self.expression else {"type": "boolean"}


class Whole(Form):
    """A whole number within bounds; with `expression`, what gives one."""

    def __init__(self, least: int = 0, most: int | None = None, *, expression: bool = True) -> None:
        self.least, self.most, self.expression = least, most, expression
        span = f"of {least} or more" if most is None else f"from {least} to {most}"
        self.said = f"a whole number {span}" + (" or an expression" if expression else "")

    def read(self, node: Node, reader: Reader) -> Any:
        """An int, or an Expression."""
        if self.expression and is_expression(node):
            return expression_in(node, reader)
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and self._within(value):
            return value
        return reader.wrong(node, self.said)

    def _within(self, value: int) -> bool:
        return value >= self.least and (self.most is None or value <= self.most)

    def schema(self) -> dict[str, Any]:
        """An integer, or an expression."""
        number: dict[str, Any] = {"type": "integer", "minimum": self.least}
        if self.most is not None:
            number["maximum"] = self.most
        return {"anyOf": [number, EXPRESSION]} if self.expression else number


class Seconds(Form):
    """Seconds as a whole number, a duration such as `1h30m`, or what gives one."""

    said = "whole seconds, a duration such as `30s`, `5m` or `1h`, or an expression"

    def read(self, node: Node, reader: Reader) -> Any:
        """An int, or an Expression."""
        if is_expression(node):
            return expression_in(node, reader)
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return value
        known = duration(value) if isinstance(value, str) else None
        return reader.wrong(node, self.said) if known is None else known

    def schema(self) -> dict[str, Any]:
        """An integer, a duration, or an expression."""
        written = {"type": "string", "pattern": "^(\\d+d)?(\\d+h)?(\\d+m)?(\\d+s)?$", "minLength": 2}
        return {"anyOf": [{"type": "integer", "minimum": 0}, written, EXPRESSION]}


class Guard(Form):
    """An expression and nothing else."""

    said = "an expression, `<% … %>` or `{{ … }}`"

    def read(self, node: Node, reader: Reader) -> Any:
        """An Expression."""
        return expression_in(node, reader) if is_expression(node) else reader.wrong(node, self.said)

    def schema(self) -> dict[str, Any]:
        """A text with an expression."""
        return EXPRESSION


class Anything(Form):
    """Any JSON, with expressions at any depth."""

    said = "any value"

    def read(self, node: Node, reader: Reader) -> Any:
        """A Value."""
        return reader.value(node)

    def schema(self) -> dict[str, Any]:
        """Anything."""
        return {}


class Named(Form):
    """A mapping of names to any JSON, not empty; with `expression`, also what gives a mapping."""

    def __init__(self, *, expression: bool = False) -> None:
        self.expression = expression
        self.said = "a mapping with at least one key" + (", or an expression" if expression else "")

    def read(self, node: Node, reader: Reader) -> Any:
        """A Value whose data is a dict, or the text of an expression."""
        if isinstance(node, Mapping) and node.pairs:
            return reader.value(node)
        if self.expression and isinstance(node, Scalar) and isinstance(node.value, str):
            if has_expression(node.value):
                return Value(node.value, (reader.expression(node.value, node.place),))
            return reader.wrong(node, self.said)
        return reader.wrong(node, self.said)

    def schema(self) -> dict[str, Any]:
        """An object that is not empty, or an expression."""
        named: dict[str, Any] = {"type": "object", "minProperties": 1}
        return {"anyOf": [named, EXPRESSION]} if self.expression else named


NAME = Text("a name")


def is_expression(node: Node) -> bool:
    """Whether a value is an expression from its first character to its last; one spread over lines is text."""
    if not isinstance(node, Scalar) or not isinstance(node.value, str):
        return False
    text = node.value.strip()
    return text.startswith(_OPENS) and text.endswith(_CLOSES) and has_expression(text)


def expression_in(node: Node, reader: Reader) -> Any:
    """The expression that a value is."""
    return reader.expression(node.value, node.place) if isinstance(node, Scalar) else WRONG


def refuse_repeated(found: list[tuple[Any, Node]], reader: Reader) -> None:
    """Notes each item of a list that stood in it before."""
    seen = set()
    for value, node in found:
        if value in seen:
            reader.problems.add(
                "repeated-item",
                node.place,
                f"{told(node)[0].upper()}{told(node)[1:]} stands twice in this list.",
                hint="Take one of them away.",
            )
        elif value is not WRONG:
            seen.add(value)
