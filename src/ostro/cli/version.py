"""`ostro version`."""

import click

import ostro


@click.command()
def version() -> None:
    """Say which version this is."""
    click.echo(ostro.__version__)
