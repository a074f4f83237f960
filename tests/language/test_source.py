"""YAML as the language reads it: like Mistral where that is sane, strict where it surprises, bounded everywhere."""

import time

import pytest

from ostro.language.lint import lint
from ostro.language.problems import Problems
from ostro.language.source.compose import Bounds, compose
from ostro.language.source.nodes import plain

HEAD = "version: '2.0'\n"


def read(text):
    problems = Problems()
    source = compose(text, problems)
    assert problems.sorted() == ()
    assert source.root is not None
    return plain(source.root)


def code_of(text, **bounds):
    problems = Problems()
    compose(text, problems, Bounds(**bounds))
    return [one.code for one in problems.sorted()]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", True), ("Off", False), ("on", True), ("~", None), ("", None), ("null", None),
        ("017", 15), ("0x1F", 31), ("0b11", 3), ("1_000", 1000), ("-5", -5), ("+5", 5), ("0", 0), ("08", "08"),
        ("1.5", 1.5), ("1.5e+3", 1500.0), ("1e3", "1e3"), (".5", 0.5), ("1.", 1.0), ("-.5", "-.5"),
        ("2020-01-01", "2020-01-01"), ("'017'", "017"), ('"yes"', "yes"), ("!!str 5", "5"), ("!!int '5'", 5),
        ("=", "="), ("0_", 0), ("0x_", "0x_"), ("9" * 500, "9" * 500),
    ],
)  # fmt: skip
def test_plain_scalars_mean_what_yaml_1_1_says_and_times_stay_texts(written, value) -> None:
    got = read(f"x: {written}")["x"]
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("* * * * *", "* * * * *"),
        ("*.txt", "*.txt"),
        ("@admins", "@admins"),
        ("&", "&"),
        ("['@a', @b]", ["@a", "@b"]),
    ],
)
def test_what_is_no_yaml_for_its_signs_is_read_as_mistral_does(written, value) -> None:
    assert read(f"x: {written}\ny: '&*@'") == {"x": value, "y": "&*@"}


def test_aliases_and_merges_work() -> None:
    assert read("a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: [*a]") == {
        "a": {"x": 1, "y": 2}, "b": {"x": 1, "y": 3}, "c": [{"x": 1, "y": 2}],
    }  # fmt: skip


def test_keys_are_texts_as_written() -> None:
    assert read("{1: a, 2.50: b, null: c, 017: d}") == {"1": "a", "2.50": "b", "null": "c", "017": "d"}


def test_an_alias_inside_its_own_anchor_is_unknown() -> None:
    assert code_of("a: &a [*a]\nb: &c {d: *c}") == ["unknown-alias"]


@pytest.mark.parametrize(
    ("text", "code"),
    [("[" * 70 + "]" * 70, "too-deep"), ("[x, x, x, x, x, x]", "too-large"), ("x" * 200, "too-large")],
)
def test_bounds_hold(text, code) -> None:
    assert code_of(text, bytes=150, nodes=5 if code == "too-large" else 1000) == [code]


def test_a_tab_that_indents_is_named() -> None:
    (problem,) = lint(HEAD + "w:\n\ttasks: {}\n").problems
    assert (problem.code, problem.line) == ("not-yaml", 3)
    assert "tabs" in problem.hint


def test_an_expression_without_quotes_is_named() -> None:
    found = lint(HEAD + "w:\n  output:\n    x: {{ _.x }}\n  tasks: {a: {}}\n").problems
    assert [(one.code, one.line, one.column) for one in found] == [("strange-key", 4, 9)]
    assert "quotes" in found[0].hint


@pytest.mark.parametrize(
    "text", ["\ud800", "a: \x00", "\x07", b"\xff\xfe", "a: \ud83d", "\ufeff", "%YAML 3.0\n---\na: 1"]
)
def test_strange_characters_are_a_problem_and_no_exception(text) -> None:
    assert lint(text).errors


MANY = {
    "a chain": "".join(f"    a{n}: {{on-success: a{n + 1}}}\n" for n in range(10_000)),
    "targets that are not there": "".join(f"    a{n}: {{on-success: zz{n}}}\n" for n in range(10_000)),
    "variables that are not set": "".join(
        f"    a{n}: {{publish: {{x: <% $.y{n} %>}}}}\n" for n in range(6_000)
    ),
    "openings that do not close": "    a: {action: 'std.echo " + "<% a=[ '' " * 20_000 + "'}\n",
    "brackets": "    a: {publish: {x: '<% " + "(" * 100_000 + ")" * 100_000 + " %>'}}\n",
    "quotes that are none": "    a: {publish: {x: \"<% '" + "\\\\'" * 200_000 + ' %>"}}\n',
    "a long word": "    a: {publish: {x: '<% " + "a" * 500_000 + " %>'}}\n",
    "a long variable": "    a: {publish: {x: '{{ _." + "a" * 500_000 + "() }}'}}\n",
    "closed on another line": "    a:\n      publish:\n        x: |\n"
    + "          {{\n" * 40_000
    + "          }}\n",
    "openings on a line": '    a: {publish: {x: "' + "{% if " * 100_000 + '"}}\n',
    "joins in circles": "    s: {on-success: a0}\n"
    + "".join(f"    a{n}: {{join: all, on-success: [a{n + 1}, a{max(0, n - 1)}]}}\n" for n in range(5_000)),
}


@pytest.mark.parametrize("name", MANY)
def test_no_text_stalls_the_reader(name) -> None:
    start = time.process_time()
    lint(HEAD + "w:\n  tasks:\n" + MANY[name])
    assert time.process_time() - start < 10  # at most 1 s each on an idle machine


def test_defaults_cannot_multiply_without_bound() -> None:
    names = [f"a{n}" for n in range(1000)]
    tasks = ", ".join(f"{name}: {{}}" for name in names)
    text = f"{HEAD}w: {{task-defaults: {{on-success: [{', '.join(names)}]}}, tasks: {{{tasks}}}}}\n"
    assert "too-large" in [one.code for one in lint(text).errors]


A_TASK = """\
    task_{n}:
      action: shop.echo output=<% $.x %>
      input: {{a: 1, b: [1, 2, 3]}}
      publish:
        v{n}: <% task().result %>
      retry: {{count: 3, delay: 1}}
      on-success:
        - task_{next}: <% $.x > 1 %>
"""


def test_a_thousand_tasks_are_checked_at_once() -> None:
    tasks = "".join(A_TASK.format(n=n, next=n + 1) for n in range(1000)) + "    task_1000: {}\n"
    text = f"{HEAD}w:\n  input: [x]\n  tasks:\n{tasks}"
    took = []
    for _ in range(3):
        start = time.process_time()
        assert lint(text).problems == ()
        took.append(time.process_time() - start)
    assert min(took) < 0.9  # 0.16 s on an idle machine; tests run beside others
