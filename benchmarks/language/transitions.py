"""A task's end and what follows it, decided by the core alone: one event of a chain that a worker works on.

The floor is a bare loop that does with dicts what such an event cannot do without.
"""

import itertools
import statistics
import time
from datetime import UTC, datetime
from typing import Any

import msgspec

from benchmarks.figures import Found, Scale
from benchmarks.language.texts import chain
from ostro.core.decide import create, decide
from ostro.core.events import Begin, Create, JobEnded
from ostro.core.plans.library import Library, Text
from ostro.core.plans.plan import Plan
from ostro.core.specs import Birth
from ostro.core.workflow import Moment
from ostro.language.lint import lint
from ostro.language.parsed import parsed
from ostro.values import UUID, Limits, TaskState, WorkflowState

_PUBLISHES = {"plain": "", "guarded, with a publish": "v", "guarded, a variable each": "v#"}
"""What a task publishes and what stands on the transition to the next."""
_NOW = datetime(2030, 1, 1, tzinfo=UTC)
_RESULT = b"1"
_REPEATS = 5


def decide_all(scale: Scale) -> Found:
    """Microseconds an event, in chains of 1,000."""
    tasks = scale.of(1_000, 50)
    floor = statistics.median(_bare(tasks) for _ in range(_REPEATS))
    found = {"floor dicts and JSON µs": floor}
    for name, publishes in _PUBLISHES.items():
        plan = _plan(chain(tasks, for_workers=True, publishes=publishes))
        found[f"{name} µs"] = statistics.median(_events(plan, tasks) for _ in range(_REPEATS))
    found["guarded, with a publish / floor"] = found["guarded, with a publish µs"] / floor
    return found


def _plan(text: str) -> Plan:
    return Library((Text("workflows", text),), [lint(text, parse=parsed).document]).plan("chain")


def _events(plan: Plan, tasks: int) -> float:
    """Each job's end is an event; the job that it queues is the next to end."""
    numbers = itertools.count(1)
    moment = Moment(_NOW, lambda: UUID(int=next(numbers)), Limits())
    birth = Birth(namespace=1, id=moment.new_id(), name="chain")
    workflow, _ = create(Create(birth=birth, begin=Begin(plan=plan, input={}, env={}, params={})), moment)
    queued = workflow.take_changes().queued
    began = time.perf_counter()
    for _ in range(tasks):
        (job,) = queued
        decide(workflow, JobEnded(job=job, fence=0, state=TaskState.SUCCESS, result=_RESULT), moment)
        queued = workflow.take_changes().queued
    took = time.perf_counter() - began
    if workflow.state is not WorkflowState.SUCCESS:
        raise RuntimeError(f"the chain ended in {workflow.state}")
    return 1e6 * took / tasks


def _bare(tasks: int) -> float:
    """The result is read, published and looked at; the rows of the ended task and of the next one are made."""
    states: dict[int, dict[str, Any]] = {0: {}}
    seen: dict[str, Any] = {}
    began = time.perf_counter()
    for n in range(tasks):
        seen = {**seen, "v": msgspec.json.decode(_RESULT)}
        ended = states[n] = {"task": n, "name": f"t{n}", "state": "SUCCESS", "published": {"v": seen["v"]}}
        if seen["v"] > 0:
            following = states[n + 1] = {
                "task": n + 1,
                "name": f"t{n + 1}",
                "state": "RUNNING",
                "follows": [n],
            }
            job = {"task": n + 1, "action": "std.noop", "target": {"bench": "1"}, "input": {}}
            msgspec.json.encode([ended, following, job])
    return 1e6 * (time.perf_counter() - began) / tasks
