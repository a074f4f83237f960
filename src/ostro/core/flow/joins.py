"""Where branches meet: who has arrived, who can still come, and which joins nobody completes."""

from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.core.workflow import Workflow


def waiting(workflow: Workflow, name: str) -> Task | None:
    """The join of that name that still waits; None if there is none, or it has started."""
    task = workflow.names.get(name)
    return task if task is not None and task.waiting else None


def is_late(workflow: Workflow, name: str, arriving: str) -> bool:
    """Whether a join has started without this branch, which comes too late and starts nothing.

    A branch that was there already comes again: that is a new lap of a loop.
    """
    task = workflow.names.get(name)
    if task is None or task.waiting:
        return False
    return arriving not in workflow.defined.steps[task.id].row.arrived


def is_lost(workflow: Workflow, join: Task) -> bool:
    """Whether a waiting join can never be met: what it lacks is not under way, and nothing under way leads to it."""
    step = workflow.defined.steps[join.id]
    coming, needed = 0, step.task.arrivals_needed - len(step.row.arrived)
    for name in step.lacks:
        if coming >= needed:
            break
        coming += _may_come(workflow, name, join)
    return coming < needed


def _may_come(workflow: Workflow, name: str, join: Task) -> bool:
    """Whether a task of that name is under way, or something under way leads to one; ways through the join do not count."""
    flow = workflow.defined
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
    return f"its branches do not meet: {', '.join(step.lacks[:10])} will not lead here"
