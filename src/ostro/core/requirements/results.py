"""Results of callers' tasks, for expressions that ask for them: remembered while a task with expressions waits."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ostro.core.effects import EndedJob
from ostro.core.requirements.conditions import Task
from ostro.language.expressions.lookups import Lookup, Need
from ostro.values import UUID


def question_for(workflow: UUID, tasks: Iterable[Task]) -> Need:
    """The results of their last runs. It names the runs, so that an old answer is never one for a later run."""
    return Need(Lookup.RESULTS, (str(workflow), *(f"{task.id} {task.row.run}" for task in tasks)))


class Results:
    """By task. What is not here, or was forgotten, the database knows."""

    __slots__ = ("asking", "bytes", "known")

    def __init__(self) -> None:
        self.asking: dict[Task, None] = {}
        """The WAITING tasks with expressions."""
        self.known: dict[UUID, bytes | None] = {}
        self.bytes = 0

    def expect(self, task: Task) -> None:
        """A task waits: if it has expressions, results are remembered from now on."""
        if task.spec is not None and task.spec.evaluates is not None:
            self.asking[task] = None

    def leave(self, task: Task) -> None:
        """It waits no longer; with the last one all are forgotten."""
        if self.asking and self.asking.pop(task, self) is None:
            self.tidy()

    def keep(self, task: Task, result: bytes | None) -> None:
        """What a task came to, if anybody may ask."""
        if self.asking:
            self._remember(task.id, result)

    def lacked_of(self, tasks: Iterable[Task]) -> list[Task]:
        """Those whose result is not here."""
        return [task for task in tasks if task.id not in self.known]

    def take_unwritten(self, tasks: Iterable[Task], ended: Iterable[EndedJob]) -> None:
        """Of these tasks what the same decision brought."""
        wanted = {task.id for task in tasks}
        for one in ended:
            if one.task in wanted:
                self._remember(one.task, one.result)

    def take_answers(self, answers: Mapping[Need, object], tasks: Mapping[UUID, Task]) -> None:
        """What was asked for before, as far as it is of the last run."""
        for need, answer in answers.items():
            if need.lookup is Lookup.RESULTS and isinstance(answer, dict):
                self._take_answer((need.arguments or ())[1:], answer, tasks)

    def _take_answer(self, runs: Sequence[Any], answer: dict[str, bytes], tasks: Mapping[UUID, Task]) -> None:
        for one in runs:
            text, run = one.split(" ")
            task = tasks.get(UUID(text))
            if task is not None and task.row.run == int(run):
                self._remember(task.id, answer.get(text))

    def _remember(self, task: UUID, result: bytes | None) -> None:
        self.known[task] = result
        self.bytes += len(result or b"")

    def tidy(self) -> None:
        """What was asked for and nobody will ask again is forgotten."""
        if not self.asking and self.known:
            self.known.clear()
            self.bytes = 0

    def forget(self, task: Task) -> None:
        """It runs again, or is read anew."""
        self.known.pop(task.id, None)
