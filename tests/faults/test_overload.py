"""A server driven far beyond what it can do: callers are slowed down, memory stays bounded, nothing is lost or stuck."""

import asyncio
import time
from pathlib import Path

import httpx2
import msgspec
import pytest

from ostro.protocol import paths
from tests.engine.fleet import sql
from tests.faults.processes import Fleet, fleet

SECONDS = 60
CALLERS = 192
"""Three times the events that the server is allowed to keep waiting, each asking again at once."""
PENDING = "64"

WORKFLOW = msgspec.json.encode(
    {"name": "more", "seal": True, "tasks": [{"name": "t", "action": "std.noop", "target": {"server": "w"}}]}
)


class Crowd:
    """Callers that never wait longer than they are told to."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self.accepted: list[str] = []
        self.slowed = 0
        self.strange: list[str] = []

    async def ask(self, until: float) -> None:
        while time.monotonic() < until:
            answer = await self.http.post(paths.WORKFLOWS, content=WORKFLOW)
            if answer.status_code == 201:
                self.accepted.append(answer.json()["id"])
            elif answer.status_code in {429, 503} and int(answer.headers["retry-after"]) >= 1:
                self.slowed += 1
                await asyncio.sleep(0.05)  # ruder than it was asked to be
            else:
                self.strange.append(f"{answer.status_code} {answer.text[:200]}")


def megabytes(running: Fleet, name: str) -> int:
    status = Path(f"/proc/{running.processes[name].pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) // 1024


async def ends(dsn: str, seconds: float) -> dict[str, int]:
    """How many workflows are in which state, once none runs any more or the time is over."""
    until = time.monotonic() + seconds
    async with sql(dsn) as raw:
        while True:
            rows = await raw.fetch("SELECT state, count(*) FROM workflows GROUP BY state")
            states = {row["state"]: int(row["count"]) for row in rows}
            if "RUNNING" not in states or time.monotonic() > until:
                return states
            await asyncio.sleep(0.2)


@pytest.mark.long
async def test_beyond_its_capacity_a_server_slows_callers_down_and_loses_nothing(tmp_path: Path) -> None:
    limits = {"OSTRO_LIMIT_PENDING_EVENTS": PENDING, "OSTRO_LIMIT_REQUESTS_PER_SECOND": "1000000"}
    async with fleet(tmp_path, servers=1, **limits) as running:
        (url,) = running.urls
        await running.start_worker("w", url, slots=200)
        before = megabytes(running, "server-1")
        headers = {"authorization": f"Bearer {running.admin}", "content-type": "application/json"}
        unbounded = httpx2.Limits(max_connections=None, max_keepalive_connections=CALLERS)
        async with httpx2.AsyncClient(base_url=url, headers=headers, timeout=60, limits=unbounded) as http:
            crowd = Crowd(http)
            until = time.monotonic() + SECONDS
            async with asyncio.TaskGroup() as group:
                for _ in range(CALLERS):
                    group.create_task(crowd.ask(until))
        assert crowd.strange == []
        assert crowd.slowed > 0, "the crowd was not large enough"
        assert len(set(crowd.accepted)) == len(crowd.accepted) > 0
        assert megabytes(running, "server-1") - before < 500
        ended = await ends(running.environment["OSTRO_DATABASE_URL"], seconds=60)
        assert ended == {"SUCCESS": len(crowd.accepted)}, running.logs()
