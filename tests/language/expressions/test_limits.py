"""No definition can stall a server: what runs away ends in a `limit` error, soon and in little memory."""

import gc
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostro.language.expressions import ExpressionError, ExpressionLimits, Kind, parse
from tests.language.expressions.world import snapshot

DATA = {
    "big": "a" * 1_000_000,
    "numbers": list(range(100_000)),
    "pairs": "k=v\n" * 20_000,
    "map": {str(n): n for n in range(10_000)},
    "nested": [[n] for n in range(20_000)],
}
DOUBLED = "range(64).aggregate([$1, $1], [1])"
GROWN = "{% set ns = namespace(x=(1,)) %}{% for i in range(60) %}{% set ns.x = (ns.x, ns.x) %}{% endfor %}"

YAQL = [
    "range(1000000000)", "range(1000000000).len()", "range(0, 1000000000).select($ * 2).where($ > 5).len()",
    "'a' * 1000000000", "1000000000 * 'a'", "[1] * 1000000000", "[[1] * 100000] * 100000",
    "pow(10, 10000000000)", "pow(2, pow(2, 100))", "shiftBitsLeft(1, 100000000000)", "round(5, -1000000000)",
    "range(1000).aggregate($1 * 10000000000, 10)", "range(100).aggregate($1 * $1, 10)",
    "range(64).aggregate($1 + $1, a)", DOUBLED, f"{DOUBLED} = {DOUBLED}", f"{DOUBLED}.flatten().len()",
    f"[{DOUBLED}].distinct()", f"str({DOUBLED})", f"json_dump({DOUBLED})", f"yaml_dump({DOUBLED})",
    f"set({DOUBLED})", f"{DOUBLED} in [{DOUBLED}]", "range(20).aggregate($1.zip($1).toList(), [1])",
    "range(100000).aggregate($1.append(1), [])", "range(100000).aggregate($1.select($), [1])",
    "[1].cycle().len()", "[1].cycle()", "a.repeat()", "a.repeat().join('')",
    "range(1000).select(range(1000).select(range(1000).len()).sum()).sum()", "$.numbers.select($.sum($.numbers))",
    "$.numbers.orderBy(-$).first()", "$.numbers.select($ in $.numbers)", "([$.big] * 1000).join('')",
    "[$.big].cycle().limit(100000).join('')", "$.big.replace(a, $.big)", "$.big.replace('', $.big)",
    "$.big.split(a).len() + $.big.toCharArray().select($).len()",
    "regex('(a+)+$').search('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!') = null and range(1000000).len()",
    "regex('(?=(a+)+$)b').search('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')",
    "regex('(a+)+\\\\1$').search('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!')", "regex('x*y|a').searchAll($.big).len()",
    "regex('[ab]*a[ab]{400}').search($.big)", "regex('(a{1000}){1000}').search($.big)",
    "regex('.').replace($.big, $.big)", "regex('').replace($.big, $.big)", "regex('.').searchAll($.big).len()",
    "let(d => '1' * 1000000) -> range(60000).where(float($d) < 1).len()",
    "range(9999).where(a =~ str($) + '(a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|(x|y|z)+)*').len()",
    "let(big => $.big) -> range(60000).where($big + '' = $big).len()",
    "let(big => $.big) -> range(60000).where($big.trim() != $big).len()",
    "let(map => $.map) -> range(60000).where($map.set(a, 1).len() < 1).len()",
    "def(f, $) -> let(big => $.big) -> range(60000).where($big.toUpper().len() < 1).len()",
    "range(60000).where(pow(123456789, 987654321000000000, 9999999999999999999999999999999) < 0).len()",
    "def(f, f($)) -> f(1)", "def(f, f($) + f($)) -> f(1)", "generate(1, true, $ * 2).toList()",
    "generateMany(1, [$, $, $]).len()", "sequence().len()", "sequence().select($).len()",
    "range(1000000).toSet().len()", "$.nested.toSet().len() + $.numbers.toSet().len()",
    "characters(digits => true).cycle().len()",
]  # fmt: skip
JINJA = [
    "{{ range(1000000000) | list }}", "{{ 'a' * 1000000000 }}", "{{ [1] * 1000000000 }}", "{{ 10**(10**10) }}",
    "{{ 2 ** 100000000 }}", GROWN + "{{ ns.x }}", GROWN + "{{ {ns.x: 1} }}", GROWN + "{{ {1: 1}[ns.x] }}",
    GROWN + "{{ {1: 1}.get(ns.x) }}", GROWN + "{{ [ns.x, ns.x] | unique | list }}", GROWN + "{{ ns.x | tojson }}",
    GROWN + "{{ ns.x | string | length }}", GROWN + "{{ dict([(ns.x, 1)]) }}",
    "{% set ns = namespace(x=10) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% for a in range(9999) %}{% for b in range(9999) %}{% for c in range(9999) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for a in range(100000) %}" + "x" * 1000 + "{% endfor %}", "{% for a in range(100000) %}{{ _.big }}{% endfor %}",
    "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}",
    "{% macro m(n) %}{% if n > 0 %}{{ m(n-1) }}{{ m(n-1) }}{% endif %}{% endmacro %}{{ m(30) }}",
    "{% for a in [1, 1] recursive %}{{ loop([1, 1]) }}{% endfor %}", "{{ 'x' | center(1000000000) }}",
    "{{ 'x'.ljust(1000000000) }}", "{{ '%1000000000d' % 1 }}", "{{ '%*d' % (1000000000, 1) }}",
    "{{ '%1000000000d' | format(1) }}", "{{ '{:1000000000}'.format(1) }}", "{{ '{:{}}'.format(1, 1000000000) }}",
    "{{ '{0:{w}}'.format(1, w=1000000000) }}", "{{ '{w:1000000000}'.format_map({'w': 1}) }}",
    "{{ 'x' | indent(1000000000) }}", "{{ ('x\\n' * 10000) | indent(100000) }}", "{{ [1] | batch(1000000000, 0) | list }}",
    "{{ [1] | slice(1000000000) | list }}", "{{ 1.5 | round(1000000000) }}", "{{ 'a\\t'.expandtabs(1000000000) }}",
    "{{ _.big.replace('a', _.big) }}", "{{ _.big | replace('a', _.big) }}", "{{ _.numbers | join(_.big) }}",
    "{{ _.big.join(_.numbers | map('string')) }}", "{{ _.nested | sum(start=[]) }}",
    "{% for i in range(100000) %}{% set x = _.big[1:] %}{% endfor %}",
    "{% for i in range(100000) %}{% set x = _.big | upper %}{% endfor %}",
    "{% for i in range(100000) %}{% set x = 'b' in _.big %}{% endfor %}",
    "{% for i in range(100000) %}{% set x = _.numbers == _.numbers %}{% endfor %}",
    "{% for i in range(100000) %}{% set x = dict(_.map) %}{% endfor %}",
    "{% for i in range(100000) %}{% set x = _.big is lower %}{% endfor %}", "{{ 'a\t'.expandtabs(tabsize=1000000000) }}",
    "{{ [[1]] | tojson(indent=1000000000) }}", "{{ ['x'] | map('center', 1000000000) | list }}", "{{ dict.mro() }}",
    "{{ ('x' | attr('ljust'))(1000000000) }}", "{% set f = '{:1000000000}'.format %}{{ f(1) }}",
    "{% for i in range(100000) %}{% set x = cycler(*_.numbers) %}{% endfor %}",
    "{{ _.numbers | select('in', _.numbers) | list | length }}",
]  # fmt: skip
DEEP = [
    "<% " + "(" * 5000 + "1" + ")" * 5000 + " %>", "<% " + "[" * 3000 + "]" * 3000 + " %>", "<% " + "not " * 5000 + "1 %>",
    "<% " + "+".join(["1"] * 5000) + " %>", "<% $" + ".a" * 2900 + " %>", "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    "{{ " + "[" * 3000 + "]" * 3000 + " }}", "{{ _" + ".a" * 2900 + " }}", "{{ " + "~".join(["1"] * 5000) + " }}",
    "{% if 1 %}" * 500 + "{% endif %}" * 500, "{{ " + "9" * 5000 + " }}", "<% " + "9" * 5000 + " %>",
]  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def collected() -> Iterator[None]:
    """What other tests left is looked through once, and not at each measurement."""
    gc.collect()
    gc.freeze()
    yield
    gc.unfreeze()


def cost_of(text: str) -> tuple[float, ExpressionError | None]:
    gc.collect()
    started, caught = time.process_time(), None
    try:
        parse(text).evaluate(DATA, snapshot())
    except ExpressionError as error:
        caught = error
    return time.process_time() - started, caught


@pytest.mark.parametrize("text", [*(f"<% {text} %>" for text in YAQL), *JINJA, *DEEP])
def test_what_runs_away_ends_soon_in_a_readable_sentence(text) -> None:
    # It takes 100 ms of a quiet machine; what is held here is that it does not run away on any.
    seconds, error = cost_of(text)
    assert error is not None
    assert error.message.endswith(".")
    assert "\n" not in error.message
    assert "Traceback" not in error.message
    assert seconds < 2.0


@pytest.mark.parametrize(
    "text", [f"<% {YAQL[3]} %>", f"<% {DOUBLED} %>", f"<% str({DOUBLED}) %>", JINJA[1], JINJA[3], JINJA[27]]
)
def test_what_runs_away_needs_little_memory(text) -> None:
    tracemalloc.start()
    try:
        cost_of(text)
        assert tracemalloc.get_traced_memory()[1] < 48 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_limits_can_be_chosen_for_each_evaluation() -> None:
    tight = ExpressionLimits(steps=50)
    with pytest.raises(ExpressionError) as caught:
        parse("<% range(100).sum() %>").evaluate({}, snapshot(), tight)
    assert caught.value.kind is Kind.LIMIT
    assert parse("<% range(100).sum() %>").evaluate({}, snapshot()) == 4950


def test_a_result_larger_than_the_limit_is_refused() -> None:
    with pytest.raises(ExpressionError, match="larger than 100 bytes"):
        parse("<% $.text %>").evaluate({"text": "a" * 200}, snapshot(), ExpressionLimits(output_bytes=100))


BITS = ["$", "$.a", "_", "_.a", "task", "(", ")", "[", "]", "{", "}", "<%", "%>", "{{", "}}", "{%", "%}", "|", "~", "=>", "->",
        "and", "or", "not", "in", " ", ".", "?.", ",", "1", "'a'", '"', "len", "for x in", "if", "endif", "else", "set", "range(3)",
        ".select(", ".where(", "+", "*", "**", "=~", "'(a|b)*'", "namespace()", "loop", "__class__", ".format(", "\\", "\n"]  # fmt: skip


@given(
    st.lists(st.sampled_from(BITS), max_size=25),
    st.sampled_from(["<% {} %>", "{{{{ {} }}}}", "{{% {} %}}", "{}"]),
)
def test_nothing_but_expression_errors_comes_out_of_nonsense(bits, frame) -> None:
    text, error = frame.format("".join(bits)), None
    try:
        parse(text).evaluate({"a": [1, "b", None]}, snapshot())
    except ExpressionError as refused:
        error = refused
    assert error is None or 0 <= error.offset <= len(text)


@given(st.text(max_size=60), st.sampled_from(["<% {} %>", "{{{{ {} }}}}", "{}"]))
def test_nothing_but_expression_errors_comes_out_of_any_text(inner, frame) -> None:
    error = None
    try:
        parse(frame.format(inner)).evaluate({"a": 1}, snapshot())
    except ExpressionError as refused:
        error = refused
    assert error is None or error.message
