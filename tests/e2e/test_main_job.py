"""The main job with real processes, through a server's door, each process killed with `kill -9` in the middle."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from ostro.client.client import Client
from ostro.client.describe import Requirement
from ostro.client.workflow import Workflow
from ostro.values import MaySpawn
from tests.faults.processes import Fleet, fleet

WAITS = (
    'echo on $SERVER; while [ ! -e "$GO" ]; do sleep 0.05; done; echo "\\"$OSTRO_TASK\\"" > "$OSTRO_RESULT"'
)
SPAWNS = (
    "ostro task add D --tag PostDeployment --target server=x --safe-rerun"
    """ --run 'echo "\\"spawned\\"" > "$OSTRO_RESULT"' && """ + WAITS
)
TELLS = 'cat "$OSTRO_REQUIRES"/A.json > "$OSTRO_RESULT"'


def described(go: Path, server: str) -> dict[str, Any]:
    return {
        "target": {"server": server}, "env": {"GO": str(go), "SERVER": server}, "safe_rerun": True, "run": WAITS,
    }  # fmt: skip


async def begin(client: Client, go: Path) -> Workflow:
    """An open workflow with its first tasks."""
    workflow = await client.workflows.create("main job")
    spawns = MaySpawn(max=1, tags=("PostDeployment",), actions=("script",))
    await workflow.add("A", **described(go, "x"), tags=["Deployment"])
    await workflow.add("B", **described(go, "y"), tags=["Deployment"])
    c = described(go, "x") | {"run": SPAWNS, "may_spawn": spawns, "requires": ["A"]}
    await workflow.add("C", **c, tags=["Deployment"])
    joins: list[Requirement] = [{"tags": ["Deployment", "PostDeployment"]}, "A"]
    await workflow.add("J", **{**described(go, "y"), "run": TELLS}, requires=joins)
    return workflow


async def until(workflow: Workflow, **states: str) -> None:
    """Until these tasks are in these states."""
    async with asyncio.timeout(40):
        while True:
            now = {task.name: str(task.state) for task in await workflow.tasks()}
            if all(now.get(name) == state for name, state in states.items()):
                return
            await asyncio.sleep(0.1)


async def finish(workflow: Workflow, go: Path) -> dict[str, object]:
    go.touch()
    await workflow.add("late", **described(go, "y"), tags=["PostDeployment"])
    await until(workflow, D="SUCCESS")  # C added it while it ran
    assert await workflow.seal() is True
    assert await workflow.wait(60) == "SUCCESS"
    return await workflow.output()


def values(output: dict[str, object]) -> dict[str, object]:
    return {name: one["result"] for name, one in output.items() if isinstance(one, dict)}


EXPECTED = {"B": "B", "C": "C", "D": "spawned", "late": "late"}
"""Of A nothing is told: J requires it by name."""


async def start(running: Fleet) -> None:
    for number, worker in enumerate(("x", "y")):
        await running.start_worker(worker, running.urls[number % len(running.urls)])


async def test_the_main_job_survives_kill_9_of_each_worker_and_the_server(tmp_path) -> None:
    go = tmp_path / "go"
    async with fleet(tmp_path, servers=1) as running:
        await start(running)
        async with Client(running.urls[0], running.admin, patience=30) as client:
            workflow = await begin(client, go)
            await until(workflow, A="RUNNING", B="RUNNING", C="WAITING", J="WAITING")
            for victim in ("x", "y", "server-1"):
                await running.kill(victim)
                await running.start_again(victim)
            await running.until_healthy(running.urls[0])
            output = values(await finish(workflow, go))
            assert output.items() >= EXPECTED.items()
            assert output["J"]["result"] == "A"  # type: ignore[index]


@pytest.mark.long
@pytest.mark.parametrize(
    "how", [{"OSTRO_NOTIFY": "false"}, {"OSTRO_STATEMENT_CACHE": "false"}], ids=["no-notify", "no-cache"]
)
async def test_the_main_job_on_two_servers_without_hints_and_without_a_statement_cache(tmp_path, how) -> None:
    go = tmp_path / "go"
    async with fleet(tmp_path, servers=2, **how) as running:
        await start(running)
        async with (
            Client(running.urls[0], running.admin) as one,
            Client(running.urls[1], running.admin) as other,
        ):
            workflow = await begin(one, go)
            assert values(await finish(other.workflows.get(workflow.id), go)).items() >= EXPECTED.items()


@pytest.mark.long
async def test_the_main_job_survives_kill_9_of_postgresql(tmp_path) -> None:
    go = tmp_path / "go"
    async with fleet(tmp_path, servers=1) as running:
        await start(running)
        async with Client(running.urls[0], running.admin, patience=30) as client:
            workflow = await begin(client, go)
            await until(workflow, A="RUNNING", B="RUNNING")
            await running.kill("postgres")
            await running.until_healthy(running.urls[0])
            assert values(await finish(workflow, go)).items() >= EXPECTED.items()
