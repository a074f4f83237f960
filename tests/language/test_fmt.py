"""`ostro fmt` lays definitions out alike, keeps comments and never changes what a text means."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ostro.language.arrange import arrange
from tests.language.test_conformance import cases

UNTIDY = """\
# how to ship
version: '2.0'
ship:
    tasks:
        a:
            on-success: [b]   # then b
            action: std.noop
        # the second
        b: {action: std.noop}
    type: direct
"""


def test_keys_come_in_their_usual_order_and_comments_stay_where_they_belong() -> None:
    made = arrange(UNTIDY)
    assert made.refused == ""
    lines = made.text.splitlines()
    assert lines[0] == "# how to ship"
    assert lines.index("  type: direct") < lines.index("  tasks:")
    assert lines.index("      action: std.noop") < lines.index("      on-success: [b]   # then b")
    assert lines[lines.index("    b: {action: std.noop}") - 1] == "    # the second"


@pytest.mark.parametrize("case", list(cases()))
def test_the_meaning_stays_and_a_second_time_changes_nothing(case) -> None:
    text = case["definition"]
    made = arrange(text)
    try:
        before = yaml.load(text, Loader=yaml.CSafeLoader)
    except yaml.YAMLError:
        return
    assert yaml.load(made.text, Loader=yaml.CSafeLoader) == before
    assert arrange(made.text).text == made.text


def test_comments_after_a_block_stay_at_its_end_or_go_with_what_is_around() -> None:
    text = "w:\n    tasks:\n        a:\n            timeout: 5\n            action: std.noop\n            # of a\n    # of w\nversion: '2.0'\n"
    assert arrange(text).text == (
        "version: '2.0'\nw:\n  tasks:\n    a:\n      action: std.noop\n      timeout: 5\n      # of a\n  # of w\n"
    )


TEXTS = sorted(case.values[0]["definition"] for case in cases())
LINES = [
    "# c",
    "",
    "  # c",
    "      # deep",
    "- x",
    "a: |",
    "  ",
    "? k",
    "---",
    "<<: {a: 1}",
    "k: >-",
    "    - {a: 1}",
    "\t",
]


@st.composite
def spoilt(draw):
    """A text of the cases with a few lines changed, moved or added."""
    lines = draw(st.sampled_from(TEXTS)).split("\n")
    for _ in range(draw(st.integers(1, 4))):
        at, other = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        how = draw(st.sampled_from(["drop", "indent", "dedent", "add", "mark", "swap"]))
        if how == "add" or len(lines) < 3:
            lines.insert(at, draw(st.sampled_from(LINES)))
        elif how == "drop":
            del lines[at]
        elif how == "swap":
            lines[at], lines[other] = lines[other], lines[at]
        elif how == "mark":
            lines[at] = (
                lines[at].replace(": ", draw(st.sampled_from([": |\n", ": &a ", ":\n  ", " : "])), 1)
                + "  # t"
            )
        else:
            lines[at] = "  " + lines[at] if how == "indent" else lines[at][1:]
    return "\n".join(lines)


@given(spoilt())
@settings(max_examples=300, deadline=None)
def test_whatever_the_layout_it_never_raises_and_a_second_time_changes_nothing(text) -> None:
    made = arrange(text)
    assert made.text == text or not made.refused
    assert arrange(made.text).text == made.text
