"""What callers' tasks come to when they start: their expressions evaluated, what can end at once ended.

Tasks of a definition go through `running`.
"""

from datetime import timedelta
from typing import NamedTuple

import msgspec

from ostro.core import signals
from ostro.core.effects import Timer
from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.plan import Written
from ostro.core.requirements.conditions import Task
from ostro.core.specs import TaskSpec, WithExpressions
from ostro.core.workflow import Moment, Workflow
from ostro.inline import outcome_of
from ostro.values import WAIT_SIGNAL, TaskState

_Ended = tuple[TaskState, bytes | None, str | None]


class Call(NamedTuple):
    """One run: its own input (None: as the task was sent) and target. `ended` where nobody has to run it."""

    target: dict[str, str]
    input: bytes | None = None
    ended: _Ended | None = None
    signal: str = ""
    """The name that it waits for."""


def call_of(workflow: Workflow, task: Task, spec: TaskSpec, moment: Moment) -> Call:
    """The next run of a task. An expression that fails is an error of the task."""
    try:
        call = Call(spec.target) if spec.evaluates is None else _evaluated(workflow, task, spec, moment)
        if spec.action == WAIT_SIGNAL:
            return _waiting(workflow, task, spec, call)
    except Failed as failed:
        return Call({}, ended=(TaskState.ERROR, None, str(failed)))
    if spec.is_inline:
        given = spec.input if call.input is None else call.input
        return call._replace(ended=outcome_of(spec.action, given))
    return call


def wait_outside(workflow: Workflow, task: Task, spec: TaskSpec, call: Call, moment: Moment) -> None:
    """A run that no worker has begins: what it waits for is known, and how long it may."""
    if not spec.is_unattended:
        return
    if call.signal and task.row.job is not None:
        signals.wait(workflow, task.row.job, call.signal)
    if spec.timeout is not None:
        workflow.set_timer(Timer("timeout", task.id, moment.now + timedelta(seconds=spec.timeout)))


def _evaluated(workflow: Workflow, task: Task, spec: TaskSpec, moment: Moment) -> Call:
    scope = Scope(workflow, moment, task)
    written = _read(spec.evaluates)
    given = scope.value(written[0])
    target = scope.value(written[1])
    if not all(isinstance(value, str) for value in target.values()):
        wrong = next(key for key, value in target.items() if not isinstance(value, str))
        raise Failed(f"`target` is a mapping of texts, and {wrong!r} gave {type(target[wrong]).__name__}")
    return Call(target or spec.target, encoded(given))


def _read(text: WithExpressions | None) -> tuple[Written, Written]:
    if text is None:
        raise AssertionError("a task without expressions is not evaluated")
    return Written(msgspec.json.decode(text.input)), Written(text.target)


def _waiting(workflow: Workflow, task: Task, spec: TaskSpec, call: Call) -> Call:
    """It ends with a signal that is there already, or waits for the next."""
    given = spec.input if call.input is None else call.input
    try:
        name = signals.awaited(task, msgspec.json.decode(given))
    except ValueError as wrong:
        raise Failed(str(wrong)) from None
    kept = signals.take(workflow, name)
    if kept is not None:
        return call._replace(ended=(TaskState.SUCCESS, kept.payload, None))
    return call._replace(signal=name)
