"""What `ostro dev` does around the server: tokens, the profile that the CLI finds, a worker of its own."""

import ctypes
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import click

from ostro.client.profile import Profile, read_profile, write_profile
from ostro.worker.home import keep_token, kept_token

_GRACE_SECONDS = 15
_FORMER_SECONDS = 330
"""After a `kill -9` of `ostro dev` its worker lets what runs end (five minutes), and reports it to the next one."""
_PR_SET_PDEATHSIG = 1


class Dev:
    """One run of `ostro dev`."""

    def __init__(self, wiring: Any, data_dir: Path) -> None:
        self._wiring = wiring
        self._data_dir = data_dir
        self._admin = ""
        self._worker_token = ""
        self._worker: subprocess.Popen[bytes] | None = None

    async def prepare(self, desk: Any) -> None:
        """Tokens, before the door opens: those of the last time if they still count, else new ones."""
        folder = self._data_dir / "worker"
        known = read_profile().token, kept_token(folder)
        self._admin, self._worker_token = await self._wiring.dev_tokens(desk, *known)
        keep_token(folder, self._worker_token)

    def ready(self, url: str) -> None:
        """The door is open: whoever types `ostro` now finds this server, and a worker serves it."""
        kept = read_profile().worker
        path = write_profile(Profile(server=url, token=self._admin, worker=kept))
        self._worker = self._start_worker(url)
        click.echo(f"Ostro listens on {url}; the profile {path} holds an admin token for it.")
        click.echo("A worker named `local` takes tasks without a target. In another terminal:")
        click.echo("  ostro task run hello --run 'echo hello from $(hostname)'")
        click.echo("Stop with Ctrl-C.")

    def close(self) -> None:
        """The worker gives its jobs back before the server goes."""
        if self._worker is None:
            return
        self._worker.terminate()
        try:
            self._worker.wait(_GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            self._worker.kill()

    def _start_worker(self, url: str) -> "subprocess.Popen[bytes]":
        state = self._data_dir / "worker"
        environment = dict(os.environ, OSTRO_SERVER=url, OSTRO_TOKEN=self._worker_token)
        command = [sys.executable, "-m", "ostro.cli.main", "worker", "--name", "local", "--slots", "8"]
        # In a session of its own, so that Ctrl-C reaches the server first and `close` then stops the worker.
        return subprocess.Popen(
            [*command, "--state-dir", str(state), "--wait", str(_FORMER_SECONDS)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=_end_with_dev,  # noqa: PLW1509  (one system call)
        )


def _end_with_dev() -> None:
    """Where the kernel can (Linux), the worker is told to stop when `ostro dev` dies, also by kill -9."""
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
