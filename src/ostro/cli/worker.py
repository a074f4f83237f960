"""`ostro worker`."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import click

import ostro
from ostro.actions import plugins
from ostro.actions.egress import egress
from ostro.cli.connect import Pair, connected, link_options, quiet
from ostro.cli.logs import log_to_stderr
from ostro.cli.output import Printer
from ostro.client.client import Client
from ostro.client.profile import find_link, read_profile
from ostro.client.transport import Link, Transport
from ostro.clock import new_id
from ostro.worker.built_in import serve
from ostro.worker.home import Home, keep_token, kept_token
from ostro.worker.options import Options
from ostro.worker.runtime import Worker

_RUN_OPTIONS = (
    click.option(
        "--name", envvar="OSTRO_WORKER_NAME", show_envvar=True, help="Its name; the host's by default."
    ),
    click.option(
        "--capability",
        "capabilities",
        type=Pair(),
        multiple=True,
        envvar="OSTRO_WORKER_CAPABILITIES",
        show_envvar=True,
        help="A fact about it: role=web; repeatable.",
    ),
    click.option(
        "--tag",
        "tags",
        multiple=True,
        envvar="OSTRO_WORKER_TAGS",
        show_envvar=True,
        help="Take only such tasks; repeatable.",
    ),
    click.option(
        "--slots",
        type=click.IntRange(1),
        envvar="OSTRO_WORKER_SLOTS",
        show_envvar=True,
        help="How many jobs at once; 1 by default.",
    ),
    click.option(
        "--import",
        "imports",
        multiple=True,
        metavar="MODULE",
        envvar="OSTRO_WORKER_IMPORTS",
        show_envvar=True,
        help="A Python module with actions of your own; repeatable.",
    ),
    click.option(
        "--egress-allow",
        multiple=True,
        metavar="WHERE",
        envvar="OSTRO_EGRESS_ALLOW",
        show_envvar=True,
        help="A network, an address or a host that std.http and its like may reach all the same; repeatable.",
    ),
    click.option(
        "--egress-deny",
        multiple=True,
        metavar="WHERE",
        envvar="OSTRO_EGRESS_DENY",
        show_envvar=True,
        help="One that they may not reach; repeatable.",
    ),
    click.option(
        "--state-dir",
        type=click.Path(path_type=Path),
        envvar="OSTRO_STATE_DIR",
        show_envvar=True,
        help="Folder for what it must not forget.",
    ),
    click.option(
        "--join", envvar="OSTRO_JOIN_TOKEN", show_envvar=True, help="Token that fetches its own token, once."
    ),
    click.option("--once", is_flag=True, help="Take until nothing more is granted, then leave."),
    click.option("--drain-after", type=click.IntRange(1), help="Leave after so many jobs."),
    click.option(
        "--drain", type=float, default=300.0, show_default=True, help="Seconds for jobs to end on SIGTERM."
    ),
    click.option(
        "--wait",
        type=click.FloatRange(0),
        default=0.0,
        help="Seconds for a former worker, which is about to end, to leave the state folder.",
    ),
    click.option("--replace", is_flag=True, help="Take the name from another worker that has it."),
)


def run_options(function: Any) -> Any:
    """What a worker is told."""
    for option in reversed(_RUN_OPTIONS):
        function = option(function)
    return function


@click.group(invoke_without_command=True)
@run_options
@click.option("--cert", type=click.Path(path_type=Path), help="PEM file of a client certificate.")
@click.option("--key", type=click.Path(path_type=Path), help="PEM file of its key.")
@link_options
@click.pass_context
def worker(ctx: click.Context, /, **told: Any) -> None:
    """Start a worker: it takes the jobs that are meant for it and runs them.

    What no option says may stand in the environment (several values with blanks between them), else in the
    profile file: {"server": ..., "token": ..., "worker": {"capabilities": {"role": "web"}, "slots": 4}}.

    SIGTERM lets running jobs end; a second one stops them.
    """
    if ctx.invoked_subcommand is None:
        _offer_ostro()
        asyncio.run(_work(_with_profile(told)))


@worker.command("list")
@connected
async def list_(client: Client, printer: Printer) -> None:
    """List the workers."""
    found = await client.workers.list()
    rows = [
        (one.name, one.state, f"{one.running}/{one.slots}", one.capabilities, one.tags, one.seen_at)
        for one in found
    ]
    printer.table(found, ("name", "state", "busy", "capabilities", "tags", "seen"), rows)


@worker.command("built-in", hidden=True)
def built_in() -> None:
    """What a server starts beside itself; it is told what to do on its standard input."""
    quiet()
    log_to_stderr()
    asyncio.run(serve())


@worker.command("actions")
@click.option(
    "--import", "imports", multiple=True, metavar="MODULE", help="A module of your own; repeatable."
)
@click.option(
    "-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", help="How to print."
)
def actions_(imports: tuple[str, ...], form: str) -> None:
    """List the actions that a worker here offers; `-o json` with the schemas of their inputs."""
    found = plugins.load(imports).all()
    whole = [{"name": one.name, "says": one.says, "place": one.place, "input": one.schema} for one in found]
    Printer(form).table(whole, ("name", "what it does"), [(one.name, one.says) for one in found])


def _with_profile(told: dict[str, Any]) -> dict[str, Any]:
    """What was told, filled up with what the profile says of the worker."""
    kept = read_profile(told["profile"]).worker
    values = {key: [said] if isinstance(said, str) else said for key, said in kept.capabilities.items()}
    return told | {
        "name": told["name"] or kept.name,
        "capabilities": told["capabilities"] or tuple((key, one) for key in values for one in values[key]),
        "tags": told["tags"] or tuple(kept.tags),
        "slots": told["slots"] or kept.slots,
        "imports": told["imports"] or tuple(kept.imports),
        "state_dir": told["state_dir"] or (Path(kept.state_dir) if kept.state_dir else None),
    }


def _offer_ostro() -> None:
    """Scripts find `ostro` behind all else on their PATH, also where only the service knows where it is."""
    if shutil.which("ostro") is not None:
        return
    for program in (Path(sys.argv[0]).absolute(), Path(sys.executable).with_name("ostro")):
        if program.name == "ostro" and os.access(program, os.X_OK):
            path = os.environ.get("PATH") or os.defpath
            os.environ["PATH"] = f"{path}{os.pathsep}{program.parent}"
            return


async def _work(told: dict[str, Any]) -> None:
    quiet()
    log_to_stderr()
    actions = plugins.load(told["imports"])
    name = told["name"] or socket.gethostname()
    folder: Path = told["state_dir"] or _default_state_dir(name)
    with await Home.take_within(told["wait"], folder, new_id) as home:
        link = await _link(told, folder, name)
        environment = {"OSTRO_SERVER": link.server}
        if link.ca is not None:
            environment["OSTRO_CA"] = str(link.ca.absolute())
        options = Options(
            name=name,
            state_dir=folder,
            capabilities=_grouped(told["capabilities"]),
            tags=list(told["tags"]) or None,
            slots=told["slots"] or 1,
            replace=told["replace"],
            once=told["once"],
            drain_after=told["drain_after"],
            drain=told["drain"],
            version=ostro.__version__,
            environment=environment,
            egress=egress(told["egress_allow"], told["egress_deny"]),
        )
        async with Transport(link) as transport:
            running = Worker(transport, home, options, actions=actions)
            for number in (signal.SIGTERM, signal.SIGINT):
                asyncio.get_running_loop().add_signal_handler(number, running.drain)
            await running.run()


async def _link(told: dict[str, Any], folder: Path, name: str) -> Link:
    """The way to the server. A token that an earlier join brought counts before the profile's."""
    ways = {key: told[key] for key in ("ca", "cert", "key", "profile")}
    kept = kept_token(folder)
    if told["join"] and not kept:
        joining = find_link(told["server"], told["join"], **ways)
        async with Client(joining.server, told["join"], **ways) as client:
            kept = (await client.tokens.join(name, dict(told["capabilities"]))).token
        keep_token(folder, kept)
    token = told["token"] or (None if told["join"] else os.environ.get("OSTRO_TOKEN")) or kept
    return find_link(told["server"], token or None, **ways)


def _grouped(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for key, value in pairs:
        grouped.setdefault(key, []).append(value)
    return grouped


def _default_state_dir(name: str) -> Path:
    """What systemd gives, else below XDG_STATE_HOME; each name has its own."""
    if os.environ.get("STATE_DIRECTORY"):
        return Path(os.environ["STATE_DIRECTORY"].split(":")[0])
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "ostro" / "worker" / name.replace("/", "_")
