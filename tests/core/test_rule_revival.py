"""Rule 9: the ways out of an end."""

from datetime import timedelta

import pytest

from ostro.core.events import DeadlineDue, Pause, Rerun, Resume, RetryDue, Revived, SetResult, Skip
from ostro.errors import Conflict
from ostro.values import MaySpawn, Retry, Term, TermState
from tests.core.recount import recount
from tests.core.twin import DEADLINE, Twin, World, a_task

X = ("x",)


def test_a_task_that_runs_again_has_its_retries_again() -> None:
    world = World([a_task("a", retry=Retry(count=1, delay=5))], seal=True)
    for _ in range(2):
        world.fail("a")
        assert world.state("a") == "DELAYED"
        world.now += timedelta(seconds=5)
        world.tell(RetryDue(world.workflow.names["a"].id))
        world.fail("a")
        assert (world.state("a"), world.end) == ("ERROR", "ERROR")
        world.tell(Rerun(name="a"))
        assert (world.state("a"), world.end) == ("RUNNING", "RUNNING")
    assert world.workflow.names["a"].row.run == 5


def test_in_a_paused_workflow_a_rerun_waits_for_the_resume() -> None:
    world = World([a_task("a"), a_task("b")], seal=True)
    world.fail("a")
    world.tell(Pause())
    world.tell(Rerun(name="a"))
    assert world.state("a") == "PAUSED"
    world.tell(Resume())
    assert world.state("a") == "RUNNING"


def test_a_task_that_had_started_never_waits_again_and_the_answer_names_it() -> None:
    world = World([a_task("a"), a_task("b", requires=(Term(task="a", state=TermState.COMPLETE),))], seal=True)
    world.succeed("a")
    answer = world.tell(Rerun(name="a"))
    assert isinstance(answer, Revived)
    assert (answer.started, answer.started_names) == (1, ("b",))
    assert world.fates() == {"a": ("RUNNING", ""), "b": ("RUNNING", "")}


def test_a_spawner_that_runs_again_opens_its_tags_again() -> None:
    grant = MaySpawn(max=1, tags=X, actions=("script",))
    world = World([a_task("s", may_spawn=grant), a_task("w", requires=(Term(tags=X),))], seal=True)
    world.fail("s")
    assert world.fates()["w"] == ("SKIPPED", "missing")
    world.tell(Rerun(name="s"))
    assert world.fates()["w"] == ("WAITING", "")
    world.add(a_task("child", tags=X), by="s")
    world.succeed("s", "child")
    assert world.state("w") == "RUNNING"


def test_a_revival_that_would_close_a_cycle_is_refused_and_changes_nothing() -> None:
    """D was passed by; then a task came that bears a tag which D waits for, and that waits for D."""
    terms = (Term(task="b"), Term(tags=X, enough=1))
    world = World([a_task("b"), a_task("f", tags=X), a_task("d", requires=terms)])
    world.succeed("f")
    world.fail("b")
    assert world.fates()["d"] == ("SKIPPED", "upstream")
    world.add(a_task("n", tags=X, requires=(Term(task="d"),)))
    before = world.fates()
    with pytest.raises(Conflict, match="wait for itself"):
        world.tell(Rerun(name="b"))
    assert world.fates() == before
    recount(world.workflow)


def test_past_the_deadline_nothing_lives_again() -> None:
    world = World([a_task("a")], seal=True, deadline=DEADLINE)
    world.fail("a")
    world.now = DEADLINE
    world.tell(DeadlineDue())
    for event in (Rerun(name="a"), Skip(name="a"), SetResult(name="a")):
        with pytest.raises(Conflict, match="deadline has passed"):
            world.tell(event)


def test_a_workflow_that_ended_before_its_deadline_is_refused_after_it_as_well() -> None:
    twin = Twin([a_task("a")], seal=True, deadline=DEADLINE)
    twin.stops()
    assert twin.reruns("a")
    twin.stops()
    twin.strikes()
    assert not twin.reruns("a")
