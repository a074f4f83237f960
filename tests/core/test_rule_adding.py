"""Rules 10 and 11, and section 4: what may be added, changed and taken away; and why something waits."""

from typing import Any

import pytest

from ostro.core import waiting
from ostro.core.events import Added, AddTasks, CancelTask, ChangeTask, DeleteTask, Done
from ostro.core.specs import TaskSpec
from ostro.errors import Conflict, Gone, Invalid, NotAllowed, NotFound, Refusal
from ostro.values import MaySpawn, Term, TermState
from tests.core.twin import World, a_task

X = ("x",)
GRANT = MaySpawn(max=2, tags=X, actions=("script",))


def needs(name: str, *on: str, **fields: Any) -> TaskSpec:
    return a_task(name, requires=tuple(Term(task=other) for other in on), **fields)


def change(world: World, spec: TaskSpec, seen: int | None = None) -> Added:
    answer = world.tell(ChangeTask(name=spec.name, spec=spec, seen=seen))
    assert isinstance(answer, Added)
    return answer


def refused(kind: type[Refusal], what: str, world: World, *tasks: TaskSpec, by: str | None = None) -> Refusal:
    """All or nothing: a refused addition leaves the workflow as it was."""
    before = list(world.workflow.names)
    with pytest.raises(kind) as raised:
        world.add(a_task("bystander"), *tasks, by=by)
    assert raised.value.kind == what
    assert list(world.workflow.names) == before
    return raised.value


# -- rule 10 ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "path"),
    [
        ([needs("a", "a")], ["`a`", "`a`"]),
        ([needs("a", "b"), needs("b", "a")], None),
        ([a_task("a", tags=X, requires=(Term(tags=X),))], None),
        ([a_task("a", tags=X, requires=(Term(tags=X, at_least=3),))], None),
        ([a_task("a", requires=(Term(tags=X),), may_spawn=GRANT)], None),
        ([a_task("a", requires=(Term(tags=X, enough=1),)), needs("b", "a", tags=X)], None),
        ([a_task("a", requires=(Term(all_tags=("x", "y")),)), needs("b", "a", tags=("x", "y"))], None),
    ],
)
def test_who_would_wait_for_itself_is_refused_with_the_path(tasks, path) -> None:
    cycle = refused(Conflict, "cycle", World(), *tasks)
    said = cycle.detail["path"]
    assert said[0] == said[-1]
    assert path in (None, said)


def test_half_of_all_tags_is_no_cycle() -> None:
    World([a_task("a", requires=(Term(all_tags=("x", "y")),)), needs("b", "a", tags=X)])


def test_a_cycle_needs_tasks_that_wait_so_one_that_started_closes_none() -> None:
    world = World([a_task("a", tags=X), needs("w", "a")])
    world.add(a_task("b", requires=(Term(tags=X),)), a_task("c", tags=("y",), requires=(Term(task="b"),)))
    refused(Conflict, "cycle", world, needs("d", "c", tags=X))


def test_a_tag_that_is_sealed_itself_is_brought_by_no_spawner() -> None:
    world = World([a_task("a", tags=X, requires=(Term(task="z"),))])
    refused(Conflict, "cycle", world, a_task("b", requires=(Term(tags=X),), may_spawn=GRANT))
    world.seal("x")
    world.add(a_task("b", requires=(Term(tags=X),), may_spawn=GRANT))


@pytest.mark.parametrize("changed", [False, True])
def test_what_is_refused_leaves_no_change_not_even_an_at_least_that_held_meanwhile(changed: bool) -> None:
    world = World([a_task("a", "std.noop", tags=("x",)), a_task("b", requires=(Term(task="c"),))])
    if changed:
        world.add(a_task("c", requires=(Term(task="never"),)))
    world.workflow.take_changes()
    task = a_task("c", requires=(Term(tags=("x",), at_least=1), Term(task="b")))
    with pytest.raises(Conflict) as refused:
        world.tell(ChangeTask(name="c", spec=task)) if changed else world.add(task)
    assert refused.value.kind == "cycle"
    assert not world.workflow.take_changes()
    assert world.workflow.row.latched == ()


def test_a_cycle_by_a_change_is_refused_and_the_task_stays_as_it_was() -> None:
    world = World([needs("a", "b"), needs("b", "c")])
    with pytest.raises(Conflict):
        change(world, needs("b", "a"))
    world.add(a_task("c", "std.noop"))
    assert world.state("b") == "RUNNING"


def test_in_a_sealed_workflow_nobody_requires_what_cannot_come() -> None:
    def born(*tasks: TaskSpec) -> str:
        try:
            World(tasks, seal=True)
        except Conflict as conflict:
            return conflict.kind
        return ""

    assert born(needs("a", "ghost")) == "requires_nothing"
    assert born(a_task("a", requires=(Term(tags=X),))) == "requires_nothing"
    assert born(a_task("a", requires=(Term(tags=X, optional=True),))) == ""
    assert born(a_task("a", requires=(Term(tags=X),)), a_task("s", may_spawn=GRANT)) == ""
    assert born(needs("a", "ghost"), a_task("s", may_spawn=GRANT)) == ""
    assert born(a_task("a", requires=(Term(all_tags=("x", "y")),)), a_task("s", may_spawn=GRANT))
    none = MaySpawn(max=0, tags=X, actions=("script",))
    assert born(a_task("a", requires=(Term(tags=X),)), a_task("s", may_spawn=none)) == "requires_nothing"


def test_nobody_requires_a_deleted_name() -> None:
    world = World([needs("a", "b")])
    world.tell(DeleteTask("a"))
    refused(Conflict, "requires_deleted", world, needs("c", "a"))


# -- rule 11 ------------------------------------------------------------------------------------------------


def test_the_same_task_again_gets_the_first_answer_also_when_all_is_closed() -> None:
    world = World([a_task("a", "std.noop", tags=X)])
    first = world.workflow.names["a"].id
    world.seal("x")
    world.seal()
    (told,) = world.add(a_task("a", "std.noop", tags=X)).tasks
    assert (told.id, told.again, told.state) == (first, True, "SUCCESS")


def test_another_task_of_that_name_is_refused() -> None:
    refused(Conflict, "task_exists", World([a_task("a")]), a_task("a", priority=3))


def test_a_deleted_name_is_gone_for_good() -> None:
    world = World([needs("a", "b")])
    assert world.tell(DeleteTask("a")) == Done()
    assert world.tell(DeleteTask("a")) == Done(changed=False)
    refused(Gone, "task_deleted", world, needs("a", "b"))


def test_of_a_batch_what_is_known_is_answered_and_the_rest_added() -> None:
    world = World([a_task("a")])
    told = world.add(a_task("b"), a_task("a"), a_task("c")).tasks
    assert [(answer.name, answer.again) for answer in told] == [("b", False), ("a", True), ("c", False)]


def test_a_name_stands_once_in_a_batch() -> None:
    refused(Conflict, "task_twice", World(), a_task("a"), a_task("a"))


def test_a_changed_task_is_still_known_by_what_was_first_sent() -> None:
    world = World([needs("a", "b")])
    change(world, needs("a", "c"))
    assert world.add(needs("a", "b")).tasks[0].again
    refused(Conflict, "task_exists", world, needs("a", "c"))


def test_a_change_puts_the_task_where_its_new_tags_and_terms_say() -> None:
    world = World([needs("a", "b", tags=X), a_task("w", requires=(Term(tags=X),))])
    change(world, needs("a", "c", tags=("y",)))
    world.seal("x")
    assert world.reason("w") == "missing"
    world.add(a_task("c", "std.noop"))
    assert world.state("a") == "RUNNING"


def test_only_waiting_tasks_are_changed_or_deleted() -> None:
    world = World([a_task("a")])
    with pytest.raises(Conflict):
        change(world, a_task("a", priority=1))
    with pytest.raises(Conflict):
        world.tell(DeleteTask("a"))
    with pytest.raises(NotFound):
        world.tell(DeleteTask("b"))


def test_a_sealed_workflow_gains_no_tag_by_a_change() -> None:
    world = World([a_task("s", may_spawn=GRANT), needs("a", "s")])
    world.seal()
    for spec in (needs("a", "s", tags=X), needs("a", "s", may_spawn=GRANT)):
        with pytest.raises(Conflict):
            change(world, spec)
    change(world, needs("a", "s", priority=5))


def test_who_is_required_by_name_is_not_deleted_and_the_list_says_by_whom() -> None:
    world = World([needs("a", "z"), needs("b", "a"), needs("c", "a")])
    with pytest.raises(Conflict) as raised:
        world.tell(DeleteTask("a"))
    assert raised.value.detail == {"required_by": ["b", "c"], "count": 2}


def test_a_copy_of_an_obeyed_call_changes_nothing_and_an_outdated_one_is_refused() -> None:
    world = World([needs("a", "b")])
    assert not change(world, needs("a", "c"), seen=1).tasks[0].again
    assert change(world, needs("a", "c"), seen=1).tasks[0].again
    with pytest.raises(Conflict) as raised:
        change(world, needs("a", "d"), seen=1)
    assert raised.value.detail == {"version": 2, "state": "WAITING"}
    with pytest.raises(Conflict):
        world.tell(CancelTask(name="a", seen=1))
    assert world.tell(CancelTask(name="a", seen=2)) == Done()
    assert world.tell(CancelTask(name="a", seen=2)) == Done(changed=False)


def test_a_grant_of_none_that_is_changed_into_one_does_not_open_a_closed_tag() -> None:
    none = MaySpawn(max=0, tags=X, actions=("script",))
    world = World(
        [
            a_task("a", "std.noop", tags=X),
            a_task("s"),
            needs("b", "s", may_spawn=none),
            a_task("w", requires=(Term(tags=X),)),
        ],
        seal=True,
    )
    assert world.state("w") == "RUNNING"
    with pytest.raises(Conflict) as raised:
        change(world, needs("b", "s", may_spawn=GRANT))
    assert raised.value.kind == "tag_closed"


def test_a_change_gives_no_other_name() -> None:
    world = World([needs("a", "b")])
    with pytest.raises(Invalid) as raised:
        world.tell(ChangeTask(name="a", spec=needs("c", "b")))
    assert raised.value.kind == "name_fixed"


def test_a_copy_of_an_obeyed_change_is_answered_also_when_the_task_has_started_since() -> None:
    world = World([needs("a", "b")])
    change(world, needs("a", "c"), seen=1)
    world.add(a_task("c", "std.noop"))
    (told,) = change(world, needs("a", "c"), seen=1).tasks
    assert (told.again, told.state) == (True, "RUNNING")
    with pytest.raises(Conflict):
        change(world, needs("a", "d"), seen=1)


# -- rule 4 --------------------------------------------------------------------------------------------------


def test_a_task_that_comes_too_late_for_many_counts_each_once_and_names_ten() -> None:
    terms = (Term(tags=("x", "y"), enough=1), Term(tags=X, enough=1))
    world = World(
        [a_task("first", "std.noop", tags=X), *(a_task(f"w{n}", requires=terms) for n in range(20))]
    )
    late, other = world.add(a_task("late", tags=("x", "y")), a_task("other", tags=("z",))).tasks
    assert (late.too_late_for, len(set(late.too_late_names))) == (20, 10)
    assert (other.too_late_for, other.too_late_names) == (0, ())


# -- section 4: what a job may add ---------------------------------------------------------------------------


def test_a_job_adds_what_its_task_was_granted_and_no_more() -> None:
    own = {"server": "x"}
    grant = MaySpawn(max=3, tags=X, targets=({"role": "db"},), actions=("script",))
    world = World(
        [a_task("given", "std.noop"), a_task("other"), needs("s", "given", target=own, may_spawn=grant)]
    )
    before = world.workflow.names["s"].row.spawned
    for wrong in (
        a_task("n", target=own, tags=("y",)),
        a_task("n", "std.http", target=own),
        a_task("n"),
        a_task("n", target={"server": "y"}),
        a_task("n", target=own, priority=1),
        a_task("n", target=own, may_spawn=GRANT),
        needs("n", "other", target=own),
        needs("n", "never", target=own),
    ):
        with pytest.raises(NotAllowed):
            world.add(wrong, by="s")
    assert world.workflow.names["s"].row.spawned == before
    world.add(a_task("one", target={**own, "role": "web"}, tags=X), by="s")
    world.add(needs("two", "given", "one", target={"role": "db"}), needs("three", "two", target=own), by="s")
    with pytest.raises(NotAllowed) as raised:
        world.add(a_task("four", target=own), by="s")
    assert raised.value.kind == "spawn_limit"
    assert world.add(a_task("one", target={**own, "role": "web"}, tags=X), by="s").tasks[0].again


def test_an_untargeted_job_adds_only_untargeted_tasks_unless_that_is_granted() -> None:
    world = World([a_task("s", may_spawn=GRANT)])
    with pytest.raises(NotAllowed):
        world.add(a_task("a", target={"server": "y"}), by="s")
    world.add(a_task("a"), by="s")


@pytest.mark.parametrize(
    "term",
    [
        Term(tags=("y",), state=TermState.COMPLETE, handles=True),
        Term(tags=("x", "y"), enough=1),
        Term(all_tags=("x", "y"), enough="1%"),
        Term(task="given", state=TermState.COMPLETE, handles=True),
    ],
)
def test_a_job_excuses_no_errors_but_of_what_it_may_add(term: Term) -> None:
    world = World(
        [a_task("given", "std.noop"), needs("s", "given", may_spawn=GRANT), a_task("y", tags=("y",))]
    )
    with pytest.raises(NotAllowed) as raised:
        world.add(a_task("n", requires=(term,)), by="s")
    assert raised.value.kind == "not_granted"


def test_a_job_may_excuse_what_it_adds_itself() -> None:
    world = World([a_task("s", may_spawn=GRANT)], seal=True)
    excuse = Term(task="a", state=TermState.COMPLETE, handles=True)
    world.add(a_task("a"), a_task("b", requires=(excuse, Term(tags=("y",), optional=True))), by="s")
    world.fail("a")
    world.succeed("s", "b")
    assert world.end == "SUCCESS"


def test_a_job_that_is_over_adds_nothing() -> None:
    world = World([a_task("s", may_spawn=GRANT)])
    spawner = world.spawner("s")
    world.succeed("s")
    with pytest.raises(NotAllowed):
        world.tell(AddTasks(tasks=(a_task("a"),), spawner=spawner))


# -- what is it waiting for? ------------------------------------------------------------------------------------


def test_each_term_says_what_it_waits_for_and_what_would_help() -> None:
    world = World([a_task(n, tags=X) for n in "abc"])
    answer = world.add(a_task("w", requires=(Term(tags=X), Term(task="later"))))
    assert answer.tasks[0].waiting_for[1] == "`later` has not been added yet"
    world.succeed("a", "b", "c")
    tag, name = waiting.of_task(world.workflow, "w")
    assert tag.verdict == name.verdict == "undecided"
    assert tag.says.startswith("3 of 3 x tasks done; the tag is not sealed: `ostro workflow seal ")
    assert tag.command.endswith("--tag x")


def test_a_task_that_will_be_skipped_says_so_and_what_it_still_waits_to_know() -> None:
    world = World([a_task("build"), a_task("lint"), needs("w", "build", "lint")])
    world.fail("build")
    report = waiting.of_workflow(world.workflow)
    ((name, sentence),) = report.waiting
    assert name == "w"
    assert sentence.startswith("will be skipped: `build` ended: ERROR")
    assert "`lint` is RUNNING" in sentence
    assert [term.verdict for term in waiting.of_task(world.workflow, "w")] == ["dead", "undecided"]


def test_a_number_says_how_many_must_still_be_added_and_advises_no_seal() -> None:
    terms = (Term(tags=X, enough=3), Term(tags=X, at_least=4), Term(tags=X, enough="90%"))
    world = World([a_task("a", tags=X), a_task("b", tags=X), a_task("w", requires=terms)])
    world.succeed("a")
    enough, at_least, share = waiting.of_task(world.workflow, "w")
    assert enough.says == "1 of 2 x tasks done, 3 are enough; 1 more must be added"
    assert at_least.says == "1 of 2 x tasks done, at least 4 must exist; 2 more must be added"
    assert "the tag is not sealed" in share.says
    world.succeed("b")
    commands = [bool(term.command) for term in waiting.of_task(world.workflow, "w")]
    assert commands == [False, False, True]


def test_an_open_workflow_says_which_of_its_goals_do_not_hold() -> None:
    goals = (Term(task="a"), Term(tags=X, enough=2), Term(task="b"))
    world = World([a_task("a", "std.noop"), a_task("b")], done_when=goals)
    world.fail("b")
    found = waiting.of_workflow(world.workflow).done_when
    assert [(one.term, one.verdict) for one in found] == [(goals[1], "undecided"), (goals[2], "dead")]
    world.seal()
    assert waiting.of_workflow(world.workflow).done_when == ()


def test_an_ended_workflow_waits_for_nothing() -> None:
    world = World([a_task("a", "std.noop")], seal=True)
    assert waiting.of_workflow(world.workflow) == waiting.WorkflowReport((), ())
    assert waiting.of_task(world.workflow, "a") == ()
