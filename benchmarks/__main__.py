"""`./dev bench [ROW...]`: measures, prints a table and then the same as JSON."""

import asyncio
import json
import platform
import sys

import stamina.instrumentation
from rich.console import Console
from rich.table import Table

from benchmarks.house import house
from benchmarks.rows import ROWS
from ostro.client import Client


async def measure(names: list[str]) -> dict[str, dict[str, object]]:
    """Each row on a server of its own."""
    found: dict[str, dict[str, object]] = {}
    for name in names:
        print(f"measuring {name}: {(ROWS[name].__doc__ or '').strip()}", file=sys.stderr)
        async with house() as where, Client(where.url, where.admin) as client:
            found[name] = await ROWS[name](where, client)
    return found


def main() -> None:
    names = sys.argv[1:] or list(ROWS)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise SystemExit(f"There is no row {unknown[0]!r}; there are {', '.join(ROWS)}.")
    stamina.instrumentation.set_on_retry_hooks([])  # waiting for a server to start is no news
    found = asyncio.run(measure(names))
    table = Table("what", "measured")
    for name, figures in found.items():
        table.add_row(name, ", ".join(f"{key} {value}" for key, value in figures.items()))
    Console().print(table)
    print(json.dumps({"python": platform.python_version(), "rows": found}))


if __name__ == "__main__":
    main()
