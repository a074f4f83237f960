"""Signals against a naive model: who comes first waits, who waits longest is served, and nothing is lost or used twice."""

from collections import defaultdict, deque
from datetime import UTC, datetime
from itertools import count

import msgspec
from hypothesis import example, given
from hypothesis import strategies as st

from ostro.core import signals
from ostro.core.decide import create, decide
from ostro.core.events import AddTasks, CancelTask, Create, SendSignal, Signalled
from ostro.core.specs import Birth, TaskSpec
from ostro.core.workflow import Moment, Workflow
from ostro.values import UUID, Limits, TaskState

NAMES = st.sampled_from(["go", "come"])
STEPS = st.one_of(
    st.tuples(st.just("send"), NAMES),
    st.tuples(st.just("wait"), NAMES),
    st.tuples(st.just("cancel"), NAMES),
    st.tuples(st.just("read anew"), NAMES),
)


class Model:
    """Two queues for each name."""

    def __init__(self) -> None:
        self.kept: dict[str, deque[int]] = defaultdict(deque)
        self.waiting: dict[str, deque[str]] = defaultdict(deque)
        self.ends: dict[str, int] = {}

    def send(self, name: str, payload: int) -> str | None:
        if not self.waiting[name]:
            self.kept[name].append(payload)
            return None
        task = self.waiting[name].popleft()
        self.ends[task] = payload
        return task

    def wait(self, name: str, task: str) -> None:
        if self.kept[name]:
            self.ends[task] = self.kept[name].popleft()
        else:
            self.waiting[name].append(task)

    def cancel(self, name: str) -> str | None:
        return self.waiting[name].popleft() if self.waiting[name] else None


class Real:
    """A workflow whose messages to itself are kept as the database keeps them."""

    def __init__(self) -> None:
        self._ids = count(1)
        self.rows: dict[UUID, bytes] = {}
        self.ends: dict[str, int] = {}
        self.workflow, _ = create(Create(birth=Birth(namespace=1, id=UUID(int=0))), self.moment())

    def moment(self) -> Moment:
        return Moment(datetime(2026, 1, 1, tzinfo=UTC), lambda: UUID(int=next(self._ids)), Limits())

    def do(self, event: SendSignal | AddTasks | CancelTask) -> object:
        answer = decide(self.workflow, event, self.moment())
        changes = self.workflow.take_changes()
        self.rows |= {one: own.body for one, own in changes.messages_sent.items()}
        for done in changes.messages_done:
            self.rows.pop(done, None)
        for ended in changes.ended_jobs:
            if ended.state is TaskState.SUCCESS:
                name = self.workflow.tasks[ended.task].name
                assert name not in self.ends
                self.ends[name] = msgspec.json.decode(ended.result or b"null")
        return answer

    def read_anew(self) -> None:
        signals.restore(self.workflow, [self.rows[one] for one in sorted(self.rows)])


def waiting(workflow: Workflow) -> set[str]:
    return {task.name for task in workflow.started}


@given(st.lists(STEPS, max_size=40))
@example([("wait", "go"), ("cancel", "go"), ("wait", "go"), ("send", "go")])
def test_signals_and_those_who_wait_meet_in_their_order(steps: list[tuple[str, str]]) -> None:
    model, real = Model(), Real()
    for number, (what, name) in enumerate(steps):
        if what == "send":
            answer = real.do(SendSignal(name=name, payload=str(number).encode()))
            assert isinstance(answer, Signalled)
            assert answer.taken_by == model.send(name, number)
        elif what == "wait":
            spec = TaskSpec(
                name=f"t{number}", action="std.wait_signal", input=msgspec.json.encode({"name": name})
            )
            real.do(AddTasks(tasks=(spec,)))
            model.wait(name, spec.name)
        elif what == "cancel" and (task := model.cancel(name)) is not None:
            real.do(CancelTask(name=task))
        elif what == "read anew":
            real.read_anew()
        assert real.ends == model.ends
        assert waiting(real.workflow) == {task for queue in model.waiting.values() for task in queue}
        kept = {
            name: [msgspec.json.decode(s.payload or b"") for s in q]
            for name, q in real.workflow.signals.items()
        }
        assert kept == {name: list(queue) for name, queue in model.kept.items() if queue}
