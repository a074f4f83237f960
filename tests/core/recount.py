"""Every counter and index of the aggregate, counted anew from its tasks alone.

`recount` compares all of them with what the aggregate holds; `reloaded` is the aggregate as another server
would build it from the rows.
"""

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from ostro.core.requirements.conditions import Condition, Group, Task, Verdict, fate_of
from ostro.core.requirements.terms import Selector, Wish, selects, wishes_of
from ostro.core.states import ACTIVE, ENDED
from ostro.core.workflow import Workflow
from ostro.values import SkipReason, TaskState


def recount(workflow: Workflow) -> None:
    """Fails with the name of the index that is wrong."""
    tasks = list(workflow.tasks.values())
    assert all(workflow.names[task.name] is task for task in tasks)
    assert len(workflow.names) == len(tasks)
    assert not workflow.gone & workflow.names.keys()
    recount_states(workflow, tasks)
    recount_spawners(workflow, tasks)
    recount_groups(workflow, tasks)
    recount_conditions(workflow, tasks)
    recount_weights(workflow, tasks)


def those(tasks: Iterable[Task], which: Callable[[Task], bool]) -> set[Task]:
    return {task for task in tasks if which(task)}


def recount_states(workflow: Workflow, tasks: list[Task]) -> None:
    waiting = those(tasks, lambda task: task.state is TaskState.WAITING)
    assert set(workflow.waiting) == waiting, "waiting"
    assert set(workflow.started) == those(tasks, lambda task: task.state in ACTIVE), "started"
    assert set(workflow.errors) == those(tasks, lambda task: task.state is TaskState.ERROR), "errors"
    assert workflow.cancelled == len(those(tasks, lambda task: task.state is TaskState.CANCELLED)), (
        "cancelled"
    )
    assert workflow.missing == len(those(tasks, lambda task: task.reason is SkipReason.MISSING)), "missing"
    running = those(tasks, lambda task: task.state is TaskState.RUNNING)
    assert workflow.jobs == {task.row.job: task for task in running}, "jobs"
    assert all(task.row.job is None for task in tasks if task not in running), "jobs"
    bearers: dict[str, set[Task]] = {}
    for task in waiting:
        for tag in task.labels:
            bearers.setdefault(tag, set()).add(task)
    assert {tag: set(borne) for tag, borne in workflow.bearers.items()} == bearers, "bearers"
    for task in tasks:
        assert (task.state in ENDED) == (task.row.ended_at is not None), "ended_at"
        assert (task.state is TaskState.SKIPPED) == (task.reason is not None), "reason"
        again = task.row.since == task.row.run + 1  # revived to wait, it counts as one that never started
        assert (task.row.run > 0) == (task.row.started_at is not None) or again, "started_at"
        assert task.row.run > 0 or task.row.started_at is None, "started_at"
        assert task.labels == frozenset(task.row.tags), "labels"
        assert task.spec is not None or (task.ended and not task.row.weighs), "specifications are kept"
        assert task.spec is None or not task.ended or task.row.weighs, "specifications are dropped"


def recount_spawners(workflow: Workflow, tasks: list[Task]) -> None:
    grants = {
        task: frozenset(task.spec.may_spawn.tags)
        for task in tasks
        if task.spec is not None and task.spec.may_spawn is not None and task.spec.may_spawn.max
    }
    assert workflow.grants == grants, "grants"
    live = those(tasks, lambda task: task in grants and not task.ended and spawns_left(task) > 0)
    assert set(workflow.spawners) == live, "spawners"
    by_tag: dict[str, set[Task]] = {}
    for task in live:
        for tag in grants[task]:
            by_tag.setdefault(tag, set()).add(task)
    assert {tag: set(some) for tag, some in workflow.granters.items()} == by_tag, "granters"


def spawns_left(task: Task) -> int:
    grant = task.spec.may_spawn if task.spec else None
    return grant.max - task.row.spawned if grant else 0


def recount_groups(workflow: Workflow, tasks: list[Task]) -> None:
    needed: set[Selector] = {("any", tag) for task in tasks for tag in task.labels}
    needed |= {("any", tag) for task in workflow.spawners for tag in workflow.grants[task]}
    needed |= {c.wish.selector for c in all_conditions(workflow, tasks) if c.wish.selector[0] != "task"}
    assert set(workflow.groups) == needed, "groups"
    wide: dict[str, set[Selector]] = {}
    for selector, group in workflow.groups.items():
        assert group.selector == selector
        assert group.counters() == counters(workflow, group, tasks), f"counters of {selector}"
        if len(selector) > 2:
            for tag in selector[1:]:
                wide.setdefault(tag, set()).add(selector)
    assert {tag: set(groups) for tag, groups in workflow.wide.items()} == wide, "wide"


def counters(workflow: Workflow, group: Group, tasks: list[Task]) -> dict[str, int]:
    members = [task for task in tasks if selects(group.selector, task.labels)]
    fates = Counter(fate_of(task.state, task.reason) for task in members)
    tags = set(group.selector[1:])
    spawners = sum(tags <= workflow.grants[task] for task in workflow.spawners)
    names = ("unended", "success", "error", "cancelled", "skipped", "not_needed")
    return {"total": len(members), **{name: fates[name] for name in names}, "spawners": spawners}


def all_conditions(workflow: Workflow, tasks: list[Task]) -> set[Condition]:
    return {condition for task in tasks for condition in task.conditions} | set(workflow.done_when)


def recount_conditions(workflow: Workflow, tasks: list[Task]) -> None:
    watched: dict[Condition, set[Task]] = {condition: set() for condition in workflow.done_when}
    counted: Counter[Wish] = Counter()
    for task in tasks:
        wishes = task.wishes if task.waiting else []
        assert [condition.wish for condition in task.conditions] == wishes, "conditions"
        for condition in task.conditions:
            watched.setdefault(condition, set()).add(task)
            counted[condition.wish] += condition.wish.is_counted
        if task.waiting and not workflow.told:
            undecided = sum(condition.verdict is Verdict.UNDECIDED for condition in task.conditions)
            assert task.undecided == undecided, "undecided"
    assert {c: set(c.watchers) for c in watched} == watched, "watchers"
    homes = [c for home in workflow.by_name.values() for c in home.values()]
    homes += [c for group in workflow.groups.values() for c in group.conditions.values()]
    assert len(homes) == len(set(homes)) == len({c.wish for c in homes}), "one condition for equal wishes"
    assert set(homes) == set(watched), "conditions that nobody has"
    assert all(home for home in workflow.by_name.values()), "by_name"
    assert workflow.counted == +counted, "counted"
    for condition in watched:
        if condition not in workflow.unjudged:
            assert condition.verdict is workflow.judge(condition), f"the verdict on {condition.wish}"
    asked = [c for c in watched if c.wish.at_least is not None]
    open_keys = {c.wish.key for c in asked if c in workflow.unjudged}
    keys = {c.wish.key for c in asked if c.verdict is Verdict.HOLDS}
    assert set(workflow.row.latched) - open_keys == keys - open_keys, "latched"


def recount_weights(workflow: Workflow, tasks: list[Task]) -> None:
    expected: dict[str, dict[Selector, set[str]]] = {
        "handles": {}, "tolerates": {}, "lost": {}, "too_late": {}
    }  # fmt: skip
    for task in tasks:
        for term in task.spec.requires if task.spec else ():
            for wish in wishes_of(term):
                numbered = wish.enough is not None or wish.share is not None
                started = task.row.started_at is not None
                facts = {
                    "handles": started and term.handles,
                    "tolerates": started and numbered and wish.state == "SUCCESS",
                    "too_late": started and (numbered or wish.at_least is not None),
                    "lost": task.reason is SkipReason.UPSTREAM and wish.is_plain,
                }
                for index, so in facts.items():
                    if so:
                        expected[index].setdefault(wish.selector, set()).add(task.name)
    for index, holders in expected.items():
        found = {sel: {task.name for task in by} for sel, by in getattr(workflow.weights, index).by.items()}
        assert found == holders, index


def reloaded(workflow: Workflow) -> Workflow:
    """The workflow as it is built from its rows: all tasks placed, then the WAITING ones watched."""
    again = Workflow(workflow.birth, msgspec.structs.replace(workflow.row))
    again.sealed_tags = set(workflow.sealed_tags)
    again.gone = set(workflow.gone)
    again.messages = dict(workflow.messages)
    for task in workflow.tasks.values():
        spec = task.spec if not task.ended or task.row.weighs else None
        again.place(Task(msgspec.structs.replace(task.row), spec))
    for task in list(again.waiting):
        again.watch(task)
    if workflow.falling is not None:
        again.falling = workflow.falling
        again.passing = {again.tasks[task.id]: reason for task, reason in workflow.passing.items()}
    again.take_changes()
    return again
