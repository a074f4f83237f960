"""Workflows told as data, and the two stages that play them: the core alone, and the whole engine."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial

import msgspec

from ostro.clock import new_id
from ostro.core.decide import create, decide
from ostro.core.events import Create, Event, GoOn, JobEnded, RetryDue
from ostro.core.specs import Birth, TaskSpec
from ostro.core.workflow import Moment, Workflow
from ostro.errors import Refusal
from ostro.store.database import Database
from ostro.values import UUID, Limits, TaskState, Term
from tests.engine.whole import Whole, orphans


class Work(msgspec.Struct, frozen=True):
    """The worker ends all that it is given, until there is nothing more."""


class Refused(msgspec.Struct, frozen=True):
    """An event that must be refused with this kind."""

    event: Event
    kind: str


Step = Event | Work | Refused


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """`fails` says how many runs of a task end in ERROR. `ends` tells each task's last state, SKIPPED with its
    reason as `SKIPPED upstream`; `state` is the workflow's. The worker works once more after the last step.
    """

    name: str
    tasks: tuple[TaskSpec, ...] = ()
    seal: bool = False
    done_when: tuple[Term, ...] = ()
    steps: tuple[Step, ...] = ()
    fails: Mapping[str, int] = {}
    ends: Mapping[str, str]
    state: str

    def birth(self, workflow: UUID) -> Create:
        born = Birth(namespace=1, id=workflow, done_when=self.done_when)
        return Create(birth=born, tasks=self.tasks, seal=self.seal)

    def outcome(self, name: str, run: int) -> TaskState:
        return TaskState.ERROR if run <= self.fails.get(name, 0) else TaskState.SUCCESS


def ends_of(workflow: Workflow) -> tuple[dict[str, str], str]:
    """What a scenario tells of a workflow."""
    tasks = {name: " ".join(filter(None, (t.state, t.row.reason))) for name, t in workflow.names.items()}
    return tasks, workflow.state.value


def in_core(scenario: Scenario) -> tuple[dict[str, str], str]:
    """The core alone: no clock, no storage; jobs end in the order in which they were begun."""
    ids = iter(range(1, 1_000_000))
    now = [datetime(2026, 1, 1, tzinfo=UTC)]

    def moment() -> Moment:
        now[0] += timedelta(seconds=1)
        return Moment(now[0], lambda: UUID(int=next(ids)), Limits())

    workflow, _ = create(scenario.birth(UUID(int=0)), moment())

    def work() -> None:
        while True:
            events: list[Event] = [GoOn(message) for message in workflow.messages]
            events += [RetryDue(t.id) for t in workflow.started if t.state is TaskState.DELAYED]
            for job, task in workflow.jobs.items():
                state = scenario.outcome(task.name, task.row.run)
                events.append(JobEnded(job=job, fence=1, state=state))
            if not events:
                return
            decide(workflow, events[0], moment())

    for step in [*scenario.steps, Work()]:
        if isinstance(step, Work):
            work()
        elif isinstance(step, Refused):
            assert refusal_of(partial(decide, workflow, step.event, moment())) == step.kind
        else:
            decide(workflow, step, moment())
    return ends_of(workflow)


def refusal_of(call: Callable[[], object]) -> str | None:
    try:
        call()
    except Refusal as refused:
        return refused.kind
    return None


async def refusal_awaited(call: Awaitable[object]) -> str | None:
    try:
        await call
    except Refusal as refused:
        return refused.kind
    return None


async def in_engine(scenario: Scenario, database: Database) -> tuple[dict[str, str], str]:
    """The same through lanes, PostgreSQL, dispatcher and loops, with a simulated worker."""
    async with Whole(database).running() as server:
        workflow = new_id()
        await server.tell(workflow, scenario.birth(workflow))
        hands = await server.worker(slots=20)

        async def work() -> None:
            while await server.lanes.peek(1, workflow, lambda one: bool(one.started or one.messages)):
                for grant in (await hands.poll(20, 0.1)).grants:
                    await server.end(grant, scenario.outcome(grant.name, grant.run))
                    hands.holds.pop(grant.job)

        for step in [*scenario.steps, Work()]:
            if isinstance(step, Work):
                await work()
            elif isinstance(step, Refused):
                assert await refusal_awaited(server.tell(workflow, step.event)) == step.kind
            else:
                await server.tell(workflow, step)
        ends = await server.lanes.peek(1, workflow, ends_of)
    assert await orphans(database.dsn) == []
    return ends
