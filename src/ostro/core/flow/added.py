"""What callers' tasks come to when they start: their expressions evaluated, what can end at once ended.

Tasks of a definition go through `running`.
"""

from datetime import timedelta
from typing import NamedTuple

import msgspec

from ostro.core import signals
from ostro.core.effects import Timer
from ostro.core.flow.calls import awaited
from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.plan import Written
from ostro.core.requirements.conditions import Task
from ostro.core.specs import TaskSpec, WithExpressions
from ostro.core.workflow import Moment, Workflow
from ostro.inline import outcome_of
from ostro.values import WAIT_SIGNAL, TaskState

_Ended = tuple[TaskState, bytes | None, str | None]


class Start(NamedTuple):
    """How a run begins: its own input (None: as the task was sent) and target. `ended` where nobody has to run it."""

    target: dict[str, str]
    input: bytes | None = None
    ended: _Ended | None = None
    signal: str = ""
    """The name that it waits for."""


def start_of(workflow: Workflow, task: Task, spec: TaskSpec, moment: Moment) -> Start:
    """The next run of a task. An expression that fails is an error of the task."""
    try:
        start = Start(spec.target)
        if spec.evaluates is not None:
            start = _evaluated(Scope(workflow, moment, task), spec.target, spec.evaluates)
        if spec.action == WAIT_SIGNAL:
            return _waiting(workflow, task, spec, start)
    except Failed as failed:
        return Start({}, ended=(TaskState.ERROR, None, str(failed)))
    if spec.is_inline:
        given = spec.input if start.input is None else start.input
        return start._replace(ended=outcome_of(spec.action, given))
    return start


def wait_outside(workflow: Workflow, task: Task, spec: TaskSpec, start: Start, moment: Moment) -> None:
    """A run that no worker has begins: what it waits for is known, and how long it may."""
    if not spec.is_unattended:
        return
    if start.signal and task.row.job is not None:
        signals.wait(workflow, task.row.job, start.signal)
    if spec.timeout is not None:
        workflow.set_timer(Timer("timeout", task.id, moment.now + timedelta(seconds=spec.timeout)))


def _evaluated(scope: Scope, target: dict[str, str], text: WithExpressions) -> Start:
    given = scope.value(Written(msgspec.json.decode(text.input)))
    chosen = scope.value(Written(text.target)) or target
    for key, value in chosen.items():
        if not isinstance(value, str):
            raise Failed(f"`target` is a mapping of texts, and {key!r} gave {type(value).__name__}")
    return Start(chosen, encoded(given))


def _waiting(workflow: Workflow, task: Task, spec: TaskSpec, start: Start) -> Start:
    """It ends with a signal that is there already, or waits for the next."""
    given = spec.input if start.input is None else start.input
    name = awaited(task, msgspec.json.decode(given))
    kept = signals.take(workflow, name)
    if kept is not None:
        return start._replace(ended=(TaskState.SUCCESS, kept.payload, None))
    return start._replace(signal=name)
