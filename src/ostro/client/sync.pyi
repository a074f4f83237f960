# The sync side of the SDK, as types. Made by tests/client/sync_stub.py from the async side: do not edit.

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Self, Unpack

import msgspec

from ostro.client.describe import Described, Requirement
from ostro.protocol import definitions as stored
from ostro.protocol import workflows as wire
from ostro.protocol.alone import TaskAlone
from ostro.protocol.changes import Change
from ostro.protocol.fleet import Health, Worker
from ostro.protocol.jobs import Job, LogPiece
from ostro.protocol.tasks import (
    AddedTask,
    Revived,
    Task,
    TaskRequest,
)
from ostro.protocol.tokens import CreatedToken, Token
from ostro.protocol.workers import Joined
from ostro.values import UUID, WorkflowState

class SyncClient:
    workflows: SyncWorkflows
    definitions: SyncDefinitions
    environments: SyncEnvironments
    jobs: SyncJobs
    workers: SyncWorkers
    tokens: SyncTokens

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
    ) -> None: ...
    def __enter__(self) -> Self: ...
    def __exit__(self, *_exc: object) -> None: ...
    def close(self) -> None: ...
    def health(self) -> Health: ...
    def run(
        self, name: str, *, wait: float | None = None, check: bool = True, **described: Unpack[Described]
    ) -> Task: ...
    def run_request(self, request: TaskRequest, *, wait: float | None = None) -> Task: ...
    def start(self, name: str, **described: Unpack[Described]) -> TaskAlone: ...

class SyncWorkflows:
    def get(self, workflow: UUID | str) -> SyncWorkflow: ...
    def create(
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
    ) -> SyncWorkflow: ...
    def start(
        self,
        text: str | None = None,
        *,
        definition: str = "",
        version: int | None = None,
        input: Mapping[str, Any] | None = None,
        env: Mapping[str, Any] | str | None = None,
        params: Mapping[str, Any] | None = None,
        also: Iterable[str] = (),
        name: str = "",
    ) -> SyncWorkflow: ...
    def list(
        self,
        *,
        state: str | None = None,
        name: str | None = None,
        tag: str | None = None,
        definition: str | None = None,
        limit: int = 100,
    ) -> list[wire.Workflow]: ...

class SyncDefinitions:
    def validate(self, text: str, *, kind: stored.TextKind | None = None) -> stored.Validated: ...
    def upload(
        self,
        *texts: str,
        labels: Mapping[str, str] | None = None,
        if_version: Mapping[str, int] | None = None,
    ) -> stored.UploadResult: ...
    def get(
        self, name: str, *, version: int | None = None, kind: stored.DefinitionKind | None = None
    ) -> stored.StoredDefinition: ...
    def versions(
        self, name: str, *, kind: stored.DefinitionKind | None = None
    ) -> list[stored.DefinitionVersion]: ...
    def diff(
        self,
        name: str,
        from_version: int | None = None,
        to_version: int | None = None,
        *,
        kind: stored.DefinitionKind | None = None,
    ) -> stored.DefinitionDiff: ...
    def label(
        self, name: str, labels: Mapping[str, str | None], *, kind: stored.DefinitionKind | None = None
    ) -> stored.DefinitionSummary: ...
    def delete(
        self, name: str, *, force: bool = False, kind: stored.DefinitionKind | None = None
    ) -> None: ...
    def list(
        self,
        *,
        kind: stored.DefinitionKind | None = None,
        prefix: str | None = None,
        label: str | None = None,
        limit: int = 1000,
    ) -> list[stored.DefinitionSummary]: ...

class SyncEnvironments:
    def create(
        self, name: str, variables: Mapping[str, Any] | msgspec.Raw, *, description: str = ""
    ) -> stored.Environment: ...
    def get(self, name: str) -> stored.Environment: ...
    def replace(
        self,
        name: str,
        variables: Mapping[str, Any] | msgspec.Raw,
        *,
        description: str = "",
        if_version: int | None = None,
    ) -> stored.Environment: ...
    def delete(self, name: str, *, if_version: int | None = None) -> None: ...
    def list(self) -> list[stored.EnvironmentSummary]: ...

class SyncJobs:
    def get(self, job: UUID | str) -> Job: ...
    def complete(
        self, job: UUID | str, state: str = "SUCCESS", *, result: Any = None, error: str | None = None
    ) -> None: ...
    def of_task(self, workflow: UUID | str, task: UUID | str) -> list[Job]: ...
    def logs(self, job: UUID | str, *, follow: bool = False) -> Iterator[LogPiece]: ...

class SyncWorkers:
    def list(self) -> list[Worker]: ...

class SyncTokens:
    def create(self, kind: str, **described: Any) -> CreatedToken: ...
    def revoke(self, token: str) -> None: ...
    def join(self, name: str, capabilities: Mapping[str, str] | None = None) -> Joined: ...
    def list(self, *, dead: bool = False) -> list[Token]: ...

class SyncWorkflow:
    id: UUID

    def add(self, name: str, **described: Unpack[Described]) -> AddedTask: ...
    def add_many(self, tasks: Iterable[TaskRequest | Mapping[str, Any]]) -> list[AddedTask]: ...
    def seal(self, tag: str | None = None, *, output: Mapping[str, str] | None = None) -> bool: ...
    def cancel(self, reason: str = "") -> bool: ...
    def pause(self, message: str = "") -> bool: ...
    def resume(self, env: Mapping[str, Any] | None = None) -> bool: ...
    def stop(self, state: WorkflowState | str, message: str = "") -> bool: ...
    def signal(self, name: str, payload: Any = None) -> wire.Signalled: ...
    def rerun_task(
        self,
        name: str,
        *,
        reset: bool = True,
        from_here: bool = False,
        env: Mapping[str, Any] | None = None,
        seen: int | None = None,
    ) -> Revived: ...
    def skip_task(self, name: str, *, seen: int | None = None) -> Revived: ...
    def set_result(
        self,
        name: str,
        result: Any = None,
        *,
        state: str = "SUCCESS",
        error: str | None = None,
        seen: int | None = None,
    ) -> Revived: ...
    def delete(self, *, force: bool = False) -> None: ...
    def show(self) -> wire.Workflow: ...
    def output(self) -> dict[str, Any]: ...
    def wait(self, timeout: float | None = None, *, check: bool = True) -> WorkflowState: ...
    def changes(self, after: int = 0) -> Iterator[Change]: ...
    def family(
        self, seen: str = "", *, wait: float = 0.0, limit: int = 100, tasks: int = 25
    ) -> wire.Family: ...
    def history(self, after: int = 0) -> list[Change]: ...
    def tasks(self, *, state: str | None = None, tag: str | None = None) -> list[Task]: ...
    def task(self, name: str | UUID) -> Task: ...
    def cancel_task(self, name: str | UUID, *, seen: int | None = None) -> bool: ...
    def change_task(self, name: str, **described: Unpack[Described]) -> AddedTask: ...
    def change_to(self, request: TaskRequest) -> AddedTask: ...
    def delete_task(self, name: str | UUID) -> None: ...
    def describe(self, **changed: Any) -> None: ...
