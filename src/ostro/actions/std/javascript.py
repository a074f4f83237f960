"""`std.javascript`: a script in QuickJS, in a process of its own, so that its limits are hard."""

import asyncio
import os
import sys
from importlib.util import find_spec

from ostro.actions.context import Context, Outcome, taken
from ostro.actions.processes import Tail, run_group
from ostro.actions.workdir import Unusable, read_result
from ostro.language.model.standard import JavaScript

_TAIL = 4 * 1024
_ENGINE = (sys.executable, "-m", "ostro.actions.std.engine")


async def run(context: Context) -> Outcome:
    """What the script gives; what it writes with console.log goes to the job's log."""
    given: JavaScript = taken("std.javascript", context.input, JavaScript)
    if find_spec("quickjs") is None:
        return Outcome(error="std.javascript needs QuickJS on the worker: pip install 'ostro[actions]'")
    context.workdir.mkdir(mode=0o700, parents=True, exist_ok=True)
    (context.workdir / "input.json").write_bytes(context.input)
    said, complained = Tail(_TAIL), Tail(_TAIL)
    try:
        async with asyncio.timeout(given.timeout):
            code = await run_group(
                context,
                _ENGINE,
                environment={name: one for name, one in os.environ.items() if not name.startswith("OSTRO_")},
                cwd=context.workdir,
                owner=None,
                tails={"stdout": said, "stderr": complained},
            )
    except TimeoutError:
        return Outcome(error=f"the script did not end within {given.timeout:g} s")
    if code != 0:
        return Outcome(error=complained.text().strip() or f"the script's process ended with {code}")
    try:
        return Outcome(read_result(context))
    except Unusable as unusable:
        return Outcome(error=str(unusable))
