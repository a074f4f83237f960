"""Regular expressions find what Python's `re` finds, and take no longer than the text is long."""

import re
from random import Random

import pytest

from ostro.language.expressions import ExpressionError
from ostro.language.expressions.evaluation import Run
from ostro.language.expressions.limits import DEFAULT_LIMITS
from ostro.language.expressions.regexes import compiled, filled
from tests.language.expressions.world import snapshot, value_of

ATOMS = ["a", "b", ".", r"\d", r"\w", r"\s", r"\S", r"\D", "[ab]", "[^a]", "[a-c1]", r"[\w-]", "x", "1", " ", "-", r"\.", "^", "$", r"\b", "ü",
         "(?:ab|a)", "(a|b)", "(a)(b)?", "(?:)", "(?=a)", "(?!b)", r"(?<=a)", r"\n"]  # fmt: skip
AGAIN = ["", "", "", "*", "+", "?", "{1,2}", "{2}", "*?", "+?", "??"]
TEXTS = ["", "a", "ab", "aab1 b-x.", "baab\n", "ü a-b 1", "a\nb\n", "x1x2 x33", "Straße 7", "  a  "]


def run() -> Run:
    return Run(snapshot(), DEFAULT_LIMITS)


def pattern(random: Random) -> str:
    parts = []
    for _ in range(random.randint(1, 4)):
        atom = random.choice(ATOMS)
        parts.append(
            atom if atom in "^$" or atom.startswith(("(?=", "(?!", "(?<")) else atom + random.choice(AGAIN)
        )
    return "|".join(["".join(parts)] if random.random() < 0.8 else parts)


def spans(found) -> list:
    return [(one.start(), one.end(), one.groups()) for one in found]


def test_generated_patterns_find_what_re_finds() -> None:
    random, refused, looked = Random(5), 0, 0
    for _ in range(1_500):
        text, flags = random.choice(TEXTS), random.choice([0, 0, re.IGNORECASE, re.MULTILINE, re.DOTALL])
        written = pattern(random)
        try:
            ours = compiled(run(), written, flags)
            first = ours.search(run(), text)
        except ExpressionError:
            refused += 1
            continue
        looked += 1
        theirs = re.compile(written, flags).search(text)
        assert spans([first] if first else []) == spans([theirs] if theirs else []), (written, flags, text)
    assert looked > 1_250
    assert refused < 250


def test_all_matches_splits_and_replacements_are_those_of_re() -> None:
    for written in (r"\d+", "[ab]", "a*", "(a)|b", r"\s*-\s*", "x?", "", r"\b"):
        for text in TEXTS:
            ours, theirs = compiled(run(), written), re.compile(written)
            assert spans(ours.find_all(run(), text)) == spans(theirs.finditer(text)), (written, text)
            assert list(ours.split(run(), text)) == theirs.split(text)
            made = ours.replace(run(), text, lambda found, ours=ours: filled("<\\g<0>>", found, ours))
            assert made == theirs.sub("<\\g<0>>", text)


def test_groups_can_be_used_by_number_and_by_name() -> None:
    data = {"v": "release-1.24"}
    assert value_of(r"<% regex('(\d+)\.(\d+)').replace($.v, '\\2.\\1') %>", data) == "release-24.1"
    assert value_of(r"<% regex('(?P<major>\d+)\.').search($.v, $major.value) %>", data) == "1"
    with pytest.raises(ExpressionError, match="names a group"):
        value_of(r"<% regex('a').replace($.v, '\\3') %>", data)


def test_a_line_feed_at_the_end_is_before_the_end_as_in_re() -> None:
    assert value_of("<% $.out =~ '^ok$' %>", {"out": "ok\n"}) is True
    assert value_of("<% $.out =~ '^ok$' %>", {"out": "ok\nno\n"}) is False


def test_look_around_works_while_its_work_is_bounded() -> None:
    assert value_of("<% regex('(?<=v)\\\\d+(?!x)').search('v12') %>") == "12"
    with pytest.raises(ExpressionError, match="could take too long"):
        value_of("<% regex('(?=a*b*c*)d').search($.t) %>", {"t": "a" * 5000})
