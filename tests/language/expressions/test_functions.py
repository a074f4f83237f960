"""Mistral's functions and Ostro's, in both languages."""

import json
from datetime import UTC, datetime

import pytest

from ostro.language.expressions import ExpressionError, Given, Lookup, Need, parse
from tests.language.expressions.world import snapshot, value_of

TASK = {"id": "7", "name": "build", "state": "SUCCESS", "result": {"n": 3}}
ANSWERS = {
    Need(Lookup.TASK, ("build",)): TASK,
    Need(Lookup.TASK, ("none",)): None,
    Need(Lookup.TASK, (None,)): {"name": "current"},
    Need(Lookup.TASKS, ("42", False, None, False)): [TASK, {"name": "test", "state": "ERROR"}],
    Need(Lookup.TASKS, ("42", True, "ERROR", True)): [],
    Need(Lookup.EXECUTION): {"id": "42", "name": "deploy", "input": {"x": 1}},
    Need(Lookup.EXECUTIONS, (None, "r", "ERROR", None, None)): [{"id": "43"}],
    Need(Lookup.ENV): {"region": "eu"},
    Need(Lookup.GLOBAL, ("colour",)): "red",
    Need(Lookup.ERRORS): [{"name": "test", "state_info": "boom", "result": None}],
    Need(Lookup.ITEM_INDEX): 2,
    Need(Lookup.TAGGED, ("Deployment",)): [TASK],
    Need(Lookup.TAGGED, ("Deployment", "db")): [],
}


@pytest.mark.parametrize(
    ("yaql", "jinja", "value"),
    [
        ("task(build).result.n + 1", "task('build').result.n + 1", 4),
        ("task(none) = null", "task('none') == none", True),
        ("task().name", "task().name", "current"),
        ("tasks(execution().id).name", "tasks(execution().id) | map(attribute='name')", ["build", "test"]),
        ("tasks('42', true, ERROR, true)", "tasks('42', true, 'ERROR', flat=true)", []),
        ("execution().input.x", "execution().input.x", 1),
        (
            "executions(root_execution_id => r, state => ERROR).id",
            "executions(none, 'r', 'ERROR')[0].id",
            ["43"],
        ),
        ("env().region", "env().region", "eu"),
        ("global(colour)", "global('colour')", "red"),
        ("errors()[0].state_info", "errors()[0].state_info", "boom"),
        ("errors().len()", "errors() | length", 1),
        ("item_index() * 2", "item_index() * 2", 4),
        ("tagged(Deployment).first().name", "tagged('Deployment')[0].name", "build"),
        ("tagged(Deployment, db)", "tagged('Deployment', 'db')", []),
        ("json_parse('[1, {\"a\": null}]')", "'[1, {\"a\": null}]' | json_parse", [1, {"a": None}]),
        ("yaml_parse('a: [1, b]')", "yaml_parse('a: [1, b]')", {"a": [1, "b"]}),
        ("yaml_dump({b => 1, a => [x]})", "{'b': 1, 'a': ['x']} | yaml_dump", "a:\n- x\nb: 1\n"),
        ("json_dump([1, x])", "[1, 'x'] | json_dump", '[\n    1,\n    "x"\n]'),
        ("json_pp({a => 'x\\ny'})", "{'a': 'x\\ny'} | json_pp", '{\n    "a": "x\ny"\n}'),
        ("json_dump([1, 2].select($ + 1))", "json_dump([1, 2] | map('string'))", None),
    ],
)
def test_a_function_gives_the_same_in_both_languages(yaql, jinja, value) -> None:
    found = value_of(f"<% {yaql} %>", {}, ANSWERS)
    other = value_of(f"{{{{ {jinja} }}}}", {}, ANSWERS)
    if value is None:
        assert (json.loads(found), json.loads(other)) == ([2, 3], ["1", "2"])
    elif yaql.startswith("executions"):
        assert (found, other) == (value, value[0])
    else:
        assert (found, other) == (value, value)


@pytest.mark.parametrize(
    "text", ["<% task(1, 2) %>", "{{ task(1, 2) }}", "<% env(x => 1) %>", "{{ global() }}"]
)
def test_wrong_arguments_are_told(text) -> None:
    with pytest.raises(ExpressionError, match="does not take these arguments"):
        value_of(text, {}, ANSWERS)


def test_ids_and_chance_come_from_the_seed_alone() -> None:
    text = "<% [uuid(), uuid(), random(), random(1, 6)] %>"
    first, again = (parse(text).evaluate({}, snapshot()) for _ in range(2))
    other = parse(text).evaluate({}, snapshot(seed=b"another sixteen!"))
    assert first == again
    assert first[0] != first[1]
    assert not set(map(str, first[:3])) & set(map(str, other[:3]))
    assert 0 <= first[2] < 1 <= first[3] <= 6
    assert value_of("{{ uuid() }}")[14] == "4"


def test_now_is_the_time_of_the_decision() -> None:
    there = Given(now=datetime(2031, 2, 3, 4, 5, tzinfo=UTC), seed=b"x" * 16)
    assert parse("<% now().format('%Y-%m-%d %H:%M') %>").evaluate({}, there) == "2031-02-03 04:05"
    assert parse("<% now(timespan(hours => 2)).hour %>").evaluate({}, there) == 6
    assert parse("<% localtz() %>").evaluate({}, there) == "0:00:00"


def test_functions_work_in_expressions_that_the_library_evaluates() -> None:
    assert value_of("<% def(f, task($).result.n) -> f(build) %>", {}, ANSWERS) == 3
    assert value_of("<% set(task(build).name, env().region).len() %>", {}, ANSWERS) == 2


def test_sets_come_out_as_lists_in_order() -> None:
    assert value_of("<% set(b, c, a, 2, 1) %>") == [1, 2, "a", "b", "c"]
