"""Evaluating: what an expression sees at its place, and the answers of its own workflow to what it asks."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

import msgspec

from ostro.core.plans.context import View
from ostro.core.plans.plan import Written
from ostro.core.plans.steps import Flow, Step
from ostro.core.requirements.conditions import Task
from ostro.core.requirements.results import question_for
from ostro.core.workflow import Moment, Workflow
from ostro.language.expressions import ExpressionError, Kind, Lookup, Need, Unanswered
from ostro.language.model.policies import GRAPH
from ostro.values import TaskState, readable

_VARIABLES = object()
_WIDE = ("shared", "vars", "input")
"""What is seen everywhere in a workflow, the nearest first."""


class Failed(Exception):
    """An expression failed: a sentence with its place in the text."""

    def __init__(self, said: str) -> None:
        super().__init__(readable(said))


def encoded(value: Any) -> bytes:
    """A value as JSON. Failed if it holds what no UTF-8 can say."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        raise Failed("a text holds half of a surrogate pair, which no UTF-8 can say") from None


class Scope:
    """One place in a workflow where expressions are evaluated; as a `Snapshot`, it answers what they ask."""

    def __init__(
        self, workflow: Workflow, moment: Moment, task: Task | None = None, *, item: int | None = None,
        extra: Mapping[str, Any] | None = None, view: View | None = None, ends_as: TaskState | None = None,
    ) -> None:  # fmt: skip
        self.workflow = workflow
        self.moment = moment
        self.task = task
        self.item = item
        self._ends_as = ends_as
        self._extra = extra or {}
        self.whole: Any = _VARIABLES
        """What `$` is, where that is no mapping of variables: the result that an ad-hoc action turns into another."""
        step = self._step(task)
        self.view: View = view if view is not None else (step.seen if step else {})

    @property
    def flow(self) -> Flow:
        """What its workflow was made from."""
        return self.workflow.defined

    def _step(self, task: Task | None) -> Step | None:
        flow = self.workflow.flow
        return flow.steps.get(task.id) if flow is not None and task is not None else None

    def _read(self, text: str) -> dict[str, Any]:
        """Variables that are seen everywhere; none in a workflow that callers built."""
        return self.workflow.flow.read(text) if self.workflow.flow is not None else {}

    # -- evaluating ---------------------------------------------------------------------------------

    def value(self, written: Written | None, default: Any = None) -> Any:
        """What it gives here. Failed says what went wrong, and where."""
        if written is None:
            return default
        template = written.template
        if template.is_literal:
            return template.value
        try:
            data = self.data(template.roots) if self.whole is _VARIABLES else self.whole
            return template.evaluate(data, self)
        except Unanswered as asked:
            if self.moment.asks:
                raise
            raise Failed(f"{asked.message.rstrip('.')}{written.where(asked)}") from None
        except ExpressionError as wrong:
            raise Failed(f"{wrong.message.rstrip('.')}{written.where(wrong)}") from None

    def evaluate(self, value: Any) -> Any:
        """A value that came in while it runs, with expressions in its texts."""
        try:
            written = Written(value)
        except ExpressionError as wrong:
            raise Failed(wrong.message.rstrip(".")) from None
        return self.value(written)

    def data(self, roots: Iterable[str]) -> dict[str, Any]:
        """The variables that are read; the nearest of a name counts."""
        if "*" in roots:
            whole: dict[str, Any] = {}
            for text in reversed(_WIDE):
                whole |= self._read(text)
            return whole | {name: one.value for name, one in self.view.items()} | dict(self._extra)
        found = {}
        for name in roots:
            if name in self._extra:
                found[name] = self._extra[name]
            elif name in self.view:
                found[name] = self.view[name].value
            else:
                wide = (self._read(text) for text in _WIDE)
                found |= next(({name: texts[name]} for texts in wide if name in texts), {})
        return found

    # -- the snapshot -------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The time of the decision."""
        return self.moment.now

    @property
    def seed(self) -> bytes:
        """Chance, from a new id."""
        return self.moment.new_id().bytes

    def answer(self, need: Need) -> Any:  # noqa: PLR0911  (one line per question)
        """The answer; KeyError if only the world outside knows it and it was not asked."""
        arguments = need.arguments or ()
        match need.lookup:
            case Lookup.ENV:
                return self._read("env")
            case Lookup.EXECUTION:
                return self._execution()
            case Lookup.GLOBAL:
                return self._read("shared").get(arguments[0])
            case Lookup.TASK:
                task = self.task if arguments[0] is None else self.workflow.names.get(arguments[0])
                return None if task is None else self._told_of([task])[0]
            case Lookup.ERRORS:
                return self._told_of(self.workflow.errors)
            case Lookup.ITEM_INDEX:
                return self.item
            case Lookup.TAGGED:
                wanted = set(arguments)
                return self._told_of(one for one in self.workflow.tasks.values() if wanted <= one.labels)
            case Lookup.TASKS if arguments[0] == str(self.workflow.id):
                return self._own_tasks(arguments[2]) + (self._tasks_of_callees(need) if arguments[1] else [])
            case _:
                return _not_too_large(self.moment.answers[need])

    def is_offered(self, action: str) -> bool:
        """Whether a worker of the namespace has offered to run it, as far as that was asked."""
        need = Need(Lookup.OFFERED, (action,))
        if need not in self.moment.answers and self.moment.asks:
            raise Unanswered(need)
        return bool(self.moment.answers.get(need))

    def _own_tasks(self, state: str | None) -> list[dict[str, Any]]:
        return self._told_of(one for one in self.workflow.tasks.values() if state in {None, one.state.value})

    def _tasks_of_callees(self, need: Need) -> list[Any]:
        """The world outside knows of this workflow only what was committed: its own tasks are told from here."""
        found: Any = _not_too_large(self.moment.answers[need])
        return [one for one in found if one.get("workflow_execution_id") != str(self.workflow.id)]

    def _execution(self) -> dict[str, Any]:
        birth = self.workflow.birth
        root, flow = birth.root_workflow, self.workflow.flow
        return {
            "id": str(birth.id),
            "name": flow.plan.name if flow is not None else birth.name,
            "spec": {
                "name": flow.plan.definition.name if flow is not None else birth.name,
                "type": flow.plan.type if flow is not None else GRAPH,
            },
            "input": self._read("input"),
            "params": self._read("params"),
            "created_at": None,
            "updated_at": None,
            "root_execution_id": str(root) if root else None,
        }

    def _told_of(self, tasks: Iterable[Task]) -> list[dict[str, Any]]:
        chosen = list(tasks)
        self._remember_results_of([task for task in chosen if self._is_of_a_caller(task)])
        known = self.workflow.results.known
        return [self._told(task, known.get(task.id)) for task in chosen]

    def _is_of_a_caller(self, task: Task) -> bool:
        """Whether it has ended, and its result is kept by no step."""
        return task.ended and task.row.run > 0 and self._step(task) is None

    def _remember_results_of(self, tasks: list[Task]) -> None:
        """What is not in memory, nor in what this decision will write, is asked for, of all together."""
        results = self.workflow.results
        missing = results.lacked_of(tasks)
        if missing:
            results.take_unwritten(missing, self.workflow.changes.ended_jobs)
            results.take_answers(self.moment.answers, self.workflow.tasks)
            missing = results.lacked_of(missing)
        if missing:
            raise self._question_for(missing)

    def _question_for(self, missing: list[Task]) -> ExpressionError:
        """The first time for these alone; then for all that there are: who asks twice may ask a hundred times."""
        wanted = [missing]
        if any(need.lookup is Lookup.RESULTS for need in self.moment.answers):
            every = [task for task in self.workflow.tasks.values() if self._is_of_a_caller(task)]
            wanted.insert(0, self.workflow.results.lacked_of(every))
        for tasks in wanted:
            need = question_for(self.workflow.id, tasks)
            if need not in self.moment.answers:
                return Unanswered(need)
        return _too_large()

    def _told(self, task: Task, result: bytes | None) -> dict[str, Any]:
        row, step = task.row, self._step(task)
        published = step.row.published if step else None
        return {
            "id": str(row.id),
            "name": row.name,
            "spec": {"name": row.name},
            "state": (self._ends_as if self._ends_as and task is self.task else row.state).value,
            "state_info": row.error,
            "result": step.result() if step else _value(task, result),
            "published": msgspec.json.decode(published) if published else {},
            "type": "WORKFLOW" if step and step.task.workflow else "ACTION",
            "workflow_execution_id": str(self.workflow.id),
            "created_at": str(row.created_at),
            "updated_at": str(row.ended_at or row.started_at or row.created_at),
        }


def _not_too_large(answer: Any) -> Any:
    if answer is None:
        raise _too_large()
    return answer


def _too_large() -> ExpressionError:
    said = "It asks for the results of too many tasks, or for too large ones: 10,000 and 16 MiB are the most."
    return ExpressionError(Kind.LIMIT, said)


def _value(task: Task, result: bytes | None) -> Any:
    """As a step's: the error's text where a failed run gave nothing else."""
    if result is not None:
        return msgspec.json.decode(result)
    return task.row.error if task.state is TaskState.ERROR else None
