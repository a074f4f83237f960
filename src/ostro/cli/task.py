"""`ostro task`."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from ostro.cli.connect import Id, Json, State, connected
from ostro.cli.output import Printer, as_json, printable
from ostro.cli.task_options import described, read_tasks, task_options
from ostro.client.client import Client
from ostro.errors import NotFound
from ostro.protocol.tasks import AddedTask, Revived, Task
from ostro.protocol.why import Why
from ostro.values import UUID, TaskState, Term

WORKFLOW = click.option(
    "--workflow",
    "-w",
    type=Id(),
    envvar="OSTRO_WORKFLOW",
    required=True,
    help="Its workflow (OSTRO_WORKFLOW).",
)
_ENDED_BADLY = 3


@click.group()
def task() -> None:
    """Add, run, list tasks and read their logs.

    Inside a job --workflow, --server and --token are there already.
    """


@task.command()
@click.argument("name", required=False)
@WORKFLOW
@task_options
@click.option(
    "-f", "--file", type=click.Path(path_type=Path, allow_dash=True), help="Tasks as JSON; - for stdin."
)
@connected
async def add(
    client: Client, printer: Printer, name: str | None, workflow: UUID, file: Path | None, **told: Any
) -> None:
    """Add a task to a workflow, or all those of a file: all or none."""
    if (name is None) == (file is None):
        raise click.UsageError("Give a NAME with its options, or --file.")
    tasks = read_tasks(file) if file is not None else [described(name or "", told)]
    added = await client.workflows.get(workflow).add_many(tasks)
    if printer.json:
        printer.show({"tasks": added}, "")
        return
    for one in added:
        click.echo(_said(one))


@task.command()
@click.argument("name", default="task")
@task_options
@click.option("--wait", type=float, help="Give up waiting after so many seconds (exit code 7).")
@connected
async def run(client: Client, printer: Printer, name: str, wait: float | None, **told: Any) -> int:
    """Run one task alone and print what it returns. Exit code 3 if it did not end in SUCCESS."""
    request = described(name, told)
    ended = await client.run_request(request, wait=wait)
    if printer.json:
        printer.show(ended, "")
    else:
        _print_result(ended)
    return 0 if ended.state is TaskState.SUCCESS else _ENDED_BADLY


@task.command("list")
@WORKFLOW
@click.option("--state", type=State(TaskState), help="In this state.")
@click.option("--tag", help="Bearing this tag.")
@connected
async def list_(client: Client, printer: Printer, workflow: UUID, state: str | None, tag: str | None) -> None:
    """List the tasks of a workflow, in the order of their making."""
    found = await client.workflows.get(workflow).tasks(state=state, tag=tag)
    rows = [(one.name, one.state, one.reason or one.error, one.run, one.tags, one.target) for one in found]
    printer.table(found, ("name", "state", "why", "run", "tags", "target"), rows)


@task.command()
@click.argument("name")
@WORKFLOW
@connected
async def show(client: Client, printer: Printer, name: str, workflow: UUID) -> None:
    """Show a task: its state, what it waits for, its result."""
    one = await client.workflows.get(workflow).task(name)
    if printer.json:
        printer.show(one, "")
        return
    rows = [
        ("name", one.name),
        ("state", " ".join(filter(None, [one.state, one.reason]))),
        ("error", one.error),
        ("action", one.action),
        ("run", one.run),
        ("tags", one.tags),
        ("target", one.target),
        ("requires", "; ".join(_term(term) for term in one.requires)),
        ("worker", one.job.worker if one.job else None),
        ("started", one.started_at),
        ("ended", one.ended_at),
    ]
    printer.table(
        None, ("field", "value"), [("id", one.id), *[row for row in rows if row[1] not in (None, "", [], {})]]
    )
    if one.why:
        click.echo(f"\n{printable(one.why.says)}")
        for line in _reasons(one.why):
            click.echo(f"  {printable(line)}")
    if one.result is not msgspec.UNSET and bytes(one.result) != b"null":
        click.echo("\n" + as_json(one.result))


@task.command()
@click.argument("name")
@WORKFLOW
@click.option("--run", "number", type=int, help="Which run; the last one by default.")
@click.option("--follow", "-f", "-F", is_flag=True, help="Go on until it ends.")
@connected
async def logs(
    client: Client, printer: Printer, name: str, workflow: UUID, number: int | None, follow: bool
) -> None:
    """Print what a task wrote, to stdout and stderr as it did."""
    jobs = await client.jobs.of_task(workflow, name)
    chosen = [job for job in jobs if number in (None, job.run)]
    if not chosen:
        raise NotFound("no_run", f"The task {name} has no such run.", hint="It may not have started.")
    async for piece in client.jobs.logs(chosen[-1].id, follow=follow):
        if printer.json:
            printer.line(piece, "")
        else:
            stream = sys.stdout if piece.stream == "stdout" else sys.stderr
            stream.buffer.write(piece.data)
            stream.buffer.flush()


@task.command()
@click.argument("name")
@WORKFLOW
@connected
async def cancel(client: Client, printer: Printer, name: str, workflow: UUID) -> None:
    """End a task that has not ended."""
    changed = await client.workflows.get(workflow).cancel_task(name)
    printer.show({"changed": changed}, "It is cancelled." if changed else "It had ended already.")


@task.command()
@click.argument("name")
@WORKFLOW
@click.option("--failed-items", is_flag=True, help="Of a loop, run only the failed items again.")
@click.option("--from-here", is_flag=True, help="With it all tasks that require it and had started.")
@click.option("--env", type=Json(), help="New values for the environment, as JSON or @FILE.")
@connected
async def rerun(
    client: Client, printer: Printer, name: str, workflow: UUID, failed_items: bool, from_here: bool, env: Any
) -> None:
    """Run an ended task again; tasks that were passed by because of it wait again."""
    values = msgspec.json.decode(env) if env is not None else None
    revived = await client.workflows.get(workflow).rerun_task(
        name, reset=not failed_items, from_here=from_here, env=values
    )
    printer.show(revived, _revived(revived, "It runs again."))


@task.command()
@click.argument("name")
@WORKFLOW
@connected
async def skip(client: Client, printer: Printer, name: str, workflow: UUID) -> None:
    """Let a task that does not run count as done; what hangs on it goes on."""
    revived = await client.workflows.get(workflow).skip_task(name)
    printer.show(
        revived, _revived(revived, "It is skipped." if revived.changed else "It was skipped already.")
    )


@task.command("set-result")
@click.argument("name")
@WORKFLOW
@click.option("--state", type=click.Choice(["SUCCESS", "ERROR"]), default="SUCCESS", show_default=True)
@click.option("--result", type=Json(), help="The result, as JSON or @FILE.")
@click.option("--error", help="What went wrong, in a sentence.")
@connected
async def set_result(
    client: Client, printer: Printer, name: str, workflow: UUID, state: str, result: Any, error: str | None
) -> None:
    """Give a task that ran another result; what hangs on it goes on."""
    value = msgspec.json.decode(result) if result is not None else None
    revived = await client.workflows.get(workflow).set_result(name, value, state=state, error=error)
    printer.show(revived, _revived(revived, f"It counts as {state}."))


@task.command()
@click.argument("job", type=Id())
@click.option(
    "--state", type=click.Choice(["SUCCESS", "ERROR", "CANCELLED"]), default="SUCCESS", show_default=True
)
@click.option("--result", type=Json(), help="Its result, as JSON or @FILE.")
@click.option("--error", help="What went wrong, in a sentence.")
@connected
async def complete(
    client: Client, printer: Printer, job: UUID, state: str, result: Any, error: str | None
) -> None:
    """Say how JOB ended that no worker runs, such as one of `std.async_noop`."""
    value = msgspec.json.decode(result) if result is not None else None
    await client.jobs.complete(job, state, result=value, error=error)
    printer.show({"changed": True}, f"The job ended in {state}.")


@task.command()
@click.argument("name")
@WORKFLOW
@task_options
@connected
async def change(client: Client, printer: Printer, name: str, workflow: UUID, **told: Any) -> None:
    """Put another description in place of a WAITING task's."""
    changed = await client.workflows.get(workflow).change_to(described(name, told))
    printer.show(changed, _said(changed))


@task.command()
@click.argument("name")
@WORKFLOW
@connected
async def delete(client: Client, printer: Printer, name: str, workflow: UUID) -> None:
    """Take a WAITING task away; its name is gone for good."""
    await client.workflows.get(workflow).delete_task(name)
    printer.show({"deleted": name}, "It is gone.")


def _term(term: Term) -> str:
    """`build`, or a term in JSON."""
    plain = term.task if term == Term(task=term.task) else None
    return plain or msgspec.json.encode(term).decode()


def _reasons(why: Why) -> list[str]:
    """What the text above them does not say: each of several reasons, and what would help."""
    several = len(why.because) > 1
    found = []
    for one in why.because:
        parts = [one.says if several else "", "" if one.command in one.says else one.command]
        found.append(": ".join(filter(None, parts)))
    return [line for line in found if line]


def _revived(revived: Revived, said: str) -> str:
    """With a warning about those that worked with what was before."""
    if not revived.used_by:
        return said
    names = ", ".join(printable(name) for name in revived.used_by_names)
    more = ", …" if revived.used_by > len(revived.used_by_names) else ""
    return (
        f"{said}\n  {revived.used_by} had started on what it was before, and do not run again: {names}{more}"
    )


def _said(added: AddedTask) -> str:
    lines = [f"{added.name}  {added.state}" + ("  (it was there already)" if added.again else "")]
    lines += [f"  waits: {sentence}" for sentence in added.waiting_for]
    if added.too_late_for:
        names = ", ".join(added.too_late_names)
        lines.append(f"  too late for {added.too_late_for} that started already: {names}")
    return "\n".join(map(printable, lines))


def _print_result(ended: Task) -> None:
    """A script's output as it wrote it, anything else as JSON."""
    result = None if ended.result is msgspec.UNSET else msgspec.json.decode(ended.result)
    if ended.action == "script" and isinstance(result, dict):
        click.echo(result.get("stdout", ""), nl=False)
        click.echo(result.get("stderr", ""), nl=False, err=True)
        result = result.get("result")
    if result is not None:
        click.echo(as_json(result))
    if ended.state is not TaskState.SUCCESS:
        why = printable(ended.error or ended.reason or "no reason given")
        click.echo(f"Error: the task ended in {ended.state}: {why}", err=True)
