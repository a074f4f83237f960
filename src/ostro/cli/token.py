"""`ostro token`."""

import os
from typing import Any

import click

from ostro.cli.connect import Pair, connected
from ostro.cli.output import Printer
from ostro.client.client import Client
from ostro.client.profile import read_profile

_KINDS = ["admin", "write", "read", "worker", "join"]


@click.group()
def token() -> None:
    """Create, list and revoke tokens."""


@token.command()
@click.option(
    "--scope", "--kind", "kind", type=click.Choice(_KINDS), required=True, help="What it is good for."
)
@click.option("--label", default="", help="Whose it is.")
@click.option(
    "--bind", "binding", type=Pair(), multiple=True, help="server=web-1: only such jobs; repeatable."
)
@click.option(
    "--grant", "grants", multiple=True, help="Key of a capability it may claim besides; repeatable."
)
@click.option("--pool", is_flag=True, help="It may take untargeted jobs too.")
@click.option("--uses", type=click.IntRange(1), help="How often a join token counts.")
@click.option("--expires-in", type=float, help="Seconds until it is over.")
@connected
async def create(client: Client, printer: Printer, binding: tuple[tuple[str, str], ...], **told: Any) -> None:
    """Make a token; it is shown this once.

    With OSTRO_DATABASE_URL or OSTRO_DATA_DIR set and no server named, it is made in the database itself: the
    first one of a new server.
    """
    given = {key: value for key, value in told.items() if value not in (None, "", (), False)}
    if "grants" in given:
        given["grants"] = list(given["grants"])
    if binding:
        given["binding"] = dict(binding)
    made = await client.tokens.create(**given)
    printer.show(made, made.token)


@token.command("list")
@click.option("--dead", is_flag=True, help="Revoked and expired ones too, for thirty days.")
@connected
async def list_(client: Client, printer: Printer, dead: bool) -> None:
    """List the tokens that count, without their texts."""
    found = await client.tokens.list(dead=dead)
    rows = [
        (
            *(one.id, one.kind, one.label, one.binding or ("pool" if one.pool else None)),
            *(one.grants, one.uses_left, one.expires_at, one.revoked_at),
        )
        for one in found
    ]
    head = ("id", "kind", "label", "binding", "grants", "uses", "expires", "revoked")
    printer.table(found, head, rows)


@token.command()
@click.argument("identity", metavar="ID")
@connected
async def revoke(client: Client, printer: Printer, identity: str) -> None:
    """End a token at once, with its sessions."""
    await client.tokens.revoke(identity)
    printer.show({"revoked": identity}, "It counts no more.")


def _first(callback: Any) -> Any:
    """In front of `create`: without a server, but with a database, the first token is made there."""

    def either(**told: Any) -> Any:
        named = told["server"] or os.environ.get("OSTRO_SERVER") or read_profile(told["profile"]).server
        database = os.environ.get("OSTRO_DATABASE_URL") or os.environ.get("OSTRO_DATA_DIR")
        if named or not database:
            return callback(**told)
        from ostro.cli.server import server_side, settings

        words = ("kind", "label", "pool", "uses", "expires_in")
        wanted = {word: told[word] for word in words} | {
            "binding": dict(told["binding"]),
            "grants": told["grants"],
        }
        text = server_side().first_token(settings(), **wanted)
        Printer(told["form"]).show({"token": text}, text)
        return None

    return either


create.callback = _first(create.callback)
