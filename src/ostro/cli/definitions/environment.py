"""`ostro environment`."""

from typing import Any

import click
import msgspec

from ostro.cli.connect import Json, Pair, connected, json_or_text, object_of
from ostro.cli.output import Printer, as_json, printable
from ostro.client.client import Client
from ostro.protocol.definitions import Environment

NAME = click.argument("name")
VALUES = click.option("--variables", type=Json(), help="All values as a JSON object, or @FILE.")
SET = click.option(
    "--set", "pairs", type=Pair(), multiple=True, help="KEY=VALUE, the value as JSON or text; repeatable."
)
SEEN = click.option("--if-version", type=click.IntRange(0), help="Only if it is at this version.")


@click.group()
def environment() -> None:
    """Store values by name for workflows to be started with. They are no secrets: who may read sees them."""


@environment.command("list")
@connected
async def list_(client: Client, printer: Printer) -> None:
    """List environments by name, without their values."""
    found = await client.environments.list()
    rows = [(one.name, one.version, one.description, one.updated_at) for one in found]
    printer.table(found, ("name", "version", "description", "updated"), rows)


@environment.command()
@NAME
@connected
async def show(client: Client, printer: Printer, name: str) -> None:
    """Show an environment with its values."""
    found = await client.environments.get(name)
    head = f"{found.name}, version {found.version}" + (f": {found.description}" if found.description else "")
    printer.show(found, f"{printable(head)}\n{as_json(found.variables)}")


@environment.command()
@NAME
@click.option("--description", default="", help="What it is for.")
@VALUES
@SET
@connected
async def create(
    client: Client, printer: Printer, name: str, description: str, variables: Any, pairs: Any
) -> None:
    """Make an environment."""
    made = await client.environments.create(name, _values(variables, pairs), description=description)
    _tell(printer, made)


@environment.command()
@NAME
@click.option("--description", help="What it is for; left out, it stays.")
@VALUES
@SET
@click.option("--unset", multiple=True, metavar="KEY", help="Take a value out; repeatable.")
@SEEN
@connected
async def update(client: Client, printer: Printer, name: str, **told: Any) -> None:
    """Change an environment: --variables puts others in place of all of them, --set and --unset change single ones.

    Nobody's change in between is lost: it is refused if the environment changed meanwhile.
    """
    old = await client.environments.get(name)
    given = told["variables"] if told["variables"] is not None else old.variables
    values = _values(given, told["pairs"], told["unset"])
    seen = told["if_version"] if told["if_version"] is not None else old.version
    description = old.description if told["description"] is None else told["description"]
    changed = await client.environments.replace(name, values, description=description, if_version=seen)
    _tell(printer, changed)


@environment.command()
@NAME
@SEEN
@connected
async def delete(client: Client, printer: Printer, name: str, if_version: int | None) -> None:
    """Delete an environment; workflows that were started with it keep its values."""
    await client.environments.delete(name, if_version=if_version)
    printer.show({"deleted": name}, "It is gone.")


def _values(
    whole: msgspec.Raw | None, pairs: tuple[tuple[str, str], ...], unset: tuple[str, ...] = ()
) -> msgspec.Raw:
    """As they were written: no number is changed on the way."""
    values = object_of(whole, "--variables") | {key: json_or_text(text) for key, text in pairs}
    return msgspec.Raw(msgspec.json.encode({key: one for key, one in values.items() if key not in unset}))


def _tell(printer: Printer, made: Environment) -> None:
    printer.show(made, f"{printable(made.name)} is at version {made.version}.")
