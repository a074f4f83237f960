"""One line for each thing that happened, to a workflow and to those below it: for pipes and logs."""

import sys
from contextlib import suppress

import click

from ostro.cli.output import printable
from ostro.cli.watching.looks import looks
from ostro.client.client import Client
from ostro.client.workflow import Workflow
from ostro.errors import NotFound
from ostro.protocol.changes import Change
from ostro.protocol.workflows import Family
from ostro.values import UUID

_MEMBERS = 1000


async def print_lines(client: Client, workflow: Workflow) -> None:
    """Prints until the workflow has ended. Lines of a workflow that a task runs begin with the path to it."""
    read: dict[UUID, int] = {}
    absence = _Absence()
    async for family in looks(workflow, limit=_MEMBERS, tasks=0, away=absence.hear):
        for change, path in await _news(client, family, read):
            _tell(change, path)


async def _news(client: Client, family: Family, read: dict[UUID, int]) -> list[tuple[Change, str]]:
    """What happened since the last look, of all workflows in the order of time."""
    paths: dict[UUID, str] = {}
    found: list[tuple[Change, str]] = []
    loops = {one.workflow.parent_task for one in family.workflows if one.item}
    for member in family.workflows:
        about = member.workflow
        item = member.item if about.parent_task in loops else None
        paths[about.id] = _path(paths, about.parent, about.name or str(about.id), item)
        if about.version > read.get(about.id, 0):
            with suppress(NotFound):  # it was deleted meanwhile
                news = await client.workflows.get(about.id).history(read.get(about.id, 0))
                read[about.id] = max([about.version, *(one.version for one in news)])
                found += [(one, paths[about.id]) for one in news]
    return sorted(found, key=lambda one: one[0].at)


def _path(paths: dict[UUID, str], parent: UUID | None, name: str, item: int | None) -> str:
    """Nothing for the workflow that is watched; `middle > leaf[2] > ` below it."""
    if parent is None or parent not in paths:
        return ""
    return f"{paths[parent]}{name}" + ("" if item is None else f"[{item}]") + " > "


def _tell(change: Change, path: str) -> None:
    at = change.at.astimezone().strftime("%H:%M:%S.%f")[:-3]
    for entry in change.entries:
        said = [entry.what, entry.task or entry.tag, entry.state, entry.reason, entry.error]
        click.echo(f"{at}  {printable(path)}" + "  ".join(printable(part) for part in said if part))
    sys.stdout.flush()


class _Absence:
    """Says once that the server is away, and once that it is back."""

    def __init__(self) -> None:
        self._is_away = False

    def hear(self, away: bool) -> None:
        if away != self._is_away:
            said = "The server does not answer; it is asked again and again." if away else "It answers again."
            click.echo(said, err=True)
        self._is_away = away
