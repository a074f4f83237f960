"""Each key of the language has an example in the reference that runs: tests/core and tests/api hold what comes of it."""

import pytest
import yaml

from ostro.language.forms.base import fields_of
from ostro.language.parts import COMMANDS
from ostro.language.schema import PARTS, json_schema
from tests.cases.reading import EXAMPLES, read_cases

TYPES = json_schema()["definitions"]["ParameterKeys"]["properties"]["type"]["enum"]
KEYS = {f"{part.examples}/{key}" for part in PARTS for key in fields_of(part.struct)}
MORE = {
    *(f"command/{name}" for name in COMMANDS),
    *(f"input/type-{name}" for name in TYPES),
    *(f"follows/{form}" for form in ("name", "guard", "list", "clause")),
}
CASES = {case.name: case.said for case in read_cases(EXAMPLES)}


def test_there_is_an_example_for_each_key_command_type_and_form_and_no_other() -> None:
    assert CASES.keys() == KEYS | MORE


@pytest.mark.parametrize("name", sorted(KEYS))
def test_an_example_uses_its_key(name) -> None:
    texts = [CASES[name]["definition"], *(other["text"] for other in CASES[name].get("also", ()))]
    assert name.partition("/")[2] in {
        key for text in texts for key in keys_in(yaml.load(text, Loader=yaml.CSafeLoader))
    }


@pytest.mark.parametrize("name", sorted(KEYS | MORE))
def test_an_example_says_what_it_shows_and_the_page_links_to_it(name) -> None:
    assert CASES[name]["about"].endswith(".")
    assert f"(examples/{name}.yaml)" in (EXAMPLES.parent / "language.md").read_text(encoding="utf-8")


def keys_in(value):
    if isinstance(value, dict):
        yield from value
    for one in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys_in(one)
