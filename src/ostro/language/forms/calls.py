"""The forms of what a task runs: a call with parameters, the lists of `with-items`, `retry`."""

from typing import Any

import msgspec

from ostro.language.forms.base import WRONG, Form, Reader, Shape
from ostro.language.forms.simple import NAME, Text, refuse_repeated
from ostro.language.forms.written import Written, call, loop, parameters
from ostro.language.marks import has_expression
from ostro.language.parts import Loop, Value
from ostro.language.problems import Place, listed
from ostro.language.source.nodes import Items, Mapping, Node, Pair, Scalar


class Call(msgspec.Struct, frozen=True):
    """What an `action`, `workflow` or `base` says: a name, and the parameters written behind it."""

    name: Value
    parameters: Value | None


class Called(Form):
    """A name, perhaps from an expression, perhaps with parameters behind it: `std.echo output="x"`."""

    said = 'a name, perhaps with parameters (`std.echo output="x"`)'

    def read(self, node: Node, reader: Reader) -> Any:
        """A Call."""
        text = Text(self.said).read(node, reader)
        if text is WRONG:
            return WRONG
        written = call(text.strip())
        return Call(value_of(written.name, node.place, reader), given(written, node.place, reader))

    def schema(self) -> dict[str, Any]:
        """A string."""
        return NAME.schema()


class Loops(Form):
    """`with-items`: `variable in list`, or a list of those that are walked in step."""

    said = "`variable in <% list %>`, or a list of those"

    def read(self, node: Node, reader: Reader) -> Any:
        """A tuple of Loops."""
        nodes = node.items if isinstance(node, Items) else [node]
        if not nodes:
            return reader.wrong(node, self.said)
        made = [self._one(one, reader) for one in nodes]
        refuse_repeated(
            [(WRONG if one is WRONG else one.variable, at) for one, at in zip(made, nodes, strict=True)],
            reader,
        )
        return WRONG if WRONG in made else tuple(made)

    def _one(self, node: Node, reader: Reader) -> Any:
        text = node.value if isinstance(node, Scalar) and isinstance(node.value, str) else ""
        found = loop(text)
        if found is None:
            return reader.wrong(node, self.said)
        variable, values = found
        if not values.startswith("["):
            if has_expression(values):
                return Loop(variable, value_of(values, node.place, reader), node.place)
            return reader.wrong(node, self.said, "What follows `in` is an expression, or a list in JSON.")
        try:
            items = msgspec.json.decode(values)
        except (msgspec.DecodeError, RecursionError):
            return reader.wrong(node, self.said, 'A list in the text itself is JSON: texts stand in "…".')
        return (
            Loop(variable, Value(items), node.place)
            if items
            else reader.wrong(node, "a list that is not empty")
        )

    def schema(self) -> dict[str, Any]:
        """A string, or an array of them."""
        one = {"type": "string", "pattern": "^\\s*[\\w-]+\\s*in\\s*\\S"}
        return {"anyOf": [one, {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}]}


class Retried(Form):
    """`retry`: a mapping, or the same on one line."""

    said = "a mapping with `count` and `delay`, or `count=3 delay=1`"

    def __init__(self, shape: Shape) -> None:
        self.shape = shape

    def read(self, node: Node, reader: Reader) -> Any:
        """The shape's struct."""
        if not isinstance(node, Scalar) or not isinstance(node.value, str) or not node.value:
            return (
                self.shape.read(node, reader) if isinstance(node, Mapping) else reader.wrong(node, self.said)
            )
        found, ignored = parameters(node.value)
        tell_ignored(ignored, node.place, reader)
        pairs = {key: _pair(key, _cut(key, value, node, reader), node) for key, value in found.items()}
        return self.shape.read(Mapping(pairs, node.place), reader)

    def schema(self) -> dict[str, Any]:
        """An object, or a string."""
        return {"anyOf": [self.shape.schema(), NAME.schema()]}


def given(written: Written, place: Place, reader: Reader) -> Value | None:
    """The parameters of a call, None without any; notes the words that are ignored."""
    tell_ignored(written.ignored, place, reader)
    return value_of(written.parameters, place, reader) if written.parameters else None


def value_of(data: Any, place: Place, reader: Reader) -> Value:
    """A Value of what a compact text held; all its expressions stand at that text."""
    found = [reader.expression(text, place) for text in _texts(data) if has_expression(text)]
    return Value(data, tuple(found))


def tell_ignored(words: list[str], place: Place, reader: Reader) -> None:
    """Notes what stands in a compact text and is no parameter."""
    if words:
        reader.problems.add(
            "ignored-words",
            place,
            f"{listed(words)} is no parameter and is ignored.",
            hint='Parameters are written `key=value`; put values with blanks in quotes: `key="a b"`.',
        )


def _cut(key: str, value: Any, node: Node, reader: Reader) -> Any:
    """On one line Mistral reads whole numbers only: of `0.1` it takes the 0."""
    if not isinstance(value, float):
        return value
    message = f"`{key}={value}` is read as {int(value)}, as Mistral does."
    reader.problems.add("cut-number", node.place, message, hint="Write whole seconds.")
    return int(value)


def _texts(data: Any) -> list[str]:
    if isinstance(data, str):
        return [data]
    inner = data.values() if isinstance(data, dict) else data if isinstance(data, list) else ()
    return [text for one in inner for text in _texts(one)]


def _pair(key: str, value: Any, node: Scalar) -> Pair:
    text = value if isinstance(value, str) else str(value)
    return Pair(Scalar(key, key, node.place, plain=False), Scalar(value, text, node.place, plain=False))
