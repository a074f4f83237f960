"""What the cases reach: each key and each function at least once in success, in failure, and together with others."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from ostro.language.expressions.functions import FUNCTIONS
from ostro.language.forms.base import fields_of
from ostro.language.model.tasks import TaskDefinition
from ostro.language.model.terms import TermKeys
from ostro.language.schema import PARTS
from tests.cases.reading import Case, own, recorded

CASES = [*recorded(), *own()]
KEYS = {key for part in PARTS for key in fields_of(part.struct)}
FOR_PEOPLE = {"description"}
"""Changes nothing: neither in failure nor together with others."""
COMBINED = {"combined", "graph"}
"""The topics of cases that put keys together."""
SPANS = {"yaql": re.compile(r"<%(.+?)%>", re.DOTALL), "jinja": re.compile(r"\{\{(.+?)\}\}", re.DOTALL)}


def texts(case: Case) -> Iterator[str]:
    yield case.said["definition"]
    yield from (other["text"] for other in case.said.get("also", ()) if other["kind"] != "environment")


def keys_of(case: Case) -> set[str]:
    try:
        return {key for text in texts(case) for key in keys_in(yaml.load(text, Loader=yaml.CSafeLoader))}
    except yaml.YAMLError:
        return set()  # the case is about that


def keys_in(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        yield from (str(key) for key in value)
        value = list(value.values())
    for one in value if isinstance(value, list) else ():
        yield from keys_in(one)


def functions_of(case: Case, language: str) -> set[str]:
    spans = [span for text in texts(case) for span in SPANS[language].findall(text)]
    return {name for span in spans for name in re.findall(r"\b([a-z_]+)\(", span)}


def succeeds(case: Case) -> bool:
    return bool(case.said["expect"].get("state") == "SUCCESS")


def fails(case: Case) -> bool:
    expect = case.said["expect"]
    ends = [expect.get("state"), *(task.get("state") for task in expect.get("tasks", ()))]
    return bool(expect.get("invalid")) or "ERROR" in ends


def unreached(wanted: set[str], reached: Iterator[set[str]]) -> list[str]:
    return sorted(wanted.difference(*reached))


def test_each_key_is_in_a_case_that_succeeds() -> None:
    assert unreached(KEYS, (keys_of(case) for case in CASES if succeeds(case))) == []


def test_each_key_is_in_a_case_in_which_something_fails() -> None:
    assert unreached(KEYS - FOR_PEOPLE, (keys_of(case) for case in CASES if fails(case))) == []


def test_each_key_of_a_task_and_of_a_term_is_in_a_case_with_others() -> None:
    wanted = {*fields_of(TaskDefinition), *fields_of(TermKeys)} - FOR_PEOPLE
    assert unreached(wanted, (keys_of(case) for case in CASES if case.topic in COMBINED)) == []


def test_each_function_gives_a_value_in_both_languages() -> None:
    good = [case for case in CASES if fails(case) or succeeds(case)]
    for language in SPANS:
        assert unreached(
            set(FUNCTIONS), (functions_of(case, language) for case in good if succeeds(case))
        ) in (
            [],
            ["errors"],  # where a workflow succeeds there are none: its case ends in ERROR, with the output
        )
        assert unreached(set(FUNCTIONS), (functions_of(case, language) for case in good)) == []


def test_each_function_is_in_an_expression_that_fails() -> None:
    named = {case.name.removeprefix("functions/") for case in CASES if case.topic == "functions"}
    assert {f"{name}-fails" for name in FUNCTIONS if name != "errors"} | {"errors-none", "now-fails"} <= named
    for case in CASES:
        if case.topic == "functions" and case.name.endswith("-fails"):
            ends = {task["name"]: task["state"] for task in case.said["expect"]["tasks"]}
            assert ends == {"a": "ERROR", "b": "ERROR"}, f"{case.name}: each language fails once"
