"""Results that expressions of callers' tasks may ask for, remembered while such a task waits."""

from ostro.core.requirements.conditions import Task
from ostro.values import UUID


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
        if self.asking and self.asking.pop(task, self) is None and not self.asking:
            self.known.clear()
            self.bytes = 0

    def keep(self, task: Task, result: bytes | None) -> None:
        """What a task came to, if anybody may ask."""
        if self.asking:
            self.known[task.id] = result
            self.bytes += len(result or b"")

    def forget(self, task: Task) -> None:
        """It runs again, or is read anew."""
        self.known.pop(task.id, None)
