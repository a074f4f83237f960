"""An event on its way to a workflow, with who waits for the answer."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from ostro.core.events import Answer, Event, JobEnded, JobLost, JobTimedOut
from ostro.core.workflow import Workflow
from ostro.errors import OstroError
from ostro.store.commit import KeptAnswer
from ostro.store.loading.reading import Key
from ostro.values import UUID


class AlreadyAnswered(OstroError):
    """The idempotency key is taken: the first answer is in the table `answers`."""


class Once(msgspec.Struct, frozen=True):
    """An idempotency key: the answer, rendered, is kept in the transaction that decides it."""

    key: str
    request: bytes
    until: datetime
    render: Callable[[Answer], tuple[int, bytes]]

    def keep(self, answer: Answer) -> KeptAnswer:
        """The row to write."""
        status, body = self.render(answer)
        return KeptAnswer(self.key, self.request, status, body, self.until)


class Look(msgspec.Struct, frozen=True):
    """No event: somebody wants to read the aggregate as it is now."""

    read: Callable[[Workflow], Any]


class Envelope:
    """One event or look; `expires` is when its sender gives up (monotonic seconds).

    `tried`: a decision on it came too late, others had written the workflow meanwhile.
    """

    __slots__ = ("answer", "event", "expires", "key", "once", "session", "tried")

    def __init__(
        self,
        key: Key,
        event: Event | Look,
        *,
        expires: float,
        once: Once | None = None,
        session: UUID | None = None,
    ) -> None:
        self.key = key
        self.event = event
        self.expires = expires
        self.once = once
        self.session = session
        self.tried = False
        self.answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def give(self, answer: object) -> None:
        """The answer, or an error to raise; nobody may be there any more to hear it."""
        if self.answer.done():
            return
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
            self.answer.exception()  # heard, even if the sender has gone
        else:
            self.answer.set_result(answer)

    @property
    def reported(self) -> tuple[UUID, int] | None:
        """The (job, fence) that it is about, if it is about one."""
        if isinstance(self.event, JobEnded | JobTimedOut | JobLost):
            return self.event.job, self.event.fence
        return None
