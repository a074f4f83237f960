"""How a workflow closes: seals, the fall to stillness, the end and what it is called, and being stopped.

Rules 2, 6, 7 and 8 of the design.
"""

from ostro.core.effects import EndedJob, Timer
from ostro.core.flow import closing, ending
from ostro.core.requirements.conditions import Condition, Task, Verdict
from ostro.core.requirements.terms import Selector
from ostro.core.workflow import Moment, Workflow
from ostro.values import SkipReason, TaskState, TermState, WorkflowState


def seal_tag(workflow: Workflow, tag: str) -> bool:
    """Nobody adds a task with the tag any more; false if that was so already."""
    if tag in workflow.sealed_tags:
        return False
    workflow.sealed_tags.add(tag)
    workflow.changes.sealed_tags[tag] = None
    workflow.note("tag_sealed", tag=tag)
    workflow.unsettle_tag(tag)
    return True


def seal_when_done(workflow: Workflow) -> None:
    """Rule 7: an open workflow with a definition of done seals itself once that is true."""
    if workflow.row.sealed or not workflow.done_when or not workflow.tasks:
        return
    if all(condition.verdict is Verdict.HOLDS for condition in workflow.done_when):
        workflow.seal()


def settle(workflow: Workflow, moment: Moment) -> bool:
    """Rule 6: a sealed workflow with nothing under way passes by what hangs on names nobody added, or ends.

    False if nothing changed.
    """
    if not workflow.row.sealed or workflow.started or workflow.ended:
        return False
    if not workflow.waiting:
        end(workflow, moment)
        return False
    if closing.fail_a_join(workflow, moment):
        return True
    workflow.passing = _on_names_nobody_added(workflow)
    if not workflow.passing:
        raise AssertionError(f"{len(workflow.waiting)} tasks are left waiting for nothing")
    return True


def _on_names_nobody_added(workflow: Workflow) -> dict[Task, SkipReason]:
    """The tasks with a term on such a name; the reasons of all are found before any of them is passed by."""
    ghosts = [name for name in workflow.by_name if name not in workflow.names]
    found = {task: None for name in ghosts for c in workflow.by_name[name].values() for task in c.watchers}
    return {task: why_passed_by(workflow, task, still=True) for task in found}


def why_passed_by(workflow: Workflow, task: Task, *, still: bool = False) -> SkipReason:
    """Rule 5. With `still`, terms on names that nobody added count as dead (rule 6)."""
    dead = [c for c in task.conditions if c.verdict is Verdict.DEAD or (still and _is_ghost(workflow, c))]
    if any(_asks_for_the_needless(workflow, condition) for condition in dead):
        return SkipReason.NOT_NEEDED
    if any(_lacks_members(workflow, condition) for condition in dead):
        return SkipReason.MISSING
    return SkipReason.UPSTREAM


def _is_ghost(workflow: Workflow, condition: Condition) -> bool:
    selector = condition.wish.selector
    return selector[0] == "task" and selector[1] not in workflow.names


def _asks_for_the_needless(workflow: Workflow, condition: Condition) -> bool:
    if condition.wish.state is TermState.ERROR:
        return True
    if condition.group is not None:
        return False
    named = workflow.names.get(condition.wish.selector[1])
    return named is not None and named.reason is SkipReason.NOT_NEEDED


def _lacks_members(workflow: Workflow, condition: Condition) -> bool:
    if condition.group is None:
        return _is_ghost(workflow, condition)
    return condition.group.total < max(condition.wish.enough or 1, condition.wish.at_least or 1)


def end(workflow: Workflow, moment: Moment) -> None:
    """The workflow ends, in the state that rule 6 names."""
    state, error = closing.output_of(workflow, *_verdict(workflow), moment)
    workflow.touch_workflow(state=state, error=error, ended_at=moment.now)
    if workflow.row.deadline is not None:
        workflow.changes.timers["deadline", None] = Timer("deadline", None, None)
    workflow.note("workflow_ended", state=state.value, error=error)
    closing.tell_caller(workflow, state, error)


def _verdict(workflow: Workflow) -> tuple[WorkflowState, str | None]:
    if workflow.row.stopping == "deadline":
        return WorkflowState.ERROR, "the deadline struck before the workflow was done"
    if workflow.row.stopping == "fail":
        return WorkflowState.ERROR, "it was stopped"
    if workflow.row.stopping == "succeed":
        return WorkflowState.SUCCESS, None
    if workflow.row.stopping == "cancel" or workflow.cancelled:
        return WorkflowState.CANCELLED, None
    if workflow.missing:
        return WorkflowState.ERROR, f"{workflow.missing} tasks required what nobody added"
    unhandled = next((task for task in workflow.errors if not is_handled(workflow, task)), None)
    if unhandled is None:
        return WorkflowState.SUCCESS, None
    return (
        WorkflowState.ERROR,
        f"{unhandled.name} ended in ERROR: {unhandled.row.error or 'it gave no reason'}",
    )


def is_handled(workflow: Workflow, task: Task) -> bool:
    """Whether the ERROR of a task is no error of its workflow (rule 6)."""
    if (
        workflow.flow is not None
        and task.id in workflow.flow.steps
        and workflow.flow.steps[task.id].row.handled
    ):
        return True
    weights = workflow.weights
    by_name: Selector = ("task", task.name)
    if by_name in weights.handles or any(weights.handles.of(task.labels)):
        return True
    if not any(weights.tolerates.of(task.labels)):
        return False
    return by_name not in weights.lost and not any(("any", tag) in weights.lost for tag in task.labels)


def stop_one(workflow: Workflow, moment: Moment) -> bool:
    """One task of a stopping workflow ends; false if all have."""
    started = next(iter(workflow.started), None)
    if started is not None:
        cancel(workflow, started, moment)
        return True
    waiting = next(iter(workflow.waiting), None)
    if waiting is None:
        return False
    workflow.move(waiting, TaskState.SKIPPED, moment.now, reason=SkipReason.STOPPED)
    workflow.note("skipped", waiting, state=TaskState.SKIPPED.value, reason=SkipReason.STOPPED.value)
    return True


def cancel(workflow: Workflow, task: Task, moment: Moment) -> None:
    """An unended task ends as CANCELLED at once; the worker that runs it is told."""
    job, run = task.row.job, task.row.run
    step = workflow.flow.steps.get(task.id) if workflow.flow is not None else None
    if step is not None:
        ending.abandon(workflow, step, moment)
    elif job is not None:
        ended = EndedJob(job, task.id, run, None, TaskState.CANCELLED, None, None, moment.now)
        workflow.changes.ended_jobs.append(ended)
        workflow.changes.revoked[job] = None
        workflow.changes.queued.pop(job, None)
    abandon_wait(workflow, task)
    workflow.move(task, TaskState.CANCELLED, moment.now)
    workflow.note("cancelled", task, state=TaskState.CANCELLED.value)


def abandon_wait(workflow: Workflow, task: Task) -> None:
    """It will not be taken up any more, neither by its time nor by what it waits for."""
    if task.state is TaskState.DELAYED:
        workflow.changes.timers["retry", task.id] = Timer("retry", task.id, None)
    if workflow.flow is not None and task.id in workflow.flow.steps:
        workflow.changes.timers["timeout", task.id] = Timer("timeout", task.id, None)
    workflow.ready.pop(task, None)
    workflow.passing.pop(task, None)
