"""`SyncClient`. Its types stand in `sync.pyi`, which is made from the async side: see tests/client/sync_stub.py."""

from typing import Any, Self

from ostro.client.client import Client
from ostro.client.derived import Portal, Twin


class SyncClient(Twin):
    """`Client` for programs without asyncio: the same arguments and names, calls that wait.

    Use it as `with SyncClient() as client:`.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        portal = Portal()
        try:
            super().__init__(portal, portal.do(_make(args, kwargs)))
        except BaseException:
            portal.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections and ends the thread. Harmless when repeated."""
        if self._portal.alive:
            self._portal.do(self._original.close())
            self._portal.close()


async def _make(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Client:
    return Client(*args, **kwargs)
