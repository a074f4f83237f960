"""`ostro run`: a workflow from a file, or from a stored definition, at once."""

from pathlib import Path
from typing import Any

import click

from ostro.cli.connect import Json, Pair, connected, json_or_text, object_of
from ostro.cli.output import Printer
from ostro.cli.watching.watch import show_changes, tell_outcome, to_the_end
from ostro.client.client import Client
from ostro.client.workflow import Workflow
from ostro.errors import NotFound
from ostro.values import WorkflowState

_ENDED_BADLY = 3


class Environment(Json):
    """A name, or JSON, or @FILE with JSON in it."""

    name = "name|json|@file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """A name as it is, values as they were written."""
        if isinstance(value, str) and not value.lstrip().startswith(("{", "@")):
            return value
        return super().convert(value, param, ctx)


@click.command()
@click.argument("file", metavar="FILE|NAME")
@click.argument("definition", default="")
@click.option("--version", type=click.IntRange(1), help="With NAME: this version instead of the newest.")
@click.option(
    "-i", "--input", "given", type=Pair(), multiple=True, help="KEY=VALUE, the value as JSON or text."
)
@click.option("--inputs", type=Json(), help="The whole input as JSON, or @FILE.")
@click.option("--env", type=Environment(), help="The environment: its name, or JSON, or @FILE.")
@click.option("--task", help="The task that a reverse workflow is for.")
@click.option(
    "--also",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    multiple=True,
    help="Another file, with what this one names; repeatable.",
)
@click.option("--name", default="", help="What it is called; else as its definition.")
@click.option("-w", "--watch", is_flag=True, help="Show what happens until it ends, then its output.")
@click.option("--timeout", type=float, help="With --watch: give up after so many seconds (exit code 7).")
@connected
async def run(client: Client, printer: Printer, file: str, definition: str, **told: Any) -> int:
    """Run the workflow DEFINITION of FILE; a file with one workflow needs no name. Or NAME, a stored definition.

    With --watch a tree is shown on a terminal, else a line for each change; exit code 3 if it ended otherwise than
    SUCCESS. Ctrl-C ends the watching, not the workflow.
    """
    text = _text(file)
    _refuse_mixed(file, definition, is_file=text is not None, version=told["version"], also=told["also"])
    env = told["env"]
    try:
        made = await client.workflows.start(
            text,
            definition=definition if text is not None else file,
            version=told["version"],
            input=object_of(told["inputs"], "--inputs")
            | {key: json_or_text(one) for key, one in told["given"]},
            env=env if isinstance(env, str) else object_of(env, "--env"),
            params={"task_name": told["task"]} if told["task"] else {},
            also=[one.read_text(encoding="utf-8") for one in told["also"]],
            name=told["name"],
        )
    except NotFound as missing:
        if text is None and missing.kind == "definition_not_found":
            said = f"There is no file {file!r}, and no stored workflow of that name."
            raise NotFound(missing.kind, said, hint="See them: ostro definition list.") from missing
        raise
    if not told["watch"]:
        printer.show({"id": made.id}, str(made.id))
        return 0
    return await _follow(client, printer, made, told["timeout"])


def _text(file: str) -> str | None:
    """What the file holds; None if there is none of that name."""
    if file != "-" and not Path(file).is_file():
        return None
    with click.open_file(file, encoding="utf-8") as opened:
        return str(opened.read())


def _refuse_mixed(file: str, definition: str, *, is_file: bool, version: int | None, also: Any) -> None:
    if is_file and version is not None:
        raise click.UsageError(f"--version is of stored definitions, and {file} is a file.")
    if not is_file and definition:
        raise click.UsageError(
            f"There is no file {file!r} to take {definition!r} from; a stored one has one name."
        )
    if not is_file and also:
        raise click.UsageError(f"--also goes with a file, and there is no file {file!r}.")


async def _follow(client: Client, printer: Printer, made: Workflow, timeout: float | None) -> int:
    if not printer.json:
        click.echo(f"workflow {made.id}")

    async def until_ended() -> WorkflowState:
        if not printer.json:
            await show_changes(client, made)
        return await made.wait(check=False)

    state = await to_the_end(made, until_ended(), timeout)
    if printer.json:
        about, output = await made.show(), await made.output()
        printer.show({"id": made.id, "state": state, "error": about.error, "output": output}, "")
    else:
        await tell_outcome(made)
    return 0 if state is WorkflowState.SUCCESS else _ENDED_BADLY
