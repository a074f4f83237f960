"""Where branches meet: who has arrived, who can still come, and what becomes of a join that nobody completes."""

from ostro.core.plans.plan import PlannedTask
from ostro.core.plans.steps import Flow, Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Workflow


def is_held(workflow: Workflow, task: Task) -> bool:
    """Whether a WAITING task is a join that not enough have reached."""
    flow = workflow.flow
    step = flow.steps.get(task.id) if flow is not None else None
    if step is None or step.task.join is None:
        return False
    return len(step.row.arrived) < step.task.arrivals_needed


def waiting_join(workflow: Workflow, name: str) -> tuple[Task, Step] | None:
    """The join of that name that still waits; None if there is none, or it has started."""
    task = workflow.names.get(name)
    if task is None or workflow.flow is None or not task.waiting:
        return None
    return task, workflow.flow.steps[task.id]


def is_late(workflow: Workflow, planned: PlannedTask, arriving: str) -> bool:
    """Whether a join has started without this branch, which comes too late and starts nothing.

    A branch that was there already comes again: that is a new lap of a loop.
    """
    task = workflow.names.get(planned.name)
    if task is None or task.waiting or workflow.flow is None:
        return False
    return arriving not in workflow.flow.steps[task.id].row.arrived


def is_lost(workflow: Workflow, join: Task) -> bool:
    """Whether a waiting join can never be met: what it lacks is not under way, and nothing under way leads to it."""
    flow = workflow.flow
    step = flow.steps.get(join.id) if flow is not None else None
    if flow is None or step is None or not is_held(workflow, join):
        return False
    lacking = [name for name in step.task.leads_here if name not in step.row.arrived]
    coming, needed = 0, step.task.arrivals_needed - len(step.row.arrived)
    for name in lacking:
        coming += _may_come(workflow, flow, name, join)
        if coming >= needed:
            return False
    return True


def _may_come(workflow: Workflow, flow: Flow, name: str, join: Task) -> bool:
    """Whether a task of that name is under way, or something under way leads to one; ways through the join do not count."""
    search, seen = [name], {join.name}
    while search:
        one = search.pop()
        if one in seen:
            continue
        seen.add(one)
        if _is_under_way(workflow, one):
            return True
        search += flow.plan.tasks[one].leads_here
    return any(command.target in seen - {join.name} for command in flow.row.backlog)


def _is_under_way(workflow: Workflow, name: str) -> bool:
    known = workflow.names.get(name)
    if known is None:
        return False
    if not known.ended:
        return True
    return known.row.pass_ > 0 and any(task.name == name for task in workflow.started)


def why_lost(step: Step) -> str:
    """What is said of a join that was not met."""
    lacking = [name for name in step.task.leads_here if name not in step.row.arrived][:10]
    return f"its branches do not meet: {', '.join(lacking)} will not lead here"
