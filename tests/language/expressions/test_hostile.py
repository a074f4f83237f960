"""Data that was made to hurt: what strangers send as texts is parsed, searched and grown within the limits, or refused in a sentence."""

import re
import time
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ostro.language.expressions import ExpressionError, Kind, parse
from ostro.language.marks import first_jinja, has_expression, yaql_in
from tests.language.expressions.world import snapshot, value_of


def ladder(start: str, rung: str) -> str:
    """Each rung stands for nine of the one below: 9 ** 11 at the top."""
    rungs = (rung.format(",".join([f"*a{n}"] * 9)) for n in range(11))
    return f"a0: &a0 {start}\n" + "".join(f"a{n + 1}: &a{n + 1} {one}\n" for n, one in enumerate(rungs))


JSON = {
    "deep": "[" * 500_000 + "]" * 500_000,
    "digits": "9" * 1_000_000,
    "many digits": "[" + ",".join(["9" * 4_200] * 230) + "]",
    "infinite": "1e999999999",
    "not a number": "NaN",
    "no JSON": "a" * 1_000_000,
    "more than a result": "[" + ",".join(["[]"] * 300_000) + "]",
}
YAML = {
    "deep lists": "[" * 24_999 + "]" * 24_999,
    "deep blocks": "- " * 24_999 + "a",
    "deep keys": "? " * 24_999,
    "aliases": ladder("[x]", "[{}]"),
    "merges": ladder("{k: v}", "{{<<: [{}]}}"),
    "itself": "&a [*a]",
    "digits": "9" * 100_000,
    "base 60": "1" + ":1" * 25_000,
    "base 60 with a fraction": "1" + ":1" * 25_000 + ".5",
    "infinite": "1.0e+999999999",
    "half a pair": '"\\ud800"',
    "two documents": "--- a\n--- b",
    "no such day": "2001-99-99",
    "no integer": '!!int ""',
    "no boolean": "!!bool x",
    "no time": "!!timestamp x",
    "a call": "!!python/object/apply:os.system [ls]",
    "directives": "".join(f"%TAG !a{n}! b\n" for n in range(11_000)) + "--- a",
    "many nodes": "[" + "1," * 90_000 + "]",
    "too long": "a" * 1_000_000,
}
PARSED = [
    *((f"json: {name}", "json_parse", text) for name, text in JSON.items()),
    *((f"yaml: {name}", "yaml_parse", text) for name, text in YAML.items()),
]
INNARDS = ("Traceback", "object has no attribute", "set_int_max_str_digits", "is not defined", "\n")
"""What Python says and no user should read."""


@pytest.mark.parametrize(("call", "text"), [pytest.param(*more, id=name) for name, *more in PARSED])
@pytest.mark.parametrize("language", ["<% {}($.x) %>", "{{{{ {}(_.x) }}}}"], ids=["yaql", "jinja"])
def test_a_text_that_explodes_when_it_is_parsed_is_refused(language, call, text) -> None:
    refused(language.format(call), {"x": text})


def refused(text: str, data: dict[str, Any]) -> None:
    """It takes 100 ms of a quiet machine; what is held here is that it does not run away on any."""
    began, error = time.process_time(), None
    try:
        parse(text).evaluate(data, snapshot())
    except ExpressionError as caught:
        error = caught
    assert time.process_time() - began < 2.0
    assert error is not None
    assert error.message.endswith(".")
    assert not [one for one in INNARDS if one in error.message]


@pytest.mark.parametrize(
    ("call", "text", "value"),
    [
        ("json_parse", '{"a": 1, "a": 2}', {"a": 2}),
        ("json_parse", '"\\u0000"', "\0"),
        ("json_parse", '"' + "\\u0041" * 150_000 + '"', "A" * 150_000),
        ("yaml_parse", "a: 1\na: 2", {"a": 2}),
        ("yaml_parse", "- x\n" * 12_000, ["x"] * 12_000),
        ("yaml_parse", '"\\0"', "\0"),
        ("yaml_parse", "a: &a {<<: *a, b: 1}", {"a": {"b": 1}}),
        ("yaml_parse", "a: &a {k: v, l: 1}\nb: {<<: *a, l: 2}", {"a": {"k": "v", "l": 1}, "b": {"k": "v", "l": 2}}),
        ("yaml_parse", "x: &x [1]\ny: [*x, *x]", {"x": [1], "y": [[1], [1]]}),
        ("yaml_parse", "1_000", 1_000),
        ("yaml_parse", "12:30:45", 45_045),
        ("yaml_parse", "> \n" + " a\n" * 30_000, ("a " * 30_000).rstrip() + "\n"),
    ],
)  # fmt: skip
def test_what_only_looks_like_it_is_parsed_as_mistral_does(call, text, value) -> None:
    assert value_of(f"<% {call}($.x) %>", {"x": text}) == value


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**20), 10**20) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


@given(st.lists(PLAIN, max_size=3), st.booleans())
def test_yaml_is_what_the_safe_loader_says(values, flow) -> None:
    shared = [values, values]  # written as an anchor and an alias
    text = yaml.safe_dump(shared, default_flow_style=flow)
    assert value_of("<% yaml_parse($.x) %>", {"x": text}) == yaml.safe_load(text)


# -- finding expressions -----------------------------------------------------------------------------

MISTRAL_YAQL = re.compile(r"<%.*?%>")
MISTRAL_JINJA = re.compile(r"\{\{.*\}\}|\{%.*%\}")


@given(st.text(alphabet="<%{}> \na", max_size=40))
def test_expressions_are_found_where_mistral_finds_them(text) -> None:
    jinja = MISTRAL_JINJA.search(text)
    assert list(yaql_in(text)) == [found.span() for found in MISTRAL_YAQL.finditer(text)]
    assert first_jinja(text) == (jinja.start() if jinja else None)
    assert has_expression(text) == bool(jinja or MISTRAL_YAQL.search(text))


@pytest.mark.parametrize(
    "text",
    ["{% if " * 160_000, "{{ " * 300_000, "%> " + "<%" * 500_000, "{%\n" * 300_000, "}}" + "{{%" * 300_000],
    ids=["blocks", "values", "yaql", "lines", "both"],
)
def test_a_line_where_nothing_is_closed_is_searched_once(text) -> None:
    began = time.process_time()
    assert not has_expression(text)
    assert time.process_time() - began < 2.0


# -- growing -----------------------------------------------------------------------------------------

DATA = {
    "big": "a" * 1_000_000,
    "lines": "x\n" * 500_000,
    "words": "a " * 500_000,
    "amp": "&" * 1_000_000,
    "open": "<a" * 300_000 + ">",
    "list": [f"w{n}" for n in range(50_000)],
    "digits": "9" * 4_250,
}
GROWING = [
    "<% int('9' * 5000) %>", "<% int($.digits) %>", "<% pow(2, 4096) %>", "<% shiftBitsLeft(pow(2, 4000), 4000) %>",
    "<% pow(2, 4000) * 1.0 %>", "<% float('1e400') %>", "<% generate([], true, $.append($)).last() %>",
    "<% generateMany(1, [$ + 1, $ + 2], decycle => true).len() %>", "<% [1].cycle().where(false).first(0) %>",
    "<% range(0, 1000000000000).join(',') %>", "<% $.list.join($.big) %>", "<% $.big.replace(a, $.big) %>",
    "<% $.big.replace({a => bb, b => cc, c => dd, d => ee}).len() %>", "<% regex('(?=(.*)(.*)x)').search($.big) %>",
    "<% regex('(a+)\\\\1+b').search($.big) %>", "<% regex('\\\\w+').searchAll($.words).len() %>",
    "<% '{0:1000000000}'.format(1) %>", "<% '{0.__class__}'.format(1) %>", "<% datetime($.big) %>",
    "<% def(f, switch($ < 1 => 1, true => f($ - 1))) -> f(100000) %>", "<% range(100000).aggregate({a => $1}, []) %>",
    "{{ _.lines | indent(100) }}", "{{ _.lines | indent(_.big) }}", "{{ _.big | center(100000000) }}",
    "{{ _.big | replace('', _.big) }}", "{{ _.words | wordwrap(1, wrapstring=_.big) }}", "{{ _.words | title | length }}",
    "{{ _.open | striptags }}", "{{ _.amp | e | e | e | e | e | length }}", "{{ _.list | join(_.big) }}",
    "{{ '%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s%s' | format(*([_.big] * 18)) }}",
    "{{ 1e999 }}", "{{ 2 ** 4096 }}", "{{ 0x" + "f" * 5000 + " }}",
    "{{ _.big.maketrans(_.big, _.big) }}", "{% for a in _.list %}{% for b in _.list %}{{ a }}{% endfor %}{% endfor %}",
    "{% macro m(n) %}{% if n %}{{ m(n - 1) ~ m(n - 1) }}{% endif %}x{% endmacro %}{{ m(25) }}",
    "{% set x %}{% for i in range(1000) %}{{ _.big }}{% endfor %}{% endset %}{{ x | length }}",
    "{% set l = [1] %}{% for i in range(64) %}{{ l.extend(l) or '' }}{% endfor %}{{ l | length }}",
    "{% set l = [1] %}{% for i in l %}{{ l.append(i) or '' }}{% endfor %}",
    "{% for a in b %}" * 300 + "{% endfor %}" * 300, "{% macro a() %}" * 300 + "{% endmacro %}" * 300,
    "{% call a() %}" * 300 + "{% endcall %}" * 300,
]  # fmt: skip


@pytest.mark.parametrize("text", GROWING)
def test_what_grows_is_refused_before_it_has_grown(text) -> None:
    refused(text, DATA)


def test_a_number_with_too_many_digits_is_a_limit_and_says_so() -> None:
    for text in ("<% int('9' * 5000) %>", "{{ json_parse(_.x) }}", "<% yaml_parse($.x) %>"):
        with pytest.raises(ExpressionError, match="digits") as caught:
            value_of(text, {"x": "9" * 5_000})
        assert caught.value.kind is Kind.LIMIT
