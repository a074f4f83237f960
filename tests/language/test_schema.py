"""The JSON Schema holds what the reader holds, as far as a schema can: for editors."""

from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from ostro.language.forms.base import fields_of
from ostro.language.lint import lint
from ostro.language.model.definitions import Kind
from ostro.language.schema import PARTS, example_of, json_schema
from tests.language.test_conformance import cases

VALID = jsonschema_rs.validator_for(json_schema())


@pytest.mark.parametrize("case", cases())
def test_what_is_accepted_fits_the_schema(case) -> None:
    kind = Kind(case.get("kind", "workflows"))
    if lint(case["definition"], kind).errors:
        return
    given = yaml.load(case["definition"], Loader=yaml.CSafeLoader)
    assert jsonschema_rs.is_valid(json_schema(kind), given), [
        error.message for error in jsonschema_rs.iter_errors(json_schema(kind), given)
    ]


@pytest.mark.parametrize(
    "task",
    [
        {"acton": "std.noop"},
        {"action": 5},
        {"join": "some"},
        {"retry": {"count": 1, "dely": 2}},
        {"target": 7},
    ],
)
def test_a_mistake_does_not_fit_it(task) -> None:
    text = {"version": "2.0", "w": {"tasks": {"a": task}}}
    assert not VALID.is_valid(text)
    assert lint(yaml.safe_dump(text)).errors


@pytest.mark.parametrize("part", PARTS, ids=lambda part: part.title)
def test_each_key_has_an_example_and_a_meaning(part) -> None:
    for field in fields_of(part.struct).values():
        assert field.key.meaning.endswith(".")
        assert example_of(field) is not None


def test_the_page_of_the_language_is_where_the_help_says() -> None:
    assert (Path(__file__).parents[2] / "docs" / "reference" / "problems-of-definitions.md").is_file()
