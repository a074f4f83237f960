"""No door that takes texts of strangers breaks on what it is shown first, nor on what is like it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.fuzz.doors import DOORS, knock
from tests.fuzz.seeds import seeds_of


@pytest.mark.parametrize("door", DOORS)
def test_a_door_stands_what_it_is_shown_first(door, request) -> None:
    """All with --long."""
    seeds = seeds_of(door)
    assert len(seeds) > 40
    for seed in seeds[:: 1 if request.config.getoption("--long") else 6]:
        knock(DOORS[door], seed)


@st.composite
def spoilt(draw, door: str) -> bytes:
    """A seed with a part taken away, doubled, or replaced by a part of another."""
    seeds = st.sampled_from(seeds_of(door))
    one, other = draw(seeds), draw(seeds)
    start = draw(st.integers(0, len(one)))
    end = draw(st.integers(start, len(one)))
    start_of_other = draw(st.integers(0, len(other)))
    middle = draw(
        st.sampled_from([b"", one[start:end] * 2, other[start_of_other : start_of_other + 40]])
        | st.binary(max_size=12)
    )
    made: bytes = one[:start] + middle + one[end:]
    return made


@pytest.mark.parametrize("door", DOORS)
@given(data=st.data())
def test_a_door_stands_what_is_like_that(door, data) -> None:
    knock(DOORS[door], data.draw(spoilt(door)))
