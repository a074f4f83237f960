"""Rules 4 to 8: started, passed by, the end, what seals by itself, and being stopped."""

from datetime import timedelta
from typing import Any

import pytest

from ostro.core.decide import decide
from ostro.core.effects import Changes
from ostro.core.events import (
    CancelTask,
    DeadlineDue,
    Describe,
    Done,
    JobEnded,
    JobLost,
    JobTimedOut,
    RetryDue,
    StopWorkflow,
)
from ostro.core.specs import TaskSpec
from ostro.errors import Conflict, NotFound
from ostro.values import MaySpawn, Retry, TaskState, Term, TermState
from tests.core.twin import BEGIN, DEADLINE, World, a_task

X = ("x",)


def needs(name: str, *on: str, **fields: Any) -> TaskSpec:
    return a_task(name, requires=tuple(Term(task=other) for other in on), **fields)


def is_sealed(world: World) -> bool:
    return world.workflow.row.sealed


# -- rule 4 ---------------------------------------------------------------------------------------------


def test_whoever_joins_after_enough_of_them_came_too_late_and_is_told_for_whom() -> None:
    started = [a_task(f"w{n:02}", requires=(Term(tags=X, enough=1),)) for n in range(12)]
    world = World([a_task("a", "std.noop", tags=X), *started])
    answer = world.add(a_task("late", tags=X), a_task("other")).tasks
    assert (answer[0].too_late_for, len(answer[0].too_late_names)) == (12, 10)
    assert answer[1].too_late_for == 0
    assert world.add(a_task("late", tags=X)).tasks[0].too_late_for == 0, "the first answer has been given"


def test_nobody_came_too_late_for_a_task_that_starts_by_it() -> None:
    world = World([a_task("a", "std.noop", tags=X), a_task("w", requires=(Term(tags=X, enough=2),))])
    answer = world.add(a_task("b", "std.noop", tags=X)).tasks[0]
    assert world.state("w") == "RUNNING"
    assert answer.too_late_for == 0
    born = World([a_task("a", "std.noop", tags=X), a_task("w", requires=(Term(tags=X, enough=1),))]).born
    assert [told.too_late_for for told in born.tasks] == [0, 0]


def test_a_job_is_handed_what_its_task_requires_by_name() -> None:
    world = World([a_task("a"), a_task("b"), needs("c", "b", "a", target={"server": "y"}, timeout=9.0)])
    world.succeed("a", "b")
    queued = world.workflow.take_changes().queued[world.job_of("c")]
    assert (queued.hands_over, queued.target, queued.timeout, queued.run) == (
        ("b", "a"), {"server": "y"}, 9.0, 1
    )  # fmt: skip


# -- retries, timeouts, losses ----------------------------------------------------------------------------


def test_a_retry_is_a_further_run_and_its_task_has_not_ended_meanwhile() -> None:
    retry = Retry(count=2, delay=5.0)
    world = World([a_task("a", retry=retry), needs("b", "a")])
    for run in (1, 2):
        world.fail("a")
        assert world.fates() == {"a": ("DELAYED", ""), "b": ("WAITING", "")}
        task = world.workflow.names["a"]
        timer = world.workflow.take_changes().timers["retry", task.id]
        assert timer.due_at == BEGIN + timedelta(seconds=5)
        assert world.tell(RetryDue(task.id)) == Done()
        assert task.row.run == run + 1
    world.fail("a")
    assert world.fates() == {"a": ("ERROR", ""), "b": ("SKIPPED", "upstream")}


def test_a_retry_that_is_due_twice_runs_once() -> None:
    world = World([a_task("a", retry=Retry(count=1, delay=5.0))])
    world.fail("a")
    task = world.workflow.names["a"].id
    assert world.tell(RetryDue(task)) == Done()
    assert world.tell(RetryDue(task)) == Done(changed=False)


def test_a_timeout_and_a_lost_worker_are_errors_of_the_run_and_say_so() -> None:
    world = World([a_task("a", timeout=3.0), a_task("b")])
    world.tell(JobTimedOut(world.job_of("a"), 1))
    world.tell(JobLost(world.job_of("b"), 1, "web-1"))
    errors = {name: task.row.error for name, task in world.workflow.names.items()}
    assert errors == {"a": "timed out after 3 s", "b": "worker lost: web-1 did not come back"}


def test_the_result_of_a_job_that_nobody_waits_for_is_stale() -> None:
    world = World([a_task("a")])
    job = world.job_of("a")
    world.succeed("a")
    with pytest.raises(Conflict) as refused:
        world.tell(JobEnded(job=job, fence=1, state=TaskState.SUCCESS))
    assert refused.value.kind == "stale"


# -- rule 5 -------------------------------------------------------------------------------------------------


def test_a_task_with_a_dead_term_waits_until_all_its_terms_are_decided() -> None:
    world = World([a_task("a"), a_task("b"), needs("c", "a", "b")])
    world.fail("a")
    assert world.state("c") == "WAITING"
    world.succeed("b")
    assert world.fates()["c"] == ("SKIPPED", "upstream")


def test_what_is_not_needed_makes_those_behind_it_not_needed_too() -> None:
    world = World(
        [a_task("a"), a_task("cure", requires=(Term(task="a", state=TermState.ERROR),)), needs("c", "cure")]
    )
    world.succeed("a")
    world.seal()
    assert world.fates()["c"] == ("SKIPPED", "not_needed")
    assert world.end == "SUCCESS"


def test_not_needed_goes_before_missing_and_missing_before_upstream() -> None:
    world = World([a_task("a"), a_task("b")])
    dead = Term(task="a"), Term(tags=("nobody",)), Term(task="b", state=TermState.ERROR)
    world.add(a_task("u", requires=dead[:1]), a_task("m", requires=dead[:2]), a_task("n", requires=dead))
    world.fail("a")
    world.succeed("b")
    world.seal()
    assert [world.reason(name) for name in "umn"] == ["upstream", "missing", "not_needed"]


# -- rule 6 -------------------------------------------------------------------------------------------------


def test_a_term_on_a_name_that_nobody_added_is_missing_once_the_workflow_falls_still() -> None:
    world = World([a_task("a"), needs("b", "ghost"), needs("c", "b")])
    world.seal()
    assert world.state("b") == "WAITING"
    world.succeed("a")
    assert world.fates() == {"a": ("SUCCESS", ""), "b": ("SKIPPED", "missing"), "c": ("SKIPPED", "upstream")}
    assert world.end == "ERROR"


def test_the_reasons_of_all_who_wait_for_ghosts_are_found_before_any_is_passed_by() -> None:
    ghost = Term(task="ghost", state=TermState.ERROR)
    first, second = (
        a_task("a", requires=(ghost,)),
        a_task("b", requires=(Term(task="a"), Term(task="spirit"))),
    )
    for tasks in ((first, second), (second, first)):
        world = World(tasks, steps=1)
        world.seal()
        assert world.fates() == {
            t.name: ("SKIPPED", {"a": "not_needed", "b": "missing"}[t.name]) for t in tasks
        }


def test_what_runs_after_a_ghost_was_passed_by_goes_on_before_the_end() -> None:
    world = World([needs("b", "ghost"), a_task("c", requires=(Term(task="b", state=TermState.COMPLETE),))])
    world.seal()
    assert world.fates() == {"b": ("SKIPPED", "missing"), "c": ("RUNNING", "")}
    assert world.end == "RUNNING"


def test_an_empty_workflow_ends_when_it_is_sealed_and_an_open_one_does_not() -> None:
    assert World(seal=True).end == "SUCCESS"
    world = World([a_task("a", "std.noop")])
    assert world.end == "RUNNING"
    world.seal()
    assert world.end == "SUCCESS"


ERROR_A = Term(task="a", state=TermState.COMPLETE)


@pytest.mark.parametrize(
    ("others", "end"),
    [
        ([], "ERROR"),
        ([a_task("w", "std.noop", requires=(ERROR_A,))], "ERROR"),
        ([a_task("w", "std.noop", requires=(Term(task="a", state=TermState.COMPLETE, handles=True),))], "SUCCESS"),
        ([a_task("w", "std.noop", requires=(Term(tags=X, state=TermState.ERROR, handles=True),))], "SUCCESS"),
        ([a_task("w", "std.noop", requires=(Term(task="a", handles=True),))], "ERROR"),
        ([a_task("w", "std.noop", requires=(Term(tags=X, enough=1),)), a_task("b", "std.noop", tags=X)], "SUCCESS"),
        ([a_task("w", "std.noop", requires=(Term(tags=X, enough="50%"),)), a_task("b", "std.noop", tags=X)], "SUCCESS"),
        ([a_task("w", "std.noop", requires=(Term(tags=X, enough=1, state=TermState.ERROR),))], "ERROR"),
        (
            [
                a_task("w", "std.noop", requires=(Term(tags=X, enough=1),)),
                a_task("b", "std.noop", tags=X),
                a_task("lost", requires=(Term(task="a"),)),
            ],
            "ERROR",
        ),
        (
            [
                a_task("w", "std.noop", requires=(Term(tags=X, enough=1),)),
                a_task("b", "std.noop", tags=X),
                a_task("lost", requires=(Term(all_tags=X),)),
            ],
            "ERROR",
        ),
        (
            [
                a_task("w", "std.noop", requires=(Term(tags=X, enough=1, handles=True),)),
                a_task("b", "std.noop", tags=X),
                a_task("lost", requires=(Term(tags=X),)),
            ],
            "SUCCESS",
        ),
    ],
)  # fmt: skip
def test_an_error_is_one_of_the_workflow_unless_it_is_handled(others, end) -> None:
    world = World([a_task("a", tags=X), *others])
    world.fail("a")
    world.seal()
    assert world.end == end


def test_a_cancelled_task_makes_its_workflow_cancelled_before_any_error_counts() -> None:
    world = World([a_task("a"), a_task("b"), needs("c", "ghost")])
    world.fail("a")
    world.tell(CancelTask(name="b"))
    world.seal()
    assert world.end == "CANCELLED"


# -- rule 7 -------------------------------------------------------------------------------------------------


def test_done_when_seals_once_all_its_terms_hold() -> None:
    wanted = (Term(task="last"), Term(tags=X, enough=2))
    world = World(done_when=wanted)
    world.add(a_task("a", tags=X), a_task("b", tags=X), a_task("last"), needs("w", "ghost"))
    world.succeed("a", "last")
    assert not is_sealed(world)
    world.succeed("b")
    assert is_sealed(world)
    assert world.reason("w") == "missing"
    assert world.end == "ERROR"


def test_an_at_least_of_done_when_does_not_fall_again() -> None:
    world = World([a_task("a", "std.noop", tags=X)], done_when=(Term(tags=X, at_least=1), Term(task="b")))
    world.add(a_task("late", tags=X))
    world.add(a_task("b", "std.noop"))
    assert world.workflow.row.sealed


def test_done_when_takes_only_what_never_falls() -> None:
    with pytest.raises(Exception, match="done_when"):
        World(done_when=(Term(tags=X, enough="50%"),))


# -- rule 8 -------------------------------------------------------------------------------------------------


def a_busy_world(steps: int = 1000) -> World:
    tasks = [
        a_task("running", may_spawn=MaySpawn(max=3, actions=("script",))),
        a_task("delayed", retry=Retry(count=1, delay=60.0)),
        a_task("waiting", requires=(Term(task="running", state=TermState.COMPLETE),)),
        a_task("done", "std.noop"),
    ]
    world = World(tasks, deadline=DEADLINE, steps=steps)
    world.fail("delayed")
    world.workflow.take_changes()
    return world


STOPPED = {
    "running": ("CANCELLED", ""),
    "delayed": ("CANCELLED", ""),
    "waiting": ("SKIPPED", "stopped"),
    "done": ("SUCCESS", ""),
}


@pytest.mark.parametrize("steps", [1, 1000])
def test_a_cancelled_workflow_cancels_what_was_started_and_passes_by_the_rest(steps) -> None:
    world = a_busy_world(steps)
    job, delayed = world.job_of("running"), world.workflow.names["delayed"].id
    assert world.tell(StopWorkflow()) == Done()
    assert world.fates() == STOPPED
    assert world.end == "CANCELLED"
    changes: Changes = world.workflow.take_changes()
    assert job in changes.revoked
    assert changes.timers["retry", delayed].due_at is None
    assert changes.timers["deadline", None].due_at is None
    assert world.tell(StopWorkflow()) == Done(changed=False)


def test_a_deadline_that_strikes_while_a_cancel_is_stopping_tasks_is_an_error() -> None:
    world = World([a_task(f"t{n}") for n in range(5)], deadline=DEADLINE, steps=2)
    decide(world.workflow, StopWorkflow(), world.moment())
    assert world.end == "RUNNING"
    world.now = DEADLINE
    assert world.tell(DeadlineDue()) == Done()
    assert world.tell(StopWorkflow()) == Done(changed=False)
    assert world.end == "ERROR"
    assert world.workflow.row.error == "the deadline struck before the workflow was done"


def test_a_deadline_that_strikes_stops_everything_and_is_an_error() -> None:
    world = a_busy_world()
    assert world.tell(DeadlineDue()) == Done(changed=False), "too early"
    world.now = DEADLINE
    world.tell(DeadlineDue())
    assert world.fates() == STOPPED
    assert world.end == "ERROR"
    assert "deadline" in (world.workflow.row.error or "")


def test_a_deadline_may_be_moved_or_taken_away_before_it_strikes() -> None:
    world = a_busy_world()
    world.tell(Describe(deadline=DEADLINE + timedelta(hours=1)))
    world.now = DEADLINE
    assert world.tell(DeadlineDue()) == Done(changed=False)
    world.tell(Describe(deadline=None))
    world.now = DEADLINE + timedelta(days=1)
    assert world.tell(DeadlineDue()) == Done(changed=False)
    assert world.end == "RUNNING"


def test_a_cancelled_task_ends_at_once_and_its_job_is_revoked() -> None:
    world = World([a_task("a", retry=Retry(count=3)), needs("b", "a")])
    job = world.job_of("a")
    assert world.tell(CancelTask(name="a")) == Done()
    assert job in world.workflow.take_changes().revoked
    assert world.fates() == {"a": ("CANCELLED", ""), "b": ("SKIPPED", "upstream")}
    assert world.tell(CancelTask(name="a")) == Done(changed=False)


def test_an_ended_task_cannot_be_cancelled_nor_one_that_is_not_there() -> None:
    world = World([a_task("a", "std.noop")])
    with pytest.raises(Conflict):
        world.tell(CancelTask(name="a"))
    with pytest.raises(NotFound):
        world.tell(CancelTask(name="b"))
