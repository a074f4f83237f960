"""`ostro workflow`."""

from pathlib import Path
from typing import Any

import click
import msgspec

from ostro.cli.connect import Id, Instant, Json, Pair, State, connected
from ostro.cli.output import Printer, printable
from ostro.cli.task_options import read_tasks
from ostro.cli.watching.watch import show_changes, tell_outcome, to_the_end
from ostro.client.client import Client
from ostro.protocol.workflows import Workflow
from ostro.values import UUID, Term, WorkflowState

ID = click.argument("workflow", type=Id(), envvar="OSTRO_WORKFLOW")
_ENDED_BADLY = 3


@click.group()
def workflow() -> None:
    """Create, seal, watch workflows."""


@workflow.command()
@click.argument("name", default="")
@click.option("--description", default="", help="What it is for.")
@click.option("--tag", "tags", multiple=True, help="A label; repeatable.")
@click.option("--deadline", type=Instant(), help="When it is stopped: 2027-01-31T18:00:00+01:00.")
@click.option("--keep", type=int, help="Seconds that it stays once it has ended; 0: for ever.")
@click.option("--done-when", type=Json(), help="Terms as JSON; when all hold, it is sealed.")
@click.option(
    "--return", "output", type=Pair(), multiple=True, help="KEY=TASK: part of the output; repeatable."
)
@click.option("-f", "--file", type=click.Path(path_type=Path, allow_dash=True), help="First tasks, as JSON.")
@click.option("--seal", is_flag=True, help="Take no more tasks.")
@connected
async def create(client: Client, printer: Printer, file: Path | None, seal: bool, **told: Any) -> None:
    """Make a workflow; prints its id. It takes tasks until it is sealed."""
    tasks = read_tasks(file) if file else []
    done_when = _terms(told.pop("done_when"))
    output = dict(told.pop("output")) or None
    made = await client.workflows.create(**told, done_when=done_when, output=output, tasks=tasks, seal=seal)
    printer.show({"id": made.id}, str(made.id))


@workflow.command()
@ID
@click.option("--tag", help="Close this tag only.")
@click.option(
    "--return", "output", type=Pair(), multiple=True, help="KEY=TASK: part of the output; repeatable."
)
@connected
async def seal(
    client: Client, printer: Printer, workflow: UUID, tag: str | None, output: tuple[tuple[str, str], ...]
) -> None:
    """Close a workflow, or one of its tags, to new tasks."""
    changed = await client.workflows.get(workflow).seal(tag, output=dict(output) or None)
    what = f"The tag {tag}" if tag else "The workflow"
    printer.show({"changed": changed}, f"{what} is sealed." if changed else f"{what} was sealed already.")


@workflow.command()
@ID
@click.argument("name")
@click.option("--payload", type=Json(), help="What the waiting task shall return, as JSON or @FILE.")
@connected
async def signal(
    client: Client, printer: Printer, workflow: UUID, name: str, payload: msgspec.Raw | None
) -> None:
    """Send the signal NAME, for which a task with `std.wait_signal` waits, or will."""
    value = msgspec.json.decode(payload) if payload is not None else None
    sent = await client.workflows.get(workflow).signal(name, value)
    others = f" Tasks wait for: {', '.join(map(printable, sent.awaited))}." if sent.awaited else ""
    kept = f"No task waits for {printable(name)} yet: it is kept.{others}"
    printer.show(sent, f"It ends {printable(sent.taken_by)}." if sent.taken_by else kept)


@workflow.command()
@ID
@click.option("--result", is_flag=True, help="Print its output alone, as JSON.")
@connected
async def show(client: Client, printer: Printer, workflow: UUID, result: bool) -> None:
    """Show a workflow, its tasks, and what it is waiting for."""
    there = client.workflows.get(workflow)
    if result:
        Printer("json").show(await there.output(), "")
        return
    about, tasks = await there.show(), await there.tasks()
    if printer.json:
        printer.show({"workflow": about, "tasks": tasks}, "")
        return
    click.echo(_headline(about))
    waits = _waits(about)
    rows = [
        (task.name, task.state, task.reason or task.error or waits.get(task.name), task.tags, task.target)
        for task in tasks
    ]
    printer.table(None, ("task", "state", "why", "tags", "target"), rows)
    if about.why:
        click.echo(f"\n{printable(about.why.says)}")
        for command in dict.fromkeys(one.command for one in about.why.because if one.command):
            click.echo(f"  {printable(command)}")


@workflow.command("list")
@click.option("--state", type=State(WorkflowState), help="In this state.")
@click.option("--name", help="With this name.")
@click.option("--tag", help="Bearing this tag.")
@click.option("--definition", help="Made from the stored definition of this name.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="At most so many.")
@connected
async def list_(client: Client, printer: Printer, **filters: Any) -> None:
    """List workflows, the newest first."""
    found = await client.workflows.list(**filters)
    rows = [
        (one.id, one.name, one.state, "sealed" if one.sealed else "open", _origin(one), one.created_at)
        for one in found
    ]
    printer.table(found, ("id", "name", "state", "open", "definition", "created"), rows)


@workflow.command()
@ID
@click.option("--timeout", type=float, help="Give up after so many seconds (exit code 7).")
@click.option("--quiet", "-q", is_flag=True, help="Only wait.")
@connected
async def watch(client: Client, printer: Printer, workflow: UUID, timeout: float | None, quiet: bool) -> int:
    """Show what happens until the workflow ends: a tree on a terminal, else a line for each change.

    Then its outcome: exit code 3 if that was not SUCCESS. Ctrl-C ends the watching, not the workflow.
    """
    there = client.workflows.get(workflow)

    async def until_ended() -> WorkflowState:
        if printer.json and not quiet:
            async for change in there.changes():
                printer.line(change, "")
        elif not quiet:
            await show_changes(client, there)
        return await there.wait(check=False)

    state = await to_the_end(there, until_ended(), timeout)
    if quiet and not printer.json:
        click.echo(f"The workflow ended in {state}.")
    elif not printer.json:
        await tell_outcome(there)
    return 0 if state is WorkflowState.SUCCESS else _ENDED_BADLY


@workflow.command()
@ID
@click.option("--message", default="", help="Why, for those who look at it.")
@connected
async def pause(client: Client, printer: Printer, workflow: UUID, message: str) -> None:
    """Start nothing more until it is resumed; what runs goes on."""
    changed = await client.workflows.get(workflow).pause(message)
    printer.show({"changed": changed}, "It is paused." if changed else "There was nothing to pause.")


@workflow.command()
@ID
@click.option("--env", type=Json(), help="New values for its environment, as JSON or @FILE.")
@connected
async def resume(client: Client, printer: Printer, workflow: UUID, env: Any) -> None:
    """Let a paused workflow go on."""
    values = msgspec.json.decode(env) if env is not None else None
    changed = await client.workflows.get(workflow).resume(values)
    printer.show({"changed": changed}, "It goes on." if changed else "It was not paused.")


@workflow.command()
@ID
@click.argument("state", type=click.Choice(["SUCCESS", "ERROR", "CANCELLED"]))
@click.option("--message", default="", help="What is said of it; its result, unless it is SUCCESS.")
@connected
async def stop(client: Client, printer: Printer, workflow: UUID, state: str, message: str) -> None:
    """End a workflow now, in STATE: what runs is cancelled."""
    changed = await client.workflows.get(workflow).stop(state, message)
    printer.show({"changed": changed}, "It is being stopped." if changed else "It had ended already.")


@workflow.command()
@ID
@click.option("--reason", default="", help="For the history.")
@connected
async def cancel(client: Client, printer: Printer, workflow: UUID, reason: str) -> None:
    """Stop a workflow: what runs is cancelled, what waits is passed by."""
    changed = await client.workflows.get(workflow).cancel(reason)
    printer.show(
        {"changed": changed}, "It is being cancelled." if changed else "There was nothing to cancel."
    )


@workflow.command()
@ID
@click.option("--force", is_flag=True, help="Also a running one: it is cancelled first.")
@connected
async def delete(client: Client, printer: Printer, workflow: UUID, force: bool) -> None:
    """Take a workflow away, with all that belongs to it."""
    await client.workflows.get(workflow).delete(force=force)
    printer.show({"deleted": workflow}, "It is gone.")


def _origin(about: Workflow) -> str:
    """The stored definition that it was made from: `name:version`."""
    return f"{about.definition.name}:{about.definition.version}" if about.definition else ""


def _headline(about: Workflow) -> str:
    counts = {} if about.counts is msgspec.UNSET else about.counts
    parts = [str(about.id), about.name, about.state, "sealed" if about.sealed else "open"]
    parts += [f"from {_origin(about)}"] if about.definition else []
    parts += [f"{count} {state}" for state, count in sorted(counts.items())]
    lines = ["  ".join(part for part in parts if part), *([about.error] if about.error else [])]
    return "\n".join(map(printable, lines))


def _waits(about: Workflow) -> dict[str, str]:
    """Task -> why it has not ended, of those that the server named; `task show` says it of each."""
    because = about.why.because if about.why else []
    return {one.task: one.says.removeprefix("waits: ") for one in because if one.task}


def _terms(said: msgspec.Raw | None) -> list[str | Term]:
    try:
        return [] if said is None else msgspec.json.decode(said, type=list[str | Term])
    except msgspec.ValidationError as wrong:
        raise click.UsageError(f"--done-when takes a list of terms: {wrong}") from wrong
