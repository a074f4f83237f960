"""Plays `deploy.py` on real processes: a server on an embedded PostgreSQL, and one worker for each of two servers.

In the middle a worker and the server are killed with `kill -9` and started again: nothing is lost.
Everything lives in a temporary folder and is gone afterwards.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import stamina.instrumentation
from deploy import deploy

from ostro import Client, OstroError

OSTRO = [sys.executable, "-m", "ostro.cli.main"]
BEGAN = time.monotonic()


def say(text: str) -> None:
    print(f"{time.monotonic() - BEGAN:6.2f} s  {text}", flush=True)


class Fleet:
    """The processes of the demo."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.environment = dict(
            os.environ,
            OSTRO_DATA_DIR=str(folder / "data"),
            OSTRO_PROFILE=str(folder / "profile.json"),
            PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        )
        for name in ("OSTRO_DATABASE_URL", "OSTRO_SERVER", "OSTRO_TOKEN"):
            self.environment.pop(name, None)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self.tokens: dict[str, str] = {}

    def ostro(self, *arguments: str) -> str:
        done = subprocess.run(
            [*OSTRO, *arguments], env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise SystemExit(f"ostro {' '.join(arguments)} failed:\n{done.stderr}")
        return done.stdout.strip()

    def start(self, name: str, *arguments: str, **environment: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        self.processes[name] = subprocess.Popen(
            [*OSTRO, *arguments], env={**self.environment, **environment}, stdout=log, stderr=log
        )

    def start_server(self) -> None:
        self.start("server", "server", "--listen", self.url.removeprefix("http://"))

    def start_worker(self, server: str) -> None:
        where = {"OSTRO_SERVER": self.url, "OSTRO_TOKEN": self.tokens[server]}
        state = str(self.folder / server)
        options = ["--name", server, "--capability", f"server={server}", "--slots", "2", "--state-dir", state]
        self.start(server, "worker", *options, **where)

    def kill(self, name: str) -> None:
        say(f"kill -9 {name} (pid {self.processes[name].pid})")
        self.processes[name].kill()
        self.processes[name].wait()

    def stop(self) -> None:
        for name in sorted(self.processes, reverse=True):
            with suppress(ProcessLookupError):
                self.processes[name].send_signal(signal.SIGTERM)
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()

    async def ready(self, client: Client) -> None:
        for _ in range(600):
            with suppress(OstroError):
                await client.health()
                return
            if self.processes["server"].poll() is not None:
                break
            await asyncio.sleep(0.05)
        raise SystemExit(f"The server did not start:\n{(self.folder / 'server.log').read_text()}")


def free_port() -> int:
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        port: int = door.getsockname()[1]
        return port


async def play(fleet: Fleet) -> None:
    say("making an embedded PostgreSQL and its tables")
    fleet.ostro("db", "upgrade")
    admin = fleet.ostro("token", "create", "--scope", "admin")
    fleet.start_server()
    async with Client(fleet.url, admin) as client:
        await fleet.ready(client)
        say(f"the server listens on {fleet.url}")
        for server in ("web-1", "db-1"):
            made = await client.tokens.create("worker", label=server, binding={"server": server})
            fleet.tokens[server] = made.token
            fleet.start_worker(server)
            say(f"a worker for {server}, whose token takes the jobs of server={server} and nothing else")

        async def interfere() -> None:
            await asyncio.sleep(0.7)
            fleet.kill("web-1")
            fleet.kill("server")
            await asyncio.sleep(0.3)
            say("both are started again")
            fleet.start_server()
            fleet.start_worker("web-1")
            await fleet.ready(client)

        async with asyncio.TaskGroup() as group:
            watching = group.create_task(watch(client))
            output = await deploy(client, interfere)
            await watching
        show(output)


async def watch(client: Client) -> None:
    """Prints what happens in the workflow, as it happens."""
    workflow = None
    while workflow is None:
        with suppress(OstroError):
            found = await client.workflows.list()
            workflow = client.workflows.get(found[0].id) if found else None
        await asyncio.sleep(0.05)
    last, ended = 0, False
    while not ended:
        try:
            async for change in workflow.changes(after=last):
                last = change.version
                for entry in change.entries:
                    what = " ".join(str(part) for part in (entry.what, entry.task, entry.state) if part)
                    why = entry.reason or entry.error
                    say(f"  {what} ({why})" if why else f"  {what}")
                    ended = entry.what == "workflow_ended"
        except OstroError:
            await asyncio.sleep(0.1)  # the server is away for a moment


def show(output: dict[str, object]) -> None:
    print("\nOutputs:")
    for name, value in output.items():
        print(f"  {name}: {value}")
    print(
        "\nThat was one server, one PostgreSQL and two workers, two of them killed in the middle.\n"
        "Go on by hand:  ./dev run ostro dev     and in another terminal:\n"
        "                ./dev run ostro task run hello --run 'echo hello from $(hostname)'\n"
        "The workflow that you saw is examples/configure-fleet/deploy.py; the README says where to read on."
    )


def main() -> None:
    stamina.instrumentation.set_on_retry_hooks([])  # that the server is away for a moment is the point here
    with tempfile.TemporaryDirectory(prefix="ostro-demo-") as folder:
        fleet = Fleet(Path(folder))
        try:
            asyncio.run(play(fleet))
        except KeyboardInterrupt:
            raise SystemExit(130) from None
        finally:
            fleet.stop()


if __name__ == "__main__":
    main()
