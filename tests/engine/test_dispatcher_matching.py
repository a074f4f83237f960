"""Who may take what: target, action, tags and binding; and the indexes agree with the rule."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ostro.engine.dispatcher.matching import Dirty, Waiting, serves
from ostro.store.queue import Queue
from ostro.store.workers import Worker
from tests.engine.fleet import a_worker

KEYS, VALUES, TAGS, ACTIONS = "ab", "xy", "tu", ("script", "std.sleep")

pairs = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2)
queues = st.builds(
    lambda number, action, target, tags: Queue(1, number, action, target, tuple(sorted(tags))),
    st.integers(0, 10_000),
    st.sampled_from(ACTIONS),
    pairs,
    st.sets(st.sampled_from(TAGS)),
)
workers = st.builds(
    lambda capabilities, binding, pool, actions, tags: a_worker(
        capabilities=capabilities, binding=binding, pool=pool, actions=actions, tags=tags
    ),
    st.dictionaries(st.sampled_from(KEYS), st.frozensets(st.sampled_from(VALUES), min_size=1)),
    pairs,
    st.booleans(),
    st.frozensets(st.sampled_from(ACTIONS)),
    st.none() | st.frozensets(st.sampled_from(TAGS)),
)


def a_queue(
    target: dict[str, str] | None = None, *, action: str = "script", tags: tuple[str, ...] = ()
) -> Queue:
    return Queue(1, 1, action, target or {}, tags)


def bound(**more: Any) -> Worker:
    chosen: dict[str, Any] = {
        "capabilities": {"server": frozenset({"x"}), "role": frozenset({"web", "db"})},
        "binding": {"server": "x"},
        "pool": False,
    }
    return a_worker(**chosen | more)


def test_a_bound_worker_takes_only_jobs_whose_target_contains_its_whole_binding() -> None:
    assert serves(bound(), a_queue({"server": "x"}))
    assert serves(bound(), a_queue({"server": "x", "role": "db"}))
    assert not serves(bound(), a_queue({"server": "y"}))
    assert not serves(bound(), a_queue({"role": "db"}))
    assert not serves(bound(), a_queue())
    assert not serves(bound(), a_queue({"server": "x", "role": "cache"}))


def test_a_worker_of_the_pool_takes_untargeted_jobs_and_what_it_is_capable_of() -> None:
    assert serves(bound(pool=True), a_queue())
    assert serves(bound(pool=True), a_queue({"role": "db"}))
    assert not serves(bound(pool=True), a_queue({"role": "cache"}))


def test_a_worker_that_is_neither_bound_nor_of_the_pool_takes_no_untargeted_jobs() -> None:
    assert not serves(bound(binding={}), a_queue())
    assert serves(bound(binding={}), a_queue({"role": "db"}))


def test_a_filter_takes_jobs_with_one_of_its_tags_and_none_takes_any() -> None:
    picky = bound(pool=True, tags=frozenset({"Deployment", "Smoke"}))
    assert serves(picky, a_queue(tags=("Deployment", "db")))
    assert not serves(picky, a_queue(tags=("db",)))
    assert not serves(picky, a_queue())
    assert serves(bound(pool=True), a_queue(tags=("db",)))


def test_an_action_that_the_worker_does_not_run_and_another_namespace_are_not_for_it() -> None:
    assert not serves(bound(pool=True), a_queue(action="std.sleep"))
    assert not serves(bound(pool=True, namespace=2), a_queue())


@given(st.lists(queues, unique_by=lambda queue: queue.id), st.lists(workers, max_size=6))
def test_the_indexes_find_exactly_what_the_rule_says(queues: list[Queue], workers: list[Worker]) -> None:
    dirty, waiting = Dirty(), Waiting[int]()
    for queue in queues:
        dirty.add(queue)
    for number, worker in enumerate(workers):
        waiting.add(number, worker)
    for worker in workers:
        assert set(dirty.served_by(worker)) == {queue for queue in queues if serves(worker, queue)}
    for queue in queues:
        assert list(waiting.serving(queue)) == [
            n for n, worker in enumerate(workers) if serves(worker, queue)
        ]


@given(st.lists(queues, unique_by=lambda queue: queue.id, min_size=1), workers)
def test_what_was_taken_out_of_the_indexes_is_not_found(queues: list[Queue], worker: Worker) -> None:
    dirty, waiting = Dirty(), Waiting[int]()
    for queue in queues * 2:
        dirty.add(queue)
    waiting.add(1, worker)
    waiting.discard(1)
    for queue in queues:
        dirty.discard(queue)
        assert queue not in dirty
        assert list(waiting.serving(queue)) == []
    assert list(dirty.served_by(worker)) == []
    assert len(waiting) == 0
