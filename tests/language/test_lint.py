"""The linter says everything at once: each problem with a code, a place, a sentence and what to do."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostro.language.codes import CODES
from ostro.language.lint import lint
from ostro.language.look import look
from ostro.language.model.definitions import Kind
from ostro.language.model.standard import STANDARD
from ostro.language.parsed import parsed
from ostro.language.problems import shown

HEAD = "version: '2.0'\n"


def codes_of(text, kind=None):
    return [one.code for one in lint(text, kind, parse=parsed).problems]


def workflow(tasks, *above):
    lines = "".join(f"  {line}\n" for line in above)
    return f"{HEAD}w:\n{lines}  tasks:\n" + "".join(f"    {line}\n" for line in tasks.strip().split("\n"))


def test_everything_is_said_at_once_in_the_order_of_the_text() -> None:
    text = workflow(
        "build:\n  action: std.echo output=<% $.regin %>\n  on-sucess: [ship]\n  retry: {count: 3, dellay: 1}\n"
        "ship:\n  action: std.noop\n  publish: {x: <% $.a + %>}\n  on-success: [nowhere]",
        "input: [region]",
    )
    found = lint(text, parse=parsed)
    assert [(one.line, one.code) for one in found.problems] == [
        (6, "unknown-variable"), (7, "unknown-key"), (8, "missing-key"), (8, "unknown-key"),
        (11, "expression"), (12, "unknown-task"),
    ]  # fmt: skip
    assert found.document is None
    by_line = {(one.line, one.code): one for one in found.problems}
    assert "`on-success`" in by_line[7, "unknown-key"].hint
    assert "`region`" in by_line[6, "unknown-variable"].hint
    said = shown(by_line[7, "unknown-key"], "w.yaml", found.lines).split("\n")
    assert said[0].startswith("w.yaml:7:7: error: `on-sucess` is not a key of a task.")
    assert said[2] == "      |       ^^^^^^^^^"


def test_a_text_without_a_problem_is_a_document() -> None:
    found = lint(workflow("a:\n  action: std.noop\n  on-success: [b]\nb:\n  action: std.noop"), parse=parsed)
    assert found.problems == ()
    assert found.document is not None
    definition = found.document.definitions["w"]
    assert list(definition.tasks) == ["a", "b"]


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("empty", ""),
        ("not-yaml", HEAD + "w: [1\n"),
        ("not-text", b"version: '2.0'\nw: \xff\n"),
        ("several-documents", HEAD + "---\nversion: '2.0'\n"),
        ("duplicate-key", workflow("a:\n  action: std.noop\na:\n  action: std.noop")),
        ("wrong-version", "version: '3.0'\nw:\n  tasks:\n    a: {action: std.noop}\n"),
        ("no-definitions", HEAD),
        ("missing-key", HEAD + "w:\n  type: direct\n"),
        ("wrong-type", workflow("a:\n  action: std.noop\n  retry: 5")),
        ("unknown-key", workflow("a:\n  acton: std.noop")),
        ("two-callees", workflow("a:\n  action: std.noop\n  workflow: x")),
        ("misplaced-key", workflow("a:\n  action: std.noop\n  on-success: [a]", "type: reverse")),
        ("expression", workflow("a:\n  action: std.echo output=<% 1 + %>")),
        ("unknown-task", workflow("a:\n  action: std.noop\n  on-success: [b]")),
        ("no-start", workflow("a:\n  on-success: [b]\nb:\n  on-success: [a]")),
        ("unreached-task", workflow("a: {action: std.noop}\nb: {on-success: [c]}\nc: {on-success: [b]}")),
        ("join-short", workflow("a:\n  on-success: [b]\nb:\n  join: 2")),
        ("cycle", workflow("a: {requires: [b]}\nb: {requires: [a]}", "type: graph")),
        ("dead-term", workflow("a: {requires: [{tags: [T]}]}", "type: graph")),
        ("unknown-variable", workflow("a:\n  action: std.echo output=<% $.x %>", "input: [y]")),
        ("unknown-result", workflow("a:\n  action: std.echo output=<% task(b).result %>")),
        ("unknown-action", workflow("a:\n  action: std.eco")),
    ],
)
def test_each_kind_of_mistake_has_its_code(code, text) -> None:
    found = lint(text, parse=parsed)
    assert code in [one.code for one in found.problems], found.problems
    for one in found.problems:
        assert one.severity == CODES[one.code].severity
        assert one.message.endswith((".", "?")), one
        assert one.line >= 1
        assert one.column >= 1


@pytest.mark.parametrize("parse", [parsed, look])
def test_what_opens_on_one_line_and_closes_on_another_is_text_and_so_no_guard(parse) -> None:
    spread = "|\n          <% 1 = 1\n          and nothing( %>"
    as_text = workflow(f"a:\n  action: std.echo\n  input:\n        output: {spread}")
    assert [one.code for one in lint(as_text, parse=parse).problems] == []
    as_guard = workflow(f"a:\n  on-success:\n    - b: {spread}\nb: {{action: std.noop}}")
    assert "wrong-type" in [one.code for one in lint(as_guard, parse=parse).problems]


def test_a_warning_is_silent_where_the_line_says_so() -> None:
    text = workflow("a:\n  action: std.eco  # ostro: ignore[unknown-action]\nb:\n  action: std.eco")
    assert [(one.line, one.code) for one in lint(text, parse=parsed).problems] == [(7, "unknown-action")]


def test_aliases_that_multiply_end_soon() -> None:
    bomb = HEAD + "a0: &a0 [x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 10))
    assert "too-large" in codes_of(bomb)


@given(st.one_of(st.text(), st.binary()))
@settings(max_examples=200, deadline=None)
def test_whatever_is_read_gives_problems_and_never_raises(text) -> None:
    assert lint(text, parse=parsed).problems


_VALUES = st.recursive(
    st.sampled_from(["a", "b", "<% $.x %>", "{{ _.x }}", "<%", 1, None, True, 2.5, "all", "std.noop", "fail"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        st.sampled_from(
            ["tasks", "a", "b", "action", "on-success", "on-error", "publish", "retry", "count", "delay", "join",
             "requires", "with-items", "input", "output", "type", "tags", "target", "task", "next", "vars", "x"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(_VALUES, st.sampled_from(["direct", "reverse", "graph"]))
@settings(max_examples=300, deadline=None)
def test_whatever_stands_in_a_workflow_gives_problems_or_a_document(value, kind) -> None:
    import yaml

    text = yaml.safe_dump({"version": "2.0", "w": {"type": kind, "tasks": value}})
    found = lint(text, parse=parsed)
    assert (found.document is None) == bool(found.errors)


def test_what_a_task_publishes_is_known_where_its_end_is_judged() -> None:
    text = workflow(
        "a:\n  publish: {x: <% task().result %>}\n  fail-on: <% $.x %>\n"
        "  retry: {count: 1, delay: 0, break-on: <% $.x %>, continue-on: <% $.x %>}\n  on-success: {b: <% $.x %>}\n"
        "b:\n  publish: {y: <% $.x %>, z: <% $.y %>}"
    )
    assert [(one.line, one.code) for one in lint(text, parse=parsed).problems] == [(10, "unknown-variable")]


def test_a_variable_of_a_default_is_told_once_however_many_tasks_have_it() -> None:
    text = workflow("a: {}\nb: {}\nc: {}", "task-defaults: {fail-on: <% $.x %>}")
    assert codes_of(text) == ["unknown-variable"]


def test_a_variable_of_another_branch_is_told_with_its_place() -> None:
    text = workflow("a: {publish: {x: 1}}\nb: {publish: {y: <% $.x %>}}")
    (found,) = lint(text, parse=parsed).problems
    assert found.message == "`x` is set by `a`, which does not come before `b`."


@pytest.mark.parametrize(
    ("type_", "tasks"),
    [
        ("direct", "a: {publish: {x: 1}, on-success: b}\nb: {on-success: c}\nc: {publish: {y: <% $.x %>}}"),
        ("direct", "s: {on-success: a}\na: {publish: {x: 1}, on-success: {b: <% $.x %>}}\nb: {publish: {z: <% $.x %>}, on-success: {a: <% $.z %>}}"),
        ("reverse", "a: {publish: {x: 1}}\nb: {requires: a}\nc: {requires: [b], publish: {y: <% $.x %>}}"),
        ("graph", "a: {publish: {x: 1}}\nc: {requires: [a], publish: {y: '{{ _.x }}'}}"),
        ("direct", "a: {on-success: {publish: {global: {x: 1}}}}\nb: {publish: {y: <% $.x %>}}"),
        ("direct", "a: {with-items: 'x in [1]', action: std.echo output=<% $.x %>, publish: {y: '{{ _.__env }}'}}"),
        ("direct", "a: {publish: {x: <% list(1).select($.y) %>, z: <% $.openstack %>}}"),
    ],
)  # fmt: skip
def test_a_variable_that_some_path_has_set_is_no_problem(type_, tasks) -> None:
    assert codes_of(workflow(tasks, f"type: {type_}")) == []


@pytest.mark.parametrize(
    ("tasks", "path"),
    [
        ("a: {requires: [b]}\nb: {requires: [c]}\nc: {requires: [a]}", "`a` → `b` → `c` → `a`"),
        ("a: {requires: [{tags: [t]}]}\nb: {tags: [t], requires: [a]}", "`a` → tag `t` → `b` → `a`"),
        ("a: {requires: [{tags: [t]}], may-spawn: {max: 1, tags: [t]}}", "`a` → tag `t` → `a`"),
        ("a: {requires: [{all_tags: [t, u]}]}\nb: {tags: [t, u], requires: [a]}", "tag `t` and `u` → `b`"),
    ],
)
def test_a_circle_of_requirements_is_spelled_out(tasks, path) -> None:
    (found,) = lint(workflow(tasks, "type: graph")).problems
    assert found.code == "cycle"
    assert path in found.message


@pytest.mark.parametrize(
    ("term", "dead"),
    [
        ("{tags: [t], at_least: 2}", False), ("{tags: [t], at_least: 3}", True), ("{tags: [t, u], enough: 3}", False),
        ("{tags: [t], enough: 3}", True), ("{tags: [t], enough: 100%}", False), ("{tags: [v]}", True),
        ("{tags: [t, v]}", True), ("{tags: [t, v], enough: 1}", False), ("{tags: [v], optional: true}", False),
        ("{all_tags: [t, u]}", True), ("{tags: [s], at_least: 4}", False), ("{tags: [s], at_least: 5}", True),
    ],
)  # fmt: skip
@pytest.mark.parametrize("open_", [False, True])
def test_a_term_that_no_task_can_make_hold_is_dead_unless_the_workflow_is_open(term, dead, open_) -> None:
    tasks = f"a: {{tags: [t]}}\nb: {{tags: [t]}}\nc: {{tags: [u]}}\nd: {{may-spawn: {{max: 4, tags: [s]}}}}\ne: {{requires: [{term}]}}"
    assert codes_of(workflow(tasks, "type: graph", f"open: {str(open_).lower()}")) == ["dead-term"] * (
        dead and not open_
    )


@pytest.mark.parametrize(
    ("tasks", "codes"),
    [
        ("a: {on-success: j}\nb: {on-success: j}\nj: {join: 2}", []),
        ("a: {on-success: j}\nb: {on-success: j}\nj: {join: 3}", ["join-short"]),
        ("j: {join: all}", ["join-short"]),
        ("a: {on-success: j}\nj: {join: one, on-success: {a2: <% 1 %>}}\na2: {on-success: j}", []),
        ("a: {on-success: j}\nj: {join: 0}", []),
    ],
)
def test_a_join_can_be_satisfied_or_is_told(tasks, codes) -> None:
    assert codes_of(workflow(tasks)) == codes


def test_a_loop_with_a_guard_or_an_end_in_it_is_no_problem() -> None:
    assert codes_of(workflow("s: {on-success: a}\na: {on-success: [{b: <% 1 %>}]}\nb: {on-success: a}")) == []
    assert (
        codes_of(workflow("s: {on-success: a}\na: {on-success: [b, {succeed: <% 1 %>}]}\nb: {on-success: a}"))
        == []
    )
    assert codes_of(workflow("s: {on-success: a}\na: {on-error: a}")) == []


def test_a_call_of_a_workflow_of_the_same_text_is_compared_with_its_input() -> None:
    text = (
        HEAD
        + "v: {tasks: {a: {workflow: w x=1 yy=2}, b: {workflow: w, input: '<% {} %>'}, c: {workflow: <% w %>}}}\n"
        "w: {input: [x, {y: 1}, z], tasks: {a: {}}}\n"
        "r: {tasks: {a: {workflow: q task_name=t env=e}}}\nq: {type: reverse, tasks: {t: {}}}\n"
    )
    found = lint(text).problems
    assert [one.message for one in found] == [
        "The workflow `w` needs `z`, which is not given here.", "The workflow `w` does not take `yy`.",
    ]  # fmt: skip
    assert found[1].hint == "It takes `x`, `y` and `z`."


@pytest.mark.parametrize(
    ("term", "codes"),
    [
        ("{tags: [t]}", ["wrong-term"]), ("{tags: [t], enough: 90%}", ["wrong-term"]), ("{tags: [t], enough: 1}", []),
        ("{all_tags: [t, u], at_least: 1}", []), ("a", []), ("{task: later}", []),
    ],
)  # fmt: skip
def test_a_definition_of_done_can_hold_before_the_seal(term, codes) -> None:
    text = workflow("a: {tags: [t]}", "type: graph", "open: true", f"done-when: [{term}]")
    assert codes_of(text) == codes


def of_calls(*tasks, takes=STANDARD):
    text = workflow("\n".join(f"t{number}: {{{one}}}" for number, one in enumerate(tasks)), "input: [x]")
    found = lint(text, parse=parsed, takes=takes)
    assert {one.code for one in found.problems} <= {"wrong-call"}
    return [f"{one.message} {one.hint}" for one in found.problems]


def test_what_a_standard_action_is_given_is_compared_with_what_it_takes() -> None:
    assert of_calls(
        "action: std.http, input: {urll: 'http://x'}",
        "action: std.http, input: {url: 'http://x', timeout: soon, headers: [a]}",
        "action: std.noop a=1",
        "action: script",
        "action: std.sleep seconds=-1",
    ) == [
        "The action `std.http` needs `url`, which is not given here. Add it to `input`, or to `__actions` of the environment.",
        "The action `std.http` does not take `urll`. Did you mean `url`?",
        "The action `std.http` does not take this `timeout`: expected `float | null`, got `str`. Give what is expected.",
        "The action `std.http` does not take this `headers`: expected `object | null`, got `array`. Give what is expected.",
        "The action `std.noop` does not take `a`. It takes no input.",
        "The action `script` needs `run`, which is not given here. Add it to `input`, or to `__actions` of the environment.",
        "The action `std.sleep` does not take this `seconds`: expected `float` >= 0.0. Give what is expected.",
    ]


def test_what_an_expression_gives_is_not_judged() -> None:
    given = ("url: <% $.x %>, timeout: <% $.x %>", "url: '{{ _.x }}', headers: {a: [<% $.x %>]}")
    assert of_calls(*(f"action: std.http, input: {{{one}}}" for one in given)) == []
    assert of_calls("action: std.http, input: <% $.x %>", "action: <% $.x %>, input: {a: 1}") == []


def test_the_base_of_an_action_is_checked_as_well() -> None:
    text = HEAD + "a: {base: std.echo, base-input: {outptu: 1}}\n"
    found = [one.hint for one in lint(text, Kind.ACTIONS, parse=parsed).problems]
    assert found == ["Add it to `input`, or to `__actions` of the environment.", "Did you mean `output`?"]


def test_actions_of_ones_own_are_checked_where_they_are_known() -> None:
    class Grow(msgspec.Struct, forbid_unknown_fields=True):
        disk: str

    assert of_calls("action: grow gib=1") == []
    assert [one.split(",")[0] for one in of_calls("action: grow gib=1", takes={"grow": Grow})] == [
        "The action `grow` needs `disk`",
        "The action `grow` does not take `gib`. It takes `disk`.",
    ]
