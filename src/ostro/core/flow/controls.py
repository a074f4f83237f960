"""What operators do to a workflow: resume, and stop with a message. Pausing is in `holding`."""

import msgspec

from ostro.core.events import StopWorkflow
from ostro.core.flow.holding import take_up_again, tell_callees
from ostro.core.workflow import Workflow
from ostro.values import WorkflowState


def resume(workflow: Workflow, env: dict[str, object] | None) -> bool:
    """What was held goes on: tasks that `pause-before` holds, delays that have passed, the backlog."""
    if workflow.state is not WorkflowState.PAUSED:
        return False
    workflow.touch_workflow(state=WorkflowState.RUNNING)
    take_env(workflow, env)
    if workflow.flow is not None:
        workflow.flow.row.message = None
        workflow.changes.flow_touched = True
    workflow.note("resumed", state=WorkflowState.RUNNING.value)
    take_up_again(workflow)
    tell_callees(workflow, "resume")
    return True


def take_env(workflow: Workflow, env: dict[str, object] | None) -> None:
    """New values for the environment."""
    if env and workflow.flow is not None:
        workflow.flow.row.env = msgspec.json.encode(workflow.flow.read("env") | env)
        workflow.changes.flow_touched = True


def stop(workflow: Workflow, event: StopWorkflow) -> bool:
    """Ends it in the given state, with the message as its result."""
    if workflow.ended or workflow.row.stopping:
        return False
    if workflow.flow is not None:
        workflow.flow.row.message = event.message or None
        workflow.changes.flow_touched = True
    kinds = {WorkflowState.SUCCESS: "succeed", WorkflowState.ERROR: "fail", WorkflowState.CANCELLED: "cancel"}
    workflow.stop(kinds[event.state])
    return True
