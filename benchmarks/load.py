"""What asks a server for much runs in a process of its own: `python -m benchmarks.load ORDER`, an order being JSON.

So who measures is never the one who is too slow. It prints a line of JSON when it is done; an order without an
end prints an empty line when it is under way and lives until SIGTERM.
"""

import asyncio
import sys
import time
from itertools import count, cycle

import msgspec
import uvloop

from benchmarks.hands import CAPABILITY, Hands, open_hands, work_all
from benchmarks.wire import Wire
from ostro.protocol.paths import TASKS, WORKFLOWS, at
from ostro.protocol.tasks import TaskRequest


class Create(msgspec.Struct, tag=True):
    """`count` sealed workflows of `tasks` tasks, a chain or side by side, over so many connections."""

    urls: list[str]
    admin: str
    count: int
    tasks: int
    chain: bool
    connections: int = 32


class Start(msgspec.Struct, tag=True):
    """`count` workflows from the stored definition of that name; says how many a second, and each request's seconds."""

    urls: list[str]
    admin: str
    definition: str
    count: int
    connections: int = 1


class Run(msgspec.Struct, tag=True):
    """`count` chains of `tasks`, made and worked on here by `hands`; says how many tasks a second."""

    urls: list[str]
    admin: str
    worker: str
    count: int
    tasks: int = 5
    hands: int = 4


class Pace(msgspec.Struct, tag=True):
    """Without an end: `rate` chains of five a second, made and worked on here."""

    urls: list[str]
    admin: str
    worker: str
    rate: float
    hands: int = 4


class Add(msgspec.Struct, tag=True):
    """`count` tasks for one workflow, `batch` in a request, by so many clients; says each request's seconds."""

    urls: list[str]
    admin: str
    workflow: str
    count: int
    clients: int = 8
    batch: int = 1
    does: str = "1"


class Park(msgspec.Struct, tag=True):
    """Without an end: so many workers that wait and are given nothing."""

    url: str
    worker: str
    count: int


_DOORS = 20
"""So many workers register at once."""

Order = Create | Start | Run | Pace | Add | Park


def task(name: str, *, does: str = "1", **more: object) -> TaskRequest:
    """A job of no work, aimed at the bench's hands: one without a target would run inside the decision."""
    return TaskRequest(name=name, action="std.noop", target={CAPABILITY: does}, **more)  # type: ignore[arg-type]


def workflow_of(tasks: int, *, chain: bool, does: str = "1") -> bytes:
    """The body that makes a sealed one."""
    made = [task(f"t{n}", does=does, requires=[f"t{n - 1}"] if chain and n else []) for n in range(tasks)]
    return msgspec.json.encode({"name": "bench", "tasks": made, "seal": True})


async def create(order: Create) -> object:
    body = workflow_of(order.tasks, chain=order.chain)
    await _create(order.urls, order.admin, body, order.count, order.connections)
    return None


async def start(order: Start) -> object:
    body, began = msgspec.json.encode({"definition": {"name": order.definition}}), time.perf_counter()
    latencies = await _create(order.urls, order.admin, body, order.count, order.connections)
    return {"rate": order.count / (time.perf_counter() - began), "latencies": latencies}


async def _create(urls: list[str], admin: str, body: bytes, many: int, connections: int) -> list[float]:
    left, latencies = iter(range(many)), []

    async def client(url: str) -> None:
        wire = Wire(url, admin)
        for _ in left:
            began = time.perf_counter()
            await wire.post(WORKFLOWS, body)
            latencies.append(time.perf_counter() - began)
        wire.close()

    async with asyncio.TaskGroup() as group:
        for url, _ in zip(cycle(urls), range(connections), strict=False):
            group.create_task(client(url))
    return latencies


async def run(order: Run) -> object:
    hands = await _spread(order.urls, order.worker, "run", order.hands)
    body, jobs = workflow_of(order.tasks, chain=True), order.count * order.tasks
    async with asyncio.TaskGroup() as group:
        group.create_task(_create(order.urls, order.admin, body, order.count, 16))
        seconds = await work_all(hands, jobs)
    return jobs / seconds


async def pace(order: Pace) -> object:
    hands = await _spread(order.urls, order.worker, "pace", order.hands)
    wires = cycle([Wire(url, order.admin) for url in order.urls])
    body = workflow_of(5, chain=True)
    print(flush=True)
    async with asyncio.TaskGroup() as group:
        for one in hands:
            group.create_task(one.work(lambda _reported: False))
        began = time.perf_counter()
        for number in count():
            await asyncio.sleep(max(0.0, began + number / order.rate - time.perf_counter()))
            group.create_task(next(wires).post(WORKFLOWS, body))
    return None


async def add(order: Add) -> object:
    batches = iter(range(0, order.count, order.batch))
    path, latencies = at(TASKS, workflow=order.workflow), []

    async def client(wire: Wire) -> None:
        for first in batches:
            named = range(first, min(first + order.batch, order.count))
            tasks = [task(f"added-{n}", does=order.does) for n in named]
            body = msgspec.json.encode({"tasks": tasks})
            began = time.perf_counter()
            await wire.post(path, body)
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for url, _ in zip(cycle(order.urls), range(order.clients), strict=False):
            group.create_task(client(Wire(url, order.admin)))
    return {"rate": order.count / (time.perf_counter() - began), "latencies": latencies}


async def park(order: Park) -> object:
    wire = Wire(order.url, order.worker)
    hands: list[Hands] = []

    async def some(name: str) -> None:
        hands.extend(await open_hands(wire, name, order.count // _DOORS, 1))

    async with asyncio.TaskGroup() as group:
        for door in range(_DOORS):
            group.create_task(some(f"parked-{door}"))
    async with asyncio.TaskGroup() as group:
        for number, one in enumerate(hands):
            # Their first waits differ, so that they do not all come back in one instant.
            group.create_task(_wait_for_ever(one, 25.0 * (number + 1) / len(hands)))
        await asyncio.sleep(1.0)
        print(flush=True)
    return None


async def _wait_for_ever(one: Hands, first: float) -> None:
    await one.poll([], wait=max(1.0, first))
    while True:
        await one.poll([], wait=25.0)


async def _spread(urls: list[str], worker: str, name: str, many: int) -> list[Hands]:
    made: list[Hands] = []
    for number, url in enumerate(urls):
        share = many // len(urls) + (number < many % len(urls))
        made += await open_hands(Wire(url, worker), f"{name}-{number}-{time.time_ns()}", share, 250)
    return made


async def obey(order: Order) -> object:
    match order:
        case Create():
            return await create(order)
        case Start():
            return await start(order)
        case Run():
            return await run(order)
        case Pace():
            return await pace(order)
        case Add():
            return await add(order)
        case Park():
            return await park(order)


if __name__ == "__main__":
    said = uvloop.run(obey(msgspec.json.decode(sys.argv[1], type=Order)))
    print(msgspec.json.encode(said).decode(), flush=True)
