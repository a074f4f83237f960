"""Watching a workflow to its end, in the manner that suits where it is printed."""

import asyncio
import sys
from collections.abc import Awaitable, Iterator
from typing import TypeVar

import click

from ostro.cli.output import Printer, printable
from ostro.cli.watching.branches import Branch, tree_of
from ostro.cli.watching.lines import print_lines
from ostro.client.client import Client
from ostro.client.workflow import Workflow
from ostro.errors import WaitTimedOut

_NAMED = 10

T = TypeVar("T")


async def to_the_end(workflow: Workflow, watching: Awaitable[T], timeout: float | None) -> T:
    """What `watching` gives. WaitTimedOut after so many seconds; Ctrl-C ends the watching, not the workflow."""
    try:
        async with asyncio.timeout(timeout):
            return await watching
    except TimeoutError:
        raise WaitTimedOut(
            f"It has not ended after {timeout:g} s.", hint=f"It goes on: ostro workflow watch {workflow.id}"
        ) from None
    except asyncio.CancelledError:
        click.echo(f"The workflow goes on. To watch it again: ostro workflow watch {workflow.id}", err=True)
        raise


async def show_changes(client: Client, workflow: Workflow) -> None:
    """A tree on a terminal, else lines, until it has ended; then those of its tasks that failed."""
    if sys.stdout.isatty():
        await _tree_or_lines(client, workflow)
    else:
        await print_lines(client, workflow)


async def _tree_or_lines(client: Client, workflow: Workflow) -> None:
    from rich.console import Console

    from ostro.cli.watching.live import draw_tree

    console = Console()
    if console.is_dumb_terminal:
        await print_lines(client, workflow)
    else:
        await draw_tree(console, workflow)


async def tell_outcome(workflow: Workflow) -> None:
    """How it ended, what failed and why, and what it returns."""
    family, output = await workflow.family(tasks=_NAMED), await workflow.output()
    about = family.workflows[0].workflow
    said = f": {printable(about.error)}" if about.error else "."
    click.echo(f"The workflow ended in {about.state}{said}")
    failed = list(_failed(tree_of(family), ""))
    for path, error in failed[:_NAMED]:
        click.echo(f"  {printable(path)} failed: {printable(error) or 'it gave no reason'}")
    if len(failed) > _NAMED:
        click.echo(f"  and more: ostro task list -w {workflow.id} --state ERROR")
    Printer("json").show(output, "")


def _failed(branch: Branch, path: str) -> Iterator[tuple[str, str]]:
    """The tasks that failed, each with the path to it; of one that runs a workflow those below it."""
    for one in branch.below:
        here = f"{path}{one.name}"
        below = list(_failed(one, f"{here} > "))
        yield from below
        if one.state == "ERROR" and not below:
            yield here, one.error
