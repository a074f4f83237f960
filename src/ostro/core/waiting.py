"""Why does it wait? Always answered, as data and in a sentence."""

import msgspec

from ostro.core.requirements.conditions import Condition, Group, Task, Verdict, fate_of
from ostro.core.requirements.terms import Wish, wishes_of
from ostro.core.workflow import Workflow
from ostro.values import TaskState, Term, TermState

_NAMED = 10
_DONE = {TermState.SUCCESS: "done", TermState.ERROR: "in ERROR", TermState.COMPLETE: "ended"}


class TermReport(msgspec.Struct, frozen=True):
    """One term: what it says now, in words, and the command that may help (empty: none)."""

    term: Term
    verdict: str
    says: str
    command: str = ""


class WorkflowReport(msgspec.Struct, frozen=True):
    """Why a workflow has not ended; `waiting` are its first ten WAITING tasks, each with a sentence.

    `done_when` are the terms of its definition of done that do not hold.
    """

    sentences: tuple[str, ...]
    waiting: tuple[tuple[str, str], ...]
    done_when: tuple[TermReport, ...] = ()


def of_task(workflow: Workflow, name: str) -> tuple[TermReport, ...]:
    """A report on each term of a WAITING task; empty for any other."""
    task = workflow.names.get(name)
    if task is None or not task.waiting or task.spec is None:
        return ()
    return tuple(_report(workflow, term) for term in task.spec.requires)


def of_workflow(workflow: Workflow) -> WorkflowReport:
    """Why the workflow has not ended; nothing for one that has."""
    if workflow.ended:
        return WorkflowReport((), ())
    first = list(workflow.waiting)[:_NAMED]
    terms = () if workflow.row.sealed else workflow.birth.done_when
    reports = [_report(workflow, term) for term in terms]
    return WorkflowReport(
        tuple(_sentences(workflow)),
        tuple((task.name, _sentence(workflow, task)) for task in first),
        tuple(report for report in reports if report.verdict != Verdict.HOLDS.value),
    )


def _sentences(workflow: Workflow) -> list[str]:
    found = []
    if workflow.row.stopping:
        found.append(f"it is being stopped ({workflow.row.stopping})")
    if workflow.started:
        some = ", ".join(task.name for task in list(workflow.started)[:_NAMED])
        one = len(workflow.started) == 1
        found.append(
            f"{len(workflow.started)} task{' has' if one else 's have'} started and not ended: {some}"
        )
    if workflow.waiting:
        one = len(workflow.waiting) == 1
        waits = "task waits for what it requires" if one else "tasks wait for what they require"
        found.append(f"{len(workflow.waiting)} {waits}")
    if not workflow.row.sealed:
        until = "or its `done_when` to hold" if workflow.done_when else "since tasks may still come"
        found.append(f"it is open: it waits to be sealed (`ostro workflow seal {workflow.id}`), {until}")
    return found


def _sentence(workflow: Workflow, task: Task) -> str:
    undecided = [says(workflow, c) for c in task.conditions if c.verdict is Verdict.UNDECIDED]
    dead = [says(workflow, c) for c in task.conditions if c.verdict is Verdict.DEAD]
    if not undecided:
        return "about to be taken up"
    if dead:
        return f"will be skipped: {dead[0]}; still waits to know: {undecided[0]}"
    more = f" (and {len(undecided) - 1} more)" if len(undecided) > 1 else ""
    return f"waits: {undecided[0]}{more}"


def _report(workflow: Workflow, term: Term) -> TermReport:
    """A term with several conditions is dead if one is, and holds if all do."""
    conditions = [_look_up(workflow, wish) for wish in wishes_of(term)]
    order = [Verdict.DEAD, Verdict.UNDECIDED, Verdict.HOLDS]
    worst = min((workflow.judge(c) for c in conditions), key=order.index)
    text = "; ".join(says(workflow, c) for c in conditions if workflow.judge(c) is worst)
    return TermReport(term, worst.value, text, _command(workflow, conditions, worst))


def _look_up(workflow: Workflow, wish: Wish) -> Condition:
    if wish.selector[0] == "task":
        return workflow.by_name[wish.selector[1]][wish]
    return workflow.groups[wish.selector].conditions[wish]


def _command(workflow: Workflow, conditions: list[Condition], verdict: Verdict) -> str:
    if verdict is not Verdict.UNDECIDED or workflow.row.sealed:
        return ""
    for condition in conditions:
        group, wish = condition.group, condition.wish
        if wish.enough is not None or wish.at_least is not None:
            continue  # a seal would only put an end to it
        if group is not None and group.unended == 0 and not workflow.is_closed(group):
            return f"ostro workflow seal {workflow.id} --tag {condition.wish.selector[1]}"
    return ""


def says(workflow: Workflow, condition: Condition) -> str:
    """One condition in words."""
    if condition.group is None:
        return _name_says(workflow, condition.wish)
    wish, group = condition.wish, condition.group
    joint = " and " if wish.selector[0] == "all" else " or "
    tags = joint.join(wish.selector[1:])
    text = f"{group.held(wish.state)} of {group.total} {tags} tasks {_DONE[wish.state]}{_number(wish)}"
    if condition.verdict is Verdict.DEAD:
        return f"{text}: it cannot hold any more"
    if workflow.is_closed(group):
        return text
    if wish.enough is not None or wish.at_least is not None:
        return text + _still_to_come(condition.wish, group)
    open_tag = next((tag for tag in wish.selector[1:] if not workflow.is_tag_closed(tag)), wish.selector[1])
    if workflow.row.sealed:
        return f"{text}; running tasks may still add to {open_tag}"
    return f"{text}; the tag is not sealed: `ostro workflow seal {workflow.id} --tag {open_tag}`"


def _still_to_come(wish: Wish, group: Group) -> str:
    """How many tasks nobody has added yet that it cannot do without."""
    there = group.held(wish.state) + group.unended if wish.enough is not None else group.total
    lacking = (wish.enough or wish.at_least or 0) - there
    return f"; {lacking} more must be added" if lacking > 0 else ""


def _number(wish: Wish) -> str:
    if wish.enough is not None:
        return f", {wish.enough} are enough"
    if wish.share is not None:
        return f", {wish.share}% are enough"
    return f", at least {wish.at_least} must exist" if wish.at_least is not None else ""


def _name_says(workflow: Workflow, wish: Wish) -> str:
    name = wish.selector[1]
    task = workflow.names.get(name)
    if task is None:
        return f"`{name}` has not been added yet"
    if not task.ended:
        return f"`{name}` is {task.state.value}"
    fate = fate_of(task.state, task.reason)
    what = (
        f"skipped ({task.reason.value})"
        if task.state is TaskState.SKIPPED and task.reason
        else task.state.value
    )
    wanted = "" if fate == "success" else f", {wish.state.value} is asked for"
    return f"`{name}` ended: {what}{wanted}"
