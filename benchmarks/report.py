"""What was found, for people and as JSON, and beside what was found before."""

import os
import platform
import statistics
import subprocess
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Table

from benchmarks.figures import Found
from benchmarks.goals import GOALS, Goal


class Figure(msgspec.Struct):
    """One figure over all passes."""

    median: float
    lowest: float
    highest: float
    passes: list[float]


class Report(msgspec.Struct):
    """A whole run. `failed` says of a row what went wrong; `quick` figures mean little."""

    about: dict[str, str]
    quick: bool
    rows: dict[str, dict[str, Figure]] = {}
    failed: dict[str, str] = {}

    def take(self, row: str, passes: list[Found]) -> None:
        """All passes of one row."""
        self.rows[row] = {name: _folded([one[name] for one in passes if name in one]) for name in passes[0]}

    def missed(self) -> list[str]:
        """The goals that do not hold, a sentence each."""
        said = []
        for row, goals in GOALS.items():
            for name, goal in goals.items():
                figure = self.rows.get(row, {}).get(name)
                if figure is not None and not goal.holds(figure.median):
                    wanted = f"{'at least' if goal.more else 'at most'} {_shown(goal.enough)}"
                    said.append(f"{row}: {name} is {_shown(figure.median)}, and should be {wanted}")
        return said


def about() -> dict[str, str]:
    """What the figures depend on."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False
    )
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "commit": commit.stdout.strip(),
        "load before": f"{os.getloadavg()[0]:.2f}",
    }


def show_row(console: Console, row: str, figures: dict[str, Figure]) -> None:
    """A table of its own: median, spread, the goal, whether it holds and whether it is as good as we aim at."""
    table = Table(title=row, title_justify="left", title_style="bold")
    for column in ("figure", "median", "spread", "goal", "holds", "aim", "reached"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    for name, figure in figures.items():
        spread = f"{_shown(figure.lowest)} … {_shown(figure.highest)}"
        goal = GOALS.get(row, {}).get(name)
        table.add_row(name, _shown(figure.median), spread, *_judged(goal, figure.median))
    console.print(table)


def _judged(goal: Goal | None, value: float) -> tuple[str, str, str, str]:
    if goal is None:
        return "", "", "", ""
    sign = "≥" if goal.more else "≤"
    enough = (f"{sign} {_shown(goal.enough)}", "yes" if goal.holds(value) else "[bold red]no")
    if goal.aim is None:
        return *enough, "", ""
    return *enough, f"{sign} {_shown(goal.aim)}", "yes" if goal.aimed(value) else "no"


def show_beside(console: Console, old: Report, new: Report) -> None:
    """Each figure that both have, and by how much it moved."""
    table = Table("row", "figure", title=f"before: {old.about.get('commit')}, now: {new.about.get('commit')}")
    for column in ("before", "now", "now / before"):
        table.add_column(column, justify="right")
    for row, figures in new.rows.items():
        for name, figure in figures.items():
            before = old.rows.get(row, {}).get(name)
            if before is not None:
                change = f"{figure.median / before.median:.2f}" if before.median else ""
                table.add_row(row, name, _shown(before.median), _shown(figure.median), change)
    console.print(table)


def write(report: Report, file: Path) -> None:
    """As JSON."""
    file.write_bytes(msgspec.json.format(msgspec.json.encode(report), indent=2) + b"\n")


def read(file: Path) -> Report:
    """What `write` wrote. SystemExit says what is wrong with the file."""
    try:
        return msgspec.json.decode(file.read_bytes(), type=Report)
    except (OSError, msgspec.DecodeError) as wrong:
        raise SystemExit(f"{file} cannot be compared with: {wrong}") from None


def _folded(passes: list[float]) -> Figure:
    return Figure(statistics.median(passes), min(passes), max(passes), passes)


def _shown(value: float) -> str:
    if value == 0 or abs(value) >= 1_000:
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:.0f}"
