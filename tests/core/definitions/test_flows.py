"""What the conformance cases do not show: waits in a paused workflow, limits, refusals that change nothing, what a loop keeps."""

# Every workflow here is made from a definition: the checker cannot know.
# mypy: disable-error-code="union-attr"

from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from ostro.core.decide import create
from ostro.core.events import (
    AddTasks,
    ChangeTask,
    Create,
    JobEnded,
    Pause,
    Rerun,
    Resume,
    SetResult,
    Skip,
    StopWorkflow,
)
from ostro.core.specs import Birth, TaskSpec
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict, Invalid
from ostro.values import Limits, Retry, TaskState, WorkflowState
from tests.core.definitions.world import START, World

T = TaskState


def begun(tasks: str, *above: str, name: str = "w", **given: Any) -> tuple[World, UUID]:
    """A world with one workflow made from these lines, as far as it goes without time passing."""
    world = World()
    world.asks = bool(given.pop("offered", ()))
    world.limits = given.pop("limits", Limits())
    return world, start(world, tasks, *above, name=name, **given)


def start(world: World, tasks: str, *above: str, name: str = "w", **given: Any) -> UUID:
    lines = "".join(f"  {line}\n" for line in above)
    text = f"version: '2.0'\n{name}:\n{lines}  tasks:\n" + "".join(
        f"    {line}\n" for line in tasks.strip().split("\n")
    )
    world.upload(text, "workflows")
    known = world.start(name, given, {})
    world.settle()
    return known


def states(world: World, known: UUID) -> dict[str, str]:
    return {task.name: task.state.value for task in world.workflows[known].tasks.values()}


def end_of(world: World, known: UUID) -> tuple[str, str | None]:
    """Once all that needs time has had it."""
    while not world.workflows[known].ended and world.advance():
        world.settle()
    row = world.workflows[known].row
    return row.state.value, row.error


def job_of(world: World, task: str) -> UUID:
    return next(
        job
        for job, (known, queued) in world.jobs.items()
        if world.workflows[known].tasks[queued.task].name == task
    )


@pytest.mark.parametrize(
    ("task", "end"),
    [
        ("a: {action: std.noop, wait-after: 5}", T.SUCCESS),
        ("a: {action: std.noop, wait-before: 5}", T.SUCCESS),
        ("a: {action: std.fail, retry: {count: 1, delay: 5}}", T.ERROR),
        ("a: {action: std.noop, wait-before: 9, timeout: 5}", T.ERROR),
    ],
)
def test_what_is_due_while_a_workflow_is_paused_is_done_at_the_resume(task: str, end: TaskState) -> None:
    world, known = begun(task)
    world.tell(known, Pause())
    while world.advance():
        world.settle()
    assert world.workflows[known].state is WorkflowState.PAUSED
    if end is T.SUCCESS:
        assert states(world, known) == {"a": "PAUSED"}
    world.tell(known, Resume())
    world.settle()
    assert end_of(world, known)[0] == end.value
    assert states(world, known) == {"a": end.value}


def test_a_hand_made_task_that_is_tried_again_waits_for_the_resume_too() -> None:
    ids = iter(range(1, 1_000))
    moment = Moment(START, lambda: UUID(int=next(ids)), Limits())
    spec = TaskSpec(name="a", action="std.fail", retry=Retry(count=1, delay=5), hash=b"1")
    event = Create(birth=Birth(namespace=1, id=UUID(int=0)), tasks=(spec,), seal=True)
    world = World()
    workflow, _ = create(event, moment)
    world.workflows[workflow.id] = workflow
    world._take(workflow)
    world.tell(workflow.id, Pause())
    assert world.advance()
    world.tell(workflow.id, Resume())
    assert workflow.state is WorkflowState.ERROR
    assert workflow.names["a"].row.run == 2


def test_a_loop_of_tasks_ends_in_error_where_a_workflow_is_full() -> None:
    world, known = begun(
        "start: {on-success: a}\na: {action: std.noop, on-success: b}\nb: {action: std.noop, on-success: a}",
        limits=Limits(tasks_per_workflow=50),
    )
    assert end_of(world, known) == ("ERROR", "a workflow has at most 50 tasks")
    assert len(world.workflows[known].tasks) == 50


def test_a_deadline_may_come_from_an_expression_and_strikes() -> None:
    world, known = begun(
        "a: {action: std.async_noop}", "input: [wait]", "deadline: <% $.wait * 60 %>", wait=2
    )
    assert world.workflows[known].row.deadline == START + timedelta(minutes=2)
    assert end_of(world, known)[0] == "ERROR"
    with pytest.raises(Conflict, match="deadline has passed"):
        world.tell(known, Rerun(name="a"))


@pytest.mark.parametrize(
    "said", ["priority: <% 500 %>", "wait-before: <% 10000000000 %>", "timeout: <% '5' %>"]
)
def test_a_policy_beyond_its_bounds_is_an_error_of_the_task(said: str) -> None:
    world, known = begun(f"a: {{action: std.async_noop, {said}}}")
    state, error = end_of(world, known)
    assert state == "ERROR"
    assert "is a whole number from" in str(error)


def test_a_skip_that_is_refused_changes_nothing() -> None:
    world = World()
    world.upload(
        "version: '2.0'\nouter:\n  tasks:\n    call: {workflow: inner}\n"
        "inner:\n  tasks:\n    bad: {action: std.fail, publish-on-skip: {v: 1}}\n",
        "workflows",
    )
    outer = world.start("outer", {}, {})
    world.settle()
    inner = next(w for w in world.workflows.values() if w.id != outer)
    before = as_kept(inner)
    with pytest.raises(Conflict, match="has been used"):
        world.tell(inner.id, Skip(name="bad"))
    assert as_kept(inner) == before


def as_kept(workflow: Workflow) -> list[bytes]:
    steps = [msgspec.msgpack.encode(step.row) for step in workflow.flow.steps.values()]
    views = [
        msgspec.json.encode({k: v.value for k, v in s.view.items()}) for s in workflow.flow.steps.values()
    ]
    return [msgspec.msgpack.encode(workflow.row), msgspec.msgpack.encode(workflow.flow.row), *steps, *views]


def test_a_skip_whose_expression_fails_is_refused_and_changes_nothing() -> None:
    world, known = begun(
        "bad: {action: std.fail, publish-on-skip: {v: 1}, on-skip: [{tell: '<% $.nothing.x %>'}]}\ntell: {}"
    )
    before = as_kept(world.workflows[known])
    with pytest.raises(Conflict, match="cannot be skipped"):
        world.tell(known, Skip(name="bad"))
    assert as_kept(world.workflows[known]) == before


def test_a_task_cannot_be_run_again_while_its_workflow_is_being_stopped() -> None:
    tasks = "bad: {action: std.fail}\nwait: {action: std.async_noop}"
    world, known = begun(tasks, limits=Limits(steps_per_decision=1))
    while states(world, known).get("bad") != "ERROR":
        world.settle()
    workflow = world.workflows[known]
    workflow.stop("cancel")
    with pytest.raises(Conflict, match="being stopped"):
        world.tell(known, Rerun(name="bad"))


def test_the_run_of_a_workflow_ends_with_that_workflow_alone() -> None:
    world = World()
    world.upload(
        "version: '2.0'\nouter:\n  tasks:\n    call: {workflow: inner}\ninner:\n  tasks:\n    a: {action: std.async_noop}\n",
        "workflows",
    )
    outer = world.start("outer", {}, {})
    world.settle()
    with pytest.raises(Conflict, match="runs a workflow"):
        world.finish(job_of(world, "call"), T.SUCCESS, b"1")
    world.finish(job_of(world, "a"), T.SUCCESS, b"1")
    world.settle()
    assert world.workflows[outer].state is WorkflowState.SUCCESS


def test_a_task_of_the_definition_is_not_changed_from_outside() -> None:
    world, known = begun("a: {action: std.async_noop}\nb: {requires: [a]}", "type: graph", "open: true")
    with pytest.raises(Conflict, match="task of the definition"):
        world.tell(known, ChangeTask(name="b", spec=TaskSpec(name="b", action="script", hash=b"2")))
    added = TaskSpec(name="c", action="std.noop", hash=b"3")
    world.tell(known, AddTasks(tasks=(added,)))
    assert states(world, known)["c"] == "SUCCESS"


def test_an_action_that_a_worker_offers_runs_and_another_does_not() -> None:
    for offered, state in ((set(), "ERROR"), ({"acme.wipe"}, "RUNNING")):
        world = World()
        world.asks, world.offered = True, set(offered)
        known = start(world, "a: {action: acme.wipe}\nhold: {action: std.async_noop}")
        job = next((j for j, (_, q) in world.past.items() if q.action == "acme.wipe"), None)
        assert (job is not None) == (state == "RUNNING")
        assert states(world, known)["a"] == "ERROR"  # the world's own worker does not know it


def test_what_no_utf_8_can_say_is_an_error_of_the_task() -> None:
    world, known = begun("""a: {action: std.noop, publish: {x: '{{ "\\ud800" }}'}}""")
    assert "surrogate" in str(end_of(world, known)[1])


def test_a_message_with_a_nul_is_kept_readable() -> None:
    world, known = begun(
        """a: {action: std.noop, on-success: ['fail msg="{{ _.nul }}"']}""", """vars: {nul: "a\\0b"}"""
    )
    assert end_of(world, known) == ("ERROR", "a\ufffdb")


def test_of_a_loop_the_failed_items_alone_run_again_whatever_order_they_come_in() -> None:
    world, known = begun("a: {action: std.async_noop, with-items: 'i in <% range(3) %>', concurrency: 1}")
    for state in (T.SUCCESS, T.ERROR, T.ERROR):
        world.finish(job_of(world, "a"), state, b'"first"')
    assert world.workflows[known].state is WorkflowState.ERROR
    world.tell(known, Rerun(name="a", reset=False))
    step = next(iter(world.workflows[known].flow.steps.values()))
    assert (step.row.again, list(step.live.values()), list(step.todo)) == ((1, 2), [1], [2])
    assert [step.counts(1, item) for item in range(3)] == [True, False, False]
    for _ in range(2):
        world.finish(job_of(world, "a"), T.SUCCESS, b'"second"')
    assert step.result() == ["first", "second", "second"]
    assert world.workflows[known].state is WorkflowState.SUCCESS


def test_an_input_of_another_type_is_refused_by_the_rule_of_the_linter() -> None:
    world = World()
    with pytest.raises(Invalid, match="of type integer"):
        start(world, "a: {}", "input: [{n: {type: integer}}]", n=True)


def test_a_stopped_workflow_says_what_was_said() -> None:
    world, known = begun("a: {action: std.async_noop}")
    world.tell(known, StopWorkflow(state=WorkflowState.SUCCESS, message="enough"))
    assert end_of(world, known) == ("SUCCESS", "enough")
    assert states(world, known) == {"a": "CANCELLED"}


def test_a_result_for_a_task_that_is_over_is_stale() -> None:
    world, known = begun("a: {action: std.async_noop, timeout: 3}")
    job = job_of(world, "a")
    assert end_of(world, known)[0] == "ERROR"
    with pytest.raises(Conflict, match="Nobody waits"):
        world.tell(known, JobEnded(job=job, fence=0, state=T.SUCCESS))


def output_of(world: World, known: UUID) -> Any:
    return msgspec.json.decode(world.workflows[known].flow.row.output or b"null")


def test_a_result_that_is_set_publishes_and_leads_on_as_if_the_run_had_ended_so() -> None:
    world, known = begun(
        "a: {action: std.fail, publish: {x: <% task().result.n %>}, on-success: b}\n"
        "b: {action: std.echo output=<% $.x + 1 %>, publish: {y: <% task().result %>}}",
        "output: {y: <% $.y %>}",
    )
    assert states(world, known) == {"a": "ERROR"}
    world.tell(known, SetResult(name="a", result=b'{"n": 4}'))
    world.settle()
    assert (states(world, known), output_of(world, known)) == ({"a": "SUCCESS", "b": "SUCCESS"}, {"y": 5})
    assert world.workflows[known].names["a"].row.run == 2


def test_a_success_that_is_called_an_error_is_handled_by_its_on_error() -> None:
    world, known = begun("a: {action: std.noop, on-error: b}\nb: {action: std.noop}")
    world.tell(known, SetResult(name="a", state=T.ERROR, error="recalled"))
    world.settle()
    assert states(world, known) == {"a": "ERROR", "b": "SUCCESS"}
    assert world.workflows[known].state is WorkflowState.SUCCESS


def test_a_result_on_which_an_expression_fails_is_refused_and_nothing_has_changed() -> None:
    world, known = begun("a: {action: std.fail, publish: {x: <% task().result.n + 1 %>}}")
    before = msgspec.to_builtins(world.workflows[known].names["a"].row)
    with pytest.raises(Conflict, match="cannot have this result"):
        world.tell(known, SetResult(name="a", result=b'{"n": "text"}'))
    assert msgspec.to_builtins(world.workflows[known].names["a"].row) == before
    assert world.workflows[known].state is WorkflowState.ERROR


def test_the_result_of_a_loop_is_a_list_of_as_many_as_it_has_items() -> None:
    world, known = begun(
        "a: {with-items: 'n in [1, 2]', action: std.fail, publish: {x: <% task().result %>}}",
        "output: {x: <% $.x %>}",
    )
    for wrong in (b"7", b"[1]", b"[1, 2, 3]", None):
        with pytest.raises(Invalid, match="2 items"):
            world.tell(known, SetResult(name="a", result=wrong))
    world.tell(known, SetResult(name="a", result=b"[3, 4]"))
    world.settle()
    assert output_of(world, known) == {"x": [3, 4]}


@pytest.mark.parametrize("kind", ["graph", "reverse"])
def test_what_was_passed_by_in_a_graph_waits_for_what_runs_again(kind: str) -> None:
    tasks = (
        "a: {action: std.async_noop, retry: {count: 1, delay: 0}, publish: {x: <% task().result %>}}\n"
        "b: {action: std.echo output=<% $.x %>, requires: [a], publish: {y: <% task().result %>}}"
    )
    world = World()
    text = f"version: '2.0'\nw:\n  type: {kind}\n  output: {{y: <% $.y %>}}\n  tasks:\n"
    world.upload(text + "".join(f"    {line}\n" for line in tasks.split("\n")), "workflows")
    known = world.start("w", {}, {"task_name": "b"} if kind == "reverse" else {})
    world.settle()
    for _ in range(2):  # each revival has its retries again
        for _ in range(2):
            world.finish(job_of(world, "a"), T.ERROR, None, "it broke")
            world.settle()
        assert states(world, known) == {"a": "ERROR", "b": "SKIPPED"}
        world.tell(known, Rerun(name="a"))
        world.settle()
        assert states(world, known) == {"a": "RUNNING", "b": "WAITING"}
    world.finish(job_of(world, "a"), T.SUCCESS, b"9")
    world.settle()
    assert (states(world, known), output_of(world, known)) == ({"a": "SUCCESS", "b": "SUCCESS"}, {"y": 9})
    world.tell(known, Rerun(name="a", from_here=True))
    world.settle()
    world.finish(job_of(world, "a"), T.SUCCESS, b"10")
    world.settle()
    assert output_of(world, known) == {"y": 10}


def test_from_here_means_nothing_in_a_direct_workflow() -> None:
    world, known = begun("a: {action: std.fail}")
    with pytest.raises(Conflict, match="by its transitions"):
        world.tell(known, Rerun(name="a", from_here=True))
