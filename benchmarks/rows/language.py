"""The language alone: each row is measured by a process of its own, without a server."""

import asyncio
import sys
import tempfile
from pathlib import Path

import msgspec

from benchmarks.figures import Found, Scale
from benchmarks.house import OSTRO, clean_environment, start, stop
from benchmarks.language.texts import roll_out
from benchmarks.rows.start import median_of, seconds


async def parse(scale: Scale) -> Found:
    """Texts read."""
    return await _measured("parse", scale)


async def lint(scale: Scale) -> Found:
    """Texts read and checked; by the command too, most of whose time goes into its imports."""
    found = await _measured("lint", scale)
    with tempfile.TemporaryDirectory(prefix="ostro-bench-") as folder:
        text, tries = Path(folder) / "roll-out.yaml", scale.of(5, 1)
        text.write_text(roll_out(scale.of(1_000, 50)))
        found["floor python s"] = median_of(lambda: seconds([sys.executable, "-c", "pass"]), tries)
        found["ostro lint s"] = median_of(lambda: seconds([*OSTRO, "lint", str(text)]), tries)
    return found


async def expression(scale: Scale) -> Found:
    """Expressions evaluated."""
    return await _measured("expression", scale)


async def transition(scale: Scale) -> Found:
    """Ends of tasks decided."""
    return await _measured("transition", scale)


async def _measured(row: str, scale: Scale) -> Found:
    command = [sys.executable, "-m", "benchmarks.language", row, *(["quick"] if scale.quick else [])]
    process = await start(command, clean_environment(), stdout=asyncio.subprocess.PIPE)
    try:
        said, _ = await process.communicate()
    finally:
        await stop([process])
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(command[1:])} failed; OSTRO_BENCH_LOUD=1 shows what it says")
    return msgspec.json.decode(said, type=Found)
