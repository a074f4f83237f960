"""A tree in as many lines as the terminal has."""

from collections import Counter
from collections.abc import Iterator

from hypothesis import given
from hypothesis import strategies as st

from ostro.cli.watching.branches import Branch
from ostro.cli.watching.cut import fitted
from tests.cli.watching.looked import at

STATES = ("ERROR", "CANCELLED", "RUNNING", "PAUSED", "DELAYED", "WAITING", "SUCCESS", "SKIPPED")

trees = st.recursive(
    st.builds(Branch, name=st.text("abc", max_size=3), state=st.sampled_from(STATES)),
    lambda below: st.builds(
        Branch,
        name=st.just("w"),
        state=st.sampled_from(STATES),
        below=st.lists(below, max_size=6),
        rest=st.dictionaries(st.sampled_from(STATES), st.integers(1, 9), max_size=2),
    ),
    max_leaves=30,
)


def lines(branch: Branch) -> list[str]:
    return [
        branch.name,
        *(line for one in branch.below for line in lines(one)),
        *(["+"] if branch.rest else []),
    ]


def many(state: str, count: int, **more: object) -> Iterator[Branch]:
    return (Branch(name=f"{state.lower()}-{n}", state=state, ended=at(n), **more) for n in range(count))  # type: ignore[arg-type]


@given(tree=trees, most=st.integers(1, 40))
def test_it_never_has_more_lines_and_loses_no_task(tree: Branch, most: int) -> None:
    cut = fitted(tree, most)
    assert len(lines(cut)) <= max(most, 2)  # the root, and what is counted under it
    told = Counter(one.state for one in cut.below) + Counter(cut.rest)
    assert told == Counter(one.state for one in tree.below) + Counter(tree.rest)


def test_what_fits_stays_as_it_is() -> None:
    tree = Branch(name="w", state="RUNNING", below=list(many("SUCCESS", 3)))
    assert fitted(tree, 4) is tree


def test_what_runs_and_what_failed_share_the_lines_and_the_rest_is_counted() -> None:
    everything = [*many("SUCCESS", 900), *many("ERROR", 50), *many("WAITING", 20), *many("RUNNING", 70)]
    cut = fitted(Branch(name="w", state="RUNNING", below=everything, rest={"SUCCESS": 100}), 8)
    assert [one.name for one in cut.below] == [
        "error-0",
        "error-1",
        "error-2",
        "running-0",
        "running-1",
        "running-2",
    ]
    assert cut.rest == {"SUCCESS": 1000, "ERROR": 47, "RUNNING": 67, "WAITING": 20}


def test_of_what_is_done_the_last_ones_stay() -> None:
    cut = fitted(Branch(name="w", state="RUNNING", below=list(many("SUCCESS", 9))), 4)
    assert [one.name for one in cut.below] == ["success-7", "success-8"]


def test_what_failed_deep_below_brings_those_above_it_along() -> None:
    leaf = Branch(name="leaf", state="RUNNING", below=[*many("SUCCESS", 30), *many("ERROR", 1)])
    call = Branch(name="call", state="RUNNING", below=[*many("SUCCESS", 30), leaf])
    cut = fitted(Branch(name="w", state="RUNNING", below=[*many("SUCCESS", 30), call]), 7)
    assert [line for line in lines(cut) if line != "+"] == ["w", "call", "leaf", "error-0"]
