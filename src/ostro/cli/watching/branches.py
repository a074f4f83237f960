"""A look at a family as a tree: workflows and tasks under each other, whatever it is drawn with. Pure."""

from collections import Counter
from datetime import datetime

import msgspec
from msgspec import UNSET

from ostro.protocol.tasks import Items, Task
from ostro.protocol.workflows import Family, Member
from ostro.values import UUID


class Branch(msgspec.Struct, kw_only=True):
    """One line and what hangs on it. `notes` are said behind the state; `rest` counts, by state, what has no line below."""

    name: str
    state: str
    notes: list[str] = []
    error: str = ""
    begun: datetime | None = None
    ended: datetime | None = None
    below: list["Branch"] = []
    rest: dict[str, int] = {}


def tree_of(family: Family) -> Branch:
    """The whole tree. Under a task stand the tasks of the workflow that it runs, or, of a loop, those workflows."""
    callees: dict[UUID, dict[int, Member]] = {}
    for member in family.workflows[1:]:
        if member.workflow.parent_task is not None:
            newest = callees.setdefault(member.workflow.parent_task, {})
            if member.item not in newest or newest[member.item].workflow.id < member.workflow.id:
                newest[member.item] = member
    return _of_workflow(family.workflows[0], callees)


def _of_workflow(member: Member, callees: dict[UUID, dict[int, Member]], label: str = "") -> Branch:
    about = member.workflow
    return Branch(
        name=label + (about.name or str(about.id)),
        state=about.state,
        notes=[] if about.sealed else ["open"],
        error=about.error or "",
        begun=about.created_at,
        ended=about.ended_at,
        below=[_of_task(task, callees) for task in sorted(member.tasks, key=_order)],
        rest=_untold(member),
    )


def _of_task(task: Task, callees: dict[UUID, dict[int, Member]]) -> Branch:
    called = callees.get(task.id, {})
    branch = Branch(
        name=task.name,
        state=task.state,
        notes=_notes(task),
        error=_error(task),
        begun=task.started_at,
        ended=task.ended_at,
    )
    if task.items is UNSET and called:
        inner = _of_workflow(called[max(called)], callees)
        branch.below, branch.rest = inner.below, inner.rest
    else:
        branch.below = [_of_workflow(one, callees, f"[{item}] ") for item, one in sorted(called.items())]
    return branch


def _order(task: Task) -> tuple[bool, datetime, UUID]:
    """As they started; then those that have not, as they were made."""
    return task.started_at is None, task.started_at or task.created_at, task.id


def _untold(member: Member) -> dict[str, int]:
    """How many tasks of a workflow are in each state besides those that came along."""
    counts = {} if member.workflow.counts is UNSET else member.workflow.counts
    return dict(Counter(counts) - Counter(str(task.state) for task in member.tasks))


def _notes(task: Task) -> list[str]:
    notes = []
    if task.items is not UNSET and task.state != "ERROR":  # its error says how many failed
        notes.append(_so_far(task.items))
    if task.retries is not UNSET and task.retries:
        notes.append(f"retry {task.retries}" + (f" of {task.retry.count}" if task.retry else ""))
    if task.job is not UNSET and task.job is not None:
        words = {
            "queued": "queued",
            "running": f"on {task.job.worker}",
            "stopping": f"stops on {task.job.worker}",
        }
        notes.append(words[task.job.state])
    if task.reason is not None:
        notes.append(task.reason.replace("_", " "))
    return notes


def _error(task: Task) -> str:
    """Of one that has not ended: what became of the run before."""
    if task.error is None:
        return ""
    return task.error if task.ended_at is not None else f"after {task.error}"


def _so_far(items: Items) -> str:
    failed = items.ended.get("ERROR", 0)
    return f"{sum(items.ended.values())} of {items.total}" + (f", {failed} failed" if failed else "")
