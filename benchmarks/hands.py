"""A worker's side of the protocol without a worker: takes jobs and reports them at once."""

import time
from collections.abc import Callable
from uuid import UUID

import httpx2
import msgspec

from benchmarks.house import House
from ostro.clock import new_id
from ostro.protocol.workers import (
    POLL_PATH,
    PROTOCOL,
    REGISTER_PATH,
    Grant,
    HeldJob,
    JobResult,
    Poll,
    PollAnswer,
    Register,
    Registered,
)

NOTHING = msgspec.Raw(b"null")


class Hands:
    """One session with so many slots, whose jobs are done as soon as they arrive."""

    def __init__(self, house: House, name: str, slots: int) -> None:
        self._http = httpx2.AsyncClient(
            base_url=house.url, headers={"authorization": f"Bearer {house.worker}"}, timeout=60
        )
        self._name, self._slots = name, slots
        self._session: UUID | None = None
        self._counter = 0

    async def register(self) -> None:
        """Opens the session."""
        wish = Register(
            protocol=PROTOCOL,
            name=self._name,
            instance=new_id(),
            capabilities={"bench": ["1"]},
            actions=["std.noop"],
            slots=self._slots,
        )
        answer = await self._post(REGISTER_PATH, wish)
        self._session = msgspec.json.decode(answer, type=Registered).session

    async def poll(self, done: list[Grant], wait: float = 20.0) -> list[Grant]:
        """Reports these and takes what there is."""
        self._counter += 1
        assert self._session is not None
        ask = Poll(
            session=self._session,
            counter=self._counter,
            free=self._slots,
            wait=wait,
            results=[JobResult(workflow=g.workflow, job=g.job, fence=g.fence, state="SUCCESS") for g in done],
        )
        answer = msgspec.json.decode(await self._post(POLL_PATH, ask), type=PollAnswer)
        refused = [settled for settled in answer.settled if settled.status != "accepted"]
        if refused:
            raise SystemExit(f"a result was not accepted: {refused[0]}")
        return answer.jobs

    async def work(self, enough: Callable[[int], bool], latencies: list[float] | None = None) -> None:
        """Takes and reports until `enough` (told how many were reported) says so."""
        grants: list[Grant] = []
        while True:
            began = time.perf_counter()
            reported, grants = grants, await self.poll(grants, wait=0.5)
            if latencies is not None and reported and grants:
                latencies.append(time.perf_counter() - began)
            if enough(len(reported)):
                return

    async def close(self) -> None:
        """Closes the connection."""
        await self._http.aclose()

    async def _post(self, path: str, body: object) -> bytes:
        answer = await self._http.post(
            path, content=msgspec.json.encode(body), headers={"content-type": "application/json"}
        )
        if answer.status_code >= 300:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text}")
        content: bytes = answer.content
        return content


def held(grant: Grant) -> HeldJob:
    """What a worker quotes of it."""
    return HeldJob(workflow=grant.workflow, job=grant.job, fence=grant.fence)
