"""`./dev bench [ROW...]`: measures, says which goals hold, and writes it all as JSON.

Exit status 0 if every goal that was measured holds, 1 if one is missed or a row failed, 2 for a wrong call, 130
when interrupted. A quick run is judged by its rows working alone.
"""

import argparse
import asyncio
import resource
import signal
import sys
import tempfile
from pathlib import Path

import stamina.instrumentation
import uvloop
from rich.console import Console

from benchmarks import report as reports
from benchmarks.figures import Scale
from benchmarks.rows import ROWS


def main() -> None:
    asked = _arguments()
    if asked.list:
        for name, row in ROWS.items():
            print(f"{name:16} {row.about}{' (only with --full)' if row.full else ''}")
        return
    chosen = asked.rows or [name for name, row in ROWS.items() if asked.full or not row.full]
    before = reports.read(asked.compare) if asked.compare else None
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # 5,000 workers are 5,000 connections
    stamina.instrumentation.set_on_retry_hooks([])  # waiting for a server to start is no news
    console = Console(width=None if sys.stdout.isatty() else 140)
    report = reports.Report(reports.about(), asked.quick)
    try:
        uvloop.run(_measure(report, console, chosen, Scale(asked.quick), asked.repeat))
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("interrupted", file=sys.stderr)
        raise SystemExit(130) from None
    raise SystemExit(_conclude(report, before, console, asked.json))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev bench", description="Measures Ostro, each row on servers of its own."
    )
    parser.add_argument("rows", nargs="*", metavar="ROW", help="only these; --list names them")
    parser.add_argument("--list", action="store_true", help="name the rows and end")
    parser.add_argument("--full", action="store_true", help="also the rows that take long and much disk")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes: does it work? Its figures mean little"
    )
    parser.add_argument("--repeat", type=int, default=3, metavar="N", help="passes of each row (3)")
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help="put an earlier run beside this one")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where to write the JSON")
    asked = parser.parse_args()
    unknown = [name for name in asked.rows if name not in ROWS]
    if unknown:
        parser.error(f"there is no row {unknown[0]!r}; there are {', '.join(ROWS)}")
    if asked.repeat < 1:
        parser.error("--repeat is at least 1")
    return asked


async def _measure(
    report: reports.Report, console: Console, chosen: list[str], scale: Scale, repeat: int
) -> None:
    """One row after the other; one that fails is told of, and the next goes on."""
    here = asyncio.current_task()
    assert here is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, here.cancel)  # servers must not outlive us
    for name in chosen:
        passes = []
        try:
            for number in range(1, repeat + 1):
                print(f"bench: {name}, pass {number} of {repeat}: {ROWS[name].about}", file=sys.stderr)
                async with asyncio.timeout(scale.patience(full=ROWS[name].full)):
                    passes.append(await ROWS[name].measure(scale))
        except Exception as failed:  # noqa: BLE001  (whatever it was, the other rows can still be measured)
            report.failed[name] = _cause(failed)
            print(f"bench: {name} failed: {report.failed[name]}", file=sys.stderr)
        if passes:
            report.take(name, passes)
            reports.show_row(console, name, report.rows[name])


def _cause(failed: BaseException) -> str:
    """The sentence of the innermost error."""
    while isinstance(failed, BaseExceptionGroup):
        failed = failed.exceptions[0]
    return f"{type(failed).__name__}: {failed}"


def _conclude(
    report: reports.Report, before: reports.Report | None, console: Console, file: Path | None
) -> int:
    if before is not None:
        reports.show_beside(console, before, report)
    place = file or Path(tempfile.gettempdir()) / "ostro-bench.json"
    reports.write(report, place)
    print(f"bench: the same as JSON is in {place}")
    missed = [] if report.quick else report.missed()
    for sentence in missed:
        print(f"bench: missed: {sentence}")
    for name, why in report.failed.items():
        print(f"bench: failed: {name}: {why}")
    return 1 if missed or report.failed else 0


if __name__ == "__main__":
    main()
