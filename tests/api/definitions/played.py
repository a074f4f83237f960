"""A conformance case played through the HTTP API on the whole stack."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import msgspec

from ostro.clock import monotonic, new_id, pause
from ostro.protocol import paths
from tests.api.world import Caller, Worker, World

ENDS = ("SUCCESS", "ERROR", "CANCELLED")
_IN_MISTRAL = {"PAUSED": "IDLE"}
_LOOK_AGAIN = 0.05
_PATIENCE = 60.0


class Refused(Exception):
    """The server refused a request."""


class Play:
    """One case under way."""

    def __init__(self, callers: Iterator[Caller], case: dict[str, Any]) -> None:
        self._callers = callers
        self.case = case
        self.root = UUID(int=0)

    async def outcome(self) -> dict[str, Any]:
        """What became of it, in the form of `expect`."""
        try:
            await self._start()
            if "start" not in self.case:
                return {"valid": True}
        except Refused as refused:
            if "start" not in self.case and "invalid_definition" not in str(refused):
                return {"valid": True}  # it was read, and could not be begun like this
            kind = "definition" if "invalid_definition" in str(refused) else "input"
            return {"invalid": True, "kind": kind, "why": str(refused)}
        for step in self.case.get("steps", ()):
            await self._do(step)
        until = [self.case["until"]] if "until" in self.case else ENDS
        await self._wait(lambda: self._workflow_is(None, until))
        if "settle" in self.case:
            await pause(min(1.0, self.case["settle"]))
        return await self._told()

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        response = await next(self._callers).ask(method, path, body)
        if response.status_code >= 400:
            raise Refused(response.text)
        return response.json()

    async def _start(self) -> None:
        start, also = self.case.get("start", {"workflow": ""}), self.case.get("also", ())
        params = dict(start.get("params") or {})
        env = params.pop("env", {})
        if isinstance(env, str):
            env = await self._stored(env, [one["text"] for one in also if one["kind"] == "environment"])
        definition = {
            "text": self.case["definition"],
            "name": start["workflow"],
            "kind": self.case.get("kind", "workflows"),
            "also": [one for one in also if one["kind"] != "environment"],
        }
        if definition["kind"] == "actions":
            definition["kind"] = None
        body = {"definition": definition, "input": start.get("input") or {}, "env": env, "params": params}
        self.root = UUID((await self._ask("POST", paths.WORKFLOWS, body))["id"])

    async def _stored(self, env: str, texts: list[str]) -> str:
        """The name of an environment, with those that the case has stored under names that no other case takes."""
        apart = f"{env} {new_id()}"
        for said in map(msgspec.yaml.decode, texts):
            if said["name"] == env:
                await self._ask("POST", paths.ENVIRONMENTS, {**said, "name": apart})
        return apart

    # -- looking ------------------------------------------------------------------------------------

    async def _wait(self, holds: Any) -> None:
        until = monotonic() + _PATIENCE
        while not await holds():
            if monotonic() > until:
                raise AssertionError("what was waited for has not come")
            await pause(_LOOK_AGAIN)

    async def _family(self) -> list[dict[str, Any]]:
        """Its workflows, the newest first."""
        page = await self._ask("GET", f"{paths.WORKFLOWS}?limit=1000")
        own = str(self.root)
        return [one for one in page["workflows"] if own in {one["id"], one["root"]}]

    async def _workflow_named(self, name: str | None) -> dict[str, Any] | None:
        if name is None:
            return dict(await self._ask("GET", paths.at(paths.WORKFLOW, workflow=self.root)))
        return next((one for one in await self._family() if one["name"] == name), None)

    async def _workflow_is(self, name: str | None, states: Any) -> bool:
        found = await self._workflow_named(name)
        return found is not None and found["state"] in states

    async def _tasks(self, workflow: Any) -> list[dict[str, Any]]:
        path = paths.at(paths.TASKS, workflow=workflow)
        return list((await self._ask("GET", f"{path}?limit=1000"))["tasks"])

    async def _task(self, name: str) -> dict[str, Any] | None:
        """The newest of that name, in any workflow of the family."""
        for workflow in await self._family():
            named = [one for one in await self._tasks(workflow["id"]) if one["name"] == name]
            if named:
                return named[-1]
        return None

    async def _jobs(self, task: dict[str, Any]) -> list[dict[str, Any]]:
        path = paths.at(paths.TASK_JOBS, workflow=task["workflow"], task=task["id"])
        return list((await self._ask("GET", path))["jobs"])

    async def _holds(self, when: dict[str, Any]) -> bool:
        if "task" not in when:
            return await self._workflow_is(when.get("workflow"), [when["state"]])
        task = await self._task(when["task"])
        if task is None or _IN_MISTRAL.get(task["state"], task["state"]) != when["state"]:
            return False
        return "runs" not in when or len(await self._jobs(task)) >= when["runs"]

    # -- doing --------------------------------------------------------------------------------------

    async def _do(self, step: dict[str, Any]) -> None:
        if "when" in step:
            await self._wait(lambda: self._holds(step["when"]))
        try:
            await self._obey(step)
        except Refused:
            if not step.get("refused"):
                raise
        else:
            assert not step.get("refused"), f"{step} was obeyed"

    async def _obey(self, step: dict[str, Any]) -> None:
        do = step["do"]
        if do == "wait":
            await pause(step["seconds"])
        elif do == "complete_action":
            await self._complete(step)
        elif do in {"rerun", "skip"}:
            task = await self._task(step["task"])
            assert task is not None
            path = paths.at(
                paths.TASK_RERUN if do == "rerun" else paths.TASK_SKIP,
                workflow=task["workflow"],
                task=task["name"],
            )
            await self._ask("POST", path, {key: step[key] for key in ("reset", "env") if key in step})
        else:
            workflow = await self._workflow_named(step.get("workflow"))
            assert workflow is not None
            path = {"pause": paths.PAUSE, "resume": paths.RESUME}.get(do, paths.STOP)
            body: dict[str, Any] = {"env": step["env"]} if "env" in step else {}
            if path == paths.STOP:
                body = {"state": step.get("state", "CANCELLED"), "message": step.get("message", "")}
            await self._ask("POST", paths.at(path, workflow=workflow["id"]), body)

    async def _complete(self, step: dict[str, Any]) -> None:
        task = await self._task(step["task"])
        assert task is not None
        for job in await self._jobs(task):
            shown = await self._ask("GET", paths.at(paths.JOB, job=job["id"]))
            is_open = shown["ended_at"] is None or step.get("again")
            if is_open and await self._matches(step, task, shown):
                body = {"state": step["state"], "result": step.get("output")}
                await self._ask("POST", paths.at(paths.JOB_COMPLETE, job=job["id"]), body)
                return
        root = await self._workflow_named(None)
        assert root is not None
        assert root["state"] in ENDS, f"no open job for {step}"

    async def _matches(self, step: dict[str, Any], task: dict[str, Any], job: dict[str, Any]) -> bool:
        """By the job's input. Of an ad-hoc action the cases name what it was given: the items are in this order."""
        match = step.get("match")
        if match is None or match.items() <= (job.get("input") or {}).items():
            return True
        if match.get("who") not in {"ann", "bob", "cy"}:
            return False
        return bool(["ann", "bob", "cy"].index(match["who"]) == job["item"])

    # -- telling ------------------------------------------------------------------------------------

    async def _told(self) -> dict[str, Any]:
        workflow = await self._workflow_named(None)
        assert workflow is not None
        output = await self._ask("GET", paths.at(paths.OUTPUT, workflow=self.root))
        tasks = [await self._told_task(one) for one in await self._tasks(self.root)]
        info = workflow["error"] or workflow["message"] or ""
        known = [one for one in tasks if one is not None]
        return {"state": workflow["state"], "output": output["output"], "info": info, "tasks": known}

    async def _told_task(self, task: dict[str, Any]) -> dict[str, Any] | None:
        if task["reason"] not in {None, "operator"}:
            return None
        shown = await self._ask("GET", paths.at(paths.TASK, workflow=self.root, task=task["id"]))
        told = {
            "name": task["name"],
            "state": _IN_MISTRAL.get(task["state"], task["state"]),
            "runs": len(await self._jobs(task)),
            "published": shown["published"],
        }
        if task["state"] == "SUCCESS":
            told["result"] = shown["result"]
        return told


async def work_for_ever(world: World) -> None:
    """Workers that run what the cases leave to them: one for what has no target, one that is `role=db`."""
    pool, bound = await world.worker("std"), await world.worker("db-1", role="db")
    actions = ["std.sleep", "std.test_dict"]
    await pool.register(actions=actions, replace=True)
    await bound.register(actions=actions, capabilities={"role": ["db"]}, replace=True)
    async with asyncio.TaskGroup() as group:
        for worker in (pool, bound):
            group.create_task(_work(worker, group))


async def _work(worker: Worker, group: asyncio.TaskGroup) -> None:
    while True:
        await worker.poll()
        while worker.handed:
            group.create_task(_run(worker, worker.handed.pop(0)))


async def _run(worker: Any, job: dict[str, Any]) -> None:
    given = job["input"]
    if job["action"] == "std.sleep":
        await pause(given["seconds"])
        await worker.end(job)
        return
    made = {f"{given['key_prefix']}{n}": given["val"] for n in range(given["size"])}
    await worker.end(job, made)
