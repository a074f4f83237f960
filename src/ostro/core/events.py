"""What comes in to a workflow. Closed: every `match` over `Event` ends in `assert_never`.

Each event has one answer type, said in its docstring; a refusal is raised as `ostro.errors.Refusal` and
changes nothing.
"""

from datetime import datetime
from typing import Any

import msgspec

from ostro.core.plans.rows import Caller
from ostro.core.specs import Birth, Spawner, TaskSpec
from ostro.values import UUID, TaskState, WorkflowState


class Create(msgspec.Struct, frozen=True, kw_only=True):
    """Make the workflow, with its first tasks; `seal` closes it at birth. Answer: Added."""

    birth: Birth
    tasks: tuple[TaskSpec, ...] = ()
    seal: bool = False
    begin: "Begin | None" = None


class AddTasks(msgspec.Struct, frozen=True, kw_only=True):
    """Add one or many, all or nothing; by a caller outside, or by a running job. Answer: Added."""

    tasks: tuple[TaskSpec, ...]
    spawner: Spawner | None = None


class ChangeTask(msgspec.Struct, frozen=True, kw_only=True):
    """Put another specification in place of a WAITING task's. Answer: Added (of one)."""

    name: str
    spec: TaskSpec
    seen: int | None = None


class DeleteTask(msgspec.Struct, frozen=True):
    """Take a WAITING task away; its name is gone for good. Answer: Done."""

    name: str


class CancelTask(msgspec.Struct, frozen=True, kw_only=True):
    """End a task that has not ended as CANCELLED, whatever runs for it. Answer: Done."""

    name: str
    seen: int | None = None


class SealTag(msgspec.Struct, frozen=True):
    """Close a tag to everybody. Sealing it again is no change. Answer: Done."""

    tag: str


class SealWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """Close the workflow to callers outside; may set its output. Answer: Done."""

    output: dict[str, str] | None = None


class Describe(msgspec.Struct, frozen=True, kw_only=True):
    """Change name, description, tags, deadline or keep: what is UNSET stays. Answer: Done."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    description: str | msgspec.UnsetType = msgspec.UNSET
    tags: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    deadline: datetime | None | msgspec.UnsetType = msgspec.UNSET
    keep: int | None | msgspec.UnsetType = msgspec.UNSET


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """The definition that a workflow is made from, and what its start gives. `plan` is a `core.flow.plan.Plan`.

    `caller` is the task that runs it. `params` are kept as sent; `task_name` is the wanted task of a reverse workflow.
    """

    plan: Any
    input: dict[str, Any] = {}
    env: dict[str, Any] = {}
    params: dict[str, Any] = {}
    evaluate_env: bool = True
    caller: Caller | None = None
    sent_as: UUID | None = None
    """The message that asks for it."""


class Pause(msgspec.Struct, frozen=True, kw_only=True):
    """Start nothing more until it is resumed. Answer: Done."""

    message: str = ""
    sent_as: UUID | None = None


class Resume(msgspec.Struct, frozen=True, kw_only=True):
    """Go on; `env` are new values for the environment. Answer: Done."""

    env: dict[str, Any] | None = None
    sent_as: UUID | None = None


class StopWorkflow(msgspec.Struct, frozen=True, kw_only=True):
    """Seal it, cancel what was started, pass by what was not (rule 8); it ends in this state. Answer: Done."""

    state: WorkflowState = WorkflowState.CANCELLED
    message: str = ""
    sent_as: UUID | None = None


class Rerun(msgspec.Struct, frozen=True, kw_only=True):
    """Run an ended task again; of a loop with `reset` all items, else those that failed. With `from_here` all that hang
    on it and had started run again with it. Answer: Revived.
    """

    name: str
    reset: bool = True
    from_here: bool = False
    env: dict[str, Any] | None = None
    seen: int | None = None


class Skip(msgspec.Struct, frozen=True, kw_only=True):
    """Let a task that does not run count as done. Answer: Revived."""

    name: str
    seen: int | None = None


class SetResult(msgspec.Struct, frozen=True, kw_only=True):
    """Give a task that ran another end: SUCCESS or ERROR, a result as JSON, an error as a sentence. Answer: Revived."""

    name: str
    state: TaskState = TaskState.SUCCESS
    result: bytes | None = None
    error: str | None = None
    seen: int | None = None


class CalleeEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow that a task ran has ended, or could not be made. Answer: Done."""

    job: UUID
    state: WorkflowState
    output: bytes | None = None
    error: str | None = None
    sent_as: UUID | None = None


class TimeoutDue(msgspec.Struct, frozen=True):
    """A task of a definition may have run longer than its `timeout`. Answer: Done."""

    task: UUID


class JobEnded(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's report of a job: SUCCESS or ERROR, a result as JSON, an error as a sentence. Answer: Done.

    The engine has made sure that (job, fence) still counts.
    """

    job: UUID
    fence: int
    state: TaskState
    result: bytes | None = None
    error: str | None = None


class JobTimedOut(msgspec.Struct, frozen=True):
    """The server's clock says that a job ran longer than its task allows. Answer: Done."""

    job: UUID
    fence: int


class JobLost(msgspec.Struct, frozen=True):
    """The worker that held the job is gone and the task is not `safe_rerun`. Answer: Done."""

    job: UUID
    fence: int
    worker: str


class RetryDue(msgspec.Struct, frozen=True):
    """The delay before a task's next run is over. Answer: Done."""

    task: UUID


class SendSignal(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody outside tells the workflow something under a name; `payload` is JSON. Answer: Signalled."""

    name: str
    payload: bytes | None = None


class DeadlineDue(msgspec.Struct, frozen=True):
    """The workflow's deadline may have struck. Answer: Done."""


class GoOn(msgspec.Struct, frozen=True):
    """Take the next bounded part of a decision that was too large for one commit. Answer: Done."""

    message: UUID


Plain = (
    DeleteTask
    | CancelTask
    | SealTag
    | SealWorkflow
    | Describe
    | JobEnded
    | JobTimedOut
    | JobLost
    | RetryDue
    | DeadlineDue
    | GoOn
)
"""What concerns every workflow alike."""

Control = Pause | Resume | StopWorkflow | CalleeEnded | TimeoutDue
"""What operators do to a workflow, and what definitions bring with them."""

Revival = Rerun | Skip | SetResult
"""What operators do to an ended task (rule 9). It needs the specifications of all tasks, also of those that ended."""

Event = Create | AddTasks | ChangeTask | SendSignal | Plain | Control | Revival


class TaskAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one added task. `again`: it was known already, by name and hash (rule 11).

    `waiting_for` are sentences about its undecided terms (ten at most); `too_late_for` counts started tasks
    whose terms select it and that do not know of it, `too_late_names` names ten of them (rule 4).
    """

    id: UUID
    name: str
    state: TaskState
    again: bool = False
    waiting_for: tuple[str, ...] = ()
    too_late_for: int = 0
    too_late_names: tuple[str, ...] = ()


class Added(msgspec.Struct, frozen=True):
    """The answer to Create, AddTasks and ChangeTask, in the order asked."""

    tasks: tuple[TaskAnswer, ...]


class Done(msgspec.Struct, frozen=True):
    """The answer to everything else. `changed` is false where there was nothing to do (a copy, a late timer)."""

    changed: bool = True


class Revived(msgspec.Struct, frozen=True):
    """The answer to a revival. `started` counts the tasks that had started on what was before; ten are named."""

    changed: bool = True
    started: int = 0
    started_names: tuple[str, ...] = ()


class Signalled(msgspec.Struct, frozen=True):
    """The answer to a signal: the task whose run it ended, None where it is kept; then names that are waited for, ten at most."""

    taken_by: str | None = None
    awaited: tuple[str, ...] = ()


Answer = Added | Done | Revived | Signalled
