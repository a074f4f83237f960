"""Rules 1 to 3: members, seals, and what terms say."""

import pytest

from ostro.core.events import CancelTask, ChangeTask, DeleteTask
from ostro.core.requirements.conditions import fate_of
from ostro.core.specs import TaskSpec
from ostro.errors import Conflict, Invalid, Refusal
from ostro.values import MaySpawn, SkipReason, TaskState, Term, TermState
from tests.core.twin import World, a_task

X = ("x",)


def waits(*terms: Term) -> TaskSpec:
    return a_task("w", requires=terms)


def members(world: World, **outcomes: str) -> None:
    """Adds members of x and lets them end: success, error, or open (not at all)."""
    world.add(*(a_task(name, tags=X) for name in outcomes))
    for name, outcome in outcomes.items():
        if outcome == "success":
            world.succeed(name)
        elif outcome == "error":
            world.fail(name)


@pytest.mark.parametrize(
    ("state", "outcome", "fate"),
    [
        (TermState.SUCCESS, "success", ("RUNNING", "")),
        (TermState.SUCCESS, "error", ("SKIPPED", "upstream")),
        (TermState.ERROR, "error", ("RUNNING", "")),
        (TermState.ERROR, "success", ("SKIPPED", "not_needed")),
        (TermState.COMPLETE, "success", ("RUNNING", "")),
        (TermState.COMPLETE, "error", ("RUNNING", "")),
    ],
)
def test_a_term_on_a_name_is_decided_by_that_tasks_end_alone(state, outcome, fate) -> None:
    world = World([waits(Term(task="a", state=state))])
    members(world, a="open")
    assert world.fates()["w"] == ("WAITING", "")
    (world.succeed if outcome == "success" else world.fail)("a")
    assert world.fates()["w"] == fate


def test_a_term_on_several_tags_waits_for_each_of_them() -> None:
    world = World([waits(Term(tags=("x", "y"))), a_task("a", tags=X), a_task("b", tags=("y",))])
    world.succeed("a", "b")
    world.seal("x")
    assert world.state("w") == "WAITING"
    world.seal("y")
    assert world.state("w") == "RUNNING"


def test_a_task_that_joins_a_tag_before_the_seal_is_waited_for() -> None:
    world = World([waits(Term(tags=X))])
    members(world, a="success", b="open")
    world.seal("x")
    assert world.state("w") == "WAITING"
    world.succeed("b")
    assert world.state("w") == "RUNNING"


def test_all_tags_selects_only_who_bears_all_of_them() -> None:
    world = World([waits(Term(all_tags=("x", "y"))), a_task("both", tags=("x", "y")), a_task("one", tags=X)])
    world.fail("one")
    world.succeed("both")
    assert world.state("w") == "WAITING"
    world.seal("y")
    assert world.state("w") == "RUNNING"


def test_a_sealed_tag_without_members_is_missing_unless_optional() -> None:
    world = World([waits(Term(tags=X)), a_task("o", requires=(Term(tags=X, optional=True),))])
    world.seal("x")
    assert world.fates() == {"w": ("SKIPPED", "missing"), "o": ("RUNNING", "")}


@pytest.mark.parametrize(
    ("term", "outcomes", "open_fate", "sealed_fate"),
    [
        (Term(tags=X, enough=2), "se", ("WAITING", ""), ("SKIPPED", "upstream")),
        (Term(tags=X, enough=2), "s", ("WAITING", ""), ("SKIPPED", "missing")),
        (Term(tags=X, enough=2), "ses", ("RUNNING", ""), ("RUNNING", "")),
        (Term(tags=X, enough=1, state=TermState.ERROR), "oe", ("RUNNING", ""), ("RUNNING", "")),
        (Term(tags=X, enough=1, state=TermState.ERROR), "s", ("WAITING", ""), ("SKIPPED", "not_needed")),
        (Term(tags=X, enough="66%"), "sse", ("WAITING", ""), ("RUNNING", "")),
        (Term(tags=X, enough="67%"), "sse", ("WAITING", ""), ("SKIPPED", "upstream")),
        (Term(tags=X, enough="50%"), "so", ("WAITING", ""), ("RUNNING", "")),
        (Term(tags=X, at_least=2), "s", ("WAITING", ""), ("SKIPPED", "missing")),
        (Term(tags=X, at_least=2), "ss", ("RUNNING", ""), ("RUNNING", "")),
        (Term(tags=X, at_least=2), "sso", ("WAITING", ""), ("WAITING", "")),
        (Term(tags=X, at_least=2), "sse", ("SKIPPED", "upstream"), ("SKIPPED", "upstream")),
        (Term(tags=X, state=TermState.COMPLETE), "se", ("WAITING", ""), ("RUNNING", "")),
        (Term(tags=X), "eo", ("SKIPPED", "upstream"), ("SKIPPED", "upstream")),
    ],
)
def test_numbers_count_members_as_the_rule_says(term, outcomes, open_fate, sealed_fate) -> None:
    world = World()
    kinds = {"s": "success", "e": "error", "o": "open"}
    world.add(a_task("blocker"), waits(term, Term(task="blocker")))
    members(world, **{f"m{n}": kinds[kind] for n, kind in enumerate(outcomes)})
    world.succeed("blocker")
    assert world.fates()["w"] == open_fate
    world.seal("x")
    assert world.fates()["w"] == sealed_fate


def test_a_success_term_passes_over_members_that_were_not_needed() -> None:
    world = World([a_task("a")])
    world.add(
        a_task("cure", tags=X, requires=(Term(task="a", state=TermState.ERROR),)),
        waits(Term(tags=X)),
        a_task("share", requires=(Term(tags=X, enough="100%"),)),
        a_task("all", requires=(Term(tags=X, state=TermState.COMPLETE),)),
        a_task("one", requires=(Term(tags=X, enough=1),)),
    )
    world.succeed("a")
    assert world.fates()["cure"] == ("SKIPPED", "not_needed")
    world.seal("x")
    assert [world.state(name) for name in ("w", "share", "all")] == ["RUNNING"] * 3
    assert world.fates()["one"] == ("SKIPPED", "upstream")


def test_at_least_stays_held_while_somebody_waits_with_it() -> None:
    world = World([waits(Term(tags=X, at_least=1), Term(task="go"))])
    members(world, a="success")
    members(world, late="open")
    world.add(a_task("second", requires=(Term(tags=X, at_least=1),)))
    assert world.state("second") == "RUNNING"
    world.add(a_task("go", "std.noop"))
    assert world.state("w") == "RUNNING"
    world.add(a_task("third", requires=(Term(tags=X, at_least=1),)))
    assert world.state("third") == "WAITING"


def test_at_least_stays_held_when_a_change_keeps_the_term() -> None:
    world = World([waits(Term(tags=X, at_least=1), Term(task="go"))])
    members(world, a="success")
    members(world, late="open")
    world.tell(ChangeTask(name="w", spec=waits(Term(tags=X, at_least=1), Term(task="now"))))
    world.add(a_task("now", "std.noop"))
    assert world.state("w") == "RUNNING"


@pytest.mark.parametrize("number", [{"enough": 2}, {"at_least": 2}])
def test_optional_terms_that_were_dead_hold_when_the_last_members_of_a_sealed_tag_are_deleted(number) -> None:
    """There is none then, whatever there was: what a workflow says does not depend on when it is read anew."""
    after = Term(task="first")
    world = World(
        [
            a_task("first"),
            a_task("x1", tags=X, requires=(after,)),
            waits(after, Term(tags=X, optional=True, **number)),
        ]
    )
    world.seal("x")
    world.tell(DeleteTask("x1"))
    assert world.state("w") == "WAITING"
    world.succeed("first")
    assert world.state("w") == "RUNNING"


def test_equal_at_least_terms_but_for_optional_are_not_one() -> None:
    both = (Term(tags=X, at_least=1, optional=True), Term(tags=X, at_least=1))
    world = World([waits(*both, Term(task="go")), a_task("o", requires=(both[1], Term(task="go")))])
    members(world, a="success")
    members(world, late="open")
    world.tell(CancelTask(name="w"))
    world.add(a_task("go", "std.noop"))
    assert world.state("o") == "RUNNING"


def test_a_sealed_tag_refuses_everybody_and_a_sealed_workflow_callers_outside() -> None:
    grant = MaySpawn(max=3, tags=("x", "y"), actions=("script",))
    world = World([a_task("s", may_spawn=grant)])
    world.seal("x")
    with pytest.raises(Conflict) as refused:
        world.add(a_task("a", tags=X))
    assert refused.value.kind == "tag_sealed"
    with pytest.raises(Conflict):
        world.add(a_task("a", tags=X), by="s")
    world.seal()
    with pytest.raises(Conflict) as refused:
        world.add(a_task("b"))
    assert refused.value.kind == "workflow_sealed"
    world.add(a_task("b", tags=("y",)), by="s")


def test_a_tag_of_a_sealed_workflow_is_open_while_a_task_may_still_spawn_into_it() -> None:
    grant = MaySpawn(max=2, tags=X, actions=("script",))
    world = World([a_task("s", may_spawn=grant), waits(Term(tags=X, optional=True))], seal=True)
    assert world.state("w") == "WAITING"
    world.add(a_task("a", tags=X), by="s")
    world.succeed("a")
    assert world.state("w") == "WAITING"
    world.add(a_task("b", tags=X), by="s")
    world.succeed("b")
    assert world.state("s") == "RUNNING"
    assert world.state("w") == "RUNNING"


def test_a_set_of_all_tags_is_open_only_while_one_task_may_give_all_of_them() -> None:
    tasks = [
        a_task("p", may_spawn=MaySpawn(max=1, tags=X, actions=("script",))),
        a_task("q", may_spawn=MaySpawn(max=1, tags=("y",), actions=("script",))),
        waits(Term(all_tags=("x", "y"), optional=True)),
    ]
    assert World(tasks, seal=True).state("w") == "RUNNING"
    tasks.append(a_task("r", may_spawn=MaySpawn(max=1, tags=("x", "y"), actions=("script",))))
    assert World(tasks, seal=True).state("w") == "WAITING"


@pytest.mark.parametrize(
    "term",
    [
        Term(),
        Term(task="a", tags=X),
        Term(task="a", enough=1),
        Term(task="a", optional=True),
        Term(tags=()),
        Term(tags=X, enough=1, at_least=1),
        Term(tags=X, enough=0),
        Term(tags=X, at_least=0),
        Term(tags=X, enough="0%"),
        Term(tags=X, enough="101%"),
        Term(tags=X, enough="3"),
        Term(tags=X, enough="-1%"),
        Term(tags=X, enough=100_001),
        Term(tags=X, at_least=10**30),
    ],
)
def test_a_term_that_says_nothing_or_too_much_is_refused_with_its_path(term) -> None:
    world = World()
    with pytest.raises(Invalid) as refused:
        world.add(a_task("a"), waits(Term(task="a"), term))
    assert refused.value.fields[0][0].startswith("tasks[1].requires[1]")
    assert not world.workflow.names


def test_a_workflow_has_at_most_100_selections_of_its_own() -> None:
    world = World([a_task(f"t{n}", requires=(Term(tags=(f"x{n}",), enough=1),)) for n in range(100)])
    with pytest.raises(Refusal) as refused:
        world.add(waits(Term(tags=X, enough=1)))
    assert refused.value.kind == "too_many_selections"
    world.add(waits(Term(tags=X)))


def test_one_selection_with_another_number_is_another_one_of_the_100() -> None:
    world = World([a_task(f"t{n}", requires=(Term(tags=X, enough=n),)) for n in range(1, 101)])
    world.add(a_task("same", requires=(Term(tags=X, enough=100),)))
    for term in (Term(tags=X, enough=101), Term(tags=X, enough="5%"), Term(tags=X, at_least=5)):
        with pytest.raises(Refusal) as refused:
            world.add(waits(term))
        assert refused.value.kind == "too_many_selections"
        assert "another number counts again" in str(refused.value)
    world.tell(DeleteTask("t1"))
    world.add(waits(Term(tags=X, enough=101)))


def test_a_member_skipped_by_an_operator_counts_as_success() -> None:
    assert fate_of(TaskState.SKIPPED, SkipReason.OPERATOR) == "success"
