"""What an event costs, and how much one decision does (ARCHITECTURE 2.1)."""

import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ostro.core.events import StopWorkflow
from ostro.values import MaySpawn, Retry, SkipReason, TaskState, Term, TermState
from tests.core.twin import Twin, World, a_task

SIZES = (100, 1_000, 10_000)


def calls_of(work: Callable[[], Any]) -> int:
    """How many functions, Python's and C's, are called."""
    called = 0

    def count(frame: object, event: str, arg: object) -> None:
        nonlocal called
        called += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return called


def fan(size: int) -> World:
    """`size` jobs under one tag, a chain beside them, and one task that waits for the tag."""
    jobs = [a_task(f"t{n}", tags=("x",)) for n in range(size)]
    waits = [
        a_task("join", requires=(Term(tags=("x",)),)),
        a_task("some", requires=(Term(tags=("x",), enough=size),)),
        a_task("most", requires=(Term(tags=("x",), enough="99%"),)),
    ]
    return World([*jobs, *waits], steps=100_000)


def crowd(size: int) -> World:
    """Much of all that an addition might look through: spawners, started `enough` terms, tags, bearers."""
    grant = MaySpawn(max=2, tags=("q",), actions=("script",))
    never = Term(task="never")
    return World(
        [
            a_task("done", "std.noop", tags=("x",)),
            *(a_task(f"s{n}", may_spawn=grant, requires=(never,)) for n in range(size)),
            *(a_task(f"e{n}", requires=(Term(tags=("x",), enough=1),)) for n in range(size)),
            *(a_task(f"g{n}", tags=(f"g{n}", "b"), requires=(never,)) for n in range(size)),
            *(a_task(f"w{n}", requires=(Term(tags=(f"g{n}",)),)) for n in range(size)),
        ],
        steps=100_000,
    )


@pytest.mark.parametrize(
    ("what", "task"),
    [
        ("a new tag", a_task("n", tags=("new",))),
        ("too late for all", a_task("n", tags=("x",))),
        ("waits for all bearers", a_task("n", requires=(Term(tags=("b",)),))),
        ("waits for all spawners", a_task("n", requires=(Term(tags=("q",)),))),
        ("bears and waits", a_task("n", tags=("g7",), requires=(Term(tags=("q",)),))),
    ],
)
def test_an_addition_does_not_look_through_the_crowd(what, task) -> None:
    costs = [calls_of(partial(crowd(size).add, task)) for size in (100, 2_000)]
    assert max(costs) <= min(costs) * 1.05 + 5, f"{what}: {costs}"


def test_a_seal_that_concerns_many_tags_is_judged_in_parts() -> None:
    tasks = [a_task(f"t{n}", tags=(f"g{n}",)) for n in range(600)]
    tasks += [a_task(f"w{n}", requires=(Term(tags=(f"g{n}",)),)) for n in range(600)]
    world = World(tasks, steps=5)
    before = world.decisions
    world.seal()
    assert world.decisions >= before + 2
    world.succeed(*(f"t{n}" for n in range(600)))
    assert {world.state(f"w{n}") for n in range(600)} == {"RUNNING"}


@pytest.mark.parametrize(
    ("what", "event"),
    [
        ("a job succeeds", lambda world: world.succeed("t50")),
        ("a job fails", lambda world: world.fail("t50")),
        ("a task joins the tag", lambda world: world.add(a_task("late", tags=("x",)))),
        ("a task by name", lambda world: world.add(a_task("after", requires=(Term(task="t7"),)))),
        ("a repeat", lambda world: world.add(a_task("t7", tags=("x",)))),
        ("the tag is sealed", lambda world: world.seal("x")),
        ("the workflow is sealed", lambda world: world.seal()),
    ],
)
def test_an_event_costs_what_it_touches_and_not_what_the_workflow_holds(what, event) -> None:
    costs = [calls_of(partial(event, fan(size))) for size in SIZES]
    assert max(costs) <= min(costs) * 1.05 + 5, f"{what}: {costs}"


def test_a_chain_of_10_000_noops_is_one_commit_for_every_thousand_of_them() -> None:
    chain = [
        a_task(f"n{n}", "std.noop", requires=(Term(task=f"n{n - 1}"),) if n else ()) for n in range(10_000)
    ]
    world = World(chain, seal=True)
    assert world.end == "SUCCESS"
    assert 10 <= world.decisions <= 25


def test_no_decision_starts_or_stops_more_than_its_bound() -> None:
    world = World([a_task(f"t{n}") for n in range(2_500)], steps=1000)
    assert world.decisions == 3
    assert len(world.workflow.started) == 2_500
    world.tell(StopWorkflow())
    assert world.decisions == 3 + 2
    assert world.end == "CANCELLED"


def test_a_loop_of_retries_without_delay_does_not_hold_a_decision() -> None:
    world = World([a_task("again", "std.fail", retry=Retry(count=50))], seal=True, steps=10)
    assert world.end == "ERROR"
    assert world.decisions >= 5
    assert world.workflow.names["again"].row.run == 51


def test_a_fall_to_stillness_that_a_crash_breaks_off_goes_on_as_it_was_found() -> None:
    """Rule 6: all that hang on a name that nobody added fall together, though what one of them frees has started."""
    ghost = Term(task="ghost")
    tasks = [
        a_task("first", requires=(ghost, Term(tags=("nobody",)))),
        a_task("second", requires=(ghost,)),
        a_task("freed", requires=(Term(task="first", state=TermState.COMPLETE),)),
    ]
    twin = Twin([], seal=False, done_when=(), deadline=None, steps=4, forgets=True)
    twin.adds(tasks)
    twin.seals()
    found = {name: (task.state, task.reason) for name, task in twin.workflow.names.items()}
    skipped = (TaskState.SKIPPED, SkipReason.MISSING)
    assert found == {"first": skipped, "second": skipped, "freed": (TaskState.RUNNING, None)}
    assert twin.workflow.falling is None
