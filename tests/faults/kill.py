"""Rounds of adding, sealing and killing; afterwards every workflow has ended and every job counts once.

    python -m tests.faults.kill --rounds 1000 --seed 1

A round is one workflow of the main job: tasks for two servers, one that joins all that bear two tags, one that is
added while it runs, another from inside a running job. Every third is made from a definition instead
(`tests.faults.defined`), every third fails and is revived (`tests.faults.revived`). Several are under way at once, while every so often a server, a worker or PostgreSQL is
killed with `kill -9` and started again.
"""

import argparse
import asyncio
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from uuid import UUID

import msgspec
import stamina.instrumentation

from ostro.client.client import Client
from ostro.client.workflow import Workflow
from ostro.errors import OstroError
from ostro.values import MaySpawn, Retry
from tests.engine.fleet import sql
from tests.engine.whole import orphans
from tests.faults import defined, revived
from tests.faults.processes import Fleet, again, fleet

AT_ONCE = 12
WORKERS = ("x", "y")
VICTIMS = 2 * ("server-1", "server-2", *WORKERS) + ("postgres",)

# Each run leaves a file of its own, so that a run too many is seen.
RUN = 'set -C; : > "$EFFECTS/$OSTRO_JOB.$$"; echo "$OSTRO_TASK" > "$OSTRO_RESULT.n"; echo 1 > "$OSTRO_RESULT"'
ADD = "ostro task add spawned --tag PostDeployment --target server=x --retry 50"
SPAWN = f"""{RUN}; {ADD} --env "EFFECTS=$EFFECTS" --run '{RUN}'"""


class Report(msgspec.Struct):
    """What the rounds came to."""

    rounds: int = 0
    seconds: float = 0.0
    jobs: int = 0
    runs: int = 0
    kills: Counter[str] = msgspec.field(default_factory=Counter)
    wrong: list[str] = []

    def __str__(self) -> str:
        kills = ", ".join(f"{count} of {name}" for name, count in sorted(self.kills.items()))
        text = f"{self.rounds} rounds in {self.seconds:.1f} s: {self.jobs} jobs, {self.runs} runs, kills: {kills}"
        return "\n".join([text, *self.wrong[:50]])


class Rounds:
    """The driver: plays rounds through either server, kills, and looks at what came of it."""

    def __init__(self, running: Fleet, clients: list[Client], effects: Path, chance: random.Random) -> None:
        self.fleet = running
        self.clients = clients
        self.effects = effects
        self.chance = chance
        self.report = Report()
        self.expected: dict[UUID, set[str]] = {}
        self.revived: list[revived.Round] = []

    async def play(self, rounds: int, every: float) -> Report:
        """So many rounds, with a kill every so many seconds."""
        began = time.monotonic()
        numbers = iter(range(rounds))
        async with asyncio.TaskGroup() as group:
            killing = group.create_task(self._kill_on(every))
            async with asyncio.TaskGroup() as players:
                for _ in range(AT_ONCE):
                    players.create_task(self._play_some(numbers))
            killing.cancel()
        await self.fleet.keep_up()
        for url in self.fleet.urls:
            await self.fleet.until_healthy(url)
        self.report.seconds = time.monotonic() - began
        await self._look()
        return self.report

    async def _play_some(self, numbers: Iterable[int]) -> None:
        for number in numbers:
            try:
                async with asyncio.timeout(120):
                    await (self._round, self._revived, self._defined)[number % 3](number)
            except (OstroError, TimeoutError, ExceptionGroup) as failed:
                self.report.wrong.append(f"round {number}: {type(failed).__name__}: {failed}")
            self.report.rounds += 1

    async def _round(self, number: int) -> None:
        """The main job. All calls may be repeated: the same again is answered."""
        client = self.clients[number % len(self.clients)]
        spawns = number % 9 == 0
        workflow = await again(lambda: client.workflows.create(f"round {number}"))
        names = {"A", "B", "C", "J", "late"} | ({"spawned"} if spawns else set())
        self.expected[workflow.id] = names
        await again(lambda: workflow.add_many(self._tasks(spawns=spawns)))
        other = self.clients[(number + 1) % len(self.clients)].workflows.get(workflow.id)
        late = self._task("late", "y", tags=["PostDeployment"], safe_rerun=True)
        await again(lambda: other.add_many([late]))
        if spawns:
            await self._until_spawned(workflow)
        await again(workflow.seal)
        state = await again(other.wait)
        if state != "SUCCESS":
            self.report.wrong.append(f"round {number}: {workflow.id} ended in {state}")

    async def _defined(self, number: int) -> None:
        """A start may be repeated: what was made twice ends twice, and is looked at as well."""
        client = self.clients[number % len(self.clients)]
        workflow = await again(lambda: defined.begin(client, number, RUN, self.effects))
        self.expected[workflow.id] = defined.NAMES
        other = self.clients[(number + 1) % len(self.clients)].workflows.get(workflow.id)
        state = await again(other.wait)
        output = await again(other.output)
        if state != "SUCCESS" or output != defined.OUTPUT:
            self.report.wrong.append(f"round {number}: {workflow.id} ended in {state} with {output}")

    async def _revived(self, number: int) -> None:
        """Every second one is made from a definition."""
        playing = revived.Round(self.clients, number, RUN, self.effects, defined=number % 2 == 1)
        self.revived.append(playing)
        await playing.play()

    async def _until_spawned(self, workflow: Workflow) -> None:
        while not any(task.name == "spawned" for task in await again(workflow.tasks)):
            await asyncio.sleep(0.2)

    def _tasks(self, *, spawns: bool) -> list[dict[str, object]]:
        may = MaySpawn(max=1, tags=("PostDeployment",), actions=("script",))
        more = {"may_spawn": may, "run": SPAWN} if spawns else {}
        return [
            self._task("A", "x", tags=["Deployment"], **more),
            self._task("B", "y", tags=["Deployment"], safe_rerun=True),
            self._task("C", "x", requires=["A"]),
            self._task("J", "y", requires=[{"tags": ["Deployment", "PostDeployment"]}]),
        ]

    def _task(self, name: str, server: str, **more: object) -> dict[str, object]:
        """Without `safe_rerun` a lost run ends in ERROR, and the retries bring the next: a job of its own."""
        said = {"run": RUN, "target": {"server": server}, "env": {"EFFECTS": str(self.effects)}}
        return {"name": name, **said, "retry": Retry(count=50), **more}

    async def _kill_on(self, every: float) -> None:
        while True:
            await asyncio.sleep(self.chance.uniform(0.5 * every, 1.5 * every))
            await self.fleet.keep_up()
            victim = self.chance.choice(VICTIMS)
            self.report.kills[victim.partition("-")[0] if victim not in WORKERS else "worker"] += 1
            await self.fleet.kill(victim)
            if victim != "postgres":
                await asyncio.sleep(self.chance.uniform(0, 0.5))
                await self.fleet.start_again(victim)

    # -- afterwards ---------------------------------------------------------------------------------

    async def _look(self) -> None:
        wrong = self.report.wrong
        wrong += await orphans(self.fleet.postgres.dsn)
        runs = Counter(file.name.partition(".")[0] for file in self.effects.iterdir())
        async with sql(self.fleet.postgres.dsn) as raw:
            tasks = await raw.fetch("SELECT workflow, id, name, state FROM tasks")
            wrong += await defined.wrongs(raw)
            for one in self.revived:
                wrong += await one.look(raw)
            jobs = await raw.fetch(
                "SELECT j.workflow, j.task, j.item, j.id, j.state, j.fence, t.name FROM jobs j JOIN tasks t "
                "ON t.namespace = j.namespace AND t.workflow = j.workflow AND t.id = j.task"
            )
        self.report.jobs, self.report.runs = len(jobs), runs.total()
        apart = {one.workflow for one in self.revived}  # they have looked at their ends themselves
        found: dict[UUID, set[str]] = {}
        for task in tasks:
            if task["workflow"] in apart:
                continue
            found.setdefault(UUID(int=task["workflow"].int), set()).add(task["name"])
            if task["state"] != ("ERROR" if task["name"] == "flaky" else "SUCCESS"):
                wrong.append(f"{task['workflow']} {task['name']} is {task['state']}")
        wrong += [
            f"{one}: tasks {found.get(one)}" for one, all_ in self.expected.items() if found.get(one) != all_
        ]
        successes = Counter(
            (job["task"], job["item"])
            for job in jobs
            if job["state"] == "SUCCESS" and job["workflow"] not in apart
        )
        wrong += [f"task {task} counted {n} times" for task, n in successes.items() if n != 1]
        safe, inside = (
            {"B", "late", "each"} | revived.NAMES,
            defined.NAMES - defined.SCRIPTS | {"last"} | revived.SAID,
        )
        for job in jobs:
            ran = runs.pop(str(job["id"]), 0)
            most = (job["fence"] or 0) if job["name"] in safe else 1
            if ran > most:
                wrong.append(f"job {job['id']} ({job['name']}, fence {job['fence']}) ran {ran} times")
            if job["state"] == "SUCCESS" and not ran and job["name"] not in inside:
                wrong.append(f"job {job['id']} ({job['name']}) succeeded and never ran")
        wrong += [f"a job that nobody knows ran: {job}" for job in runs]


async def main(rounds: int, seed: int, folder: Path, every: float = 2.0) -> Report:
    """The rounds on a fleet of its own."""
    effects = folder / "effects"
    effects.mkdir()
    async with fleet(folder, servers=2) as running:
        for worker, url in zip(WORKERS, running.urls, strict=True):
            await running.start_worker(worker, url)
        clients = [Client(url, running.admin) for url in running.urls]
        try:
            report = await Rounds(running, clients, effects, random.Random(seed)).play(rounds, every)
        finally:
            for client in clients:
                await client.close()
        if report.wrong:
            report.wrong.append(running.logs())
        return report


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=2.0, help="seconds between kills, about")
    parser.add_argument("--keep", type=Path, help="a folder to leave everything in")
    chosen = parser.parse_args()
    stamina.instrumentation.set_on_retry_hooks([])  # that calls are tried again is what this is about
    with tempfile.TemporaryDirectory(prefix="ostro-kill-") as place:
        folder = chosen.keep or Path(place)
        folder.mkdir(exist_ok=True)
        result = asyncio.run(main(chosen.rounds, chosen.seed, folder, chosen.every))
    print(result)
    sys.exit(1 if result.wrong else 0)
