"""A server that plays the worker's protocol from a script, over real HTTP."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any, Self
from uuid import UUID

import msgspec
import uvicorn

from ostro.clock import new_id
from ostro.protocol.problems import PROBLEM, Problem
from ostro.protocol.workers import (
    CancelOrder,
    Grant,
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
    Settled,
)

Handler = Callable[[bytes], Awaitable[Any]]


class Refused(Exception):
    """The script answers with a problem."""

    def __init__(self, status: int, kind: str) -> None:
        super().__init__(kind)
        self.status, self.kind = status, kind


class PlayedServer:
    """Grants what `grant` was given, remembers all that was said. `changed` wakes whoever waits for that."""

    def __init__(self, *, poll: float = 5.0, kill_after: float = 2.0, result_bytes: int = 2**20) -> None:
        self.poll, self.kill_after, self.result_bytes = poll, kill_after, result_bytes
        self.session: UUID | None = None
        self.registers: list[Register] = []
        self.polls: list[Poll] = []
        self.results: list[JobResult] = []
        self.stopped: list[HeldJob] = []
        self.chunks: list[LogChunk] = []
        self.left = 0
        self.settling = True
        self.may_settle = asyncio.Event()
        self.may_settle.set()
        self.refuse_polls: Refused | None = None
        self.refuse_registers: Refused | None = None
        self._to_grant: list[Grant] = []
        self._to_cancel: list[CancelOrder] = []
        self._counter = 0
        self.changed = asyncio.Condition()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.stop()
        self._socket.close()

    async def start(self) -> None:
        """Listens (again) at the same port."""
        if self._socket.fileno() < 0:
            self._socket = socket.create_server(("127.0.0.1", self.port))
        config = uvicorn.Config(
            self._app, lifespan="off", interface="asgi3", ws="none", log_level="error", access_log=False
        )
        self._server = uvicorn.Server(config)
        self._server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        self._server.force_exit = True
        self._task = asyncio.get_running_loop().create_task(self._server._serve([self._socket]))
        self._open = True

    async def stop(self) -> None:
        """As a network cut: open requests end without an answer, new ones are refused."""
        if self._server is None or self._task is None:
            return
        self._open = False
        self._server.should_exit = True
        async with self.changed:
            self.changed.notify_all()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        await self._task
        self._server = None

    async def grant(self, action: str, given: Any = None, **more: Any) -> Grant:
        """A job, handed out at the next poll with a free slot."""
        made = Grant(
            workflow=more.pop("workflow", new_id()),
            task=new_id(),
            name=more.pop("name", "task"),
            job=more.pop("job", new_id()),
            run=1,
            fence=more.pop("fence", 1),
            action=action,
            input=msgspec.Raw(msgspec.json.encode(given or {})),
            **more,
        )
        self._to_grant.append(made)
        await self._tell()
        return made

    async def cancel(self, grant: Grant) -> None:
        self._to_cancel.append(CancelOrder(job=grant.job, fence=grant.fence))
        await self._tell()

    async def until(self, true: Callable[[], Any], seconds: float = 20.0) -> None:
        async with asyncio.timeout(seconds), self.changed:
            await self.changed.wait_for(true)

    async def result_of(self, grant: Grant) -> JobResult:
        await self.until(lambda: any(one.job == grant.job for one in self.results))
        return next(one for one in self.results if one.job == grant.job)

    def log_of(self, grant: Grant) -> bytes:
        return b"".join(chunk.data for chunk in self.chunks if chunk.job == grant.job)

    # -- the protocol ---------------------------------------------------------------------------

    async def _app(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        handler: Handler = getattr(self, "_" + scope["path"].rpartition("/")[2])
        try:
            status, answer = 200, await handler(body)
        except Refused as refused:
            status = refused.status
            answer = Problem(type=PROBLEM + refused.kind, title=refused.kind, status=status)
        if not self._open:
            return
        content = msgspec.json.encode(answer)
        headers = [(b"content-length", str(len(content)).encode()), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    async def _register(self, body: bytes) -> Registered:
        asked = msgspec.json.decode(body, type=Register)
        if self.refuse_registers is not None:
            raise self.refuse_registers
        self.registers.append(asked)
        self.session, self._counter = new_id(), 0
        await self._tell()
        return Registered(
            session=self.session,
            worker=asked.name,
            lease=30,
            poll=self.poll,
            kill_after=self.kill_after,
            result_bytes=self.result_bytes,
            log_bytes=10**7,
            capabilities=asked.capabilities,
        )

    async def _poll(self, body: bytes) -> PollAnswer:
        asked = msgspec.json.decode(body, type=Poll)
        if self.refuse_polls is not None:
            raise self.refuse_polls
        if asked.session != self.session:
            raise Refused(404, "session_unknown")
        if asked.counter < self._counter:
            return PollAnswer(released=True)
        self._counter = asked.counter
        self.polls.append(asked)
        self.stopped += asked.stopped
        answer = PollAnswer()
        if asked.results:
            await self._tell()
            await self.may_settle.wait()
        if self.settling:
            new = [
                r for r in asked.results if (r.job, r.fence) not in [(o.job, o.fence) for o in self.results]
            ]
            self.results += new
            answer.settled = [Settled(job=r.job, fence=r.fence, status="accepted") for r in asked.results]
        await self._tell()
        await self._park(asked, answer)
        return answer

    async def _park(self, asked: Poll, answer: PollAnswer) -> None:
        def over() -> bool:
            granted = asked.free and self._to_grant
            return bool(granted or self._to_cancel or self._counter > asked.counter or not self._open)

        try:
            async with asyncio.timeout(0 if answer.settled else asked.wait), self.changed:
                await self.changed.wait_for(over)
        except TimeoutError:
            pass
        if self._counter > asked.counter:
            answer.released = True
            return
        answer.cancel, self._to_cancel = self._to_cancel, []
        answer.jobs, self._to_grant = self._to_grant[: asked.free], self._to_grant[asked.free :]

    async def _logs(self, body: bytes) -> LogsAnswer:
        for chunk in msgspec.json.decode(body, type=Logs).chunks:
            if chunk.offset == len(b"".join(c.data for c in self.chunks if c.job == chunk.job)):
                self.chunks.append(chunk)
        await self._tell()
        return LogsAnswer()

    async def _leave(self, body: bytes) -> dict[str, Any]:
        msgspec.json.decode(body, type=Leave)
        self.left += 1
        self._counter += 10**6
        await self._tell()
        return {}

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()
