"""The types of the sync side are those of the async one."""

from tests.client.sync_stub import STUB, make


def test_the_stub_is_what_the_async_side_makes_it() -> None:
    assert STUB.read_text() == make(), "make it anew: python -m tests.client.sync_stub"
