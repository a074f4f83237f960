"""Events that wait for a lane: nobody's many keep another's one waiting for more than a turn."""

import pytest

from ostro.clock import new_id
from ostro.core.events import SealWorkflow
from ostro.engine.lanes.envelope import Envelope
from ostro.engine.lanes.pending import Pending
from ostro.store.loading.reading import Key


@pytest.fixture
def pending() -> Pending:
    return Pending()


def put(pending: Pending, key: Key, count: int = 1) -> list[Envelope]:
    envelopes = [Envelope(key, SealWorkflow(), expires=0.0) for _ in range(count)]
    for one in envelopes:
        pending.put(one)
    return envelopes


def a_key(namespace: int = 1) -> Key:
    return namespace, new_id()


async def test_a_namespace_with_a_thousand_workflows_leaves_a_place_in_the_batch_to_another(
    pending: Pending,
) -> None:
    for _ in range(1_000):
        put(pending, a_key(1))
    small = a_key(2)
    put(pending, small)
    assert small in pending.take(2)
    assert pending.count == 999


async def test_a_workflow_with_more_events_than_a_batch_lets_the_next_batch_begin_with_another(
    pending: Pending,
) -> None:
    hot, other = a_key(), a_key()
    events = put(pending, hot, 25)
    put(pending, other)
    assert pending.take(10) == {hot: events[:10]}
    second = pending.take(10)
    assert list(second) == [other, hot]
    assert second[hot] == events[10:19]
    assert pending.take(10) == {hot: events[19:]}
    assert pending.count == 0
    assert pending.take(10) == {}


async def test_what_is_held_back_is_taken_after_its_release_in_the_order_of_its_coming(
    pending: Pending,
) -> None:
    key, other = a_key(), a_key()
    first = put(pending, key, 2)
    pending.hold(key)
    later = put(pending, key, 2)
    put(pending, other)
    assert list(pending.take(10)) == [other]
    assert pending.count == 4
    pending.release(key)
    assert pending.take(10) == {key: first + later}


async def test_what_was_taken_too_early_comes_first_again(pending: Pending) -> None:
    key = a_key()
    first = put(pending, key, 3)
    taken = pending.take(10)[key]
    later = put(pending, key)
    pending.put_back(key, taken[1:])
    assert pending.take(10) == {key: first[1:] + later}
