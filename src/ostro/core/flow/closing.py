"""The end of a workflow from a definition: joins that nobody completes, its state, its output."""

from typing import Any

import msgspec

from ostro.core.effects import Message
from ostro.core.flow import ending, joins
from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.context import EMPTY, View, merged
from ostro.core.plans.steps import Flow
from ostro.core.workflow import Moment, Workflow
from ostro.language.model.policies import DIRECT, REVERSE
from ostro.values import TaskState, WorkflowState


def fail_a_join(workflow: Workflow, moment: Moment) -> bool:
    """Nothing is under way and joins wait: one that can never be met ends in ERROR. False if none waits."""
    flow = workflow.flow
    if flow is None or flow.plan.type != DIRECT or not workflow.waiting:
        return False
    # Joins that wait for each other in a circle: the first of them breaks it.
    first = next(iter(workflow.waiting))
    ending.fail_join(
        workflow, next((t for t in workflow.waiting if joins.is_lost(workflow, t)), first), moment
    )
    return True


def fail_a_lost_join(workflow: Workflow, moment: Moment) -> bool:
    """The next join of which it was found that it can never be met; false if there is none."""
    if not workflow.defined.lost:
        return False
    task, _ = workflow.defined.lost.popitem()
    if task.waiting and joins.is_lost(workflow, task):
        ending.fail_join(workflow, task, moment)
    return True


def output_of(
    workflow: Workflow, state: WorkflowState, error: str | None, moment: Moment
) -> tuple[WorkflowState, str | None]:
    """Evaluates the output; one that cannot be evaluated makes the end an ERROR. State and error as they are then."""
    flow = workflow.flow
    if flow is None:
        return state, error
    said = flow.row.message if workflow.row.stopping and flow.row.message else error
    if state is WorkflowState.CANCELLED and said is None:
        names = [task.name for task in workflow.tasks.values() if task.state is TaskState.CANCELLED]
        said = f"cancelled: {', '.join(names[:10])}"
    scope = Scope(workflow, moment, view=_last_view(workflow, flow))
    if state is WorkflowState.SUCCESS:
        try:
            _set(workflow, flow, scope.value(flow.plan.output) or _everything(scope.view))
        except Failed as failed:
            state, said = WorkflowState.ERROR, f"the output cannot be evaluated: {failed}"
        else:
            return state, said or flow.row.message
    output: dict[str, Any] = {"result": said}
    try:
        if state is WorkflowState.ERROR:
            output |= scope.value(flow.plan.output_on_error) or _everything(scope.view)
        _set(workflow, flow, output)
    except Failed as failed:
        said = f"{said or 'failed'}; `output-on-error` cannot be evaluated: {failed}"
        _set(workflow, flow, {"result": said})
    return state, said


def _set(workflow: Workflow, flow: Flow, value: Any) -> None:
    flow.row.output = encoded(value)
    workflow.changes.flow_touched = True


def _everything(view: View) -> dict[str, Any]:
    return {name: one.value for name, one in view.items()}


def _last_view(workflow: Workflow, flow: Flow) -> View:
    """What is seen at the end: behind all ended tasks that nothing followed; of a reverse workflow, behind its wanted one."""
    if flow.plan.type == REVERSE:
        wanted = workflow.names.get(flow.row.wanted)
        return flow.steps[wanted.id].view if wanted is not None else EMPTY
    ends = [flow.steps[task.id].view for task in workflow.tasks.values()
            if task.ended and task.id in flow.steps and not flow.steps[task.id].followers]  # fmt: skip
    return merged(ends)


def tell_caller(workflow: Workflow, state: WorkflowState, error: str | None) -> None:
    """The task that runs this workflow hears of its end."""
    flow = workflow.flow
    if flow is None or flow.row.caller is None:
        return
    caller = flow.row.caller
    body = msgspec.json.encode(
        {
            "task": str(caller.task),
            "job": str(caller.job),
            "state": state.value,
            "error": error,
            "output": msgspec.Raw(flow.row.output or b"null"),
        }
    )
    workflow.changes.sent.append(Message(caller.workflow, "ended", body))
