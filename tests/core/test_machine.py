"""The core and the naive oracle of the rules, side by side, through random lives of workflows."""

from typing import Any

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from ostro.core.specs import TaskSpec
from ostro.core.states import ENDED
from ostro.values import MaySpawn, Retry, TaskState, Term, TermState
from tests.core.twin import DEADLINE, Twin, a_task

NAMES = st.sampled_from([f"t{number}" for number in range(9)])
TAG = st.sampled_from(["x", "y", "z"])
TAGS = st.sets(TAG, max_size=2).map(lambda tags: tuple(sorted(tags)))
SOME_TAGS = st.sets(TAG, min_size=1, max_size=2).map(lambda tags: tuple(sorted(tags)))
STATES = st.sampled_from([TermState.SUCCESS, TermState.SUCCESS, TermState.ERROR, TermState.COMPLETE])
NUMBERS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.just({}),
    st.just({}),
    st.builds(lambda n: {"enough": n}, st.integers(1, 3)),
    st.builds(lambda n: {"enough": f"{n}%"}, st.sampled_from([1, 34, 50, 67, 100])),
    st.builds(lambda n: {"at_least": n}, st.integers(1, 3)),
)
HANDLES = st.sampled_from([False, False, True])
NAME_TERMS = st.builds(lambda t, s, h: Term(task=t, state=s, handles=h), NAMES, STATES, HANDLES)
TAG_TERMS = st.builds(
    lambda kind, tags, s, number, o, h: Term(**{kind: tags}, state=s, **number, optional=o, handles=h),
    st.sampled_from(["tags", "tags", "all_tags"]),
    SOME_TAGS,
    STATES,
    NUMBERS,
    st.sampled_from([False, False, True]),
    HANDLES,
)
TERMS = st.lists(st.one_of(NAME_TERMS, TAG_TERMS), max_size=2).map(tuple)
ACTIONS = st.sampled_from(["script", "script", "script", "std.noop", "std.fail", "std.echo"])
RETRIES = st.sampled_from([None, None, Retry(count=1, delay=1.0), Retry(count=2)])
TARGETS = st.sampled_from([{}, {}, {"s": "1"}, {"s": "1", "r": "2"}])
GRANTS = st.builds(
    lambda n, tags, targets: MaySpawn(max=n, tags=tags, targets=targets, actions=("script", "std.noop")),
    st.integers(0, 3),
    SOME_TAGS,
    st.sampled_from([(), ({"s": "1"},)]),
)
SPECS: st.SearchStrategy[TaskSpec] = st.builds(
    lambda name, action, tags, requires, retry, target, grant: a_task(
        name, action, tags=tags, requires=requires, retry=retry, target=target, may_spawn=grant
    ),
    NAMES,
    ACTIONS,
    TAGS,
    TERMS,
    RETRIES,
    TARGETS,
    st.one_of(st.none(), st.none(), GRANTS),
)
BATCHES = st.lists(SPECS, min_size=1, max_size=4, unique_by=lambda spec: spec.name)
SPAWNED = st.lists(
    st.builds(
        lambda name, action, tags, requires, target: a_task(
            name, action, tags=tags, requires=requires, target=target
        ),
        NAMES,
        st.sampled_from(["script", "std.noop"]),
        TAGS,
        TERMS,
        TARGETS,
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda spec: spec.name,
)
DONE_WHEN = st.lists(
    st.one_of(
        st.builds(lambda t: Term(task=t), NAMES),
        st.builds(lambda tags, n: Term(tags=tags, enough=n), SOME_TAGS, st.integers(1, 2)),
        st.builds(lambda tags, n: Term(tags=tags, at_least=n), SOME_TAGS, st.integers(1, 2)),
    ),
    max_size=2,
).map(tuple)


class Lives(RuleBasedStateMachine):
    """Everything that can happen to a workflow, in any order."""

    twin: Twin

    @initialize(
        tasks=st.one_of(st.just([]), BATCHES),
        seal=st.sampled_from([False, False, False, True]),
        done_when=st.one_of(st.just(()), st.just(()), DONE_WHEN),
        steps=st.sampled_from([1, 2, 3, 1000]),
        forgets=st.booleans(),
    )
    def is_made(self, tasks, seal, done_when, steps, forgets) -> None:
        # Who forgets the agenda after each step never gets anywhere: what one step found, the next one does.
        enough = max(steps, 4) if forgets else steps
        self.twin = Twin(
            tasks, seal=seal, done_when=done_when, deadline=DEADLINE, steps=enough, forgets=forgets
        )

    def names(self, *states: TaskState) -> list[str]:
        return [name for name, task in self.twin.workflow.names.items() if task.state in states]

    def one_of(self, data: st.DataObject, *states: TaskState) -> str:
        return data.draw(st.sampled_from(self.names(*states)))

    def has(self, *states: TaskState) -> bool:
        return bool(self.names(*states))

    @rule(batch=BATCHES)
    def adds(self, batch) -> None:
        self.twin.adds(batch)

    @precondition(lambda self: self.twin.workflow.names)
    @rule(data=st.data())
    def repeats(self, data) -> None:
        again = data.draw(st.sampled_from(sorted(self.twin.oracle.tasks)))
        task = self.twin.oracle.tasks[again]
        spec = data.draw(SPECS)
        assert self.twin.adds([a_copy(task.spec, task.first_hash)])
        if spec.name not in self.twin.oracle.tasks:
            self.twin.adds([a_copy(task.spec, task.first_hash), spec])

    @precondition(lambda self: any(t.spec.may_spawn for t in self.running()))
    @rule(data=st.data(), batch=SPAWNED)
    def spawns(self, data, batch) -> None:
        who = [task.spec.name for task in self.running() if task.spec.may_spawn]
        self.twin.adds(batch, by=data.draw(st.sampled_from(who)))

    def running(self) -> list[Any]:
        return [task for task in self.twin.oracle.tasks.values() if task.state is TaskState.RUNNING]

    @precondition(lambda self: self.has(TaskState.RUNNING))
    @rule(data=st.data(), how=st.sampled_from(["success", "success", "success", "error", "lost", "timeout"]))
    def a_job_ends(self, data, how) -> None:
        self.twin.ends(self.one_of(data, TaskState.RUNNING), how)

    @precondition(lambda self: self.has(TaskState.DELAYED))
    @rule(data=st.data())
    def a_retry_is_due(self, data) -> None:
        self.twin.retries(self.one_of(data, TaskState.DELAYED))

    @rule(name=NAMES, spec=SPECS)
    def changes(self, name, spec) -> None:
        known = self.twin.oracle.tasks.get(name)
        if known is not None:
            fields = {f: getattr(spec, f) for f in ("tags", "requires", "retry", "target", "may_spawn")}
            self.twin.changes(name, a_task(name, spec.action, **fields))

    @rule(name=NAMES)
    def deletes(self, name) -> None:
        self.twin.deletes(name)

    @rule(name=NAMES)
    def cancels(self, name) -> None:
        self.twin.cancels(name)

    @precondition(lambda self: not self.twin.workflow.ended)
    @rule(tag=TAG)
    def seals_a_tag(self, tag) -> None:
        self.twin.seals_tag(tag)

    @precondition(lambda self: len(self.twin.workflow.names) > 3)
    @rule()
    def seals(self) -> None:
        self.twin.seals()

    @precondition(lambda self: len(self.twin.workflow.names) > 6)
    @rule(why=st.sampled_from(["cancel", "deadline"]), meant=st.integers(0, 5))
    def stops(self, why, meant) -> None:
        if meant == 0:
            self.twin.stops() if why == "cancel" else self.twin.strikes()

    @precondition(lambda self: self.has(*ENDED) or self.has(TaskState.WAITING))
    @rule(data=st.data(), what=st.sampled_from(["rerun", "rerun", "from here", "skip", "result", "error"]))
    def an_operator_helps(self, data, what) -> None:
        name = self.one_of(data, *ENDED, TaskState.WAITING, TaskState.DELAYED)
        if what in {"rerun", "from here"}:
            self.twin.reruns(name, from_here=what == "from here")
        elif what == "skip":
            self.twin.skips(name)
        else:
            self.twin.sets_result(name, ok=what == "result")

    @rule()
    def is_loaded_anew(self) -> None:
        self.twin.reload()

    def teardown(self) -> None:
        if hasattr(self, "twin"):
            self.runs_to_its_end()

    def runs_to_its_end(self) -> None:
        """A sealed workflow whose jobs all end does end."""
        self.twin.seals()
        for _ in range(100):
            for name in self.names(TaskState.DELAYED):
                if self.twin.workflow.names[name].state is TaskState.DELAYED:
                    self.twin.retries(name)
            for index, name in enumerate(self.names(TaskState.RUNNING)):
                self.twin.ends(name, "error" if index % 3 == 2 else "success")
        assert self.twin.workflow.ended


def a_copy(spec: TaskSpec, first_hash: bytes) -> TaskSpec:
    kept = {name: getattr(spec, name) for name in spec.__struct_fields__}
    return TaskSpec(**{**kept, "hash": first_hash})


TestLives = Lives.TestCase
TestLives.settings = settings(stateful_step_count=50)
