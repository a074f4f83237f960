"""What `task-defaults` says becomes what each task says."""

from typing import Any

import msgspec

from ostro.language.model.definitions import Definition
from ostro.language.model.policies import REVERSE, Clause, Policies
from ostro.language.model.tasks import TaskDefinition

CLAUSES = ("on_success", "on_error", "on_complete", "on_skip")
_SINGLE = (
    "retry",
    "wait_before",
    "wait_after",
    "timeout",
    "pause_before",
    "concurrency",
    "fail_on",
    "safe_rerun",
)


def with_defaults(definition: Definition) -> Definition:
    """The same with each task's defaults folded in.

    A policy of the task's own comes first. A default transition counts where the task's own clause leads nowhere,
    and never from a task to itself; requirements add up, without the task itself.
    """
    defaults, tasks = definition.task_defaults, definition.tasks
    if defaults is not None:
        tasks = {name: _folded(task, defaults) for name, task in tasks.items()}
    if definition.type == REVERSE:
        tasks = {name: _without_itself(task) for name, task in tasks.items()}
    return definition if tasks is definition.tasks else msgspec.structs.replace(definition, tasks=tasks)


def size_of(defaults: Policies) -> int:
    """How many transitions and requirements it brings to each task."""
    clauses = [getattr(defaults, name) for name in CLAUSES]
    return len(defaults.requires) + sum(len(one.next) for one in clauses if one is not None)


def _without_itself(task: TaskDefinition) -> TaskDefinition:
    """A task of a reverse workflow does not wait for itself, as Mistral has it."""
    others = tuple(one for one in task.requires if one.term.task != task.name)
    return task if others == task.requires else msgspec.structs.replace(task, requires=others)


def _folded(task: TaskDefinition, defaults: Policies) -> TaskDefinition:
    changed: dict[str, Any] = {
        name: getattr(defaults, name) for name in _SINGLE if getattr(task, name) is None
    }
    if not task.with_items:
        changed.pop("concurrency", None)
    for name in CLAUSES:
        own, default = getattr(task, name), getattr(defaults, name)
        if default is not None and (own is None or not own.next):
            changed[name] = _clause(own, default, task.name)
    known = {one.term for one in task.requires}
    more = tuple(one for one in defaults.requires if one.term not in known and one.term.task != task.name)
    return msgspec.structs.replace(task, **changed, requires=task.requires + more)


def _clause(own: Clause | None, default: Clause, name: str) -> Clause | None:
    onward = tuple(one for one in default.next if one.target != name)
    if own is None:
        return Clause(next=onward) if onward else None
    return msgspec.structs.replace(own, next=onward)
