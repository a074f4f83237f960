"""The forms of what is declared: inputs, requirements, targets, grants."""

from typing import Any

import msgspec

from ostro.language.forms.base import WRONG, Form, Reader, Shape
from ostro.language.forms.simple import NAME, Text, refuse_repeated
from ostro.language.parts import Parameter, Requirement
from ostro.language.source.nodes import Items, Mapping, Node, Pair, Scalar, plain
from ostro.values import MaySpawn, Term, TermState

TYPES = ("string", "integer", "number", "boolean", "object", "array")
"""The types of inputs, as JSON Schema names them."""

_DECLARED = {"type", "default", "description"}
_KINDS: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}


def fits(value: Any, type_: str) -> bool:
    """Whether a JSON value is of a declared type; an unknown or empty type takes any."""
    kinds = _KINDS.get(type_)
    if kinds is None:
        return True
    return isinstance(value, kinds) and (type_ == "boolean" or not isinstance(value, bool))


class Inputs(Form):
    """`input` of a workflow or an action: names, `{name: default}`, or `{name: {type, default, description}}`."""

    said = "a list of names, of `{name: default}` and of `{name: {type: …}}`"

    def __init__(self, shape: Shape, types: tuple[str, ...]) -> None:
        self.shape, self.types = shape, types

    def read(self, node: Node, reader: Reader) -> Any:
        """A tuple of Parameters."""
        if not isinstance(node, Items) or not node.items:
            return reader.wrong(node, self.said)
        made = [self._one(one, reader) for one in node.items]
        names = [WRONG if one is WRONG else one.name for one in made]
        refuse_repeated(list(zip(names, node.items, strict=True)), reader)
        return tuple({one.name: one for one in made if one is not WRONG}.values())

    def _one(self, node: Node, reader: Reader) -> Any:
        if not isinstance(node, Mapping):
            name = Text("a name, or `{name: default}`").read(node, reader)
            return WRONG if name is WRONG else Parameter(name=name, place=node.place)
        if len(node.pairs) != 1:
            hint = "Begin each name with a `-` of its own."
            return reader.wrong(node, "one name with its default in each entry", hint)
        (pair,) = node.pairs.values()
        if isinstance(pair.value, Mapping):
            if self._is_typed(pair.value):
                return self._typed(pair, pair.value, reader)
            self._tell_near(pair.value, reader)
        default = plain(pair.value)
        return Parameter(name=pair.key.text, default=default, place=pair.key.place)

    def _is_typed(self, node: Mapping) -> bool:
        """A mapping is a declaration if it names a known type and holds nothing else that a declaration has not."""
        type_ = node.get("type")
        known = isinstance(type_, Scalar) and type_.value in self.types
        return known and set(node.pairs) <= _DECLARED

    def _tell_near(self, node: Mapping, reader: Reader) -> None:
        """Notes a default that looks like a declaration whose type is misspelt."""
        type_ = node.get("type")
        if set(node.pairs) <= _DECLARED and isinstance(type_, Scalar):
            hint = reader.problems.meant(type_.text, self.types)
            if hint:
                message = f"`{type_.text}` is no type, so this whole mapping is the default."
                reader.problems.add("unknown-type", type_.place, message, hint=hint)

    def _typed(self, pair: Pair, node: Mapping, reader: Reader) -> Any:
        taken = self.shape.taken(node, reader)
        default = plain(pair.value.pairs["default"].value) if "default" in node.pairs else msgspec.UNSET  # type: ignore[union-attr]
        type_ = taken.get("type", "")
        if default is not msgspec.UNSET and default is not None and not fits(default, type_):
            at = node.pairs["default"].value
            reader.wrong(at, f"a default of type `{type_}`", f"`{pair.key.text}` is declared as `{type_}`.")
        return Parameter(
            name=pair.key.text,
            default=default,
            type=type_,
            description=taken.get("description", ""),
            place=pair.key.place,
        )

    def schema(self) -> dict[str, Any]:
        """An array of strings and of objects with one key."""
        defaults = {"anyOf": [self.shape.schema(), {}]}
        one = {"type": "object", "minProperties": 1, "maxProperties": 1, "additionalProperties": defaults}
        items = {"anyOf": [NAME.schema(), one]}
        return {"type": "array", "items": items, "minItems": 1, "uniqueItems": True}


class Requirements(Form):
    """`requires`: names of tasks and terms; one name may stand alone."""

    said = "the name of a task, or a list of names and terms (`{tags: [db]}`)"

    def __init__(self, shape: Shape, *, alone: bool = True) -> None:
        self.shape, self.alone = shape, alone
        if not alone:
            self.said = "a list of names and terms"

    def read(self, node: Node, reader: Reader) -> Any:
        """A tuple of Requirements."""
        if isinstance(node, Scalar) and self.alone:
            name = Text(self.said).read(node, reader)
            return WRONG if name is WRONG else (Requirement(Term(task=name), node.place),)
        if not isinstance(node, Items) or not node.items:
            return reader.wrong(node, self.said)
        made = [self._one(one, reader) for one in node.items]
        known = [WRONG if one is WRONG else one.term for one in made]
        refuse_repeated(list(zip(known, node.items, strict=True)), reader)
        return tuple(one for one in made if one is not WRONG)

    def _one(self, node: Node, reader: Reader) -> Any:
        if not isinstance(node, Mapping):
            name = Text("the name of a task, or a term (`{tags: [db]}`)").read(node, reader)
            return WRONG if name is WRONG else Requirement(Term(task=name), node.place)
        before = len(reader.problems)
        said = self.shape.read(node, reader)
        if said is WRONG or len(reader.problems) > before:
            return WRONG
        term = _term(said)
        wrong = what_is_wrong(term)
        if wrong:
            reader.problems.add(
                "wrong-term",
                node.place,
                f"A term is not well formed: {wrong}.",
                hint="For example: `{tags: [db], enough: 1}`, or `{task: build, state: COMPLETE}`.",
            )
            return WRONG
        return Requirement(term, node.place)

    def schema(self) -> dict[str, Any]:
        """A string, or an array of strings and terms."""
        one = {"anyOf": [NAME.schema(), self.shape.schema()]}
        many = {"type": "array", "items": one, "minItems": 1, "uniqueItems": True}
        return {"anyOf": [NAME.schema(), many]} if self.alone else many


class Enough(Form):
    """How many members are enough: a number, or a share."""

    said = "a whole number of 1 or more, or a share such as `90%`"

    def read(self, node: Node, reader: Reader) -> Any:
        """An int, or a text such as `90%`."""
        value = node.value if isinstance(node, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
            return value
        digits = value.removesuffix("%") if isinstance(value, str) and value.endswith("%") else ""
        if digits.isascii() and digits.isdigit() and 1 <= int(digits[:4]) <= 100 and len(digits) < 4:
            return value
        return reader.wrong(node, self.said)

    def schema(self) -> dict[str, Any]:
        """An integer, or a percentage."""
        share = {"type": "string", "pattern": "^([1-9]\\d?|100)%$"}
        return {"anyOf": [{"type": "integer", "minimum": 1}, share]}


class Target(Form):
    """What a worker must have: a mapping of capabilities, or the name of a worker."""

    said = "the name of a worker, or a mapping such as `{role: db}`"

    def read(self, node: Node, reader: Reader) -> Any:
        """A Value whose data is a text or a dict of texts."""
        if isinstance(node, Scalar):
            return WRONG if Text(self.said).read(node, reader) is WRONG else reader.value(node)
        if not isinstance(node, Mapping) or not node.pairs:
            return reader.wrong(node, self.said)
        known = [
            Text("a text, the value of a capability").read(one.value, reader) for one in node.pairs.values()
        ]
        return WRONG if WRONG in known else reader.value(node)

    def schema(self) -> dict[str, Any]:
        """A string, or an object of strings."""
        many = {"type": "object", "minProperties": 1, "additionalProperties": NAME.schema()}
        return {"anyOf": [NAME.schema(), many]}


class Targets(Form):
    """A list of targets."""

    said = "a list of mappings such as `{role: db}`"

    def read(self, node: Node, reader: Reader) -> Any:
        """A tuple of dicts of texts."""
        if not isinstance(node, Items) or not node.items:
            return reader.wrong(node, self.said)
        made = [
            Target().read(one, reader) if isinstance(one, Mapping) else reader.wrong(one, self.said)
            for one in node.items
        ]
        return WRONG if WRONG in made else tuple(one.data for one in made)

    def schema(self) -> dict[str, Any]:
        """An array of objects."""
        one = {"type": "object", "minProperties": 1, "additionalProperties": NAME.schema()}
        return {"type": "array", "items": one, "minItems": 1}


class Grant(Form):
    """`may-spawn`: what the jobs of a task may add."""

    def __init__(self, shape: Shape) -> None:
        self.shape, self.said = shape, shape.said

    def read(self, node: Node, reader: Reader) -> Any:
        """A MaySpawn."""
        said = self.shape.read(node, reader)
        if said is WRONG:
            return WRONG
        return MaySpawn(max=said.max, tags=said.tags, targets=said.targets, actions=said.actions)

    def schema(self) -> dict[str, Any]:
        """An object."""
        return self.shape.schema()


def _term(said: Any) -> Term:
    fields = {name: getattr(said, name) for name in Term.__struct_fields__}
    return Term(**{**fields, "state": TermState(said.state)})


def what_is_wrong(term: Term) -> str:
    """Why a term cannot be; empty if it can (rule 3)."""
    given = [name for name in ("task", "tags", "all_tags") if getattr(term, name) is not None]
    numbers = [name for name in ("enough", "at_least") if getattr(term, name) is not None]
    if len(given) != 1:
        return "it has exactly one of `task`, `tags` and `all_tags`"
    if given == ["task"] and (numbers or term.optional):
        return "`enough`, `at_least` and `optional` go with `tags` or `all_tags` only"
    if len(numbers) == 2:
        return "`enough` and `at_least` exclude each other"
    return ""
