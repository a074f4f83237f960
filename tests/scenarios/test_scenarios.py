"""Section 3's rules as scenarios, each played twice: by the core alone, and by the whole engine."""

import pytest

from ostro.core.events import (
    AddTasks,
    CancelTask,
    ChangeTask,
    DeleteTask,
    SealTag,
    SealWorkflow,
    StopWorkflow,
)
from ostro.values import Retry, Term, TermState
from tests.engine.whole import task
from tests.scenarios.scenario import Refused, Scenario, Work, in_core, in_engine

COMPLETE, ERROR = TermState.COMPLETE, TermState.ERROR


def tags(*names: str, **more: object) -> Term:
    return Term(tags=names, **more)  # type: ignore[arg-type]


def add(*tasks) -> AddTasks:
    return AddTasks(tasks=tasks)


SCENARIOS = (
    Scenario(
        name="the main job: a join waits for all that bear two tags, also those that come later (1, 2, 4)",
        tasks=(
            task("A", tags=("Deployment",)), task("B", tags=("PostDeployment",)), task("C", "A"),
            task("J", tags("Deployment", "PostDeployment")),
        ),
        steps=(Work(), add(task("D", tags=("Deployment",))), Work(), SealWorkflow()),
        ends={"A": "SUCCESS", "B": "SUCCESS", "C": "SUCCESS", "D": "SUCCESS", "J": "SUCCESS"},
        state="SUCCESS",
    ),
    Scenario(
        name="a sealed tag is closed to everybody and its join starts before the workflow is sealed (2)",
        tasks=(task("A", tags=("t",)), task("J", tags("t"))),
        steps=(SealTag("t"), Refused(add(task("B", tags=("t",))), "tag_sealed"), Work(), SealWorkflow()),
        ends={"A": "SUCCESS", "J": "SUCCESS"},
        state="SUCCESS",
    ),
    Scenario(
        name="what fails skips those behind it, and an error of the workflow it is (3, 5, 6)",
        tasks=(task("A"), task("B", "A"), task("C", "B"), task("L")),
        seal=True,
        fails={"A": 9},
        ends={"A": "ERROR", "B": "SKIPPED upstream", "C": "SKIPPED upstream", "L": "SUCCESS"},
        state="ERROR",
    ),
    Scenario(
        name="a clean-up after an error handles it, and is not needed without one (5, 6)",
        tasks=(
            task("A"), task("mend", Term(task="A", state=ERROR, handles=True)), task("after", "mend"),
            task("B"), task("mend_b", Term(task="B", state=ERROR, handles=True)), task("after_b", "mend_b"),
        ),
        seal=True,
        fails={"A": 9},
        ends={
            "A": "ERROR", "mend": "SUCCESS", "after": "SUCCESS",
            "B": "SUCCESS", "mend_b": "SKIPPED not_needed", "after_b": "SKIPPED not_needed",
        },
        state="SUCCESS",
    ),
    Scenario(
        name="COMPLETE takes any end, but does not handle it (3, 6)",
        tasks=(task("A"), task("B", Term(task="A", state=COMPLETE))),
        seal=True,
        fails={"A": 9},
        ends={"A": "ERROR", "B": "SUCCESS"},
        state="ERROR",
    ),
    Scenario(
        name="a name that nobody added is missing once the workflow falls still (6)",
        tasks=(task("A"), task("B", "nobody"), task("C", "B")),
        steps=(Work(), SealWorkflow()),
        ends={"A": "SUCCESS", "B": "SKIPPED missing", "C": "SKIPPED upstream"},
        state="ERROR",
    ),
    Scenario(
        name="a tag without members is missing at its closing, unless it is optional (3, 5)",
        tasks=(task("A", tags("none")), task("B", tags("none", optional=True))),
        steps=(SealWorkflow(),),
        ends={"A": "SKIPPED missing", "B": "SUCCESS"},
        state="ERROR",
    ),
    Scenario(
        name="enough of them is enough, and tolerates the others' errors (3, 6)",
        tasks=(*(task(f"t{n}", tags=("t",)) for n in range(4)), task("J", tags("t", enough="50%"))),
        seal=True,
        fails={"t0": 9, "t1": 9},
        ends={"t0": "ERROR", "t1": "ERROR", "t2": "SUCCESS", "t3": "SUCCESS", "J": "SUCCESS"},
        state="SUCCESS",
    ),
    Scenario(
        name="at least so many start the join before the seal, and who comes later is too late (3, 4)",
        tasks=(task("t0", tags=("t",)), task("J", tags("t", at_least=2))),
        steps=(Work(), add(task("t1", tags=("t",))), Work(), add(task("t2", tags=("t",))), SealWorkflow()),
        fails={"t2": 9},
        ends={"t0": "SUCCESS", "t1": "SUCCESS", "t2": "ERROR", "J": "SUCCESS"},
        state="ERROR",
    ),
    Scenario(
        name="all tags: only who bears both is a member (1, 2)",
        tasks=(
            task("both", tags=("a", "b")), task("a", tags=("a",)), task("J", Term(all_tags=("a", "b"))),
        ),
        seal=True,
        fails={"a": 9},
        ends={"both": "SUCCESS", "a": "ERROR", "J": "SUCCESS"},
        state="ERROR",
    ),
    Scenario(
        name="done_when seals the workflow (7)",
        tasks=(task("A"),),
        done_when=(Term(task="last"),),
        steps=(Work(), add(task("last", "A")), Work(), Refused(add(task("more")), "workflow_ended")),
        ends={"A": "SUCCESS", "last": "SUCCESS"},
        state="SUCCESS",
    ),
    Scenario(
        name="a cancel stops what runs and passes by what waits (8)",
        tasks=(task("A"), task("B", "A"), task("N", action="std.noop")),
        steps=(StopWorkflow(), Refused(add(task("C")), "workflow_ended")),
        ends={"A": "CANCELLED", "B": "SKIPPED stopped", "N": "SUCCESS"},
        state="CANCELLED",
    ),
    Scenario(
        name="one cancelled task skips those behind it and makes the workflow CANCELLED (5, 6)",
        tasks=(task("A"), task("B", "A"), task("C")),
        seal=True,
        steps=(CancelTask(name="A"),),
        ends={"A": "CANCELLED", "B": "SKIPPED upstream", "C": "SUCCESS"},
        state="CANCELLED",
    ),
    Scenario(
        name="terms look at the last run: a retry is waited for (1)",
        tasks=(task("A", retry=Retry(count=2, delay=0.01)), task("B", "A"), task("I", action="std.fail")),
        seal=True,
        fails={"A": 2},
        ends={"A": "SUCCESS", "B": "SUCCESS", "I": "ERROR"},
        state="ERROR",
    ),
    Scenario(
        name="the same again is answered, another under its name is not; deleted names are gone (11)",
        tasks=(task("A"), task("B", "A"), task("D", "A")),
        steps=(
            add(task("A")), Refused(add(task("A", tags=("x",))), "task_exists"),
            ChangeTask(name="B", spec=task("B", "A", tags=("x",))), DeleteTask("D"), DeleteTask("D"),
            Refused(add(task("D", "A")), "task_deleted"), Refused(add(task("E", "D")), "requires_deleted"),
            SealWorkflow(), add(task("A")), Refused(add(task("F")), "workflow_sealed"),
        ),
        ends={"A": "SUCCESS", "B": "SUCCESS"},
        state="SUCCESS",
    ),
    Scenario(
        name="a cycle is refused, and what was there goes on (10)",
        tasks=(task("A", "B"),),
        steps=(Refused(add(task("B", "A")), "cycle"), add(task("B")), SealWorkflow()),
        ends={"A": "SUCCESS", "B": "SUCCESS"},
        state="SUCCESS",
    ),
)  # fmt: skip


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
def test_in_the_core_alone(scenario) -> None:
    assert in_core(scenario) == (scenario.ends, scenario.state)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda one: one.name)
async def test_in_the_whole_engine(scenario, database) -> None:
    assert await in_engine(scenario, database) == (scenario.ends, scenario.state)
