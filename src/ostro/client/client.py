"""The async side of the SDK."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self, Unpack, cast

import msgspec

from ostro.client.definitions import Definitions, Environments
from ostro.client.describe import Described, Requirement, as_raw, requirements, task_request
from ostro.client.profile import find_link
from ostro.client.transport import Transport
from ostro.client.workflow import ENDED, Stopwatch, Workflow
from ostro.clock import new_id
from ostro.errors import WaitTimedOut, WorkflowFailed
from ostro.protocol import paths
from ostro.protocol import workflows as wire
from ostro.protocol.alone import TaskAlone
from ostro.protocol.fleet import Health, Worker, WorkerPage
from ostro.protocol.jobs import Job, JobComplete, JobPage, LogPage, LogPiece
from ostro.protocol.paths import at
from ostro.protocol.tasks import Task, TaskRequest
from ostro.protocol.tokens import CreatedToken, Token, TokenPage, TokenRequest
from ostro.protocol.workers import Join, Joined
from ostro.values import UUID, TaskState, WorkflowState

_LONGEST_WAIT = 25.0
_ALONE_ENDED = frozenset({TaskState.SUCCESS, TaskState.ERROR, TaskState.CANCELLED, TaskState.SKIPPED})


class Client:
    """A server. Without arguments it is found in the environment (OSTRO_SERVER, OSTRO_TOKEN) or the profile.

    `timeout` is seconds of one request, `patience` how long a request is repeated where that is safe, `reach` how long
    a server is looked for that never took a connection (as `patience` where it is not given).
    Use it as `async with Client() as client:`. Raises Refusal and its kin, and ServerUnreachable.
    """

    def __init__(
        self,
        server: str | None = None,
        token: str | None = None,
        *,
        ca: str | Path | None = None,
        cert: str | Path | None = None,
        key: str | Path | None = None,
        profile: str | Path | None = None,
        timeout: float = 30.0,
        patience: float = 20.0,
        reach: float | None = None,
    ) -> None:
        link = find_link(server, token, ca=ca, cert=cert, key=key, profile=profile)
        self._transport = Transport(link, timeout=timeout, patience=patience, reach=reach)
        self.workflows = Workflows(self._transport)
        self.definitions = Definitions(self._transport)
        self.environments = Environments(self._transport)
        self.jobs = Jobs(self._transport)
        self.workers = Workers(self._transport)
        self.tokens = Tokens(self._transport)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Closes the connections."""
        await self._transport.close()

    async def health(self) -> Health:
        """Whether the server can work, and its version."""
        return await self._transport.call("GET", paths.HEALTH, Health)

    async def run(
        self, name: str, *, wait: float | None = None, check: bool = True, **described: Unpack[Described]
    ) -> Task:
        """Runs one task alone, in a workflow of its own, and waits for its end; words as of `Workflow.add`.

        The task's `result` is JSON as it was written: `msgspec.json.decode(task.result)`.
        WaitTimedOut after `wait` seconds; WorkflowFailed if it did not end in SUCCESS, unless `check` is false.
        """
        alone = await self._until_ended(task_request(name, **described), wait)
        return _checked(alone) if check else alone.task

    async def run_request(self, request: TaskRequest, *, wait: float | None = None) -> Task:
        """`run` with a task in the wire's words; however it ended."""
        return (await self._until_ended(request, wait)).task

    async def _until_ended(self, request: TaskRequest, wait: float | None) -> TaskAlone:
        watch, key = Stopwatch(wait), str(new_id())
        while True:
            left = watch.left()
            longest = _LONGEST_WAIT if left is None else min(left, _LONGEST_WAIT)
            alone = await self._alone(request, key, longest)
            if alone.task.state in _ALONE_ENDED:
                return alone
            if watch.left() == 0:
                raise WaitTimedOut(
                    f"The task {request.name} has not ended after {wait:g} s.",
                    hint=f"It goes on: ostro workflow watch {alone.workflow}",
                )

    async def start(self, name: str, **described: Unpack[Described]) -> TaskAlone:
        """Runs one task alone and does not wait for it."""
        return await self._alone(task_request(name, **described), str(new_id()), 0.0)

    async def _alone(self, request: TaskRequest, key: str, wait: float) -> TaskAlone:
        # The same key may wait again: it is the same task.
        return await self._transport.call(
            "POST",
            paths.TASK_ALONE,
            TaskAlone,
            body=request,
            params={"wait": wait},
            key=key,
            timeout=wait + 30,
        )


def _checked(alone: TaskAlone) -> Task:
    if alone.task.state is not TaskState.SUCCESS:
        raise WorkflowFailed(
            f"The task {alone.task.name} ended in {alone.task.state}: {alone.task.error or 'no reason given'}",
            workflow=str(alone.workflow),
            state=alone.task.state,
        )
    return alone.task


class Workflows:
    """All workflows of the token's namespace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def get(self, workflow: UUID | str) -> Workflow:
        """The workflow with this id; nothing is asked yet."""
        return Workflow(self._transport, workflow if isinstance(workflow, UUID) else UUID(workflow))

    async def create(
        self,
        name: str = "",
        *,
        description: str = "",
        tags: Iterable[str] = (),
        deadline: datetime | None = None,
        keep: int | None = None,
        done_when: Iterable[Requirement] = (),
        output: Mapping[str, str] | None = None,
        tasks: Iterable[TaskRequest | Mapping[str, Any]] = (),
        seal: bool = False,
    ) -> Workflow:
        """A new workflow, open unless `seal`. `output` maps a key to the task whose result it is.

        `keep` is how many seconds it stays once it has ended, 0 for ever, None as the server says.
        """
        made = [one if isinstance(one, TaskRequest) else task_request(**one) for one in tasks]
        body = wire.WorkflowRequest(
            name=name,
            description=description,
            tags=list(tags),
            deadline=deadline,
            keep=keep,
            done_when=requirements(list(done_when)),
            output=None
            if output is None
            else {key: wire.OutputOf(task=task) for key, task in output.items()},
            tasks=made,
            seal=seal,
        )
        key = str(new_id())
        answer = await self._transport.call("POST", paths.WORKFLOWS, wire.CreatedWorkflow, body=body, key=key)
        return Workflow(self._transport, answer.id)

    async def start(
        self,
        text: str | None = None,
        *,
        definition: str = "",
        version: int | None = None,
        input: Mapping[str, Any] | None = None,  # noqa: A002 (the word of the language)
        env: Mapping[str, Any] | str | None = None,
        params: Mapping[str, Any] | None = None,
        also: Iterable[str] = (),
        name: str = "",
    ) -> Workflow:
        """A workflow made from a stored definition, by its name, in its newest version unless `version` says which.

        Or from a text in the workflow language: `definition` chooses among those of the text. What the text names is
        looked for in it, then in the texts of `also`, then among the stored definitions. `env` is an environment or the
        name of a stored one. `params` are what else a start gives: `task_name` of a reverse workflow. Invalid lists all
        that is wrong with the text or with `input`, NotFound says that there is no such definition.
        """
        chosen = wire.DefinitionText(
            text=text, name=definition, version=version, also=[wire.MoreText(text=one) for one in also]
        )
        body = wire.WorkflowRequest(
            name=name,
            definition=chosen,
            input=as_raw(input or {}),
            env=as_raw(env or {}),
            params=as_raw(params or {}),
        )
        key = str(new_id())
        answer = await self._transport.call("POST", paths.WORKFLOWS, wire.CreatedWorkflow, body=body, key=key)
        return Workflow(self._transport, answer.id)

    async def list(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        definition: str | None = None,
        limit: int = 100,
    ) -> list[wire.Workflow]:
        """The newest ones, at most `limit`; with `definition` those that were made from that stored one."""
        found: list[wire.Workflow] = []
        filters = {"state": state, "name": name, "tag": tag, "definition": definition}
        async for page in self._transport.pages(
            paths.WORKFLOWS, wire.WorkflowPage, **filters, limit=min(limit, 100)
        ):
            found += page.workflows
            if len(found) >= limit:
                break
        return found[:limit]


class Jobs:
    """The runs of tasks, and what they wrote."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, job: UUID | str) -> Job:
        """One job, with its result."""
        return await self._transport.call("GET", at(paths.JOB, job=job), Job)

    async def complete(
        self, job: UUID | str, state: str = "SUCCESS", *, result: Any = None, error: str | None = None
    ) -> None:
        """Says how a job ended that no worker runs (`std.async_noop`): SUCCESS, ERROR or CANCELLED."""
        body = JobComplete(state=cast("Any", state), result=as_raw(result), error=error)
        await self._transport.call("POST", at(paths.JOB_COMPLETE, job=job), wire.Changed, body=body)

    async def of_task(self, workflow: UUID | str, task: UUID | str) -> list[Job]:
        """The runs of a task, the first one first."""
        path = at(paths.TASK_JOBS, workflow=workflow, task=task)
        return (await self._transport.call("GET", path, JobPage)).jobs

    async def logs(self, job: UUID | str, *, follow: bool = False) -> AsyncIterator[LogPiece]:
        """What it wrote, in order; with `follow` until it has ended."""
        after, fence = 0, None
        while True:
            params = {"after": after, "fence": fence, "wait": 20 if follow else None}
            page = await self._transport.call(
                "GET", at(paths.JOB_LOGS, job=job), LogPage, params=params, timeout=30.0
            )
            for piece in page.pieces:
                yield piece
            after, fence = page.next, page.fence
            if not page.pieces and (page.ended or not follow):
                return


class Workers:
    """The workers of the namespace."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def list(self) -> list[Worker]:
        """All of them, by name."""
        pages = self._transport.pages(paths.WORKERS, WorkerPage)
        return [one async for page in pages for one in page.workers]


class Tokens:
    """Who may do what; for admins."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(self, kind: str, **described: Any) -> CreatedToken:
        """A new token; the words are those of `ostro.protocol.tokens.TokenRequest`. Its text is shown this once."""
        body = msgspec.convert({"kind": kind, **described}, TokenRequest)
        # No key: an answer that is kept would keep the secret.
        return await self._transport.call("POST", paths.TOKENS, CreatedToken, body=body)

    async def list(self, *, dead: bool = False) -> list[Token]:
        """Those that count, without their texts; with `dead` also the revoked and the expired ones."""
        pages = self._transport.pages(paths.TOKENS, TokenPage, dead="true" if dead else None)
        return [one async for page in pages for one in page.tokens]

    async def revoke(self, token: str) -> None:
        """Ends a token at once, with its sessions and leases."""
        await self._transport.call("DELETE", at(paths.TOKEN, token=token), msgspec.Raw)

    async def join(self, name: str, capabilities: Mapping[str, str] | None = None) -> Joined:
        """A server's own worker token, for the join token that this client carries."""
        body = Join(name=name, capabilities=dict(capabilities or {}))
        return await self._transport.call("POST", paths.JOIN, Joined, body=body)


__all__ = ["ENDED", "Client", "Jobs", "Tokens", "Workers", "Workflow", "WorkflowState", "Workflows"]
