"""A definition with real processes, typed at the command line, each process killed with `kill -9` in the middle."""

import json
from pathlib import Path

from ostro.client.client import Client
from ostro.values import UUID
from tests.e2e.test_main_job import start, until
from tests.faults.processes import Fleet, fleet

TEXT = """
version: '2.0'
roll_out:
  input: [go]
  output: {done: <% $.done %>, by: <% $.by %>}
  tasks:
    install:
      with-items: server in ["x", "y"]
      workflow: on_one
      input: {server: <% $.server %>, go: <% $.go %>}
      publish: {done: <% task().result.said %>}
      on-success: approve
    approve:
      action: std.async_noop
      publish: {by: <% task().result.by %>}
on_one:
  input: [server, go]
  output: {said: <% $.said %>}
  tasks:
    work:
      action: script
      target: {server: <% $.server %>}
      safe-rerun: true
      input: {run: 'while [ ! -e "<% $.go %>" ]; do sleep 0.05; done; echo on <% $.server %>'}
      publish: {said: <% task().result.stdout.trim() %>}
"""


async def test_a_definition_survives_kill_9_of_each_worker_the_server_and_postgresql(tmp_path: Path) -> None:
    go, text = tmp_path / "go", tmp_path / "roll-out.yaml"
    text.write_text(TEXT)
    async with fleet(tmp_path, servers=1) as running:
        await start(running)
        printed = await typed(running, "run", str(text), "roll_out", "-i", f"go={go}")
        async with Client(running.urls[0], running.admin, patience=30) as client:
            workflow = client.workflows.get(printed)
            await until(workflow, install="RUNNING")
            for victim in ("x", "y", "server-1"):
                await running.kill(victim)
                await running.start_again(victim)
            await running.kill("postgres")
            await running.until_healthy(running.urls[0])
            await typed(running, "workflow", "pause", printed, "--message", "look at it first")
            go.touch()  # what runs goes on; what it belongs to is held, down to the workflows that tasks run
            shown = await typed(running, "workflow", "show", printed)
            assert "it is paused" in shown
            assert f"ostro workflow resume {printed}" in shown
            await typed(running, "workflow", "resume", printed)
            await until(workflow, approve="RUNNING")
            (job,) = await client.jobs.of_task(workflow.id, "approve")
            assert f"ostro task complete {job.id}" in await typed(running, "workflow", "show", printed)
            await typed(running, "task", "complete", str(job.id), "--result", '{"by": "Kim"}')
            assert await workflow.wait(30) == "SUCCESS"
            said = json.loads(await typed(running, "workflow", "show", printed, "--result"))
            assert said == {"done": ["on x", "on y"], "by": "Kim"}
            (installed,) = [task for task in await workflow.tasks() if task.name == "install"]
            ended = [job.state for job in await client.jobs.of_task(workflow.id, installed.id)]
            assert ended == ["SUCCESS", "SUCCESS"]
            UUID(printed)


async def typed(running: Fleet, *words: str) -> str:
    """What a command printed."""
    return await running.ostro(*words, OSTRO_SERVER=running.urls[0], OSTRO_TOKEN=running.admin)
