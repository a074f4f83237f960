"""`ostro db`: the server's database."""

import asyncio
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from ostro.cli.server import server_side, settings

DATA_DIR = click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder of the embedded PostgreSQL."
)
FILE = click.argument("file", type=click.Path(path_type=Path))


@click.group()
def db() -> None:
    """Upgrade, dump and restore the database.

    It is the one of OSTRO_DATABASE_URL, or the embedded one, whether a server runs on it or not.
    """


@db.command()
@DATA_DIR
def upgrade(data_dir: Path | None) -> None:
    """Bring the tables to what this version expects."""
    server_side()
    done = asyncio.run(_on(data_dir, import_module("ostro.store.migrate").upgrade))
    click.echo("\n".join(f"Applied {name}." for name in done) or "There was nothing to do.")


@db.command()
@FILE
@DATA_DIR
def dump(file: Path, data_dir: Path | None) -> None:
    """Write the whole database into a file."""
    server_side()
    asyncio.run(_on(data_dir, lambda dsn: import_module("ostro.store.dump").dump(dsn, file)))
    click.echo(f"The database is in {file}.")


@db.command()
@FILE
@DATA_DIR
def restore(file: Path, data_dir: Path | None) -> None:
    """Fill an empty database from a file that `dump` wrote."""
    server_side()
    asyncio.run(_on(data_dir, lambda dsn: import_module("ostro.store.dump").restore(dsn, file)))
    click.echo(f"The database is as {file} has it.")


async def _on(data_dir: Path | None, do: Callable[[str], Awaitable[Any]]) -> Any:
    """Does it on the database that is meant; an embedded one is started and stopped around it."""
    wiring, chosen = server_side(), settings(data_dir=data_dir)
    async with wiring.reach(chosen) as dsn:
        return await do(chosen.direct_url or dsn)
