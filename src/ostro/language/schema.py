"""The JSON Schema of the language (draft 7, which editors understand), made from the model."""

from typing import Any

import msgspec

from ostro.language.forms.base import Field, fields_of
from ostro.language.model.definitions import ActionDefinition, Definition, Kind, Workbook
from ostro.language.model.policies import Clause, Policies, Publish, Retry
from ostro.language.model.tasks import TaskDefinition
from ostro.language.model.terms import ParameterKeys, SpawnKeys, TermKeys
from ostro.language.problems import Problems
from ostro.language.source.compose import compose
from ostro.language.source.nodes import plain

_DRAFT = "http://json-schema.org/draft-07/schema#"


class Part(msgspec.Struct, frozen=True):
    """One mapping of the language: the struct that declares its keys, its title, and where it stands.

    `examples` is the folder of the reference that holds an example of each key.
    """

    struct: type[msgspec.Struct]
    title: str
    where: str
    examples: str
    lenient: bool = False


PARTS = (
    Part(Definition, "A workflow", "below its name, in a list of workflows or in `workflows` of a workbook", "workflow", lenient=True),
    Part(TaskDefinition, "A task", "below its name in `tasks`", "task"),
    Part(Policies, "Defaults of tasks", "`task-defaults` of a workflow; every task may have these keys too", "task-defaults"),
    Part(Retry, "A retry", "`retry` of a task, or on one line: `retry: count=3 delay=10`", "retry"),
    Part(Clause, "A transition", "`on-success`, `on-error`, `on-complete`, `on-skip`, where it publishes", "transition"),
    Part(Publish, "What a transition publishes", "`publish` of a transition", "publish"),
    Part(TermKeys, "A term", "in `requires` and `done-when`", "term"),
    Part(SpawnKeys, "A grant", "`may-spawn` of a task", "may-spawn"),
    Part(ParameterKeys, "A declared input", "in `input`: `- name: {type: …}`", "input"),
    Part(ActionDefinition, "An ad-hoc action", "below its name, in a list of actions or in `actions` of a workbook", "action"),
    Part(Workbook, "A workbook", "at the top of the text", "workbook"),
)  # fmt: skip

_VERSION = {"enum": ["2.0", 2.0, 2, "2"], "description": "The version of the language."}


def json_schema(kind: Kind | None = None) -> dict[str, Any]:
    """The schema of texts of one kind, or of any."""
    return {
        "$schema": _DRAFT,
        "title": "Ostro workflows" if kind is None else f"Ostro: {kind}",
        "description": "Mistral's workflow language 2.0, and Ostro's own keys.",
        **(_of_kind(kind) if kind else _of_any_kind()),
        "definitions": {part.struct.__name__: _object(part) for part in PARTS},
    }


def example_of(field: Field) -> Any:
    """The value of a key's example."""
    read = compose(field.key.example, Problems())
    return None if read.root is None else plain(read.root).get(field.written)


def _of_any_kind() -> dict[str, Any]:
    either = {
        "if": {"required": ["base"], "not": {"required": ["tasks"]}},
        "then": _ref(ActionDefinition),
        "else": _ref(Definition),
    }
    return {
        "if": {"anyOf": [{"required": ["workflows"]}, {"required": ["actions"]}]},
        "then": _ref(Workbook),
        "else": _list_of(either),
    }


def _of_kind(kind: Kind) -> dict[str, Any]:
    if kind is Kind.WORKBOOK:
        return {"allOf": [_ref(Workbook)]}
    return _list_of(_ref(Definition if kind is Kind.WORKFLOWS else ActionDefinition))


def _list_of(item: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["version"],
        "minProperties": 2,
        "properties": {"version": _VERSION},
        "additionalProperties": item,
    }


def _object(part: Part) -> dict[str, Any]:
    fields = fields_of(part.struct)
    made: dict[str, Any] = {
        "title": part.title,
        "type": "object",
        "properties": {written: _property(field) for written, field in fields.items()},
        "additionalProperties": part.lenient,
    }
    required = [written for written, field in fields.items() if field.required]
    return {**made, "required": required} if required else made


def _property(field: Field) -> dict[str, Any]:
    if field.written == "version":
        return dict(_VERSION)
    said = field.key.meaning
    types = field.key.types
    if types:
        said += f" In {' and '.join(types)} workflows."
    form = field.key.form.schema()
    form = {"allOf": [form]} if "$ref" in form else form  # draft 7 ignores what stands beside a $ref
    return {**form, "description": said, "examples": [example_of(field)]}


def _ref(struct: type[msgspec.Struct]) -> dict[str, Any]:
    return {"$ref": f"#/definitions/{struct.__name__}"}
