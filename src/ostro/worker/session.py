"""One worker's side of the protocol: register → poll → logs → leave, and the counter that orders it."""

import msgspec

from ostro.client.transport import Transport
from ostro.errors import OstroError
from ostro.protocol.workers import (
    LEAVE_PATH,
    LOGS_PATH,
    POLL_PATH,
    PROTOCOL,
    REGISTER_PATH,
    HeldJob,
    JobResult,
    Leave,
    LogChunk,
    Logs,
    LogsAnswer,
    Poll,
    PollAnswer,
    Register,
    Registered,
)
from ostro.values import UUID
from ostro.worker.options import Options

_SLACK = 10.0
"""Seconds that an answer may take beyond the time that it was asked to wait."""


class Session:
    """The present life at the server. Each call is sent at most once; errors are the transport's."""

    def __init__(self, transport: Transport, options: Options, instance: UUID, actions: list[str]) -> None:
        self._transport = transport
        self._options = options
        self._instance = instance
        self._actions = actions
        self._counter = 0
        self._terms: Registered | None = None

    @property
    def terms(self) -> Registered:
        """What the server said at the last register."""
        if self._terms is None:
            raise OstroError("The worker has not registered.")
        return self._terms

    @property
    def known(self) -> bool:
        """Whether there is a session to leave."""
        return self._terms is not None

    async def register(self, held: list[HeldJob]) -> Registered:
        """A new session, which takes over the jobs that are held."""
        options = self._options
        body = Register(
            protocol=PROTOCOL,
            name=options.name,
            instance=self._instance,
            capabilities=options.capabilities,
            actions=self._actions,
            tags=options.tags,
            slots=options.slots,
            # A name is taken from another once, on purpose; afterwards whoever comes later has it.
            replace=options.replace and self._terms is None,
            version=options.version,
            held=held,
        )
        self._terms = await self._transport.once("POST", REGISTER_PATH, Registered, body=body)
        self._counter = 0
        return self._terms

    def next_poll(
        self, *, free: int, wait: float, held: list[HeldJob], results: list[JobResult], stopped: list[HeldJob]
    ) -> Poll:
        """The next request, numbered now: what is sent later is newer."""
        self._counter += 1
        return Poll(
            session=self.terms.session,
            counter=self._counter,
            free=free,
            wait=wait,
            held=held,
            results=results,
            stopped=stopped,
        )

    async def poll(self, request: Poll) -> PollAnswer:
        """Sends it; returns when there is something to do, or the wait is over."""
        return await self._transport.once(
            "POST", POLL_PATH, PollAnswer, body=request, timeout=request.wait + _SLACK
        )

    async def logs(self, chunks: list[LogChunk]) -> LogsAnswer:
        """Sends what jobs wrote."""
        body = Logs(session=self.terms.session, chunks=chunks)
        return await self._transport.once("POST", LOGS_PATH, LogsAnswer, body=body)

    async def leave(self) -> None:
        """Ends the session: what it still holds is given back."""
        body = Leave(session=self.terms.session)
        self._terms = None
        await self._transport.once("POST", LEAVE_PATH, msgspec.Raw, body=body, timeout=5.0)
