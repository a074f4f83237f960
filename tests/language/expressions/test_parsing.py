"""Strings and YAML values with expressions: what is found in them, and what is said of mistakes."""

import pytest

from ostro.language.expressions import (
    ExpressionError,
    Kind,
    Language,
    Lookup,
    Need,
    Unanswered,
    faults,
    parse,
    parse_yaql,
    template,
)
from tests.language.expressions.world import snapshot, value_of


def error_of(text, data=None):
    with pytest.raises(ExpressionError) as caught:
        value_of(text, data)
    return caught.value


def test_a_string_without_expressions_is_itself() -> None:
    for text in ("", "plain", "50 %", "<% not closed", "{ not: jinja }", "<%\n$.x %>", "{{ a\n}}"):
        assert parse(text).language is Language.LITERAL
        assert value_of(text) == text


def test_a_whole_expression_keeps_its_type_and_one_in_text_is_put_into_the_text() -> None:
    data = {"x": [1, "a"]}
    assert value_of("<% $.x %>", data) == [1, "a"]
    assert value_of("x: <% $.x %>, <% $.x.len() %>\n", data) == "x: [1, 'a'], 2\n"
    assert value_of("{{ _.x }}", data) == [1, "a"]
    assert value_of("x: {{ _.x }} {{ _.x }}", data) == "x: [1, 'a'] [1, 'a']"
    assert value_of("{{ _.x }}{{ _.x | length }}", data) == "[1, 'a']2"


def test_both_languages_in_one_string_are_refused_where_the_second_starts() -> None:
    error = error_of("<% $.x %> and {{ _.x }}")
    assert (error.kind, error.offset) == (Kind.MIXED, 14)
    assert error_of("{% if 1 %}<% 1 %>{% endif %}").kind is Kind.MIXED


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("<% $.a + %>", 8),
        ("ab <% 1e3 %>", 6),
        ("<% [1, 2,] %>", 9),
        ("<% $.a %> <% $.b $ %>", 17),
        ("<% 'open %>", 3),
        ("<% f(, 1) %> <% f(, %>", 19),
        ("text {{ _.x + }}", 5),
        ("line\n{% if %}", 5),
    ],
)
def test_a_syntax_error_has_its_offset_in_the_whole_text(text, offset) -> None:
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (caught.value.kind, caught.value.offset) == (Kind.SYNTAX, offset)


def test_an_error_of_evaluation_points_into_the_text_too() -> None:
    error = error_of("x <% $.a.b.c %>", {"a": {"b": {}}})
    assert (error.kind, error.offset, str(error)) == (Kind.UNKNOWN, 11, "There is no `c` here.")
    assert str(error_of("<% $.n + a %>", {"n": 1})) == "`+` cannot add a number and text."
    assert str(error_of("<% $.n.len() %>", {"n": 1})) == "`len` does not work on a number."


def test_an_expression_tells_which_variables_it_reads() -> None:
    assert parse("<% $.a.x + $['b'] + $.get(c) + $d %>").roots == {"a", "b", "c"}
    assert parse("<% $.rows.where($.age > $.y).select($.name) %>").roots == {"rows"}
    assert parse("<% let(x => $.a) -> $x + $.b %>").roots == {"a", "b"}
    assert parse("<% let($.a) -> $.b %>").roots == {"a"}
    assert parse("<% coalesce($.a, $.b) %>").roots == {"a", "b"}
    assert parse("<% switch($.a => $.b) %> <% $.c %>").roots == {"a", "b", "c"}
    assert parse("<% json_dump($) %>").roots == {"*"}
    assert parse("{{ _.a.x + _['b'] + _.get('c') }}").roots == {"a", "b", "c"}
    assert parse("{% for r in _.rows %}{{ r.name }}{{ _.x }}{% endfor %}").roots == {"rows", "x"}
    assert parse("{{ _ | tojson }}").roots == {"*"}


def test_an_expression_tells_which_tasks_it_names_and_what_it_needs() -> None:
    expression = parse("<% task(build).result + task('test').result %>")
    assert expression.tasks == {"build", "test"}
    assert expression.needs == {Need(Lookup.TASK, ("build",)), Need(Lookup.TASK, ("test",))}
    assert parse("<% task().id %>").needs == {Need(Lookup.TASK, (None,))}
    assert parse("<% task($.name) %>").needs == {Need(Lookup.TASK, None)}
    assert parse("<% tasks(execution().id, true, ERROR) %>").needs == {
        Need(Lookup.EXECUTION),
        Need(Lookup.TASKS, None),
    }
    assert parse("<% tasks(state => ERROR) %>").needs == {Need(Lookup.TASKS, (None, False, "ERROR", False))}
    assert parse("{{ task('build').result ~ env().x ~ tagged('a', 'b') }}").needs == {
        Need(Lookup.TASK, ("build",)),
        Need(Lookup.ENV),
        Need(Lookup.TAGGED, ("a", "b")),
    }
    assert parse("<% uuid() + str(now()) %>").needs == {Need(Lookup.CHANCE), Need(Lookup.NOW)}


def test_a_need_that_the_snapshot_cannot_answer_says_exactly_what_to_fetch() -> None:
    with pytest.raises(Unanswered) as caught:
        value_of("<% task($.name).result %>", {"name": "build"})
    assert caught.value.need == Need(Lookup.TASK, ("build",))
    answers = {caught.value.need: {"result": 5}}
    assert value_of("<% task($.name).result %>", {"name": "build"}, answers) == 5


def test_what_the_snapshot_must_answer_is_in_the_needs() -> None:
    for text in ("<% tasks(state => ERROR) %>", "<% task('') %>", "{{ tasks(None, true) }}", "{{ task(name='x') }}",
                 "<% executions(root_execution_id => r) %>", "{{ 'g' | global }}", "<% task(name => x).id %>"):  # fmt: skip
        expression = parse(text)
        with pytest.raises(Unanswered) as caught:
            expression.evaluate({}, snapshot())
        assert caught.value.need in expression.needs


def test_yaql_alone_can_be_read_without_brackets() -> None:
    assert parse_yaql(" $.a + 1 ").evaluate({"a": 1}, snapshot()) == 2
    with pytest.raises(ExpressionError) as caught:
        parse_yaql("  1 +")
    assert caught.value.offset == 5


def test_a_template_is_filled_in_depth_and_its_keys_are_left_alone() -> None:
    read = template({"a": ["<% $.x %>", {"<% $.x %>": "{{ _.x }}!"}], "b": 1, "c": "text"})
    assert read.evaluate({"x": 5}, snapshot()) == {"a": [5, {"<% $.x %>": "5!"}], "b": 1, "c": "text"}
    assert read.roots == {"x"}
    assert not read.is_literal


def test_a_literal_template_costs_nothing() -> None:
    value = {"a": [1, "text", {"b": None}]}
    read = template(value)
    assert read.is_literal
    assert read.evaluate({}, snapshot()) is value


def test_all_mistakes_of_a_template_are_told_with_their_paths() -> None:
    value = {"a": ["<% $.x + %>", "fine"], "b": {"c": "{{ _.x | nope }}"}}
    assert [(one.path, one.kind) for one in faults(value)] == [
        (("a", 0), Kind.SYNTAX),
        (("b", "c"), Kind.UNKNOWN),
    ]
    with pytest.raises(ExpressionError) as caught:
        template(value)
    assert caught.value.path == ("a", 0)
    with pytest.raises(ExpressionError) as caught:
        template({"a": ["<% $.x %>"]}).evaluate({}, snapshot())
    assert caught.value.path == ("a", 0)


def test_a_result_is_new_and_the_data_is_never_changed() -> None:
    data = {"l": [1, {"a": 2}], "d": {"b": [3]}}
    for text in ("<% $.l %>", "<% $.d %>", "{{ _.l }}", "<% $ %>"):
        found = value_of(text, data)
        found.clear()
    value_of("{% set _ = _.l.append(9) %}{% set _ = _ %}", data)
    assert data == {"l": [1, {"a": 2}], "d": {"b": [3]}}
