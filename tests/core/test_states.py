"""The literal tables of states, and the CHECKs in SQL that repeat them (STYLE, rule 3)."""

import re
from enum import StrEnum
from pathlib import Path

import ostro.store
from ostro.core.states import ACTIVE, ENDED, MOVES, REVIVALS, WORKFLOW_ENDED, WORKFLOW_MOVES
from ostro.values import SkipReason, TaskState, WorkflowState

SCHEMA = (Path(ostro.store.__file__).parent / "migrations" / "0001_first.sql").read_text()


def table(name: str) -> str:
    found = re.search(rf"CREATE TABLE {name} \((.*?)\n\)", SCHEMA, re.DOTALL)
    assert found, name
    return found[1]


def words(text: str, before: str, after: str = r"\)") -> set[str]:
    """The quoted words of `CHECK (before IN (...) after`."""
    found = re.search(rf"{before}\s+IN\s*\(([^)]*)\){after}", text)
    assert found, before
    return set(re.findall(r"'(\w+)'", found[1]))


def values(enum: type[StrEnum]) -> set[str]:
    return {member.value for member in enum}


def test_sql_knows_the_same_states_of_tasks_and_workflows() -> None:
    assert words(table("tasks"), r"CHECK \(state") == values(TaskState) == {s.value for s in MOVES}
    assert words(table("workflows"), r"CHECK \(state") == values(WorkflowState)
    assert set(WORKFLOW_MOVES) == set(WorkflowState)


def test_sql_ties_an_end_to_its_instant_as_the_tables_do() -> None:
    ended = r" = \(ended_at IS NOT NULL\)"
    assert words(table("tasks"), r"CHECK \(\(state", r"\)" + ended) == {s.value for s in ENDED}
    assert words(table("workflows"), r"CHECK \(\(state", r"\)" + ended) == {s.value for s in WORKFLOW_ENDED}


def test_sql_knows_the_same_reasons_and_only_skipped_has_one() -> None:
    assert words(table("tasks"), r"CHECK \(reason") == values(SkipReason)
    assert "CHECK ((state = 'SKIPPED') = (reason IS NOT NULL))" in table("tasks")


def test_an_ended_job_is_in_an_end_that_a_run_can_have() -> None:
    assert words(table("jobs"), r"CHECK \(state") == {s.value for s in ENDED - {TaskState.SKIPPED}}


def test_an_end_has_no_move_and_is_what_an_operator_may_revive() -> None:
    assert {state for state, onward in MOVES.items() if not onward} == ENDED == set(REVIVALS)
    assert set(MOVES) == ENDED | ACTIVE | {TaskState.WAITING}
    assert all(state not in onward for state, onward in MOVES.items())
