"""What is printed: tables for people, JSON for programs."""

import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import click
import msgspec

COLOURS = {
    "SUCCESS": "green",
    "ERROR": "red",
    "CANCELLED": "yellow",
    "RUNNING": "cyan",
    "PAUSED": "magenta",
    "DELAYED": "magenta",
    "WAITING": "dim",
    "SKIPPED": "dim",
    "live": "green",
}
"""On a terminal; the words say the same."""


class Printer:
    """Prints in the form that was asked for: `table` or `json`."""

    def __init__(self, form: str) -> None:
        self.json = form == "json"

    def show(self, value: Any, text: str) -> None:
        """`value` as JSON, or `text`."""
        click.echo(as_json(value) if self.json else text)

    def table(self, values: Any, head: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
        """`values` as JSON, or the rows under their heads."""
        if self.json:
            click.echo(as_json(values))
            return
        cells = [[_cell(one) for one in row] for row in rows]
        if sys.stdout.isatty():
            _rich(head, cells)
        else:
            _plain(head, cells)

    def line(self, value: Any, text: str) -> None:
        """One of many: a line of JSON, or of text."""
        click.echo(msgspec.json.encode(value).decode() if self.json else text)


def as_json(value: Any) -> str:
    """JSON that people can read too."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def pairs(mapping: dict[str, Any]) -> str:
    """`a=1 b=2`."""
    return " ".join(
        f"{key}={one}"
        for key, value in sorted(mapping.items())
        for one in (value if isinstance(value, list) else [value])
    )


def _cell(value: Any) -> str:
    if value is None or value is msgspec.UNSET:
        return ""
    if isinstance(value, datetime):
        return value.astimezone().strftime("%Y-%m-%d %H:%M:%S")
    if isinstance(value, dict):
        return printable(pairs(value))
    if isinstance(value, (list, tuple)):
        return printable(" ".join(map(str, value)))
    return printable(str(value))


def printable(text: str) -> str:
    """What others wrote must neither break the line nor steer the terminal."""
    return "".join(one if one.isprintable() else " " for one in text)


def _plain(head: Sequence[str], rows: list[list[str]]) -> None:
    """Columns of blanks, nothing cut: made to be searched and split."""
    widths = [max([len(name), *(len(row[i]) for row in rows)]) for i, name in enumerate(head)]
    for row in [[name.upper() for name in head], *rows]:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _rich(head: Sequence[str], rows: list[list[str]]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in head:
        table.add_column(name.upper(), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in row))
    Console().print(table)
