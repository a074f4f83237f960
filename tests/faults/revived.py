"""A round of operators: tasks that failed or ended are revived, through either server, whoever is killed meanwhile.

Each call has an Idempotency-Key and is repeated until somebody answers, then sent once more to the other server: the
same answer comes, and nothing happens twice. `mended` is a file; while it is not there some scripts fail.
"""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import msgspec

from ostro.client.client import Client
from ostro.clock import new_id
from ostro.protocol import paths
from ostro.protocol.tasks import Revived, TaskRerun, TaskResult, TaskSkip
from tests.faults.processes import again

Row = tuple[str, int, str]
"""A job of a task: its name, its item, how it ended."""

_TASKS = ("breaks", "after", "left_out", "behind_it", "said", "uses_it", "base", "top")
_ENDS = dict.fromkeys(_TASKS, "SUCCESS") | {"left_out": "SKIPPED"}
_JOBS: Counter[Row] = Counter(
    {
        ("breaks", 0, "ERROR"): 1, ("breaks", 0, "SUCCESS"): 1, ("after", 0, "SUCCESS"): 1,  # run again
        ("left_out", 0, "ERROR"): 1, ("behind_it", 0, "SUCCESS"): 1,  # skipped
        ("said", 0, "ERROR"): 1, ("said", 0, "SUCCESS"): 1, ("uses_it", 0, "SUCCESS"): 1,  # given a result
        ("base", 0, "SUCCESS"): 2, ("top", 0, "SUCCESS"): 2,  # run again from here
    }
)  # fmt: skip
_DEFINED_ENDS = dict.fromkeys(("breaks", "each", "joins"), "SUCCESS")
_DEFINED_JOBS: Counter[Row] = Counter(
    {
        ("breaks", 0, "ERROR"): 1, ("breaks", 0, "SUCCESS"): 1, ("joins", 0, "SUCCESS"): 1,
        ("each", 0, "SUCCESS"): 1, ("each", 1, "SUCCESS"): 1, ("each", 2, "ERROR"): 1, ("each", 2, "SUCCESS"): 1,
    }
)  # fmt: skip
NAMES = _ENDS.keys() | _DEFINED_ENDS.keys()
"""All of them are `safe-rerun`: a lost job is handed out again, so what fails here failed by itself."""
SAID = {"said"}
"""Its second run is the operator's word, and leaves no file."""

_TEXT = """
version: '2.0'

revived:
  input: [run, effects, mended]
  tasks:
    breaks:
      action: script
      target: {server: x}
      safe-rerun: true
      input: {run: '<% $.run %>; [ -e "$MENDED" ]', env: {EFFECTS: <% $.effects %>, MENDED: <% $.mended %>}}
      on-success: joins
    each:
      with-items: n in <% range(3) %>
      action: script
      target: {server: y}
      safe-rerun: true
      input:
        run: '<% $.run %>; [ <% $.n %> != 2 ] || [ -e "$MENDED" ]'
        env: {EFFECTS: <% $.effects %>, MENDED: <% $.mended %>}
      on-success: joins
    joins:
      join: all
      action: script
      target: {server: x}
      safe-rerun: true
      input: {run: <% $.run %>, env: {EFFECTS: <% $.effects %>}}
"""


class Round:
    """One workflow, its operators at both servers, and what is wrong with what they heard."""

    def __init__(self, clients: list[Client], number: int, run: str, effects: Path, *, defined: bool) -> None:
        self.clients = clients[number % 2 :] + clients[: number % 2]
        self.number = number
        self.defined = defined
        self.run = run
        self.effects = effects
        self.mended = effects.parent / f"mended-{number}"
        self.workflow = UUID(int=0)
        self.wrong: list[str] = []

    async def play(self) -> None:
        """Until it has failed, was revived, and ended well."""
        self.workflow = await (self._begin_defined() if self.defined else self._begin())
        await self._ends_in("ERROR")
        self.mended.touch()
        async with asyncio.TaskGroup() as operators:
            operators.create_task(self._revive(paths.TASK_RERUN, "breaks", TaskRerun()))
            if self.defined:
                operators.create_task(self._revive(paths.TASK_RERUN, "each", TaskRerun(reset=False)))
            else:
                given = TaskResult(result=msgspec.Raw(b'{"n": 7}'))
                operators.create_task(self._revive(paths.TASK_SKIP, "left_out", TaskSkip()))
                operators.create_task(self._revive(paths.TASK_RESULT, "said", given))
        await self._ends_in("SUCCESS")
        if not self.defined:
            await self._revive(paths.TASK_RERUN, "base", TaskRerun(from_here=True))
            await self._ends_in("SUCCESS")

    async def _begin(self) -> UUID:
        client = self.clients[0]
        workflow = await again(lambda: client.workflows.create(f"revived {self.number}"))
        await again(lambda: workflow.add_many(self._tasks()))
        await again(workflow.seal)
        return workflow.id

    def _tasks(self) -> list[dict[str, Any]]:
        breaks, fails = f'{self.run}; [ -e "$MENDED" ]', f"{self.run}; exit 1"
        return [
            self._task("breaks", "x", breaks),
            self._task("after", "y", self.run, requires=["breaks"]),
            self._task("left_out", "y", fails),
            self._task("behind_it", "x", self.run, requires=["left_out"]),
            self._task("said", "x", fails),
            self._task("uses_it", "y", f'{self.run}; grep -qr 7 "$OSTRO_REQUIRES"', requires=["said"]),
            self._task("base", "x", self.run),
            self._task("top", "y", self.run, requires=["base"]),
        ]

    def _task(self, name: str, server: str, run: str, **more: Any) -> dict[str, Any]:
        env = {"EFFECTS": str(self.effects), "MENDED": str(self.mended)}
        return {
            "name": name,
            "run": run,
            "target": {"server": server},
            "env": env,
            "safe_rerun": True,
            **more,
        }

    async def _begin_defined(self) -> UUID:
        given = {"run": self.run, "effects": str(self.effects), "mended": str(self.mended)}
        name = f"revived {self.number}"
        client = self.clients[0]
        return (await again(lambda: client.workflows.start(_TEXT, input=given, name=name))).id

    async def _ends_in(self, state: str) -> None:
        workflow = self.clients[1].workflows.get(self.workflow)
        ended = await again(lambda: workflow.wait(check=False))
        if ended != state:
            self.wrong.append(f"revived {self.number}: {self.workflow} ended in {ended} and not in {state}")

    async def _revive(self, path: str, task: str, body: msgspec.Struct) -> None:
        """At one server, then the same at the other."""
        where, key = paths.at(path, workflow=self.workflow, task=task), str(new_id())

        async def ask(client: Client) -> Revived:
            return await client._transport.call("POST", where, Revived, body=body, key=key)

        one, other = [await again(lambda client=client: ask(client)) for client in self.clients]  # type: ignore[misc]
        if not one.changed or one != other:
            self.wrong.append(f"revived {self.number}: {where} answered {one}, then {other}")

    # -- afterwards -------------------------------------------------------------------------------

    async def look(self, raw: "asyncpg.Connection[asyncpg.Record]") -> list[str]:
        """What contradicts that every call was obeyed once."""
        tasks = await raw.fetch("SELECT name, state FROM tasks WHERE workflow = $1", self.workflow)
        jobs = await raw.fetch(
            "SELECT t.name, coalesce(j.item, 0) AS item, j.state FROM jobs j JOIN tasks t ON t.namespace = j.namespace "
            "AND t.workflow = j.workflow AND t.id = j.task WHERE t.workflow = $1",
            self.workflow,
        )
        ends = {task["name"]: task["state"] for task in tasks}
        ran = Counter((job["name"], job["item"], job["state"]) for job in jobs)
        if ends != (_DEFINED_ENDS if self.defined else _ENDS):
            self.wrong.append(f"revived {self.number}: {self.workflow} has {ends}")
        if ran != (_DEFINED_JOBS if self.defined else _JOBS):
            self.wrong.append(f"revived {self.number}: {self.workflow} ran {dict(ran)}")
        return self.wrong
