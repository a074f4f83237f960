"""The start of a task's runs: gates and waits before it, then its jobs, inline actions or sub-workflows, item by item."""

from datetime import timedelta
from typing import Any

import msgspec

from ostro.core import signals
from ostro.core.effects import Message, QueuedJob, Timer
from ostro.core.flow import ending
from ostro.core.flow.calls import Call, awaited, call_of, input_of
from ostro.core.flow.holding import delay, pause
from ostro.core.flow.policies import seconds, truth, whole
from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.core.requirements.weights import weighs
from ostro.core.workflow import Moment, Workflow
from ostro.inline import outcome_of
from ostro.language.model.policies import DIRECT
from ostro.values import INLINE_ACTIONS, UNATTENDED_ACTIONS, WAIT_SIGNAL, TaskState

_AT_ONCE = 2
"""So many items that start count as one step of a decision."""


def take_up(workflow: Workflow, task: Task, moment: Moment) -> None:
    """A task whose time has come: for the first time, after a wait, or to run again."""
    step = workflow.defined.steps[task.id]
    if task.state is TaskState.RUNNING:  # some items have ended: others may run
        open_items(workflow, task, step, moment)
        return
    phase, step.row.phase = step.row.phase, ""
    workflow.changes.steps[task.id] = None
    if phase == "after":
        state, error = step.row.held or (TaskState.ERROR.value, None)
        step.row.held = None
        ending.judged(workflow, task, step, TaskState(state), error, moment)
        return
    if task.waiting:
        _know_whom_it_follows(workflow, task, step)
    try:
        if not _is_held_back(workflow, task, step, moment):
            _run(workflow, task, step, moment)
    except Failed as failed:
        ending.conclude(workflow, task, step, TaskState.ERROR, str(failed), moment)


def _know_whom_it_follows(workflow: Workflow, task: Task, step: Step) -> None:
    flow = workflow.defined
    if step.task.join is not None:
        flow.follow(step, tuple(step.row.arrived.values()))
    elif flow.plan.type != DIRECT:
        required = (workflow.names.get(term.task) for term in step.task.spec.requires if term.task)
        follows = [one.id for one in required if one is not None and one.id in flow.steps and one.ended]
        flow.follow(step, tuple(dict.fromkeys(follows)))


def _is_held_back(workflow: Workflow, task: Task, step: Step, moment: Moment) -> bool:
    scope, row = Scope(workflow, moment, task), step.row
    if not row.gated and truth(scope, step.task.pause_before, "pause-before"):
        row.gated, row.phase = True, "gate"
        workflow.move(task, TaskState.PAUSED, moment.now)
        workflow.note("held", task, state=TaskState.PAUSED.value, reason="pause-before")
        pause(workflow, f"{task.name} says `pause-before`")
        return True
    if not row.waited:
        row.waited = True
        _watch_the_time(workflow, task, seconds(scope, step.task.timeout, "timeout"), moment)
        wait = seconds(scope, step.task.wait_before, "wait-before")
        if wait:
            delay(workflow, task, step, "before", wait, moment)
            return True
    return False


def _watch_the_time(workflow: Workflow, task: Task, allowed: int, moment: Moment) -> None:
    if allowed:
        workflow.set_timer(Timer("timeout", task.id, moment.now + timedelta(seconds=allowed)))


def _run(workflow: Workflow, task: Task, step: Step, moment: Moment) -> None:
    scope = Scope(workflow, moment, task)
    number = task.row.run + 1
    begun: dict[str, object] = {"run": number, "started_at": task.row.started_at or moment.now}
    if task.spec is not None:
        begun["weighs"] = weighs(task.spec, started=True)
    if step.is_loop and step.row.items is None:
        step.take_items(encoded(_items(scope, step)))
        step.row.most = whole(scope, step.task.concurrency, "concurrency")
    if task.waiting and _runs_here(scope, step):
        workflow.revise(task, moment.now, **begun)
    else:
        workflow.move(task, TaskState.RUNNING, moment.now, **begun)
        workflow.note("started", task, state=TaskState.RUNNING.value, run=number)
    if step.is_loop:
        open_items(workflow, task, step, moment)
    else:
        open_run(workflow, task, step, 0, moment)


def _runs_here(scope: Scope, step: Step) -> bool:
    """Whether its one run is an inline action, for which it need not be RUNNING between."""
    if step.is_loop or step.task.action is None or step.task.target is not None:
        return False
    template = step.task.action.template
    return template.is_literal and template.value in INLINE_ACTIONS


def _items(scope: Scope, step: Step) -> list[tuple[Any, ...]]:
    """The values of the loop variables, in step. Failed if they are no lists, or not of one length."""
    lists = []
    for name, values in step.task.loops:
        found = scope.value(values)
        if isinstance(found, dict) or not isinstance(found, list | tuple):
            raise Failed(f"`with-items` walks lists, and {name!r} is {type(found).__name__}")
        lists.append(found)
    if len({len(one) for one in lists}) > 1:
        lengths = ", ".join(str(len(one)) for one in lists)
        raise Failed(f"the lists of `with-items` are of different lengths: {lengths}")
    most = scope.moment.limits.items_per_task
    if len(lists[0]) > most:
        raise Failed(f"`with-items` walks at most {most} items, and there are {len(lists[0])}")
    return list(zip(*lists, strict=True))


def open_items(workflow: Workflow, task: Task, step: Step, moment: Moment) -> None:
    """Starts items as far as `concurrency` allows; ends the task once all have ended."""
    if not step.items():
        ending.all_items_ended(workflow, task, step, moment)
        return
    for _ in range(_AT_ONCE):
        if (
            task.state is not TaskState.RUNNING
            or not step.todo
            or (step.row.most and len(step.live) >= step.row.most)
        ):
            break
        open_run(workflow, task, step, step.todo.popleft(), moment)
    else:
        if task.state is TaskState.RUNNING:
            workflow.ready[task] = None


def open_run(workflow: Workflow, task: Task, step: Step, item: int, moment: Moment) -> None:
    """One run, of a loop that of one item: inline, a sub-workflow, or a job."""
    index = item if step.is_loop else None
    scope = Scope(workflow, moment, task, item=index, extra=step.turn(item))
    job = moment.new_id()
    step.runs += 1
    step.live[job] = item
    workflow.jobs[job] = task
    try:
        if step.task.workflow is not None:
            _call_workflow(scope, task, step, job, moment)
            return
        call = call_of(scope, step)
        if call.action in INLINE_ACTIONS and step.task.target is None:
            _run_inline(scope, task, step, job, call)
        elif call.action != WAIT_SIGNAL or not _has_signal(scope, task, step, job, call):
            _queue(scope, task, step, job, call)
    except Failed as failed:
        ending.run_ended(workflow, task, step, job, TaskState.ERROR, None, str(failed), moment)


def _run_inline(scope: Scope, task: Task, step: Step, job: Any, call: Call) -> None:
    state, result, error = outcome_of(call.action, encoded(call.input))
    ending.run_ended(scope.workflow, task, step, job, state, result, error, scope.moment, call=call)


def _has_signal(scope: Scope, task: Task, step: Step, job: Any, call: Call) -> bool:
    """Whether what it waits for is there, so that it ends with that; else it is known now that it waits."""
    name = awaited(task, call.input)
    kept = signals.take(scope.workflow, name)
    if kept is None:
        signals.wait(scope.workflow, job, name)
        return False
    ending.run_ended(
        scope.workflow, task, step, job, TaskState.SUCCESS, kept.payload, None, scope.moment, call=call
    )
    return True


def _queue(scope: Scope, task: Task, step: Step, job: Any, call: Call) -> None:
    target = scope.value(step.task.target, {})
    if isinstance(target, str):
        target = {"worker": target}
    if not isinstance(target, dict) or not all(isinstance(one, str) for one in target.values()):
        raise Failed("`target` is the name of a worker, or a mapping of texts")
    scope.workflow.changes.queued[job] = QueuedJob(
        job=job,
        task=task.id,
        run=task.row.run,
        action=call.action,
        target=target,
        tags=task.row.tags,
        priority=whole(scope, step.task.priority, "priority", least=-100, most=100),
        timeout=None,
        safe_rerun=truth(scope, step.task.safe_rerun, "safe-rerun"),
        hands_over=(),
        item=step.live[job],
        input=encoded(call.input),
        unattended=call.action in UNATTENDED_ACTIONS,
    )
    if not step.is_loop:
        scope.workflow.revise(task, scope.moment.now, job=job)


def _call_workflow(scope: Scope, task: Task, step: Step, job: Any, moment: Moment) -> None:
    name = scope.value(step.task.workflow)
    if not isinstance(name, str) or not name:
        raise Failed(f"the name of a workflow is a text, not {name!r}")
    workflow, flow = scope.workflow, scope.flow
    given = input_of(scope, step)
    body = {
        "name": name,
        "workbook": flow.plan.workbook,
        "input": given,
        "env": msgspec.Raw(flow.row.env),
        "root": str(workflow.birth.root_workflow or workflow.id),
        "task": str(task.id),
        "parent": str(workflow.id),
        "library": flow.plan.library,
    }
    workflow.changes.sent.append(Message(job, "begin", encoded(body)))
    workflow.changes.queued[job] = QueuedJob(
        job=job, task=task.id, run=task.row.run, action="", target={}, tags=(), priority=0, timeout=None,
        safe_rerun=False, hands_over=(), item=step.live[job], input=encoded(given), unattended=True,
    )  # fmt: skip
    if not step.is_loop:
        workflow.revise(task, moment.now, job=job)
