"""The action `script`: text for any interpreter, run in a process group and a folder of its own."""

import os
import shutil
from pathlib import Path

import msgspec

from ostro.actions.context import Context, Outcome, taken
from ostro.actions.processes import Owner, Tail, run_group
from ostro.actions.workdir import Unusable, owner_of, prepare, read_result
from ostro.language.model.standard import Script

_TAIL = 64 * 1024
_KEPT_OUT = "OSTRO_"


class ScriptResult(msgspec.Struct):
    """`exit_code` -N: killed by signal N. `stdout` and `stderr` are the last 64 KiB as text.

    `result` is the JSON that the script wrote into the file named by OSTRO_RESULT, null without one.
    """

    exit_code: int
    stdout: str
    stderr: str
    result: msgspec.Raw


async def run(context: Context) -> Outcome:
    """Runs the script; an exit code other than 0 is an ERROR, with its result attached."""
    try:
        given: Script = taken("script", context.input, Script)
        owner = owner_of(given.user)
        script = prepare(context, given.run, given.files, owner)
        environment = _environment(context, given, owner)
        command = [*_interpreter(given.interpreter, environment["PATH"]), str(script)]
        cwd = _cwd(context.workdir, given.cwd)
    except (Unusable, OSError, ValueError) as unusable:
        return Outcome(error=f"the script could not be started: {unusable}")
    tails = {"stdout": Tail(_TAIL), "stderr": Tail(_TAIL)}
    try:
        code = await run_group(
            context,
            command,
            environment=environment,
            cwd=cwd,
            owner=owner,
            tails=tails,  # type: ignore[arg-type]
        )
    except (OSError, ValueError) as refused:
        return Outcome(error=f"the script could not be started: {refused}")
    return _outcome(context, code, tails["stdout"].text(), tails["stderr"].text())


def _outcome(context: Context, code: int, stdout: str, stderr: str) -> Outcome:
    error = None if code == 0 else f"exit code {code}" if code > 0 else f"killed by signal {-code}"
    found = b"null"
    try:
        found = read_result(context)
    except Unusable as unusable:
        error = error or str(unusable)
    result = msgspec.json.encode(ScriptResult(code, stdout, stderr, msgspec.Raw(found)))
    if len(result) > context.result_bytes:
        error = f"result_too_large: {len(result)} bytes, at most {context.result_bytes} are taken"
        result = msgspec.json.encode(ScriptResult(code, stdout[-1000:], stderr[-1000:], msgspec.Raw(b"null")))
    return Outcome(result, error)


def _cwd(workdir: Path, chosen: str | None) -> Path:
    cwd = workdir / (chosen or "")
    if not cwd.is_dir():
        raise Unusable(f"there is no folder {cwd} to run in")
    return cwd


def _interpreter(chosen: str | list[str], path: str) -> list[str]:
    words = [chosen] if isinstance(chosen, str) else list(chosen)
    if not words:
        raise Unusable("the interpreter is an empty list")
    found = shutil.which(words[0], path=path)
    if found is None:
        raise Unusable(f"there is no interpreter {words[0]} on this machine")
    return [found, *words[1:]]


def _environment(context: Context, given: Script, owner: Owner | None) -> dict[str, str]:
    """The worker's own without its secrets, then the task's, then what says which job this is."""
    chosen = {name: value for name, value in os.environ.items() if not name.startswith(_KEPT_OUT)}
    chosen.setdefault("PATH", os.defpath)
    if owner is not None and given.user is not None:
        chosen |= {"USER": given.user, "LOGNAME": given.user, "HOME": owner.home}
    folder: Path = context.workdir
    return {
        **chosen,
        **given.env,
        **context.environment,
        "OSTRO_INPUT": str(folder / "input.json"),
        "OSTRO_REQUIRES": str(folder / "requires"),
        "OSTRO_RESULT": str(folder / "result.json"),
    }
