"""The types of the sync side are those of the async one."""

import ast

from tests.client.sync_stub import STUB, make


def test_the_stub_is_what_the_async_side_makes_it() -> None:
    # As trees: each Python writes the same code down a little differently.
    kept, wanted = ast.dump(ast.parse(STUB.read_text())), ast.dump(ast.parse(make()))
    assert kept == wanted, "make it anew: python -m tests.client.sync_stub"
