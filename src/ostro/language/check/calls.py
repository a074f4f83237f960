"""What tasks run: the inputs of workflows and actions in the same text, and names that are nearly right."""

from typing import TypeVar

from ostro.language.check.circles import circles
from ostro.language.check.given import Takes, check_given
from ostro.language.model.definitions import ActionDefinition, Definition, Document, candidates
from ostro.language.model.policies import REVERSE
from ostro.language.model.tasks import TaskDefinition
from ostro.language.parts import Value
from ostro.language.problems import Place, Problems, listed, nearest

T = TypeVar("T")

_PARAMETERS_OF_A_START = {"env", "notify", "evaluate_env", "namespace"}
"""What a call may give beside the input: it goes to the start's own parameters."""


class Callees:
    """What a text holds, by full name; and what the actions take that are known without it."""

    def __init__(self, document: Document, takes: Takes) -> None:
        self.takes = takes
        self.workflows = {one.full_name: one for one in document.definitions.values()}
        self.actions = {one.full_name: one for one in document.actions.values()}


def check_calls(definition: Definition, known: Callees, problems: Problems) -> None:
    """Notes calls of a workflow, or an action, of this text that do not fit its `input`."""
    for task in definition.tasks.values():
        if (name := _fixed(task.workflow)) is not None:
            callee = _found(known.workflows, definition.workbook, name)
            if callee is not None:
                extra = _PARAMETERS_OF_A_START | ({"task_name"} if callee.type == REVERSE else set())
                _check_input(task, "workflow", callee, extra, problems)
        elif (name := _fixed(task.action)) is not None:
            action = _found(known.actions, definition.workbook, name)
            if action is not None:
                _check_input(task, "action", action, set(), problems)
            else:
                _check_standard(name, known.takes, task.places.get("action", task.place), problems)
                place = task.places.get("input", task.places.get("action", task.place))
                check_given(name, known.takes, task.input, place, problems)
        _check_needless(task, problems)


def check_actions(known: Callees, problems: Problems) -> None:
    """Notes actions whose base is nearly a standard one, or themselves."""
    bases: dict[str, list[str]] = {}
    for full_name, action in known.actions.items():
        name = _fixed(action.base)
        local = None if name is None else _found(known.actions, action.workbook, name)
        bases[full_name] = [local.full_name] if local is not None else []
        if name is not None and local is None:
            place = action.places.get("base", action.place)
            _check_standard(name, known.takes, place, problems)
            check_given(
                name, known.takes, action.base_input, action.places.get("base-input", place), problems
            )
    for circle in circles(bases, bases.__getitem__):
        first = known.actions[circle[0]]
        message = f"These are based on each other and can never run: {' → '.join(f'`{one}`' for one in circle[:12])}."
        hint = "Base one of them on another action."
        problems.add("action-cycle", first.places.get("base", first.place), message, hint=hint)


def _fixed(name: Value | None) -> str | None:
    """A name that no expression makes."""
    return str(name.data) if name is not None and name.is_constant else None


def _found(by_name: dict[str, T], workbook: str, name: str) -> T | None:
    return next((by_name[one] for one in candidates(workbook, name) if one in by_name), None)


def _check_input(
    task: TaskDefinition,
    what: str,
    callee: Definition | ActionDefinition,
    extra: set[str],
    problems: Problems,
) -> None:
    given = task.input.data if task.input is not None else {}
    if not isinstance(given, dict):
        return
    place = task.places.get("input", task.places.get(what, task.place))
    declared = [one.name for one in callee.input]
    missing = [one.name for one in callee.input if one.is_required and one.name not in given]
    if missing:
        message = f"The {what} `{callee.name}` needs {listed(missing)}, which is not given here."
        problems.add(
            "wrong-call", place, message, hint=f"Add it to `input`, or give it a default in `{callee.name}`."
        )
    for name in given:
        if name not in declared and name not in extra:
            hint = problems.meant(name, declared) or (
                f"It takes {listed(declared)}." if declared else "It takes no input."
            )
            problems.add(
                "wrong-call", place, f"The {what} `{callee.name}` does not take `{name}`.", hint=hint
            )


def _check_standard(name: str, takes: Takes, place: Place, problems: Problems) -> None:
    near = nearest(name, takes) if name.startswith("std.") and name not in takes else ""
    if near:
        hint = f"Did you mean `{near}`?"
        problems.add("unknown-action", place, f"There is no standard action `{name}`.", hint=hint)


def _check_needless(task: TaskDefinition, problems: Problems) -> None:
    if task.concurrency is not None and not task.with_items:
        problems.add(
            "needless-key",
            task.places.get("concurrency", task.place),
            "`concurrency` does nothing without `with-items`.",
            hint="Take it away.",
        )
