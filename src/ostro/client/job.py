"""Who a running job is: `ostro.current()` inside a script that a worker runs."""

import os
from pathlib import Path
from typing import Any, Unpack

import msgspec

from ostro.client.describe import Described
from ostro.client.sync import SyncClient
from ostro.errors import OstroError
from ostro.protocol.tasks import AddedTask
from ostro.values import UUID


class CurrentJob:
    """The job that this process belongs to. What it adds is bounded by its task's `may_spawn`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._environment = environment
        self.workflow = UUID(environment["OSTRO_WORKFLOW"])
        self.task = environment["OSTRO_TASK"]
        self.id = UUID(environment["OSTRO_JOB"])
        self.run = int(environment["OSTRO_RUN"])

    @property
    def input(self) -> Any:
        """The input of the task."""
        return self._read("OSTRO_INPUT", "")

    @property
    def requires(self) -> dict[str, Any]:
        """The results of the tasks that are required by name."""
        found: dict[str, Any] = self._read("OSTRO_REQUIRES", "../requires.json")
        return found

    def add(self, name: str, **described: Unpack[Described]) -> AddedTask:
        """Adds a task to the job's own workflow; the words are those of `Workflow.add`."""
        with SyncClient(self._environment["OSTRO_SERVER"], self._environment["OSTRO_TOKEN"]) as client:
            added: AddedTask = client.workflows.get(self.workflow).add(name, **described)
            return added

    def set_result(self, result: Any) -> None:
        """What the job returns, as JSON; the last one counts."""
        path = Path(self._environment["OSTRO_RESULT"])
        half = path.with_name(f"{path.name}.half")
        half.write_bytes(msgspec.json.encode(result))
        half.replace(path)

    def _read(self, variable: str, beside: str) -> Any:
        path = Path(self._environment[variable]) / beside if beside else Path(self._environment[variable])
        return msgspec.json.decode(path.read_bytes())


def current() -> CurrentJob:
    """The job that this process belongs to. OstroError outside of one."""
    needed = ("OSTRO_WORKFLOW", "OSTRO_TASK", "OSTRO_JOB", "OSTRO_RUN", "OSTRO_SERVER", "OSTRO_TOKEN")
    if missing := [name for name in needed if not os.environ.get(name)]:
        raise OstroError(
            f"This is not inside a job: {missing[0]} is not set.", hint="A worker sets it for what it runs."
        )
    return CurrentJob(dict(os.environ))
