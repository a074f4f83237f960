"""How the sync side of the SDK is derived from the async one: never written by hand.

Each method of an async object is run in a loop of its own thread; an async iterator becomes an iterator;
an object of the SDK comes back as its sync twin.
"""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import wraps
from typing import Any

from ostro.client.client import Client, Jobs, Tokens, Workers, Workflows
from ostro.client.definitions import Definitions, Environments
from ostro.client.workflow import Workflow

_TWINS = (Client, Definitions, Environments, Jobs, Tokens, Workers, Workflow, Workflows)


class Portal:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="ostro-sync", daemon=True)
        self._thread.start()

    def do(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Runs it there and waits for it."""
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()  # Ctrl-C ends the wait here and the call there
            raise

    @property
    def alive(self) -> bool:
        """Whether it can be used."""
        return not self._loop.is_closed()

    def close(self) -> None:
        """Ends the loop and its thread. Harmless when repeated."""
        if not self.alive:
            return
        self.do(self._loop.shutdown_asyncgens())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


class Twin:
    """The sync twin of an object of the SDK: the same names, without `await`."""

    def __init__(self, portal: Portal, original: Any) -> None:
        self._portal = portal
        self._original = original

    def __repr__(self) -> str:
        return f"Sync{self._original!r}"

    def __dir__(self) -> list[str]:
        return [name for name in dir(self._original) if not name.startswith("_")]

    def __getattr__(self, name: str) -> Any:
        """The same attribute, made sync."""
        if name.startswith("_"):
            raise AttributeError(name)
        return self._sync(getattr(self._original, name))

    def _sync(self, value: Any) -> Any:
        if isinstance(value, _TWINS):
            return Twin(self._portal, value)
        if inspect.ismethod(value):
            return self._call(value)
        return value

    def _call(self, method: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(method)
        def call(*args: Any, **kwargs: Any) -> Any:
            answer = method(*args, **kwargs)
            if inspect.isasyncgen(answer):
                return self._each(answer)
            return self._sync(self._portal.do(answer) if inspect.iscoroutine(answer) else answer)

        return call

    def _each(self, source: AsyncIterator[Any]) -> Iterator[Any]:
        ended = object()
        try:
            while (item := self._portal.do(_next(source, ended))) is not ended:
                yield item
        finally:
            self._portal.do(source.aclose())  # type: ignore[attr-defined]


async def _next(source: AsyncIterator[Any], ended: object) -> Any:
    return await anext(source, ended)
