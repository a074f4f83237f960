"""A definition made ready to run: its expressions read, its ways known. Immutable, shared by all its workflows."""

from collections.abc import Iterator, Mapping
from typing import Any

from ostro.core.specs import TaskSpec
from ostro.language.expressions import ExpressionError, Template, template
from ostro.language.model.definitions import ActionDefinition, Definition, candidates
from ostro.language.model.policies import DIRECT, GRAPH, Clause, Retry
from ostro.language.model.tasks import TaskDefinition
from ostro.language.parts import Expression, Transition, Value
from ostro.values import Retry as Told


class Written:
    """A value of the definition with the places of its expressions."""

    __slots__ = ("_expressions", "template")

    def __init__(self, data: Any, expressions: tuple[Expression, ...] = ()) -> None:
        self.template: Template = template(data)
        self._expressions = expressions

    def where(self, error: ExpressionError) -> str:
        """`(line 3, column 5)` for the expression that failed, or where in the value it is; empty if that is not known."""
        text: Any = self.template.value
        for part in error.path or ():
            text = text[part]
        place = next((one.place for one in self._expressions if one.text == text), None)
        if place is not None:
            return f" (line {place.line}, column {place.column})"
        return f" (in `{'.'.join(map(str, error.path))}`)" if error.path else ""


def written(value: Value | Expression | float | bool | str | None) -> Written | None:
    """None for what was not said."""
    if value is None:
        return None
    if isinstance(value, Value):
        return Written(value.data, value.expressions)
    if isinstance(value, Expression):
        return Written(value.text, (value,))
    return Written(value)


class PlannedTransition:
    """One entry of a clause."""

    __slots__ = ("guard", "is_engine", "parameters", "target")

    def __init__(self, one: Transition, tasks: Mapping[str, TaskDefinition]) -> None:
        self.target = one.target
        self.is_engine = one.target not in tasks
        self.guard = written(one.guard)
        self.parameters = written(one.parameters)


class PlannedClause:
    """`on-success` and its like."""

    __slots__ = ("atomic", "branch", "next", "shared")

    def __init__(self, clause: Clause, tasks: Mapping[str, TaskDefinition]) -> None:
        publish = clause.publish
        self.branch = written(publish.branch) if publish else None
        self.shared = written(publish.global_) if publish else None
        self.atomic = written(publish.atomic) if publish else None
        self.next = tuple(PlannedTransition(one, tasks) for one in clause.next)


class PlannedRetry:
    """`retry`."""

    __slots__ = ("break_on", "continue_on", "count", "delay")

    def __init__(self, retry: Retry) -> None:
        self.count = written(retry.count)
        self.delay = written(retry.delay)
        self.break_on = written(retry.break_on)
        self.continue_on = written(retry.continue_on)

    @property
    def said(self) -> Told | None:
        """What people are shown of it; None where an expression tells how often, or when."""
        count, delay = _number(self.count), _number(self.delay)
        return None if count is None or delay is None else Told(count=int(count), delay=delay)


def _number(value: Written | None) -> float | None:
    """The number that stands there, 0 for none; None for an expression."""
    found = 0 if value is None else value.template.value
    return float(found) if isinstance(found, int | float) else None


class PlannedTask:
    """A task of the definition."""

    def __init__(self, task: TaskDefinition, definition: Definition) -> None:
        self.definition = task
        self.name = task.name
        self.action = written(task.action) or (None if task.workflow else Written("std.noop"))
        self.workflow = written(task.workflow)
        self.input = written(task.input)
        self.loops = tuple(
            (one.variable, Written(one.values.data, one.values.expressions)) for one in task.with_items
        )
        self.publish = {
            "on-success": written(task.publish),
            "on-error": written(task.publish_on_error),
            "on-skip": written(task.publish_on_skip),
        }
        self.clauses = _clauses_of(task, definition)
        self.target = written(task.target)
        self.keep_result = written(task.keep_result)
        self.wait_before, self.wait_after = written(task.wait_before), written(task.wait_after)
        self.timeout, self.concurrency = written(task.timeout), written(task.concurrency)
        self.pause_before, self.fail_on = written(task.pause_before), written(task.fail_on)
        self.safe_rerun = written(task.safe_rerun)
        self.priority = written(task.priority if task.priority is not None else definition.priority)
        self.retry = PlannedRetry(task.retry) if task.retry is not None else None
        self.leads_here: tuple[str, ...] = ()
        """The tasks with a transition to this one."""
        self.spec = _spec_of(task, definition, self.retry)

    @property
    def join(self) -> int | str | None:
        """`all`, `one`, a number, or None."""
        return self.definition.join

    @property
    def arrivals_needed(self) -> int:
        """How many of the tasks that lead here must arrive."""
        if self.join == "all":
            return len(self.leads_here)
        return 1 if self.join == "one" else int(self.join or 1)


def _clauses_of(task: TaskDefinition, definition: Definition) -> dict[str, PlannedClause]:
    clauses = {
        "on-success": task.on_success,
        "on-error": task.on_error,
        "on-complete": task.on_complete,
        "on-skip": task.on_skip,
    }
    return {
        name: PlannedClause(clause, definition.tasks)
        for name, clause in clauses.items()
        if clause is not None
    }


def _spec_of(task: TaskDefinition, definition: Definition, retry: PlannedRetry | None) -> TaskSpec:
    """What the rest of core knows of it. The action is as written: it is computed when it runs; so are the retries."""
    return TaskSpec(
        name=task.name,
        action=_named(task),
        input=b"",
        tags=tuple(sorted(task.tags)),
        requires=tuple(one.term for one in task.requires) if definition.type != DIRECT else (),
        retry=retry.said if retry is not None else None,
        may_spawn=task.may_spawn,
        description=task.description,
    )


def _named(task: TaskDefinition) -> str:
    """What people are shown as its action, as written."""
    if task.workflow is not None:
        return f"workflow {task.workflow.data}"
    return str(task.action.data) if task.action is not None else "std.noop"


class PlannedAction:
    """An ad-hoc action."""

    def __init__(self, action: ActionDefinition) -> None:
        self.definition = action
        self.name = action.full_name
        self.base = Written(action.base.data, action.base.expressions)
        self.base_input = written(action.base_input)
        self.output = written(action.output)


class Plan:
    """A workflow's definition, with the ad-hoc actions that it may name. `library` is the key of the texts it stands in."""

    def __init__(self, library: str, definition: Definition, actions: Mapping[str, PlannedAction]) -> None:
        self.library = library
        self.definition = definition
        self.name = definition.full_name
        self.workbook = definition.workbook
        self.type = definition.type
        self.tasks = {name: PlannedTask(task, definition) for name, task in definition.tasks.items()}
        self.actions = actions
        self.vars = written(definition.vars)
        self.deadline = written(definition.deadline)
        self.output = written(definition.output)
        self.output_on_error = written(definition.output_on_error)
        for source, target in self._ways():
            known = self.tasks[target]
            if source not in known.leads_here:
                known.leads_here = (*known.leads_here, source)

    def _ways(self) -> Iterator[tuple[str, str]]:
        for task in self.tasks.values():
            for clause in task.clauses.values():
                for one in clause.next:
                    if not one.is_engine:
                        yield task.name, one.target

    @property
    def starts(self) -> list[str]:
        """The tasks that nothing leads to."""
        return [name for name, task in self.tasks.items() if not task.leads_here]

    @property
    def is_open(self) -> bool:
        """Whether callers may add tasks."""
        return self.type == GRAPH and self.definition.open

    def may_wrap(self, action: Written) -> bool:
        """Whether a call of this name may be one of an ad-hoc action."""
        if not self.actions:
            return False
        return not action.template.is_literal or self.action(action.template.value) is not None

    def action(self, name: str) -> PlannedAction | None:
        """The ad-hoc action of that name: the workbook's own first."""
        return next(
            (self.actions[one] for one in candidates(self.workbook, name) if one in self.actions), None
        )
