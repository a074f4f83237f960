"""`ostro definition`."""

from pathlib import Path
from typing import Any, cast

import click
import msgspec

from ostro.cli.connect import Pair, connected
from ostro.cli.definitions.texts import FILES, KIND, read_text, tell
from ostro.cli.output import Printer, pairs, printable
from ostro.client.client import Client
from ostro.language.problems import Problem
from ostro.protocol.definitions import StoredDefinition, Validated

NAME = click.argument("name")
WHICH = click.option(
    "--kind", type=click.Choice(["workflow", "action"]), help="Where both have the name: which of them."
)


@click.group()
def definition() -> None:
    """Store definitions by name, compare and delete them."""


@definition.command()
@FILES
@click.option(
    "--label", "labels", type=Pair(), multiple=True, help="KEY=VALUE; repeatable. They replace the old ones."
)
@click.option(
    "--if-version",
    "seen",
    type=Pair(),
    multiple=True,
    help="NAME=N: refused unless it is at N (0: not there).",
)
@connected
async def upload(
    client: Client,
    printer: Printer,
    files: tuple[Path, ...],
    labels: tuple[tuple[str, str], ...],
    seen: tuple[tuple[str, str], ...],
) -> None:
    """Store all definitions of FILES, or none. What changed gets a new version; what runs keeps its own."""
    if wrong := [f"{name}={number}" for name, number in seen if not number.isdigit()]:
        raise click.UsageError(f"{wrong[0]!r} is not NAME=N.")
    found = await client.definitions.upload(
        *(_text(file) for file in files),
        labels=dict(labels) if labels else None,
        if_version={name: int(number) for name, number in seen},
    )
    rows = [(one.name, one.kind, one.version, one.outcome) for one in found.definitions]
    printer.table(found, ("name", "kind", "version", "outcome"), rows)
    for warning in found.warnings:
        click.echo(f"Warning: {printable(warning)}", err=True)


@definition.command("list")
@click.option("--kind", type=click.Choice(["workflow", "action"]), help="Of this kind.")
@click.option("--prefix", help="Whose names begin like this.")
@click.option("--label", help="With this label: KEY or KEY=VALUE.")
@click.option("--limit", type=click.IntRange(1), default=1000, show_default=True, help="At most so many.")
@connected
async def list_(client: Client, printer: Printer, **filters: Any) -> None:
    """List definitions by name."""
    found = await client.definitions.list(**filters)
    rows = [(one.name, one.kind, one.version, one.labels, one.updated_at) for one in found]
    printer.table(found, ("name", "kind", "version", "labels", "updated"), rows)


@definition.command()
@NAME
@WHICH
@click.option("--version", type=click.IntRange(1), help="This version instead of the newest.")
@click.option("--text", "only_text", is_flag=True, help="Print the text alone.")
@connected
async def show(
    client: Client, printer: Printer, name: str, kind: Any, version: int | None, only_text: bool
) -> None:
    """Show a definition: what it takes, and its text."""
    found = await client.definitions.get(name, version=version, kind=kind)
    if only_text:
        click.echo(found.text, nl=not found.text.endswith("\n"))
    else:
        printer.show(found, _described(found))


def _described(found: StoredDefinition) -> str:
    inputs = [
        one.name
        + (f": {one.type}" if one.type else "")
        + ("" if one.required else f" (default {one.default!r})")
        for one in found.input
    ]
    head = {
        "name": found.name,
        "kind": f"{found.type} {found.kind}".strip(),
        "version": f"{found.shown_version} of {found.version}, {found.version_at.astimezone():%Y-%m-%d %H:%M:%S}",
        "description": found.description,
        "input": ", ".join(inputs),
        "tags": " ".join(found.tags),
        "labels": pairs(cast("dict[str, Any]", found.labels)),
    }
    lines = [f"{key:<12} {printable(value)}" for key, value in head.items() if value]
    return "\n".join([*lines, "", found.text.rstrip("\n")])


@definition.command()
@NAME
@WHICH
@connected
async def versions(client: Client, printer: Printer, name: str, kind: Any) -> None:
    """List the versions of a definition, newest first."""
    found = await client.definitions.versions(name, kind=kind)
    rows = [(one.version, one.created_at, one.created_by, one.hash[:12]) for one in found]
    printer.table(found, ("version", "created", "by", "hash"), rows)


@definition.command()
@NAME
@click.argument("between", nargs=-1, metavar="[FROM TO | FILE]")
@WHICH
@connected
async def diff(client: Client, printer: Printer, name: str, between: tuple[str, ...], kind: Any) -> int:
    """Show what differs: between the last two versions, between FROM and TO, or from the newest version to FILE.

    Exit code 1 if something does, as `diff` has it.
    """
    if len(between) == 1 and not between[0].isdigit():
        text = await _to_file(client, name, Path(between[0]), kind)
    elif len(between) > 2 or not all(one.isdigit() for one in between):
        raise click.UsageError("diff takes NAME, then nothing, FROM TO, or a FILE.")
    else:
        numbers = [int(one) for one in between]
        text = (await client.definitions.diff(name, *numbers, kind=kind)).diff
    printer.show({"diff": text}, _safe(text).rstrip("\n") if text else "Nothing differs.")
    return int(bool(text))


async def _to_file(client: Client, name: str, file: Path, kind: Any) -> str:
    from ostro.language.lint import lint
    from ostro.language.model.kept import kept
    from ostro.language.source.differences import unified

    found, text = await client.definitions.get(name, kind=kind), _text(file)
    document = lint(text).document
    if document is None:
        raise click.ClickException(f"{file} has errors: ostro lint {file} shows them.")
    held = [one for one in kept(document, text) if (one.name, one.sort) == (found.name, found.kind)]
    if not held:
        raise click.UsageError(f"{file} holds no {found.kind} {name}.")
    return unified(found.text, held[0].text, f"{name} version {found.version}", str(file))


def _safe(text: str) -> str:
    """What others wrote must not steer the terminal."""
    return "\n".join(map(printable, text.split("\n")))


@definition.command()
@NAME
@click.argument("labels", nargs=-1, required=True, metavar="KEY=VALUE|KEY-...")
@WHICH
@connected
async def label(client: Client, printer: Printer, name: str, labels: tuple[str, ...], kind: Any) -> None:
    """Put labels on a definition (KEY=VALUE), or take them off (KEY-)."""
    change: dict[str, str | None] = {}
    for one in labels:
        key, equals, value = one.partition("=")
        if not equals and not one.endswith("-"):
            raise click.UsageError(f"{one!r} is neither KEY=VALUE nor KEY-.")
        change[key if equals else one[:-1]] = value if equals else None
    found = await client.definitions.label(name, change, kind=kind)
    printer.show(found, pairs(cast("dict[str, Any]", found.labels)) or "It has no labels.")


@definition.command()
@NAME
@WHICH
@click.option("--force", is_flag=True, help="Also one that is in use: what runs keeps its text.")
@connected
async def delete(client: Client, printer: Printer, name: str, kind: Any, force: bool) -> None:
    """Delete a definition with its versions, unless it is in use."""
    await client.definitions.delete(name, kind=kind, force=force)
    printer.show({"deleted": name}, "It is gone.")


@definition.command()
@FILES
@KIND
@connected
async def validate(client: Client, printer: Printer, files: tuple[Path, ...], kind: Any) -> int:
    """Let the server say everything that is wrong with FILES; `ostro lint` does it without one. Exit code 1 for errors."""
    texts = {str(file): _text(file) for file in files}
    found = {name: await client.definitions.validate(text, kind=kind) for name, text in texts.items()}
    if printer.json:
        rows = [{"file": name, "valid": one.valid, "problems": one.problems} for name, one in found.items()]
        printer.show(rows, "")
    else:
        tell({name: (_problems(one), texts[name].splitlines()) for name, one in found.items()})
    return int(not all(one.valid for one in found.values()))


def _problems(found: Validated) -> list[Problem]:
    return msgspec.convert(found.problems, list[Problem], from_attributes=True)


def _text(file: Path) -> str:
    try:
        return read_text(file).decode()
    except UnicodeDecodeError as wrong:
        raise click.UsageError(f"{file} is not UTF-8: {wrong.reason} at byte {wrong.start}.") from None
