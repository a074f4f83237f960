"""A server's whole inside and its HTTP face in one process, with a caller for each kind of token."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx2

from ostro.api.app import make_app
from ostro.api.door import Door
from ostro.clock import new_id
from ostro.protocol import paths
from ostro.service import tokens
from ostro.service.desk import Desk
from ostro.settings import Settings
from ostro.values import Limits, Timing
from ostro.wiring import engine

QUICK = Timing(lease=3.0, poll=2.0, fall_back=0.05, timers=0.05, request=5.0)


class Caller:
    """Speaks HTTP with one token."""

    def __init__(self, app: Door, token: str | None) -> None:
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        self.token = token
        transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
        self.http = httpx2.AsyncClient(transport=transport, base_url="http://ostro", headers=headers)

    async def ask(self, method: str, path: str, json: Any = None, **more: Any) -> httpx2.Response:
        """The response, whatever it is."""
        if isinstance(json, bytes):
            return await self.http.request(method, path, content=json, **more)
        if json is not None:
            more["json"] = json
        return await self.http.request(method, path, **more)

    async def get(self, path: str, **query: Any) -> Any:
        """The body of a GET that succeeds."""
        return _body(await self.ask("GET", path, params=query))

    async def post(self, path: str, json: Any = None, **more: Any) -> Any:
        """The body of a POST that succeeds."""
        return _body(await self.ask("POST", path, json, **more))

    async def refused(self, method: str, path: str, json: Any = None, **more: Any) -> tuple[int, str]:
        """Status and kind of the problem that comes back."""
        response = await self.ask(method, path, json, **more)
        assert response.headers["content-type"] == "application/problem+json", response.text
        assert response.json()["status"] == response.status_code
        return response.status_code, response.json()["type"].removeprefix("urn:ostro:problem:")


class World:
    """The desk, the app, and who calls."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.app = make_app(desk)
        self._callers: list[Caller] = []
        self.anybody = self.caller(None)
        self.admin = self.anybody

    def caller(self, token: str | None) -> Caller:
        caller = Caller(self.app, token)
        self._callers.append(caller)
        return caller

    async def token(self, kind: str, **more: Any) -> Caller:
        """A new token of this kind, and who calls with it."""
        made = await self.admin.post(paths.TOKENS, {"kind": kind, **more})
        return self.caller(made["token"])

    async def workflow(self, *tasks: dict[str, Any], **more: Any) -> UUID:
        """A new workflow with these tasks."""
        body = {"tasks": list(tasks), **more}
        return UUID((await self.admin.post(paths.WORKFLOWS, body))["id"])

    async def worker(self, name: str, **binding: str) -> "Worker":
        """A registered worker with a token bound to this."""
        caller = await self.token("worker", label=name, binding=binding, pool=not binding)
        worker = Worker(caller, name)
        await worker.register()
        return worker

    async def close(self) -> None:
        self.app.close()
        for caller in self._callers:
            await caller.http.aclose()


class Worker:
    """A worker that does what its test says."""

    def __init__(self, caller: Caller, name: str) -> None:
        self.caller = caller
        self.name = name
        self.instance = new_id()
        self.counter = 0
        self.session = ""
        self.held: list[dict[str, Any]] = []
        self.handed: list[dict[str, Any]] = []
        """Jobs that came and that the test has not looked at."""

    async def register(self, **more: Any) -> Any:
        body = {
            "protocol": 1,
            "name": self.name,
            "instance": str(self.instance),
            "actions": ["script", "std.noop"],
            **more,
        }
        answer = await self.caller.post(paths.REGISTER, body)
        self.session = answer["session"]
        return answer

    def body(self, **more: Any) -> dict[str, Any]:
        self.counter += 1
        return {
            "session": self.session,
            "counter": self.counter,
            "free": 5,
            "wait": 1.0,
            "held": [{key: one[key] for key in ("workflow", "job", "fence")} for one in self.held],
            **more,
        }

    async def poll(self, **more: Any) -> Any:
        answer = await self.caller.post(paths.POLL, self.body(**more))
        settled = {(one["job"], one["fence"]) for one in answer["settled"]}
        self.held = [one for one in self.held if (one["job"], one["fence"]) not in settled]
        self.held += answer["jobs"]
        self.handed += answer["jobs"]
        return answer

    async def job(self) -> Any:
        """The next job that it is handed."""
        while not self.handed:
            await self.poll()
        return self.handed.pop(0)

    def result(self, job: dict[str, Any], result: Any = None, state: str = "SUCCESS") -> dict[str, Any]:
        quoted = {key: job[key] for key in ("workflow", "job", "fence")}
        return {**quoted, "state": state, "result": result}

    async def end(self, job: dict[str, Any], result: Any = None, state: str = "SUCCESS") -> Any:
        return await self.poll(results=[self.result(job, result, state)])


@asynccontextmanager
async def a_world(dsn: str, folder: Path, limits: Limits | None = None, **more: Any) -> AsyncIterator[World]:
    """All of a server on this database, while the block lasts. `more` are other settings."""
    settings = Settings(data_dir=folder, database_url=dsn, limits=limits or Limits(), timing=QUICK, **more)
    async with engine(settings, dsn) as desk:
        world = World(desk)
        text = await tokens.first_token(
            desk.database, tokens.NewToken(kind="admin", label="test"), desk.clock.now()
        )
        world.admin = world.caller(text)
        try:
            yield world
        finally:
            await world.close()


def _body(response: httpx2.Response) -> Any:
    assert response.is_success, response.text
    return response.json() if response.content else None


async def both(*work: Any) -> list[Any]:
    """Several at once."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(one) for one in work]
    return [task.result() for task in tasks]
