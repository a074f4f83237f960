"""The base of all forms, the reader that they report to, and shapes: mappings with known keys."""

import re
from functools import cache
from typing import Annotated, Any, Final, get_args, get_origin

import msgspec

from ostro.language.look import Look, Parse
from ostro.language.marks import has_expression
from ostro.language.parts import Expression, Value
from ostro.language.problems import Place, Problems, listed
from ostro.language.source.nodes import Items, Mapping, Node, Scalar, plain, scalars

WRONG: Final = msgspec.UNSET
"""What a form returns for what it refused; the problem is noted by then."""


class Reader:
    """What forms need while they read one text: where problems go, and the parser of expressions."""

    def __init__(self, problems: Problems, parse: Parse) -> None:
        self.problems = problems
        self.looks: dict[str, Look] = {}
        self.key = ""
        self._parse = parse

    def expression(self, text: str, place: Place) -> Expression:
        """A text with expressions, parsed once; what is wrong with it is noted at each place."""
        known = self.looks.get(text)
        if known is None:
            known = self.looks[text] = self._parse(text)
        if known.problem:
            self.problems.add(
                "expression",
                place,
                f"The expression does not parse: {known.problem}.",
                hint="Mend it; the text before and after it is kept as it is.",
            )
        return Expression(text, place)

    def value(self, node: Node) -> Value:
        """Any JSON, with the expressions in it."""
        found = [
            self.expression(one.value, one.place)
            for one in scalars(node)
            if isinstance(one.value, str) and has_expression(one.value)
        ]
        return Value(plain(node), tuple(found))

    def wrong(self, node: Node, wanted: str, hint: str = "") -> Any:
        """Notes that something else was expected; returns WRONG."""
        advice = hint or _quotes(node, wanted)
        said = f"`{self.key}` takes {wanted}" if self.key else f"Expected {wanted}"
        self.problems.add("wrong-type", node.place, f"{said}, not {told(node)}.", hint=advice)
        return WRONG


class Form:
    """One way to write a value. `said` completes `expected …`."""

    said = "a value"

    def read(self, node: Node, reader: Reader) -> Any:
        """The value, or WRONG with a problem noted."""
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """The same as JSON Schema."""
        raise NotImplementedError


class Key(msgspec.Struct, frozen=True):
    """What is known of one key. `types` are the types of workflow that it belongs to; empty: all.

    `origin` is `mistral` or `ostro`; `default` is for people to read.
    """

    form: Any
    meaning: str
    example: str
    default: str = ""
    origin: str = "mistral"
    types: tuple[str, ...] = ()


class Field(msgspec.Struct, frozen=True):
    """A key of a shape, and the field of the struct that it fills."""

    written: str
    name: str
    required: bool
    key: Key


@cache
def fields_of(struct: type[msgspec.Struct]) -> dict[str, Field]:
    """The keys that a struct declares with `Annotated[…, Key(…)]`, by what is written."""
    found = {}
    for one in msgspec.structs.fields(struct):
        keys = [extra for extra in get_args(one.type) if isinstance(extra, Key)]
        if get_origin(one.type) is Annotated and keys:
            found[one.encode_name] = Field(one.encode_name, one.name, one.required, keys[0])
    return found


class Shape(Form):
    """A mapping with known keys, read into a struct; the struct may have a field `places`."""

    def __init__(self, struct: type[msgspec.Struct], what: str, *, lenient: bool = False) -> None:
        self.struct, self.what, self.lenient = struct, what, lenient
        self.said = f"a mapping ({what})"
        self._has_places = "places" in struct.__struct_fields__

    def read(self, node: Node, reader: Reader) -> Any:
        """The struct, or WRONG if it cannot be made; each key that is wrong is noted and left away."""
        if not isinstance(node, Mapping):
            return reader.wrong(node, self.said)
        return self.made(node, reader, self.taken(node, reader))

    def taken(self, node: Mapping, reader: Reader, type_: str = "") -> dict[str, Any]:
        """The fields that could be read, by name. `type_` is the type of workflow that this belongs to."""
        known = fields_of(self.struct)
        taken: dict[str, Any] = {}
        outer = reader.key
        for written, pair in node.pairs.items():
            field = known.get(written)
            if field is None:
                self._unknown(written, pair.key, reader, known, type_)
            elif type_ and field.key.types and type_ not in field.key.types:
                _misplaced(written, pair.key, reader, field.key.types, type_)
            else:
                reader.key = written
                if (value := field.key.form.read(pair.value, reader)) is not WRONG:
                    taken[field.name] = value
                reader.key = outer
        return taken

    def made(self, node: Mapping, reader: Reader, taken: dict[str, Any]) -> Any:
        """The struct from its fields, WRONG if a required one is missing."""
        missing = [one for one in fields_of(self.struct).values() if one.required and one.name not in taken]
        for one in missing:
            if one.written not in node.pairs:
                reader.problems.add(
                    "missing-key",
                    node.place,
                    f"`{one.written}` is missing in {self.what}.",
                    hint=f"For example: {one.key.example}",
                )
        if missing:
            return WRONG
        if self._has_places:
            taken["places"] = {key: pair.value.place for key, pair in node.pairs.items()}
        return self.struct(**taken)

    def _unknown(
        self, written: str, key: Scalar, reader: Reader, known: dict[str, Field], type_: str
    ) -> None:
        code, what = ("ignored-key", "and is ignored") if self.lenient else ("unknown-key", "")
        usable = [
            one for one, field in known.items() if not (type_ and field.key.types) or type_ in field.key.types
        ]
        hint = (
            reader.problems.meant(written, usable)
            or f"{self.what.capitalize()} knows {listed(usable, most=40)}."
        )
        sentence = f"`{written}` is not a key of {self.what} {what}".rstrip()
        reader.problems.add(code, key.place, f"{sentence}.", hint=hint)

    def schema(self) -> dict[str, Any]:
        """An object; a struct's schema stands under its name in `definitions`."""
        return {"$ref": f"#/definitions/{self.struct.__name__}"}


def _misplaced(written: str, key: Scalar, reader: Reader, types: tuple[str, ...], type_: str) -> None:
    reader.problems.add(
        "misplaced-key",
        key.place,
        f"`{written}` belongs to {listed(types)} workflows; this one is `{type_}`.",
        hint=_INSTEAD.get((written, type_), f"Take it away, or set the workflow's `type` to `{types[0]}`."),
    )


class Many(Form):
    """A mapping of names to shapes, not empty."""

    def __init__(self, shape: Shape) -> None:
        self.shape = shape
        self.said = f"a mapping of names, each with {shape.said}"

    def read(self, node: Node, reader: Reader) -> Any:
        """A dict of what could be read."""
        if not isinstance(node, Mapping) or not node.pairs:
            return reader.wrong(node, self.said)
        made = {name: self.shape.read(pair.value, reader) for name, pair in node.pairs.items()}
        return {name: one for name, one in made.items() if one is not WRONG}

    def schema(self) -> dict[str, Any]:
        """An object of objects."""
        return {"type": "object", "minProperties": 1, "additionalProperties": self.shape.schema()}


_INSTEAD = {
    ("requires", "direct"): "Order the tasks with `on-success`, or set the workflow's `type` to `graph`.",
    **{
        (key, other): "Order the tasks with `requires`, or set the workflow's `type` to `direct`."
        for key in ("on-success", "on-error", "on-complete", "on-skip", "join")
        for other in ("reverse", "graph")
    },
}


def told(node: Node) -> str:
    """What stands there, for a sentence."""
    if isinstance(node, Mapping):
        return "a mapping" if node.pairs else "an empty mapping"
    if isinstance(node, Items):
        return "a list" if node.items else "an empty list"
    if node.value is None:
        return "nothing (null)"
    if isinstance(node.value, bool):
        return f"the truth value `{node.text}`"
    kind = "the text" if isinstance(node.value, str) else "the number"
    short = node.text if len(node.text) <= 60 else node.text[:57] + "…"
    return f"{kind} `{' '.join(short.split())}`" if short.strip() else "an empty text"


def _quotes(node: Node, wanted: str) -> str:
    if (
        isinstance(node, Scalar)
        and not isinstance(node.value, str)
        and node.text
        and re.search("text|name", wanted)
    ):
        return f"Write `'{node.text}'` if the text is meant."
    return ""
