"""Who waits again because tasks were revived, and who had started on what they were before."""

from collections import deque
from collections.abc import Iterator, Sequence

from ostro.core.requirements.conditions import Task
from ostro.core.requirements.terms import Selector, selects
from ostro.core.revivals.trial import Trial
from ostro.core.workflow import Workflow
from ostro.values import SkipReason, TaskState


class Requirers:
    """All tasks by what their terms select. Made once for a call: it costs what the workflow holds."""

    def __init__(self, workflow: Workflow) -> None:
        self._names: dict[str, list[Task]] = {}
        self._tags: dict[str, dict[Selector, list[Task]]] = {}
        for task in workflow.tasks.values():
            for wish in task.wishes:
                self._file(wish.selector, task)

    def of(self, task: Task) -> Iterator[Task]:
        """Those with a term on the task, or on what it may add."""
        yield from self._names.get(task.name, ())
        grant = task.spec.may_spawn if task.spec is not None else None
        granted = frozenset(grant.tags if grant is not None and grant.max > 0 else ())
        for tags in (task.labels, granted):
            found = {s: who for tag in tags for s, who in self._tags.get(tag, {}).items() if selects(s, tags)}
            for who in found.values():
                yield from who

    def _file(self, selector: Selector, task: Task) -> None:
        if selector[0] == "task":
            self._names.setdefault(selector[1], []).append(task)
            return
        for tag in selector[1:]:
            self._tags.setdefault(tag, {}).setdefault(selector, []).append(task)


def wake(trial: Trial, requirers: Requirers) -> list[Task]:
    """Tasks that the engine skipped, and that hang on what was revived, wait again, unless all their terms are still
    decided and one is dead. Returns them.
    """
    around, woken = deque(trial.rows), []
    while around:
        for task in requirers.of(around.popleft()):
            if is_asleep(task) and trial.workflow.is_open_or_holds(task):
                trial.wait_again(task)
                around.append(task)
                woken.append(task)
    return woken


def is_asleep(task: Task) -> bool:
    """Whether the engine skipped it."""
    return task.state is TaskState.SKIPPED and task.reason is not SkipReason.OPERATOR


def all_behind(task: Task, requirers: Requirers) -> list[Task]:
    """Ended tasks that had started and hang on this one, over however many others."""
    seen, around = {task: None}, deque([task])
    while around:
        for one in requirers.of(around.popleft()):
            if one.ended and one not in seen:
                seen[one] = None
                around.append(one)
    return [one for one in seen if one is not task and has_started(one)]


def started_on(revived: Sequence[Task], requirers: Requirers) -> list[Task]:
    """Tasks that have started and have a term on one of these: what they were given is what was before."""
    chosen = dict.fromkeys(revived)
    hanging = dict.fromkeys(one for task in chosen for one in requirers.of(task) if has_started(one))
    return [one for one in hanging if one not in chosen]


def has_started(task: Task) -> bool:
    """Whether it ran, or was about to."""
    return task.row.started_at is not None
