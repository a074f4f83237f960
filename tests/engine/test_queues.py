"""Queues are the same for all servers, and made once."""

import asyncio

import pytest

from ostro.clock import Clock
from ostro.engine.queues import Queues, queue_id
from ostro.errors import TooMany
from ostro.store.database import Database
from ostro.values import Limits


def a_server(database: Database, **limits: int) -> Queues:
    return Queues(database, Clock(database.now), Limits(**limits))


def test_the_id_depends_on_what_is_meant_and_not_on_its_order() -> None:
    first = queue_id("script", {"server": "x", "role": "web"}, ("b", "a"))
    assert first == queue_id("script", {"role": "web", "server": "x"}, ("a", "b"))
    assert -(2**63) <= first < 2**63
    others = {
        queue_id("script", {}, ()),
        queue_id("script", {"a": "b"}, ()),
        queue_id("script", {}, ("a", "b")),
    }
    assert len({first, *others}) == 4


def test_the_id_never_changes_between_versions() -> None:
    assert queue_id("script", {"server": "x"}, ("Deployment",)) == -7427510096239924168


async def test_two_servers_intern_the_same_queues_at_once(database: Database) -> None:
    wanted = [(1, "script", {"server": f"s{n}"}, ("t",)) for n in range(50)]
    one, two = a_server(database), a_server(database)
    await asyncio.gather(one.intern(wanted), two.intern(reversed(wanted)), one.intern(wanted))
    ids = [queue_id(action, target, tags) for _ns, action, target, tags in wanted]
    assert all(one.has(1, queue) and two.has(1, queue) for queue in ids)
    assert all(one.get(1, queue) is not None for queue in ids)


async def test_a_queue_that_another_server_made_is_learned_by_its_id(database: Database) -> None:
    one, two = a_server(database), a_server(database)
    await one.intern([(1, "script", {"server": "x"}, ("b", "a")), (2, "script", {}, ())])
    queue = queue_id("script", {"server": "x"}, ("a", "b"))
    await two.load([(1, queue), (1, 99)])
    known = two.get(1, queue)
    assert known is not None
    assert (known.action, known.target, known.tags) == ("script", {"server": "x"}, ("a", "b"))
    assert two.get(1, 99) is None
    assert not two.has(1, queue)  # known, but whoever puts jobs in marks it as in use first


async def test_a_full_namespace_is_refused_and_the_others_are_not(database: Database) -> None:
    queues = a_server(database, queues_per_namespace=2)
    await queues.intern([(1, "script", {"server": "a"}, ())])
    with pytest.raises(TooMany, match="2 queues"):
        await queues.intern([(1, "script", {"server": name}, ()) for name in "bc"] + [(2, "script", {}, ())])
    assert queues.has(2, queue_id("script", {}, ()))
    await queues.intern([(1, "script", {"server": name}, ()) for name in "ab"])
    with pytest.raises(TooMany):
        await queues.intern([(1, "script", {"server": "c"}, ())])
