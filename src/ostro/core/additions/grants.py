"""What a running job may add (`may_spawn`), and what can never come in a sealed workflow (rules 2 and 10)."""

from ostro.core.requirements.conditions import Task
from ostro.core.requirements.terms import Wish, selects, wishes_of
from ostro.core.specs import Spawner, TaskSpec
from ostro.core.workflow import Workflow
from ostro.errors import Conflict, NotAllowed
from ostro.values import MaySpawn, TaskState, TermState


def check_spawn(workflow: Workflow, spawner: Spawner, fresh: list[TaskSpec]) -> None:
    """NotAllowed unless the job still runs and its task's grant covers each of these."""
    task = workflow.tasks.get(spawner.task)
    if (
        task is None
        or task.state is not TaskState.RUNNING
        or task.row.job != spawner.job
        or task.spec is None
    ):
        raise NotAllowed("job_over", "The job that this token belongs to is over.")
    grant = task.spec.may_spawn
    if grant is None:
        raise NotAllowed(
            "may_not_spawn",
            f"The task {task.name!r} may not add tasks.",
            hint="Whoever adds it can grant that with `may_spawn: {max, tags, targets, actions}`.",
        )
    if task.row.spawned + len(fresh) > grant.max:
        raise NotAllowed(
            "spawn_limit",
            f"{task.name!r} may add {grant.max} tasks in all and has added {task.row.spawned}.",
            hint="Grant a larger `may_spawn.max`.",
        )
    mates = {spec.name for spec in fresh}
    for index, spec in enumerate(fresh):
        wrong = (
            _not_granted(task, grant, spec)
            or _not_its_business(workflow, task, spec, mates)
            or _excuses_others(workflow, task, spec, grant, mates)
        )
        if wrong:
            text = f"{task.name!r} may not add {spec.name!r}: {wrong}."
            raise NotAllowed("not_granted", text, fields=[(f"tasks[{index}]", wrong)])


def _not_granted(task: Task, grant: MaySpawn, spec: TaskSpec) -> str | None:
    """What of a task is not covered; None if all is."""
    own = task.spec
    tags = sorted(set(spec.tags).difference(grant.tags))
    if tags:
        return f"the tag {tags[0]!r} is not granted"
    if spec.action not in grant.actions:
        return f"the action {spec.action!r} is not granted"
    if own is not None and not _may_aim(own, grant, spec):
        return "its target is neither within the job's own nor granted"
    if own is not None and spec.priority > own.priority:
        return f"its priority is above the job's own ({own.priority})"
    if spec.may_spawn is not None:
        return "what a job adds may not itself add tasks"
    if spec.evaluates is not None:
        return "what a job adds is taken as it stands: no expressions are evaluated in it"
    return None


def _may_aim(own: TaskSpec, grant: MaySpawn, spec: TaskSpec) -> bool:
    """Within its own target; an untargeted job aims nowhere in particular unless that is granted."""
    within_own = spec.target.items() >= own.target.items() if own.target else not spec.target
    return within_own or any(spec.target.items() >= granted.items() for granted in grant.targets if granted)


def _not_its_business(workflow: Workflow, task: Task, spec: TaskSpec, mates: set[str]) -> str | None:
    """By name it may require only what it was itself given, and what it adds: results go with names."""
    given = {term.task for term in (task.spec.requires if task.spec else ()) if term.task}
    for term in spec.requires:
        if term.task is not None and term.task not in given and not _is_own(workflow, task, term.task, mates):
            return f"the task {term.task!r} is none of its own"
    return None


def _excuses_others(
    workflow: Workflow, task: Task, spec: TaskSpec, grant: MaySpawn, mates: set[str]
) -> str | None:
    """An ERROR of others stays one: only what it may add itself can a job declare handled (rule 6)."""
    for term in spec.requires:
        tolerates = term.enough is not None and term.state is TermState.SUCCESS
        if not (term.handles or tolerates):
            continue
        if term.task is not None and not _is_own(workflow, task, term.task, mates):
            return f"an error of {term.task!r} is not its to handle"
        foreign = sorted(set(term.tags or term.all_tags or ()).difference(grant.tags))
        if foreign:
            return f"errors under the tag {foreign[0]!r}, which is not granted, are not its to handle"
    return None


def _is_own(workflow: Workflow, task: Task, name: str, mates: set[str]) -> bool:
    """The task itself, and what it adds and added."""
    if name == task.name or name in mates:
        return True
    named = workflow.names.get(name)
    return named is not None and named.row.spawned_by == task.id


def refuse_gains(workflow: Workflow, old: Task, spec: TaskSpec) -> None:
    """Conflict if a changed task would join a tag, or open one again, in a sealed workflow.

    Sealed means closed to callers outside, also where running tasks may still add (rule 2).
    """
    if not workflow.row.sealed:
        return
    joined = sorted(set(spec.tags) - old.labels)
    if joined:
        raise Conflict("tag_closed", f"The workflow is sealed: {spec.name!r} cannot join {joined[0]!r}.")
    grant = spec.may_spawn
    granted = set(grant.tags) if grant is not None and grant.max > 0 else set()
    # A grant of none kept nothing open: what it lists may be closed by now.
    kept_open = workflow.grants[old] if old in workflow.spawners else frozenset[str]()
    opened = sorted(granted - kept_open)
    if opened:
        raise Conflict(
            "tag_closed", f"The workflow is sealed: {spec.name!r} cannot be granted the tag {opened[0]!r}."
        )


def refuse_the_impossible(workflow: Workflow, task: Task) -> None:
    """Conflict for a term that nothing here can ever meet, in a sealed workflow (rule 10)."""
    for term in task.spec.requires if task.spec else ():
        for wish in wishes_of(term):
            if not wish.optional and not _can_come(workflow, wish):
                what = wish.selector[1] if len(wish.selector) == 2 else " and ".join(wish.selector[1:])
                raise Conflict(
                    "requires_nothing",
                    f"{task.name!r} requires {what!r}, which no task here bears or could bring.",
                    hint="The workflow is sealed. Add what it requires in the same request, or say `optional`.",
                )


def _can_come(workflow: Workflow, wish: Wish) -> bool:
    if wish.selector[0] == "task":
        return wish.selector[1] in workflow.names or bool(workflow.grants)
    group = workflow.groups.get(wish.selector)
    if group is not None and group.total:
        return True
    return any(selects(wish.selector, granted) for granted in workflow.grants.values())
