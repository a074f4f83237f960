"""A look at a family becomes a tree."""

from uuid import UUID

from ostro.cli.watching.branches import Branch, tree_of
from ostro.protocol.tasks import Items, LiveJob
from ostro.values import Retry, SkipReason
from tests.cli.watching.looked import START, at, family, member, task


def outline(branch: Branch) -> list[str]:
    """Names, each below its parent."""
    return [branch.name, *("  " + line for one in branch.below for line in outline(one))]


def test_tasks_stand_as_they_started_and_those_that_have_not_behind_them() -> None:
    root = member(
        1,
        "w",
        task(1, "waits-first", "WAITING"),
        task(2, "late", "RUNNING", 5),
        task(3, "early", "SUCCESS", 1, 2),
        task(4, "waits-last", "WAITING"),
    )
    assert outline(tree_of(family(root))) == ["w", "  early", "  late", "  waits-first", "  waits-last"]


def test_what_a_workflow_does_stands_under_the_task_that_runs_it_at_any_depth() -> None:
    tree = tree_of(
        family(
            member(1, "top", task(1, "call", "RUNNING", 1)),
            member(2, "middle", task(2, "deeper", "RUNNING", 1), parent_task=1),
            member(
                3,
                "leaf",
                task(3, "work", "ERROR", 1, 2, error="no disk"),
                parent_task=2,
                counts={"ERROR": 1, "WAITING": 4},
            ),
        )
    )
    assert outline(tree) == ["top", "  call", "    deeper", "      work"]
    deeper = tree.below[0].below[0]
    assert deeper.rest == {"WAITING": 4}
    assert deeper.below[0].error == "no disk"


def test_of_a_loop_each_workflow_has_a_line_with_its_item() -> None:
    tree = tree_of(
        family(
            member(
                1,
                "top",
                task(1, "each", "RUNNING", 1, items=Items(total=9, ended={"SUCCESS": 6, "ERROR": 1})),
            ),
            member(3, "leaf", task(3, "work", "RUNNING", 1), parent_task=1, item=8),
            member(2, "leaf", task(2, "work", "RUNNING", 1), parent_task=1, item=7),
        )
    )
    assert outline(tree) == ["top", "  each", "    [7] leaf", "      work", "    [8] leaf", "      work"]
    assert tree.below[0].notes == ["7 of 9, 1 failed"]


def test_of_runs_that_were_repeated_the_last_one_is_shown() -> None:
    tree = tree_of(
        family(
            member(1, "top", task(1, "call", "RUNNING", 1, retries=1)),
            member(3, "again", task(3, "second", "RUNNING", 1), parent_task=1),
            member(2, "once", task(2, "first", "ERROR", 1, 2), parent_task=1, state="ERROR"),
        )
    )
    assert outline(tree) == ["top", "  call", "    second"]


def test_what_came_along_is_taken_off_the_counts() -> None:
    root = member(1, "w", task(1, "a", "RUNNING", 1), counts={"RUNNING": 1, "SUCCESS": 9812})
    assert tree_of(family(root)).rest == {"SUCCESS": 9812}


def test_a_task_says_how_often_it_was_tried_who_has_it_and_why_it_was_passed_by() -> None:
    job = LiveJob(id=UUID(int=9), state="running", run=3, worker="web-1", queued_at=START)
    root = member(
        1,
        "w",
        task(1, "a", "RUNNING", 1, retries=2, retry=Retry(count=5), job=job, error="exit code 3"),
        task(2, "b", "DELAYED", 2, retries=1),
        task(3, "c", "SKIPPED", None, 4, reason=SkipReason.NOT_NEEDED),
        task(4, "d", "ERROR", 3, 4, error="exit code 3", items=Items(total=2, ended={"ERROR": 2})),
    )
    a, b, d, c = tree_of(family(root)).below
    assert (a.notes, a.error) == (["retry 2 of 5", "on web-1"], "after exit code 3")
    assert (b.notes, c.notes) == (["retry 1"], ["not needed"])
    assert (d.notes, d.error, d.begun, d.ended) == ([], "exit code 3", at(3), at(4))
