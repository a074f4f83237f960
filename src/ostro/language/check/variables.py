"""What expressions read: variables that a path to them has set, results of tasks that are there."""

from collections.abc import Iterator, Sequence
from typing import Any

from ostro.language.check.circles import components
from ostro.language.folding import CLAUSES
from ostro.language.look import Look
from ostro.language.model.definitions import Definition
from ostro.language.model.tasks import TaskDefinition
from ostro.language.parts import Expression, Value
from ostro.language.problems import Problems, listed

_ALWAYS = frozenset({"openstack"})
_BEFORE = ("action", "workflow", "input", "target", "priority")
_AROUND = (
    "wait_before", "timeout", "pause_before", "concurrency", "publish", "publish_on_error", "publish_on_skip",
)  # fmt: skip
_AFTER = ("wait_after", "fail_on", "keep_result", "safe_rerun")
"""Looked at once the task has published."""
_RETRY = ("count", "delay", "break_on", "continue_on")
_MOST_BITS = 500_000_000
"""Tasks times variables, about 60 MB: what is larger is not looked at."""
_SCOPES = ("branch", "global_", "atomic")


class Flow:
    """Which variables are set where. Sets of names are kept as bits of an integer: a set per task, all distinct."""

    def __init__(self, definition: Definition, sources: dict[str, Sequence[str]]) -> None:
        self.definition = definition
        self._bits: dict[str, int] = {}
        self._setters: dict[str, list[str]] | None = None
        self.everywhere = self._named(
            {one.name for one in definition.input} | _keys(definition.vars) | _ALWAYS | _globals(definition)
        )
        self.set_by = {name: self._named(_published(task)) for name, task in definition.tasks.items()}
        self.before = self._before(sources)
        self.anywhere = self.everywhere
        for one in self.set_by.values():
            self.anywhere |= one

    def knows(self, name: str, known: int) -> bool:
        """Whether a variable is among these."""
        return name.startswith("__") or bool(self._bits.get(name, 0) & known)

    def names(self, known: int) -> list[str]:
        """The variables among these."""
        return [name for name, bit in self._bits.items() if bit & known]

    def setters(self, name: str) -> list[str]:
        """The tasks that publish a variable."""
        if self._setters is None:
            self._setters = {}
            for task in self.definition.tasks.values():
                for one in sorted(_published(task)):
                    self._setters.setdefault(one, []).append(task.name)
        return self._setters.get(name, [])

    def bits(self, names: set[str]) -> int:
        """Names as a set."""
        return self._named(names)

    def _named(self, names: set[str] | frozenset[str]) -> int:
        found = 0
        for name in names:
            found |= self._bits.setdefault(name, 1 << len(self._bits))
        return found

    def _before(self, sources: dict[str, Sequence[str]]) -> dict[str, int]:
        """What is set when a task starts: all that comes before it, whichever way was taken."""
        before: dict[str, int] = {}
        for component in components(sources, sources.__getitem__):
            inside = set(component)
            known = self.everywhere
            for name in component:
                for source in sources[name]:
                    known |= self.set_by[source] if source in inside else self.set_by[source] | before[source]
            before.update(dict.fromkeys(component, known))
        return before


def check_variables(
    definition: Definition,
    sources: dict[str, Sequence[str]],
    reached: set[str],
    looks: dict[str, Look],
    problems: Problems,
) -> None:
    """Notes variables that no path sets. `sources` are the tasks that hand their variables on to each task."""
    variables = sum(len(_published(task)) for task in definition.tasks.values())
    if len(definition.tasks) * variables > _MOST_BITS:
        return
    teller = _Teller(Flow(definition, sources), looks, problems)
    flow = teller.flow
    teller.tell(definition.vars, flow.bits({one.name for one in definition.input} | _ALWAYS), "")
    for said in (definition.deadline, definition.priority):
        teller.tell(said, flow.everywhere, "")
    for name, task in definition.tasks.items():
        if name in reached:
            for said, known in _reads(task, flow):
                teller.tell(said, known, name)
    for value in (definition.output, definition.output_on_error):
        teller.tell(value, flow.anywhere, "")


def _reads(task: TaskDefinition, flow: Flow) -> Iterator[tuple[Any, int]]:
    """What of a task holds expressions, each with the variables that it may read."""
    before = flow.before[task.name]
    within = before | flow.bits({one.variable for one in task.with_items})
    after = within | flow.set_by[task.name]
    for name in _BEFORE + _AROUND:
        yield getattr(task, name), within
    for one in task.with_items:
        yield one.values, before
    for name in _AFTER:
        yield getattr(task, name), after
    for name in _RETRY if task.retry else ():
        yield getattr(task.retry, name), after
    for name in CLAUSES:
        clause = getattr(task, name)
        for one in clause.next if clause else ():
            yield one.guard, after
            yield one.parameters, after
        for scope in _SCOPES if clause and clause.publish else ():
            yield getattr(clause.publish, scope), after


class _Teller:
    """Says what is not set."""

    def __init__(self, flow: Flow, looks: dict[str, Look], problems: Problems) -> None:
        self.flow = flow
        self._looks = looks
        self._problems = problems
        self._told: set[tuple[str, Expression]] = set()

    def tell(self, said: Any, known: int, task: str) -> None:
        """Looks at each expression of a value."""
        for expression in _expressions(said):
            look = self._looks[expression.text]
            for name in look.variables:
                if not self.flow.knows(name, known) and (name, expression) not in self._told:
                    self._told.add((name, expression))  # a default stands at many tasks
                    self._unknown(name, expression, known, task)
            for name in look.tasks:
                if name not in self.flow.definition.tasks and not self.flow.definition.open:
                    self._no_such_task(name, expression)

    def _unknown(self, name: str, expression: Expression, known: int, task: str) -> None:
        where = f"before `{task}`" if task else "here"
        setters = self.flow.setters(name)
        if setters:
            message = f"`{name}` is set by {listed(setters, most=3)}, which does not come {where}."
        else:
            message = f"Nothing {where} sets the variable `{name}`."
        hint = (
            self._problems.meant(name, self.flow.names(known))
            or "Publish it on the way, or declare it in `input` or `vars`."
        )
        self._problems.add("unknown-variable", expression.place, message, hint=hint)

    def _no_such_task(self, name: str, expression: Expression) -> None:
        definition = self.flow.definition
        hint = self._problems.meant(name, definition.tasks) or "`task()` of a task that is not there is null."
        message = f"There is no task `{name}` in `{definition.name}`."
        self._problems.add("unknown-result", expression.place, message, hint=hint)


def _expressions(said: Any) -> tuple[Expression, ...]:
    if isinstance(said, Value):
        return said.expressions
    return (said,) if isinstance(said, Expression) else ()


def _keys(value: Value | None) -> set[str]:
    return set(value.data) if value is not None and isinstance(value.data, dict) else set()


def _published(task: TaskDefinition) -> set[str]:
    found = _keys(task.publish) | _keys(task.publish_on_error) | _keys(task.publish_on_skip)
    for name in CLAUSES:
        clause = getattr(task, name)
        found |= _keys(clause.publish.branch) if clause and clause.publish else set()
    return found


def _globals(definition: Definition) -> set[str]:
    clauses = [getattr(task, name) for task in definition.tasks.values() for name in CLAUSES]
    published = [clause.publish for clause in clauses if clause and clause.publish]
    return {key for one in published for key in _keys(one.global_) | _keys(one.atomic)}
