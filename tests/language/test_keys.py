"""Each key of the language, once as its example writes it and once wrong."""

import pytest
import yaml

from ostro.language.forms.base import fields_of
from ostro.language.forms.simple import Anything
from ostro.language.lint import lint
from ostro.language.model.definitions import ActionDefinition, Definition, Kind, Workbook
from ostro.language.model.policies import Clause, Policies, Publish, Retry
from ostro.language.model.tasks import TaskDefinition
from ostro.language.model.terms import ParameterKeys, SpawnKeys, TermKeys
from ostro.language.schema import PARTS, example_of

TASKS = ("a", "b", "build", "test", "deploy", "repair", "clean_up", "report")


def in_task(key, value, type_):
    tasks = {name: {"tags": ["db", "web", "blue", "Deployment"]} for name in TASKS}
    order = {"on-success": [name for name in TASKS if name != "test"]} if type_ == "direct" else {}
    return {"version": "2.0", "w": {"type": type_, "tasks": {**tasks, "here": {**order, key: value}}}}


def text_with(struct, field, value):
    """A whole text in which this key of this mapping has this value."""
    key = field.written
    type_ = field.key.types[0] if field.key.types else "direct"
    if struct in (TaskDefinition, Policies):
        text = in_task(key, value, type_)
        if key == "join":
            text["w"]["tasks"]["a"]["on-success"] = ["here"]
        return text
    whole = {
        Retry: lambda: in_task("retry", {"count": 1, "delay": 1, key: value}, "direct"),
        Clause: lambda: in_task("on-success", {key: value}, "direct"),
        Publish: lambda: in_task("on-success", {"publish": {key: value}}, "direct"),
        TermKeys: lambda: in_task("requires", [term(key, value)], "graph"),
        SpawnKeys: lambda: in_task("may-spawn", {"max": 1, key: value}, "graph"),
        ParameterKeys: lambda: workflow("input", [{"x": {"type": "integer", key: value}}], "direct"),
        Definition: lambda: workflow(key, value, type_),
        ActionDefinition: lambda: {"version": "2.0", "act": {"base": "std.echo", key: value}},
        Workbook: lambda: {"name": "wb", "workflows": {"w": {"tasks": {"a": {}}}}, key: value},
    }
    return whole[struct]()


def term(key, value):
    selects = key in ("task", "tags", "all_tags")
    return {key: value} if selects else {"tags": ["db"], key: value}


def workflow(key, value, type_):
    open_ = {"open": True} if key == "done-when" else {}
    return {"version": "2.0", "w": {"type": type_, **open_, "tasks": {"hello": {}}, key: value}}


def every_key():
    for part in PARTS:
        for field in fields_of(part.struct).values():
            yield pytest.param(part.struct, field, id=f"{part.struct.__name__}.{field.written}")


@pytest.mark.parametrize(("struct", "field"), list(every_key()))
def test_a_key_may_be_written_as_its_example_says(struct, field) -> None:
    text = yaml.safe_dump(text_with(struct, field, example_of(field)), sort_keys=False)
    found = lint(text)
    wrong = [one for one in found.problems if one.severity == "error"]
    assert wrong == [], text


@pytest.mark.parametrize(("struct", "field"), list(every_key()))
def test_a_key_with_what_it_does_not_take_is_an_error_at_its_place(struct, field) -> None:
    takes_anything = isinstance(field.key.form, Anything) and field.written != "version"
    if takes_anything or (struct is ParameterKeys and field.written == "type"):
        pytest.skip("it takes anything, or is another thing with it")
    text = yaml.safe_dump(text_with(struct, field, [[-7.5]]), sort_keys=False)
    found = lint(text)
    (line,) = [at for at, one in enumerate(text.splitlines(), 1) if "-7.5" in one]
    errors = [one for one in found.errors if line - 2 <= one.line <= line]
    assert errors, (text, found.problems)
    assert all(one.code in ("wrong-type", "wrong-version") for one in errors)


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_a_key_that_is_nearly_right_is_told_the_right_one(part) -> None:
    field = next(iter(fields_of(part.struct).values()))
    wrong = field.written[:-1] + "x" + field.written[-1]
    text = text_with(part.struct, field, example_of(field))
    dumped = yaml.safe_dump(text, sort_keys=False).replace(f"{field.written}:", f"{wrong}:", 1)
    kind = Kind.ACTIONS if part.struct is ActionDefinition else None
    found = [one for one in lint(dumped, kind).problems if one.code in ("unknown-key", "ignored-key")]
    assert found, dumped
    assert found[0].hint == f"Did you mean `{field.written}`?"
