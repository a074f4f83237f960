"""The worker that a server brings along: a process beside it, with a session in each namespace.

It is told what it needs line by line on its standard input, first `Told`, then a `Pass` for each namespace and
again before that one's token expires. The end of the input is the end of the server, however that came about.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec

import ostro
from ostro.actions.egress import egress
from ostro.actions.registry import Actions, standard
from ostro.client.transport import Link, Transport
from ostro.clock import new_id
from ostro.worker.home import Home
from ostro.worker.options import Options, Rhythm
from ostro.worker.runtime import Worker

_FORMER_SECONDS = 30
"""A former process that is about to end may have the folder still."""


class Told(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`socket` is where the server listens for it, `drain` how long it has to end once the server goes."""

    socket: str
    folder: str
    name: str
    slots: int
    drain: float
    egress_allow: list[str] = []
    egress_deny: list[str] = []


class Pass(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token for a namespace."""

    namespace: int
    token: str


async def serve() -> None:
    """Lives as long as the input. Raises the refusal of a server that does not want it."""
    lines = _lines()
    told = msgspec.json.decode(await anext(lines), type=Told)
    async with asyncio.TaskGroup() as group:
        serving: dict[int, tuple[Transport, asyncio.Event]] = {}
        async for line in lines:
            one = msgspec.json.decode(line, type=Pass)
            if one.namespace in serving:
                serving[one.namespace][0].use(one.token)
                continue
            transport = Transport(Link(server="http://built-in", token=one.token, socket=Path(told.socket)))
            over = asyncio.Event()
            serving[one.namespace] = transport, over
            group.create_task(_work(told, one.namespace, transport, over))
        for _, over in serving.values():
            over.set()


async def _work(told: Told, namespace: int, transport: Transport, over: asyncio.Event) -> None:
    """One namespace's session. Once it is over, what runs may end, and is given back then."""
    folder = Path(told.folder, str(namespace))
    with await Home.take_within(_FORMER_SECONDS, folder, new_id) as home:
        options = Options(
            name=told.name,
            state_dir=folder,
            slots=told.slots,
            drain=told.drain,
            version=ostro.__version__,
            egress=egress(told.egress_allow, told.egress_deny),
            lends_keys=False,  # whoever may write a definition would have the server's
        )
        async with transport, asyncio.TaskGroup() as group:
            worker = Worker(transport, home, options, Rhythm(farewell=0.5), actions=offered())
            ending = group.create_task(_drain_after(over, worker))
            await worker.run()
            ending.cancel()


async def _drain_after(over: asyncio.Event, worker: Worker) -> None:
    await over.wait()
    worker.drain()


def offered() -> Actions:
    """The `std` actions: no script of anybody runs beside a server."""
    return Actions(one for one in standard().all() if one.name.startswith("std."))


async def _lines() -> AsyncIterator[bytes]:
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer
    )
    while line := await reader.readline():
        yield line
