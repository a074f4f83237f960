"""`ostro fmt` lays definitions out alike, keeps comments and never changes what a text means."""

import pytest
import yaml

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
        before = yaml.safe_load(text)
    except yaml.YAMLError:
        return
    assert yaml.safe_load(made.text) == before
    assert arrange(made.text).text == made.text
