"""`ostro version`."""

import click

import ostro
from ostro.cli.output import Printer


@click.command()
@click.option(
    "-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", help="How to print."
)
def version(form: str) -> None:
    """Say which version this is."""
    Printer(form).show({"version": ostro.__version__}, ostro.__version__)
