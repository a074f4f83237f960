"""Each code of the reference page, by the shortest text that brings it about."""

import pytest

from ostro.language.codes import CODES
from ostro.language.lint import lint
from ostro.language.model.definitions import Kind

HEAD = "version: '2.0'\n"
A_TASK = "w: {tasks: {a: {action: std.noop}}}\n"


def tasks(text, *, type_="direct", more=""):
    return f"{HEAD}w: {{type: {type_}, {more}tasks: {{{text}}}}}\n"


TEXTS = {
    "not-text": b"\xff",
    "too-large": " " * 1_100_000,
    "too-deep": "[" * 100 + "]" * 100,
    "empty": "",
    "not-yaml": "a: [",
    "several-documents": HEAD + A_TASK + "---\n" + A_TASK,
    "unknown-alias": "a: *b\nc: [",
    "unknown-tag": HEAD + "w: !!python/name:os.system {}\n",
    "unused-anchor": HEAD + "w: {description: &x text, tasks: {a: {}}}\n",
    "duplicate-key": HEAD + A_TASK + A_TASK,
    "strange-key": HEAD + "w: {output: {{ _.x }}, tasks: {a: {}}}\n",
    "truth-key": tasks("on: {}"),
    "sexagesimal": HEAD + "w: {vars: {at: 12:30}, tasks: {a: {}}}\n",
    "not-finite": HEAD + "w: {vars: {x: .inf}, tasks: {a: {}}}\n",
    "too-many": tasks("a: {" + "".join(f"x{n}: 1, " for n in range(1100)) + "}"),
    "unknown-key": tasks("a: {acton: std.noop}"),
    "ignored-key": HEAD + "w: {output_on_error: {a: 1}, tasks: {a: {}}}\n",
    "misplaced-key": tasks("a: {join: all}", type_="reverse"),
    "missing-key": HEAD + "w: {}\n",
    "wrong-type": tasks("a: {timeout: soon}"),
    "repeated-item": tasks("a: {tags: [x, x]}"),
    "unknown-type": HEAD + "w: {input: [{n: {type: integr, default: 1}}], tasks: {a: {}}}\n",
    "wrong-version": "version: '1.0'\n" + A_TASK,
    "wrong-name": HEAD + "my flow: {tasks: {a: {}}}\n",
    "no-definitions": HEAD,
    "two-callees": tasks("a: {action: std.noop, workflow: v}"),
    "ignored-words": tasks("a: {action: std.echo loudly output=1}"),
    "cut-number": tasks("a: {retry: count=3 delay=0.1}"),
    "mixed-input": tasks("a: {action: std.echo output=1, input: '<% {} %>'}"),
    "expression": tasks("a: {publish: {x: <% ( %>}}"),
    "wrong-term": tasks("a: {requires: [{task: b, tags: [c]}]}, b: {}", type_="graph"),
    "unknown-task": tasks("a: {on-success: b}"),
    "no-start": tasks("a: {on-success: a}"),
    "unreached-task": tasks("a: {}, b: {on-success: {c: <% 1 %>}}, c: {on-success: {b: <% 1 %>}}"),
    "never-started": tasks("a: {on-success: [fail, b]}, b: {}"),
    "command-name": tasks("a: {on-success: pause}, pause: {}"),
    "ignored-parameters": tasks("a: {on-success: b x=1}, b: {}"),
    "endless-loop": tasks("s: {on-success: a}, a: {on-success: b}, b: {on-complete: a}"),
    "join-short": tasks("a: {on-success: b}, b: {join: 2}"),
    "join-waits-for-itself": tasks("a: {on-success: b}, b: {join: all, on-success: c}, c: {on-error: b}"),
    "cycle": tasks("a: {requires: [{tags: [x]}], tags: [x]}", type_="graph"),
    "reverse-cycle": tasks("a: {requires: b}, b: {requires: a}", type_="reverse"),
    "too-many-selections": tasks(
        ", ".join(f"a{n}: {{requires: [{{tags: [x], enough: {n}}}]}}" for n in range(1, 110)), type_="graph"
    ),
    "dead-term": tasks("a: {requires: [{tags: [x]}]}", type_="graph"),
    "unknown-variable": tasks("a: {publish: {x: <% $.y %>}}"),
    "unknown-result": tasks("a: {publish: {x: <% task(b).result %>}}"),
    "action-cycle": HEAD + "x: {base: y}\ny: {base: x}\n",
    "needless-key": tasks("a: {concurrency: 2}"),
    "wrong-call": HEAD + "v: {tasks: {a: {workflow: w}}}\nw: {input: [x], tasks: {a: {}}}\n",
    "unknown-action": tasks("a: {action: std.ecko}"),
}


@pytest.mark.parametrize("code", CODES)
def test_each_code_is_found_with_a_sentence_and_what_to_do(code) -> None:
    found = [one for one in lint(TEXTS[code]).problems if one.code == code]
    assert found, lint(TEXTS[code]).problems
    for one in found:
        assert one.severity == CODES[code].severity
        assert one.message[0].isupper() or one.message[0] == "`", one.message
        assert one.message.endswith("."), one.message
        assert one.hint.endswith((".", "?")) or "example" in one.hint or code in ("too-many", "wrong-type"), (
            one
        )


def test_no_text_here_has_a_code_that_is_not_in_the_table() -> None:
    assert set(TEXTS) == set(CODES)


def test_a_workbook_without_content_says_so() -> None:
    assert [one.code for one in lint("name: wb\n", Kind.WORKBOOK).problems] == ["no-definitions"]
