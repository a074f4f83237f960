"""A workflow as users hold it: tasks go in, changes and outputs come out."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any, TypeVar, Unpack, cast

import msgspec

from ostro.client.describe import Described, as_raw, task_request
from ostro.client.transport import Transport
from ostro.clock import monotonic, new_id
from ostro.errors import WaitTimedOut, WorkflowFailed
from ostro.protocol import paths
from ostro.protocol import workflows as wire
from ostro.protocol.changes import Change, ChangePage
from ostro.protocol.paths import at
from ostro.protocol.tasks import (
    AddedTask,
    AddedTasks,
    Revived,
    Task,
    TaskCancel,
    TaskPage,
    TaskRequest,
    TaskRerun,
    TaskResult,
    TaskSkip,
    TasksRequest,
)
from ostro.values import UUID, WorkflowState

T = TypeVar("T")

ENDED = frozenset({WorkflowState.SUCCESS, WorkflowState.ERROR, WorkflowState.CANCELLED})
_LOOK = 20.0
_PAGE = 1000


class Workflow:
    """One workflow at the server, by its id. Nothing is kept here: each call asks.

    All calls raise Refusal and its kin, and ServerUnreachable.
    """

    def __init__(self, transport: Transport, workflow: UUID) -> None:
        self._transport = transport
        self.id = workflow

    def __repr__(self) -> str:
        return f"Workflow({self.id})"

    async def add(self, name: str, **described: Unpack[Described]) -> AddedTask:
        """Adds a task; the words are those of `ostro.client.describe.task_request`: `run=`, `requires=`, ...

        The same again is answered, and changes nothing.
        """
        return (await self.add_many([task_request(name, **described)]))[0]

    async def add_many(self, tasks: Iterable[TaskRequest | Mapping[str, Any]]) -> list[AddedTask]:
        """Adds all of them or none, as one. A mapping has the words of `add`, its `name` too."""
        made = [one if isinstance(one, TaskRequest) else task_request(**one) for one in tasks]
        answer = await self._post(paths.TASKS, AddedTasks, TasksRequest(tasks=made))
        return answer.tasks

    async def seal(self, tag: str | None = None, *, output: Mapping[str, str] | None = None) -> bool:
        """Closes a tag, or the whole workflow, to new tasks. `output` maps a key to the task whose result it is.

        Whether that changed anything.
        """
        parts = None if output is None else {key: wire.OutputOf(task=task) for key, task in output.items()}
        body = wire.SealRequest(tag=tag, output=parts)
        return (await self._post(paths.SEAL, wire.Changed, body)).changed

    async def cancel(self, reason: str = "") -> bool:
        """Ends it early: what runs is stopped, what waits is passed by. Whether that changed anything."""
        body = wire.CancelRequest(reason=reason)
        return (await self._post(paths.CANCEL, wire.Changed, body)).changed

    async def pause(self, message: str = "") -> bool:
        """Starts nothing more until it is resumed; what runs goes on. Whether that changed anything."""
        return (await self._post(paths.PAUSE, wire.Changed, wire.PauseRequest(message=message))).changed

    async def resume(self, env: Mapping[str, Any] | None = None) -> bool:
        """Lets it go on; `env` are new values for its environment. Whether that changed anything."""
        body = wire.ResumeRequest(env=msgspec.UNSET if env is None else as_raw(env))
        return (await self._post(paths.RESUME, wire.Changed, body)).changed

    async def stop(self, state: WorkflowState | str, message: str = "") -> bool:
        """Ends it now, in SUCCESS, ERROR or CANCELLED. Whether that changed anything."""
        body = wire.StopRequest(state=cast("Any", str(state)), message=message)
        return (await self._post(paths.STOP, wire.Changed, body)).changed

    async def signal(self, name: str, payload: Any = None) -> wire.Signalled:
        """Sends it a signal: the task that waits for that (`std.wait_signal`) ends with `payload` as its result.

        Where nobody waits yet, `taken_by` is None and the signal is kept until somebody does. Sent once, whatever the
        network does.
        """
        body = wire.SignalRequest(payload=as_raw(payload))
        path = at(paths.SIGNAL, workflow=self.id, name=name)
        return await self._transport.call("POST", path, wire.Signalled, body=body, key=str(new_id()))

    async def rerun_task(
        self,
        name: str,
        *,
        reset: bool = True,
        from_here: bool = False,
        env: Mapping[str, Any] | None = None,
        seen: int | None = None,
    ) -> Revived:
        """Runs an ended task again; of a loop, without `reset`, the failed items only; `from_here` with all behind it."""
        given = msgspec.UNSET if env is None else as_raw(env)
        body = TaskRerun(reset=reset, from_here=from_here, env=given, seen=seen)
        return await self._revive(paths.TASK_RERUN, name, body)

    async def skip_task(self, name: str, *, seen: int | None = None) -> Revived:
        """Lets a task that does not run count as done."""
        return await self._revive(paths.TASK_SKIP, name, TaskSkip(seen=seen))

    async def set_result(
        self,
        name: str,
        result: Any = None,
        *,
        state: str = "SUCCESS",
        error: str | None = None,
        seen: int | None = None,
    ) -> Revived:
        """Gives a task that ran another result, and another end: SUCCESS or ERROR."""
        body = TaskResult(state=cast("Any", state), result=as_raw(result), error=error, seen=seen)
        return await self._revive(paths.TASK_RESULT, name, body)

    async def _revive(self, path: str, name: str, body: msgspec.Struct) -> Revived:
        found = at(path, workflow=self.id, task=name)
        return await self._transport.call("POST", found, Revived, body=body, key=str(new_id()))

    async def delete(self, *, force: bool = False) -> None:
        """Takes it away with all that belongs to it; a running one only with `force`."""
        params = {"force": "true"} if force else None
        await self._transport.call("DELETE", at(paths.WORKFLOW, workflow=self.id), msgspec.Raw, params=params)

    async def show(self) -> wire.Workflow:
        """The workflow now, with its counts and what it waits for."""
        return await self._get(paths.WORKFLOW, wire.Workflow)

    async def output(self) -> dict[str, Any]:
        """What it returns, as far as it is there. Parts that are too large are `Reference`s."""
        answer = await self._get(paths.OUTPUT, wire.Output)
        values = {key: msgspec.json.decode(raw) for key, raw in answer.output.items()}
        return {**values, **answer.references}

    async def wait(self, timeout: float | None = None, *, check: bool = True) -> WorkflowState:
        """Waits for the end; how it ended. Other than SUCCESS raises WorkflowFailed, unless `check` is false.

        WaitTimedOut after `timeout` seconds. A server that is away for a while is waited for.
        """
        try:
            async with asyncio.timeout(timeout):
                state = await self._until_ended()
        except TimeoutError:
            raise WaitTimedOut(
                f"Workflow {self.id} has not ended after {timeout:g} s.",
                hint=f"What it waits for: ostro workflow show {self.id}",
            ) from None
        if check and state is not WorkflowState.SUCCESS:
            about = await self.show()
            raise WorkflowFailed(
                f"Workflow {self.id} ended in {state}" + (f": {about.error}" if about.error else "."),
                workflow=str(self.id),
                state=state,
                hint=f"See ostro workflow show {self.id}",
            )
        return state

    async def changes(self, after: int = 0) -> AsyncIterator[Change]:
        """Each change after a version, oldest first, as it happens; ends when the workflow has ended."""
        while True:
            page = await self._page(after)
            for change in page.changes:
                yield change
            after = page.next
            if not page.changes and page.state in ENDED:
                return

    async def family(
        self, seen: str = "", *, wait: float = 0.0, limit: int = 100, tasks: int = 25
    ) -> wire.Family:
        """It and the workflows that its tasks run, at most `limit`, each with at most `tasks` of each kind of its tasks.

        With the `seen` of the last answer it waits up to `wait` seconds for news of any of them.
        """
        given = {"seen": seen or None, "wait": wait, "limit": limit, "tasks": tasks}
        path = at(paths.FAMILY, workflow=self.id)
        return await self._transport.call("GET", path, wire.Family, params=given, timeout=wait + 10)

    async def history(self, after: int = 0) -> list[Change]:
        """Each change after a version, oldest first, as far as there are any by now."""
        found: list[Change] = []
        while True:
            page = await self._page(after, wait=0.0)
            found += page.changes
            if len(page.changes) < _PAGE:
                return found
            after = page.next

    async def tasks(self, *, state: str | None = None, tag: str | None = None) -> list[Task]:
        """All tasks, in the order of their making, without inputs and results."""
        path = at(paths.TASKS, workflow=self.id)
        pages = self._transport.pages(path, TaskPage, state=state, tag=tag, limit=_PAGE)
        return [one async for page in pages for one in page.tasks]

    async def task(self, name: str | UUID) -> Task:
        """One task, with input and result (JSON as it was written: `msgspec.json.decode`), and what it waits for."""
        path = at(paths.TASK, workflow=self.id, task=name)
        return await self._transport.call("GET", path, Task)

    async def cancel_task(self, name: str | UUID, *, seen: int | None = None) -> bool:
        """Ends a task that has not ended. Whether that changed anything."""
        path = at(paths.TASK_CANCEL, workflow=self.id, task=name)
        body = TaskCancel(seen=seen)
        answer = await self._transport.call("POST", path, wire.Changed, body=body, key=str(new_id()))
        return answer.changed

    async def change_task(self, name: str, **described: Unpack[Described]) -> AddedTask:
        """Puts another description in place of a WAITING task's; the words are those of `add`."""
        return await self.change_to(task_request(name, **described))

    async def change_to(self, request: TaskRequest) -> AddedTask:
        """`change_task` with a task in the wire's words."""
        path = at(paths.TASK, workflow=self.id, task=request.name)
        return await self._transport.call("PUT", path, AddedTask, body=request)

    async def delete_task(self, name: str | UUID) -> None:
        """Takes a WAITING task away; its name is gone for good."""
        await self._transport.call("DELETE", at(paths.TASK, workflow=self.id, task=name), msgspec.Raw)

    async def describe(self, **changed: Any) -> None:
        """Changes `name`, `description`, `tags`, `deadline` or `keep`; what is left out stays."""
        body = wire.WorkflowChange(**changed)
        await self._transport.call("PATCH", at(paths.WORKFLOW, workflow=self.id), msgspec.Raw, body=body)

    async def _until_ended(self) -> WorkflowState:
        about = await self.show()
        state, after = about.state, about.version
        while state not in ENDED:
            page = await self._page(after)
            state, after = page.state, page.next
        return state

    async def _page(self, after: int, wait: float = _LOOK) -> ChangePage:
        path = at(paths.CHANGES, workflow=self.id)
        return await self._transport.call(
            "GET",
            path,
            ChangePage,
            params={"after": after, "wait": wait, "limit": _PAGE},
            timeout=wait + 10,
        )

    async def _get(self, path: str, answer: type[T], **params: Any) -> T:
        return await self._transport.call("GET", at(path, workflow=self.id), answer, params=params)

    async def _post(self, path: str, answer: type[T], body: Any) -> T:
        key = str(new_id())
        return await self._transport.call("POST", at(path, workflow=self.id), answer, body=body, key=key)


class Stopwatch:
    """How much of a time in seconds is left; None: no end."""

    def __init__(self, seconds: float | None) -> None:
        self._until = None if seconds is None else monotonic() + seconds

    def left(self) -> float | None:
        """Seconds, never below 0."""
        return None if self._until is None else max(0.0, self._until - monotonic())
