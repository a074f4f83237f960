"""A conformance case played on the core alone, as the README beside the cases says how to read it."""

# Every workflow here is made from a definition, and cases name what is there: the checker cannot know.
# mypy: disable-error-code="union-attr,index,assignment,no-any-return"

from typing import Any

import msgspec

from ostro.core.events import JobEnded, Pause, Rerun, Resume, Skip, StopWorkflow
from ostro.core.workflow import Workflow
from ostro.errors import OstroError
from ostro.values import SkipReason, TaskState, WorkflowState
from tests.core.definitions.world import World

_IN_MISTRAL = {"PAUSED": "IDLE"}
ENDS = ("SUCCESS", "ERROR", "CANCELLED")


def outcome_of(case: dict[str, Any]) -> dict[str, Any]:
    """What became of it, in the form of `expect`."""
    world = World()
    try:
        for other in case.get("also", ()):
            world.upload(other["text"], other["kind"])
        world.upload(case["definition"], case.get("kind", "workflows"))
    except ValueError as refused:
        return {"invalid": True, "kind": "definition", "why": str(refused)}
    if "start" not in case:
        return {"valid": True}
    start = case["start"]
    try:
        root = world.start(start["workflow"], start.get("input") or {}, start.get("params") or {})
    except (ValueError, OstroError) as refused:
        return {"invalid": True, "kind": "input", "why": str(refused)}
    world.settle()
    for step in case.get("steps", ()):
        _do(world, root, step)
    until = [case["until"]] if "until" in case else ENDS
    _wait(world, lambda: world.workflows[root].state.value in until)
    while "settle" in case and world.advance():
        world.settle()
    return _told(world.workflows[root])


def _wait(world: World, holds: Any) -> None:
    world.settle()
    while not holds():
        if not world.advance():
            raise AssertionError("nothing is due any more, and what was waited for has not come")
        world.settle()


def _workflow(world: World, root: Any, name: str | None) -> Workflow | None:
    if name is None:
        return world.workflows[root]
    return next((w for w in reversed(world.workflows.values()) if w.birth.name == name), None)


def _task(world: World, name: str) -> tuple[Workflow, Any] | None:
    for workflow in reversed(world.workflows.values()):
        if name in workflow.names:
            return workflow, workflow.names[name]
    return None


def _do(world: World, root: Any, step: dict[str, Any]) -> None:
    when = step.get("when")
    if when is not None:
        _wait(world, lambda: _holds(world, root, when))
    try:
        _obey(world, root, step)
    except OstroError:
        if not step.get("refused"):
            raise
    else:
        assert not step.get("refused"), f"{step} was obeyed"
    world.settle()


def _holds(world: World, root: Any, when: dict[str, Any]) -> bool:
    if "task" not in when:
        workflow = _workflow(world, root, when.get("workflow"))
        return workflow is not None and workflow.state.value == when["state"]
    found = _task(world, when["task"])
    if found is None:
        return False
    workflow, task = found
    step = workflow.flow.steps[task.id]
    state = _IN_MISTRAL.get(task.state.value, task.state.value)
    return state == when["state"] and step.runs >= when.get("runs", 0)


def _obey(world: World, root: Any, step: dict[str, Any]) -> None:
    workflow = _workflow(world, root, step.get("workflow"))
    match step["do"]:
        case "complete_action":
            _complete(world, step)
        case "pause":
            world.tell(workflow.id, Pause())
        case "resume":
            world.tell(workflow.id, Resume(env=step.get("env")))
        case "cancel":
            event = StopWorkflow(state=WorkflowState.CANCELLED, message=step.get("message", ""))
            world.tell(workflow.id, event)
        case "stop":
            world.tell(workflow.id, StopWorkflow(state=WorkflowState(step["state"]), message=step["message"]))
        case "rerun":
            found = _task(world, step["task"])
            event = Rerun(name=step["task"], reset=step.get("reset", True), env=step.get("env"))
            world.tell(found[0].id, event)
        case "skip":
            found = _task(world, step["task"])
            world.tell(found[0].id, Skip(name=step["task"]))
        case "wait":
            until = world.now.timestamp() + step["seconds"]
            while world.due and min(world.due.values()).timestamp() <= until:
                world.advance()
                world.settle()


def _complete(world: World, step: dict[str, Any]) -> None:
    open_jobs = {**world.past, **world.jobs} if step.get("again") else world.jobs
    for job, (known, queued) in open_jobs.items():
        task = world.workflows[known].tasks[queued.task]
        given = msgspec.json.decode(queued.input)
        if (
            task.name == step["task"]
            and step.get("match", {}).items() <= _wide(world, known, queued, given).items()
        ):
            state, output = TaskState(step["state"]), msgspec.json.encode(step.get("output"))
            world.tell(known, JobEnded(job=job, fence=0, state=state, result=output, error=None))
            return
    if world.workflows and not step.get("refused"):
        assert any(w.ended for w in world.workflows.values()), f"no open job for {step}"


def _wide(world: World, known: Any, queued: Any, given: dict[str, Any]) -> dict[str, Any]:
    """The input, with the loop variables: of an ad-hoc action the cases name what it was given."""
    step = world.workflows[known].flow.steps[queued.task]
    if not step.is_loop:
        return given
    names = [name for name, _ in step.task.loops]
    return given | dict(zip(names, step.items()[queued.item], strict=True))


def _told(workflow: Workflow) -> dict[str, Any]:
    flow = workflow.flow
    tasks = []
    for task in workflow.tasks.values():
        step = flow.steps[task.id]
        if task.reason not in {None, SkipReason.OPERATOR}:
            continue
        state = _IN_MISTRAL.get(task.state.value, task.state.value)
        published = msgspec.json.decode(step.row.published) if step.row.published else {}
        one = {"name": task.name, "state": state, "runs": step.runs, "published": published}
        if task.state is TaskState.SUCCESS:
            one["result"] = step.result()
        tasks.append(one)
    output = msgspec.json.decode(flow.row.output) if flow.row.output else {}
    info = workflow.row.error or flow.row.message or ""
    return {"state": workflow.state.value, "output": output, "info": info, "tasks": tasks}
