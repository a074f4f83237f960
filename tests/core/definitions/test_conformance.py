"""Every conformance case through the core alone, with the outcome that Mistral's documentation asks for."""

import re
from pathlib import Path

import pytest

from ostro.errors import Conflict
from tests.core.definitions.compared import differences
from tests.core.definitions.played import outcome_of
from tests.language.test_conformance import cases

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "mistral-differences.md"
OTHERWISE = set(re.findall(r"^\| `([a-z-]+/[a-z-]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("case", [one for one in cases() if one.id not in OTHERWISE])
def test_a_case_ends_as_recorded(case) -> None:
    assert differences(case, outcome_of(case)) == []


@pytest.mark.parametrize("case", [one for one in cases() if one.id in OTHERWISE])
def test_a_case_that_ends_otherwise_is_refused_with_a_reason(case) -> None:
    with pytest.raises(Conflict, match="has been used"):
        outcome_of(case)


def test_the_page_names_cases_that_are_there() -> None:
    assert {one.id for one in cases()} >= OTHERWISE
