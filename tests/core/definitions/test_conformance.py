"""Every conformance case through the core alone, with the outcome that Mistral's documentation asks for."""

import pytest

from ostro.errors import Conflict
from tests.cases.compared import differences
from tests.cases.reading import OTHERWISE, own, recorded
from tests.core.definitions.played import outcome_of


def params(cases, *, otherwise=False):
    return [pytest.param(one.said, id=one.name) for one in cases if (one.name in OTHERWISE) is otherwise]


@pytest.mark.parametrize("case", params([*recorded(), *own()]))
def test_a_case_ends_as_recorded(case) -> None:
    assert differences(case, outcome_of(case)) == []


@pytest.mark.parametrize("case", params(recorded(), otherwise=True))
def test_a_case_that_ends_otherwise_is_refused_with_a_reason(case) -> None:
    with pytest.raises(Conflict, match="has been used"):
        outcome_of(case)


def test_the_page_names_cases_that_are_there() -> None:
    assert {one.name for one in recorded()} >= OTHERWISE.keys()
