"""What a text becomes: definitions with their tasks, whichever way they were written."""

import pytest

from ostro.language.lint import lint
from ostro.language.model.definitions import Kind, candidates
from ostro.values import MaySpawn, Term, TermState

HEAD = "version: '2.0'\n"


def document(text, kind=None):
    found = lint(HEAD + text, kind)
    assert found.errors == ()
    return found.document


def task(text, *, type_="direct"):
    read = document(f"w:\n  type: {type_}\n  tasks:\n    b: {{}}\n    c: {{}}\n    here: {text}\n")
    return read.definitions["w"].tasks["here"]


@pytest.mark.parametrize(
    ("written", "name", "given"),
    [
        ('std.echo output="a = b"', "std.echo", {"output": "a = b"}),
        ("std.echo output='he said \"go\"'", "std.echo", {"output": 'he said "go"'}),
        ("std.echo output=-5 ratio=2.75 big=1e3", "std.echo", {"output": -5, "ratio": 2.75, "big": 1000.0}),
        ("std.echo a=true b=null c=word", "std.echo", {"a": True, "b": None, "c": "word"}),
        ('std.echo output=[1, {"k": 2}] x=1', "std.echo", {"output": [1, {"k": 2}], "x": 1}),
        ("std.echo output={a: 1, b: [x]}", "std.echo", {"output": {"a": 1, "b": ["x"]}}),
        ("std.echo output=<% $.x + 1 %>", "std.echo", {"output": "<% $.x + 1 %>"}),
        (
            "std.echo output=<% 1 %>-<% 2 %> y={{ 3 }}",
            "std.echo",
            {"output": "<% 1 %>-<% 2 %>", "y": "{{ 3 }}"},
        ),
        ("<% switch(true => 'std.noop') %>", "<% switch(true => 'std.noop') %>", None),
        ("pack_{{ 'small' }} n=1", "pack_{{ 'small' }}", {"n": 1}),
        ("std.noop", "std.noop", None),
        ('std.echo output= "x"', "std.echo", None),
    ],
)
def test_parameters_behind_a_name_are_its_input(written, name, given) -> None:
    read = task("{action: '" + written.replace("'", "''") + "'}")
    assert read.action.data == name
    assert (read.input.data if read.input else None) == given


def test_of_the_same_parameter_the_input_counts() -> None:
    assert task("{action: std.echo a=1 b=2, input: {b: 3}}").input.data == {"a": 1, "b": 3}


@pytest.mark.parametrize(
    "written",
    ["b", "[b]", "{next: b}", "{next: [b]}", "[{b: <% true %>}]", "{b: <% true %>}", "{next: {b: <% 1 %>}}"],
)
def test_all_ways_to_say_what_follows_are_one(written) -> None:
    (one,) = task(f"{{on-success: {written}}}").on_success.next
    assert one.target == "b"
    assert (one.guard is None) == ("<%" not in written)


@pytest.mark.parametrize("written", ['fail msg="no"', 'fail(msg="no")', "fail msg=no"])
def test_a_command_has_its_message(written) -> None:
    (one,) = task(f"{{on-error: '{written}'}}").on_error.next
    assert (one.target, one.parameters.data) == ("fail", {"msg": "no"})


def test_a_clause_publishes_by_scope() -> None:
    said = task(
        "{on-success: {publish: {branch: {a: 1}, global: {b: 2}, atomic: {c: <% 3 %>}}, next: b}}"
    ).on_success
    assert (said.publish.branch.data, said.publish.global_.data) == ({"a": 1}, {"b": 2})
    assert [one.text for one in said.publish.atomic.expressions] == ["<% 3 %>"]


def test_a_task_named_as_a_key_of_a_clause_may_follow_with_a_guard() -> None:
    text = "w: {tasks: {a: {on-success: {next: <% true %>}}, next: {}}}"
    (one,) = document(text).definitions["w"].tasks["a"].on_success.next
    assert one.target == "next"


@pytest.mark.parametrize(
    ("written", "seconds"),
    [("5", 5), ("30s", 30), ("5m", 300), ("1h", 3600), ("1h30m", 5400), ("2d", 172800)],
)
def test_a_duration_is_seconds(written, seconds) -> None:
    assert task(f"{{timeout: {written}}}").timeout == seconds


@pytest.mark.parametrize("written", ["{count: 3, delay: 10s}", "count=3 delay=10"])
def test_a_retry_may_stand_on_one_line(written) -> None:
    read = task(f"{{retry: {written}}}").retry
    assert (read.count, read.delay) == (3, 10)


def test_one_is_a_join_of_one() -> None:
    text = "w: {tasks: {a: {on-success: [b, c]}, b: {join: one}, c: {join: all}}}"
    tasks = document(text).definitions["w"].tasks
    assert (tasks["b"].join, tasks["c"].join) == (1, "all")


def test_lists_are_walked_in_step_and_may_stand_in_the_text() -> None:
    first, second = task("""{with-items: ['i in [1, "two", null]', 'j in <% range(3) %>']}""").with_items
    assert (first.variable, first.values.data) == ("i", [1, "two", None])
    assert (second.variable, second.values.data) == ("j", "<% range(3) %>")


def test_inputs_are_names_defaults_and_declarations() -> None:
    text = "w: {input: [a, {b: {tier: web}}, {c: {type: integer, default: 1, description: How many.}}, {d: {type: string}}], tasks: {t: {}}}"
    a, b, c, d = document(text).definitions["w"].input
    assert (a.is_required, a.type) == (True, "")
    assert (b.default, b.type) == ({"tier": "web"}, "")
    assert (c.default, c.type, c.description) == (1, "integer", "How many.")
    assert (d.is_required, d.type) == (True, "string")


def test_a_default_must_be_of_the_declared_type() -> None:
    (wrong,) = lint(HEAD + "w: {input: [{c: {type: integer, default: many}}], tasks: {t: {}}}").errors
    assert (wrong.code, wrong.message) == (
        "wrong-type",
        "`input` takes a default of type `integer`, not the text `many`.",
    )


def test_requirements_are_terms() -> None:
    written = "{requires: [b, {task: c, state: COMPLETE, handles: true}, {tags: [x, y], enough: 90%, optional: true}]}"
    read = task(written, type_="graph")
    assert [one.term for one in read.requires] == [
        Term(task="b"),
        Term(task="c", state=TermState.COMPLETE, handles=True),
        Term(tags=("x", "y"), enough="90%", optional=True),
    ]


def test_targets_and_grants_are_kept_as_the_core_has_them() -> None:
    read = task(
        "{target: {role: db}, may-spawn: {max: 2, tags: [x], targets: [{role: web}], actions: [script]}}"
    )
    assert read.target.data == {"role": "db"}
    assert read.may_spawn == MaySpawn(max=2, tags=("x",), targets=({"role": "web"},), actions=("script",))
    assert task("{target: web-1}").target.data == "web-1"


def test_defaults_are_folded_into_tasks_that_say_nothing_themselves() -> None:
    text = (
        "w: {task-defaults: {retry: {count: 1, delay: 0}, on-error: [h]}, "
        "tasks: {a: {}, b: {retry: {count: 2, delay: 0}, on-error: noop}, c: {on-error: {publish: {branch: {x: 1}}}}, h: {}}}"
    )
    tasks = document(text).definitions["w"].tasks
    assert [one.retry.count for one in tasks.values()] == [1, 2, 1, 1]
    assert [one.target for one in tasks["a"].on_error.next] == ["h"]
    assert [one.target for one in tasks["b"].on_error.next] == ["noop"]
    assert (tasks["c"].on_error.next[0].target, tasks["c"].on_error.publish.branch.data) == ("h", {"x": 1})
    assert tasks["h"].on_error is None


def test_default_requirements_add_up_and_nobody_requires_itself() -> None:
    text = "w: {type: reverse, task-defaults: {requires: [init]}, tasks: {init: {}, a: {requires: [a]}, b: {requires: a}}}"
    tasks = document(text).definitions["w"].tasks
    assert {name: [one.term.task for one in said.requires] for name, said in tasks.items()} == {
        "init": [], "a": ["init"], "b": ["a", "init"],
    }  # fmt: skip


BOOK = """\
name: kit
description: Tools.
workflows:
  # the first
  main:
    tasks:
      a: {workflow: helper n=1}
  helper:
    input: [n]
    tasks:
      t:
        action: plus_one n=<% $.n %>
actions:
  plus_one:
    input: [n]
    base: std.echo output=<% $.n + 1 %>
"""


def test_a_workbook_names_what_it_holds() -> None:
    read = document(BOOK)
    assert (read.kind, read.name, read.description) == (Kind.WORKBOOK, "kit", "Tools.")
    assert [one.full_name for one in read.definitions.values()] == ["kit.main", "kit.helper"]
    assert read.actions["plus_one"].base_input.data == {"output": "<% $.n + 1 %>"}
    assert candidates("kit", "helper") == ("kit.helper", "helper")
    assert candidates("", "helper") == ("helper",)


def test_each_workflow_has_a_text_of_its_own() -> None:
    helper = document(BOOK).definitions["helper"]
    assert helper.text == (
        "version: '2.0'\n\nhelper:\n  input: [n]\n  tasks:\n    t:\n      action: plus_one n=<% $.n %>\n"
    )
    assert list(document(helper.text.removeprefix(HEAD)).definitions["helper"].tasks) == ["t"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("w: {tasks: {a: {}}}", Kind.WORKFLOWS),
        ("workflows: {tasks: {a: {}}}", Kind.WORKFLOWS),
        ("act: {base: std.noop}", Kind.ACTIONS),
        ("name: b\nworkflows: {w: {tasks: {a: {}}}}", Kind.WORKBOOK),
    ],
)
def test_the_kind_of_a_text_is_seen_by_its_keys(text, kind) -> None:
    assert document(text).kind is kind
