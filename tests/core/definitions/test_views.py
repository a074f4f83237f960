"""Variables by layers: what is seen is what a plain dict would hold, and a chain of many variables stays small."""

import tracemalloc

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from ostro.core.plans.context import EMPTY, View, layered, merged

NAMES = st.sampled_from("abcdefgh")
PUBLISHED = st.lists(st.dictionaries(NAMES, st.integers(), max_size=4), max_size=30)


def behind(steps: list[dict[str, int]], view: View = EMPTY) -> View:
    for step in steps:
        view = layered(view, msgspec.json.encode(step) if step else None)
    return view


@given(PUBLISHED)
def test_what_is_seen_behind_a_chain_is_what_was_published_last_under_each_name(
    steps: list[dict[str, int]],
) -> None:
    view = behind(steps)
    expected = {name: value for step in steps for name, value in step.items()}
    times = {name: sum(name in step for step in steps) for name in expected}
    assert {name: one.value for name, one in view.items()} == expected
    assert {name: view[name].version for name in view} == times
    assert len(view) == len(expected)
    for name in "abcdefgh":
        assert (name in view) == (name in expected)
        assert (view.get(name) is None) == (name not in expected)


@given(PUBLISHED, PUBLISHED, PUBLISHED)
def test_branches_meet_as_if_each_were_a_dict(
    before: list[dict[str, int]], left: list[dict[str, int]], right: list[dict[str, int]]
) -> None:
    start = behind(before)
    views = [behind(left, start), behind(right, start)]
    met, plainly = merged(views), merged([dict(view.items()) for view in views])
    assert {name: one.value for name, one in met.items()} == {
        name: one.value for name, one in plainly.items()
    }


def test_a_chain_of_2_000_tasks_with_a_variable_each_keeps_few_copies_of_what_is_seen() -> None:
    views: list[View] = [EMPTY]
    tracemalloc.start()
    try:
        for number in range(2_000):
            views.append(layered(views[-1], b'{"v%d": 1}' % number))
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 10_000_000  # it is 57 MB if each has a whole dict
