"""Tasks come, change and go: rules 2, 4, 10 and 11 of the design.

An addition is all or nothing: what was placed before a refusal is taken out again.
"""

from collections import Counter
from collections.abc import Iterable, Mapping

import msgspec

from ostro.core.additions import grants
from ostro.core.additions.cycles import refuse_cycles
from ostro.core.effects import TaskRow
from ostro.core.events import Added, AddTasks, ChangeTask, DeleteTask, TaskAnswer
from ostro.core.requirements.conditions import Task, Verdict
from ostro.core.requirements.terms import check_term
from ostro.core.requirements.weights import Late, weighs
from ostro.core.specs import TaskSpec
from ostro.core.waiting import says
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Conflict, Gone, Invalid, NotFound
from ostro.values import UUID, TaskState

_NAMED = 10


def add(workflow: Workflow, event: AddTasks, moment: Moment, *, at_birth: bool = False) -> list[Task]:
    """Takes the new ones of these tasks in; the tasks of all, in the order asked. Refuses without change."""
    found = [_known(workflow, spec) for spec in event.tasks]
    fresh = [spec for spec, task in zip(event.tasks, found, strict=True) if task is None]
    if fresh:
        _refuse_new_ones(workflow, event, fresh, moment, at_birth=at_birth)
        spawner = workflow.tasks[event.spawner.task] if event.spawner else None
        made = [make(workflow, spec, moment, spawner) for spec in fresh]
        _accept(workflow, made, moment)
        for task, spec in zip(made, fresh, strict=True):
            _record(workflow, task, spec)
        if spawner is not None:
            workflow.revise(spawner, moment.now, spawned=spawner.row.spawned + len(made))
    return [workflow.names[spec.name] for spec in event.tasks]


def too_late(workflow: Workflow, tasks: Iterable[Task]) -> dict[UUID, Late]:
    """Rule 4, to be asked before what follows from an addition: whoever starts by it knows the new ones.

    By task, for whom it came too late. Tasks with the same tags are looked for once.
    """
    by_tags: dict[frozenset[str], Late] = {}
    found: dict[UUID, Late] = {}
    for task in tasks:
        if task.labels not in by_tags:
            by_tags[task.labels] = workflow.weights.late_for(task.labels, _NAMED)
        found[task.id] = by_tags[task.labels]
    return found


def answers(workflow: Workflow, tasks: Iterable[Task], again: set[UUID], late: Mapping[UUID, Late]) -> Added:
    """What callers are told of tasks that they sent, as they stand after the decision."""
    return Added(tuple(_answer(workflow, task, task.id in again, late.get(task.id)) for task in tasks))


def _answer(workflow: Workflow, task: Task, again: bool, late: Late | None) -> TaskAnswer:
    undecided = [c for c in task.conditions if c.verdict is Verdict.UNDECIDED][:_NAMED]
    return TaskAnswer(
        id=task.id,
        name=task.name,
        state=task.state,
        again=again,
        waiting_for=tuple(says(workflow, condition) for condition in undecided),
        too_late_for=late.count if late else 0,
        too_late_names=late.names if late else (),
    )


def _known(workflow: Workflow, spec: TaskSpec) -> Task | None:
    """Rule 11, before any other check: the task of that name if it is the same one."""
    if spec.name in workflow.gone:
        raise Gone(
            "task_deleted",
            f"The task {spec.name!r} was deleted, and its name with it.",
            hint="Give the new task another name.",
        )
    known = workflow.names.get(spec.name)
    if known is not None and known.row.hash != spec.hash:
        raise Conflict(
            "task_exists",
            f"There is another task named {spec.name!r} in this workflow.",
            hint="Names are unique in a workflow: give this one another, or change the task that is there.",
        )
    return known


def _refuse_new_ones(
    workflow: Workflow, event: AddTasks, fresh: list[TaskSpec], moment: Moment, *, at_birth: bool
) -> None:
    twice = [name for name, count in Counter(spec.name for spec in fresh).items() if count > 1]
    if twice:
        raise Conflict("task_twice", f"The name {twice[0]!r} stands twice in one request.")
    if workflow.ended or workflow.row.stopping:
        raise Conflict(
            "workflow_ended", "The workflow has ended or is being stopped: it takes no more tasks."
        )
    if workflow.row.sealed and event.spawner is None and not at_birth:
        raise Conflict(
            "workflow_sealed",
            "The workflow is sealed: nobody outside adds tasks to it.",
            hint="Create another workflow, or add from one of its running jobs whose task says `may_spawn`.",
        )
    limit = moment.limits.tasks_per_workflow
    if len(workflow.tasks) + len(fresh) > limit:
        raise Conflict(
            "too_many_tasks", f"A workflow has at most {limit} tasks.", hint="Start another workflow."
        )
    if event.spawner is not None:
        grants.check_spawn(workflow, event.spawner, fresh)
    for index, spec in enumerate(fresh):
        check_joins(workflow, spec, moment, f"tasks[{index}]")


def check_joins(workflow: Workflow, spec: TaskSpec, moment: Moment, path: str) -> None:
    """Refuses what no task may say here, whether it is new or changed."""
    for index, term in enumerate(spec.requires):
        check_term(term, f"{path}.requires[{index}]", moment.limits)
        if term.task in workflow.gone:
            raise Conflict(
                "requires_deleted",
                f"{spec.name!r} requires {term.task!r}, which was deleted.",
                hint="Take the requirement away, or name another task.",
            )
    sealed = sorted(workflow.sealed_tags.intersection(spec.tags))
    if sealed:
        raise Conflict(
            "tag_sealed",
            f"The tag {sealed[0]!r} is sealed: {spec.name!r} cannot bear it.",
            hint="Tasks that must still come belong under another tag.",
        )


def make(
    workflow: Workflow, spec: TaskSpec, moment: Moment, spawner: Task | None = None, pass_: int = 0
) -> Task:
    """A new WAITING task, not placed yet."""
    row = TaskRow(
        id=moment.new_id(),
        name=spec.name,
        tags=spec.tags,
        hash=spec.hash,
        state=TaskState.WAITING,
        reason=None,
        error=None,
        run=0,
        job=None,
        version=1,
        spawned=0,
        weighs=weighs(spec),
        required=sum(len(c.watchers) for c in workflow.by_name.get(spec.name, {}).values()),
        spawned_by=spawner.id if spawner else None,
        created_at=moment.now,
        started_at=None,
        ended_at=None,
        pass_=pass_,
    )
    return Task(row, _kept(spec))


def _kept(spec: TaskSpec) -> TaskSpec:
    """What stays in memory: of the inputs those that may be needed here."""
    return spec if spec.input_stays else msgspec.structs.replace(spec, input=b"")


def _accept(workflow: Workflow, tasks: list[Task], moment: Moment) -> None:
    """Places tasks and checks what only the whole tells; on a refusal all are taken out again."""
    touched = workflow.changes.workflow_touched
    for task in tasks:
        workflow.place(task)
    for task in tasks:
        workflow.watch(task)
    try:
        _check_selections(workflow, moment)
        if workflow.row.sealed:
            for task in tasks:
                grants.refuse_the_impossible(workflow, task)
        refuse_cycles(workflow, tasks)
    except Conflict:
        for task in reversed(tasks):
            workflow.detach(task)
        # An `at_least` of theirs that held was forgotten with them.
        workflow.changes.workflow_touched = touched
        raise


def _check_selections(workflow: Workflow, moment: Moment) -> None:
    limit = moment.limits.selections_per_workflow
    if len(workflow.counted) > limit:
        raise Conflict(
            "too_many_selections",
            f"A workflow has at most {limit} distinct selections for `enough`, `at_least` and `all_tags`; "
            "one selection with another number counts again.",
            hint="Requirements on single tags without a number are free: use those, or tag the tasks for it.",
        )


def _record(workflow: Workflow, task: Task, sent: TaskSpec) -> None:
    workflow.changes.added[task.id] = None
    workflow.changes.specs[task.id] = sent
    _count_required(workflow, task, 1)
    workflow.note("added", task, state=task.state.value)


def _count_required(workflow: Workflow, task: Task, by: int) -> None:
    """The tasks that this one requires by name are required by so many more."""
    for wish in task.wishes:
        named = workflow.names.get(wish.selector[1]) if wish.selector[0] == "task" else None
        if named is not None and named is not task:
            named.row.required += by
            workflow.touch(named)


def change(workflow: Workflow, event: ChangeTask, moment: Moment) -> tuple[Task, bool]:
    """Another specification for a WAITING task; true if a copy of an obeyed call came (rule 11)."""
    old = find(workflow, event.name)
    _refuse_another_name(old, event.spec)
    # What was sent last; the row has what was sent first (rule 11). While it is that, the call was obeyed,
    # whatever became of the task since.
    known = old.spec.hash if old.spec else b""
    if event.spec.hash == known and event.seen is not None and event.seen < old.row.version:
        return old, True
    refuse_unseen(old, event.seen)
    if workflow.flow is not None and old.id in workflow.flow.steps:
        raise Conflict(
            "task_of_definition",
            f"{old.name!r} is a task of the definition: what it does stands there.",
            hint="Change the text and start it anew, or add another task.",
        )
    if not old.waiting or workflow.row.stopping:
        raise Conflict(
            "task_started",
            f"{old.name!r} is {old.state}: only WAITING tasks can be changed.",
            hint="Cancel it and add another task, or let it end.",
        )
    if event.spec.hash == known:
        return old, True
    joined = msgspec.structs.replace(
        event.spec, tags=tuple(t for t in event.spec.tags if t not in old.labels)
    )
    check_joins(workflow, joined, moment, "task")
    grants.refuse_gains(workflow, old, event.spec)
    return _replace(workflow, old, event.spec, moment), False


def _refuse_another_name(old: Task, spec: TaskSpec) -> None:
    if spec.name != old.name:
        why = f"the task is {old.name!r}, and a name stays what it is"
        raise Invalid(
            "name_fixed",
            f"{old.name!r} cannot be named {spec.name!r}.",
            hint="Delete it and add another task, or send the name that it has.",
            fields=[("name", why)],
        )


def _replace(workflow: Workflow, old: Task, spec: TaskSpec, moment: Moment) -> Task:
    row = msgspec.structs.replace(old.row, tags=spec.tags, version=old.row.version + 1, weighs=weighs(spec))
    new, latched = Task(row, _kept(spec)), workflow.row.latched
    touched = workflow.changes.workflow_touched
    workflow.detach(old)
    # A term that it keeps stays held: the task waited with it all along.
    kept = {wish.key for wish in new.wishes if wish.at_least is not None}.intersection(latched)
    workflow.row.latched = tuple(sorted(kept.union(workflow.row.latched)))
    try:
        _accept(workflow, [new], moment)
    except Conflict:
        workflow.row.latched = latched
        workflow.place(old)
        workflow.watch(old)
        workflow.changes.workflow_touched = touched
        raise
    _count_required(workflow, old, -1)
    _count_required(workflow, new, 1)
    workflow.changes.specs[new.id] = spec
    workflow.touch(new)
    workflow.note("changed", new, state=new.state.value)
    return new


def delete(workflow: Workflow, event: DeleteTask, moment: Moment) -> bool:
    """Takes a WAITING task away for good; false if that was done before."""
    if event.name in workflow.gone:
        return False
    task = find(workflow, event.name)
    if not task.waiting or workflow.row.stopping:
        raise Conflict(
            "task_started",
            f"{task.name!r} is {task.state}: only WAITING tasks can be deleted.",
            hint="Cancel it.",
        )
    by_name = workflow.by_name.get(task.name, {}).values()
    requiring = sorted({watcher.name for condition in by_name for watcher in condition.watchers})
    if requiring:
        raise Conflict(
            "task_required",
            f"{task.name!r} is required by {', '.join(requiring[:_NAMED])}.",
            hint="Change or delete those first.",
            detail={"required_by": requiring[:_NAMED], "count": len(requiring)},
        )
    _count_required(workflow, task, -1)
    workflow.note("deleted", task)
    workflow.detach(task)
    workflow.gone.add(task.name)
    _forget(workflow, task)
    return True


def _forget(workflow: Workflow, task: Task) -> None:
    changes = workflow.changes
    changes.deleted[task.id] = task.name
    changes.added.pop(task.id, None)
    changes.touched.pop(task.id, None)
    changes.specs.pop(task.id, None)


def find(workflow: Workflow, name: str) -> Task:
    """The task of that name. NotFound, or Gone if it was deleted."""
    task = workflow.names.get(name)
    if task is not None:
        return task
    if name in workflow.gone:
        raise Gone("task_deleted", f"The task {name!r} was deleted.")
    raise NotFound("task_not_found", f"There is no task {name!r} in this workflow.")


def refuse_unseen(task: Task, seen: int | None) -> None:
    """Conflict if the caller saw another version of the task than the present one."""
    if seen is not None and seen != task.row.version:
        raise Conflict(
            "task_changed",
            f"{task.name!r} has moved on: it is {task.state}, version {task.row.version}, and you saw {seen}.",
            hint="Look at it again, then decide.",
            detail={"version": task.row.version, "state": task.state.value},
        )
