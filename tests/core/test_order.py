"""The same adds, seals and outcomes give the same end, whatever the order of events (the promise of section 3)."""

from collections.abc import Iterator
from itertools import count
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ostro.core.events import AddTasks, Event, JobEnded, RetryDue, SealTag, SealWorkflow
from ostro.core.specs import TaskSpec
from ostro.errors import Refusal
from ostro.values import MaySpawn, TaskState, Term
from tests.core.test_machine import HANDLES, NAME_TERMS, RETRIES, SOME_TAGS, STATES, TAG, TAGS
from tests.core.twin import World, a_task

NUMBERS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.builds(lambda n: {"enough": n}, st.integers(1, 3)),
    st.builds(lambda n: {"enough": f"{n}%"}, st.sampled_from([1, 50, 67, 100])),
)
TAG_TERMS = st.builds(
    lambda kind, tags, s, number, o, h: Term(**{kind: tags}, state=s, **number, optional=o, handles=h),
    st.sampled_from(["tags", "tags", "all_tags"]),
    SOME_TAGS,
    STATES,
    NUMBERS,
    st.booleans(),
    HANDLES,
)
TERMS = st.lists(st.one_of(NAME_TERMS, TAG_TERMS), max_size=3).map(tuple)
GRANT = MaySpawn(max=1, tags=("x", "y"), actions=("script",))
SPECS = st.builds(
    lambda tags, requires, retry, action, grant: {
        "tags": tags,
        "requires": requires,
        "retry": retry,
        "action": action,
        "may_spawn": grant,
    },
    TAGS,
    TERMS,
    RETRIES,
    st.sampled_from(["script", "script", "std.noop", "std.fail"]),
    st.sampled_from([None, None, None, GRANT]),
)
TASKS = st.lists(SPECS, min_size=2, max_size=8).map(
    lambda all_of_them: [
        a_task(f"t{n}", fields.pop("action"), **fields) for n, fields in enumerate(map(dict, all_of_them))
    ]
)
OUTCOMES = st.lists(st.booleans(), min_size=7, max_size=7)


class Schedule:
    """One order of the same events. `choose` says which of the possible ones comes next."""

    def __init__(
        self, tasks: list[TaskSpec], outcomes: list[bool], choose: Iterator[int], steps: int
    ) -> None:
        self.world = World(steps=steps)
        self.to_add = list(tasks)
        self.outcomes = outcomes
        self.choose = choose
        self.spawned: set[str] = set()

    def any_of(self, things: list[Any]) -> Any:
        return things[next(self.choose) % len(things)]

    def run(self, seals: list[str]) -> "Schedule":
        while self.to_add:
            self.some_events()
            spec = self.to_add.pop(next(self.choose) % len(self.to_add))
            self.world.tell(AddTasks(tasks=(spec,)))
        events: list[Event] = [SealWorkflow(), *map(SealTag, seals)]
        while events:
            self.some_events()
            self.world.tell(events.pop(next(self.choose) % len(events)))
        while self.step():
            pass
        return self

    def some_events(self) -> None:
        for _ in range(next(self.choose) % 3):
            self.step()

    def step(self) -> bool:
        """A retry that is due, or a job that ends; a job that may spawn does so in its first run."""
        tasks = self.world.workflow.names.values()
        live = [task for task in tasks if task.state in {TaskState.RUNNING, TaskState.DELAYED}]
        if not live:
            return False
        task = self.any_of(live)
        if task.state is TaskState.DELAYED:
            self.world.tell(RetryDue(task.id))
            return True
        if task.spec.may_spawn is not None and task.name not in self.spawned:
            self.spawned.add(task.name)
            self.world.add(a_task(f"{task.name}'s", "script", tags=("x",)), by=task.name)
            return True
        good = self.outcomes[(sum(task.name.encode()) + 3 * task.row.run) % len(self.outcomes)]
        state = TaskState.SUCCESS if good else TaskState.ERROR
        self.world.tell(JobEnded(job=task.row.job, fence=1, state=state))
        return True


def accepted(tasks: list[TaskSpec]) -> list[TaskSpec]:
    """Those that can be added in any order: what makes a cycle while all wait is left out."""
    world, taken = World(), []
    for spec in tasks:
        waits = msgspec.structs.replace(spec, requires=(*spec.requires, Term(task="nobody")))
        try:
            world.add(waits)
        except Refusal:
            continue
        taken.append(spec)
    return taken


@given(TASKS, OUTCOMES, st.sets(TAG, max_size=1), st.randoms(use_true_random=False))
def test_the_final_states_do_not_depend_on_the_order_of_events(tasks, outcomes, seals, chance) -> None:
    chosen = accepted(tasks)
    sealed = sorted(seals - {"x"})  # x is what jobs spawn into: adding to it would race its seal
    first = Schedule(chosen, outcomes, count(0, 0), 1000).run(sealed)
    for steps in (1, 2, 1000):
        other = Schedule(chosen, outcomes, iter(lambda: chance.randrange(1000), -1), steps).run(sealed)
        assert other.world.fates() == first.world.fates()
        assert other.world.end == first.world.end != "RUNNING"
