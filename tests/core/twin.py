"""A workflow in the core and the same one in the oracle: each event goes to both, then they are compared."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from ostro.core.decide import create, decide
from ostro.core.effects import Changes
from ostro.core.events import (
    Added,
    AddTasks,
    Answer,
    CancelTask,
    ChangeTask,
    Create,
    DeadlineDue,
    DeleteTask,
    Event,
    GoOn,
    JobEnded,
    JobLost,
    JobTimedOut,
    Rerun,
    RetryDue,
    Revival,
    Revived,
    SealTag,
    SealWorkflow,
    SetResult,
    Skip,
    StopWorkflow,
)
from ostro.core.specs import Birth, Spawner, TaskSpec
from ostro.core.workflow import Moment
from ostro.errors import Refusal
from ostro.values import Limits, TaskState, Term
from tests.core.oracle import Oracle, Refused
from tests.core.recount import recount, reloaded

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
DEADLINE = BEGIN + timedelta(days=1)


def a_task(name: str, action: str = "script", **fields: object) -> TaskSpec:
    """A specification whose hash says all of it. Tags come sorted."""
    if "tags" in fields:
        fields["tags"] = tuple(sorted(fields["tags"]))  # type: ignore[call-overload]
    sent = hashlib.sha256(f"{name} {action} {sorted(fields.items())}".encode()).digest()
    return TaskSpec(name=name, action=action, hash=sent, **fields)  # type: ignore[arg-type]


class World:
    """Time and ids for one workflow, and the core's workflow itself: what a caller of the core must hold."""

    def __init__(
        self,
        tasks: Sequence[TaskSpec] = (),
        *,
        seal: bool = False,
        done_when: tuple[Term, ...] = (),
        deadline: datetime | None = None,
        steps: int = 1000,
        forgets: bool = False,
    ) -> None:
        self.now = BEGIN
        self.ids = 100
        self.limits = Limits(steps_per_decision=steps)
        self.decisions = 1
        self.forgets = forgets
        self.due: list[UUID] = []
        self.specs: dict[UUID, TaskSpec] = {}
        birth = Birth(namespace=1, id=UUID(int=1), done_when=done_when, deadline=deadline)
        event = Create(birth=birth, tasks=tuple(tasks), seal=seal)
        self.workflow, self.born = create(event, self.moment())
        self.drain()

    def moment(self) -> Moment:
        return Moment(self.now, self.new_id, self.limits)

    def new_id(self) -> UUID:
        self.ids += 1
        return UUID(int=self.ids)

    def tell(self, event: Event) -> Answer:
        """One event and all that it has the workflow tell itself."""
        if isinstance(event, Revival):
            self.recall()
        answer = decide(self.workflow, event, self.moment())
        self.drain()
        return answer

    def drain(self) -> None:
        """Lets it go on until there is no more to do; with `forgets`, each time as another server loads it."""
        self.specs |= self.workflow.changes.specs
        while self.workflow.messages:
            self.decisions += 1
            if self.forgets:
                self.forget()
            decide(self.workflow, GoOn(next(iter(self.workflow.messages))), self.moment())
        while self.due:
            self.tell(RetryDue(self.due.pop()))

    def recall(self) -> None:
        """Puts the specifications of tasks that ended back, as whoever calls for a revival does."""
        for known, task in self.workflow.tasks.items():
            task.spec = task.spec or self.specs[known]

    def forget(self) -> None:
        """The server dies between two decisions: only rows are left, timers among them."""
        self.specs |= self.workflow.changes.specs
        timers = self.workflow.take_changes().timers.values()
        now = [t.task for t in timers if t.kind == "retry" and t.task and t.due_at and t.due_at <= self.now]
        self.due += now
        self.workflow = reloaded(self.workflow)

    # -- the same in fewer words -------------------------------------------------------------------

    def add(self, *tasks: TaskSpec, by: str | None = None) -> Added:
        answer = self.tell(AddTasks(tasks=tasks, spawner=self.spawner(by) if by else None))
        assert isinstance(answer, Added)
        return answer

    def spawner(self, name: str) -> Spawner:
        task = self.workflow.names[name]
        return Spawner(task.id, task.row.job or UUID(int=0))

    def job_of(self, name: str) -> UUID:
        job = self.workflow.names[name].row.job
        assert job is not None, f"{name} has no job"
        return job

    def succeed(self, *names: str) -> None:
        for name in names:
            self.tell(JobEnded(job=self.job_of(name), fence=1, state=TaskState.SUCCESS))

    def fail(self, *names: str) -> None:
        for name in names:
            self.tell(JobEnded(job=self.job_of(name), fence=1, state=TaskState.ERROR, error="it broke"))

    def seal(self, tag: str | None = None) -> None:
        self.tell(SealTag(tag) if tag else SealWorkflow())

    def state(self, name: str) -> str:
        return self.workflow.names[name].state.value

    def reason(self, name: str) -> str:
        reason = self.workflow.names[name].reason
        return reason.value if reason else ""

    def fates(self) -> dict[str, tuple[str, str]]:
        return {name: (self.state(name), self.reason(name)) for name in self.workflow.names}

    @property
    def end(self) -> str:
        return self.workflow.state.value


class Twin(World):
    """Each step is taken by the core and by the oracle; afterwards both must say the same."""

    def __init__(
        self,
        tasks: Sequence[TaskSpec] = (),
        *,
        seal: bool = False,
        done_when: tuple[Term, ...] = (),
        deadline: datetime | None = None,
        steps: int = 1000,
        forgets: bool = False,
    ) -> None:
        super().__init__((), done_when=done_when, deadline=deadline, steps=steps, forgets=forgets)
        self.oracle = Oracle(done_when=done_when)
        first = Oracle(done_when=done_when, sealed=seal)
        refusal, refused = None, None
        try:
            first.add(tasks, birth=True)
            first.settle()
            self.oracle = first
        except Refused as raised:
            refused = raised
        try:
            World.__init__(
                self, tasks, seal=seal, done_when=done_when, deadline=deadline, steps=steps, forgets=forgets
            )
        except Refusal as raised:
            refusal = raised
        assert (refusal is None) == (refused is None), f"birth: core {refusal!r}, oracle {refused!r}"
        self.compare()

    def both(self, event: Event, ask_oracle: Callable[[], object]) -> bool:
        """Whether they accepted it; if they did not, nothing may have changed in the core."""
        before = msgspec.msgpack.encode([msgspec.to_builtins(t.row) for t in self.workflow.tasks.values()])
        answer, refusal, refused = None, None, None
        try:
            answer = self.tell(event)
        except Refusal as raised:
            refusal = raised
        try:
            started = [task for task in self.oracle.tasks.values() if task.started]
            new = ask_oracle()
        except Refused as raised:
            refused = raised
        assert (refusal is None) == (refused is None), f"{event}: core {refusal!r}, oracle {refused!r}"
        if refusal is not None:
            after = msgspec.msgpack.encode([msgspec.to_builtins(t.row) for t in self.workflow.tasks.values()])
            assert sorted(before) == sorted(after), "a refusal changed something"
        elif isinstance(event, AddTasks) and isinstance(answer, Added) and isinstance(new, list):
            for told in answer.tasks:
                fresh = told.name in new
                assert told.again != fresh
                spec = self.oracle.tasks[told.name].spec
                late = self.oracle.too_late_for(spec, started) if fresh else set()
                assert told.too_late_for == len(late), f"{told.name} is too late for {late}"
        elif isinstance(answer, Revived) and isinstance(new, set):
            assert answer.started == len(new), f"had started: {new}"
            assert set(answer.started_names) <= new
        self.compare()
        return refusal is None

    def compare(self) -> None:
        recount(self.workflow)
        found = {name: (t.state, t.reason, t.row.run) for name, t in self.workflow.names.items()}
        wanted = {name: (t.state, t.reason, t.run) for name, t in self.oracle.tasks.items()}
        assert found == wanted
        assert self.workflow.row.sealed == self.oracle.sealed
        assert self.workflow.gone == self.oracle.gone
        assert self.workflow.state is self.oracle.state
        spawned = {name: task.spawned for name, task in self.oracle.tasks.items()}
        assert {name: task.row.spawned for name, task in self.workflow.names.items()} == spawned

    def reload(self) -> None:
        """From now on with the workflow as another server would load it."""
        self.specs |= self.workflow.changes.specs
        self.workflow = reloaded(self.workflow)
        self.compare()

    def committed(self) -> Changes:
        self.specs |= self.workflow.changes.specs
        return self.workflow.take_changes()

    # -- events ---------------------------------------------------------------------------------------

    def adds(self, tasks: Sequence[TaskSpec], by: str | None = None) -> bool:
        event = AddTasks(tasks=tuple(tasks), spawner=self.spawner(by) if by else None)
        return self.both(event, lambda: self.oracle.add(tasks, by=by))

    def changes(self, name: str, spec: TaskSpec) -> bool:
        return self.both(ChangeTask(name=name, spec=spec), lambda: self.oracle.change(name, spec))

    def deletes(self, name: str) -> bool:
        return self.both(DeleteTask(name), lambda: self.oracle.delete(name))

    def cancels(self, name: str) -> bool:
        return self.both(CancelTask(name=name), lambda: self.oracle.cancel_task(name))

    def seals_tag(self, tag: str) -> bool:
        return self.both(SealTag(tag), lambda: self.oracle.seal_tag(tag))

    def seals(self) -> bool:
        return self.both(SealWorkflow(), self.oracle.seal)

    def stops(self) -> bool:
        return self.both(StopWorkflow(), lambda: self.oracle.stop("cancel"))

    def strikes(self) -> bool:
        self.now = DEADLINE
        return self.both(DeadlineDue(), lambda: self.oracle.stop("deadline"))

    def ends(self, name: str, how: str) -> bool:
        """`how`: success, error, timeout or lost."""
        job = self.job_of(name)
        events: dict[str, Event] = {
            "success": JobEnded(job=job, fence=1, state=TaskState.SUCCESS, result=b"1"),
            "error": JobEnded(job=job, fence=1, state=TaskState.ERROR, error="it broke"),
            "timeout": JobTimedOut(job, 1),
            "lost": JobLost(job, 1, "w"),
        }
        return self.both(events[how], lambda: self.oracle.job_ended(name, ok=how == "success"))

    def retries(self, name: str) -> bool:
        return self.both(RetryDue(self.workflow.names[name].id), lambda: self.oracle.retry_due(name))

    def reruns(self, name: str, *, from_here: bool = False) -> bool:
        event = Rerun(name=name, from_here=from_here)
        return self.both(event, lambda: self.oracle.rerun(name, from_here=from_here))

    def skips(self, name: str) -> bool:
        return self.both(Skip(name=name), lambda: self.oracle.skip_by_operator(name))

    def sets_result(self, name: str, *, ok: bool) -> bool:
        state = TaskState.SUCCESS if ok else TaskState.ERROR
        return self.both(SetResult(name=name, state=state), lambda: self.oracle.set_result(name, ok=ok))
