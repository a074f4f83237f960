"""The many options that describe a task, shared by `task add`, `task run` and `task change`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
import msgspec

from ostro.cli.connect import Json, Pair
from ostro.client.describe import task_request
from ostro.protocol.tasks import TaskRequest
from ostro.values import MaySpawn, Retry, Term

_OPTIONS = (
    click.option("--action", help="What to run; `script` with --run."),
    click.option("--run", help="Text of a script."),
    click.option("--script-file", type=click.Path(path_type=Path, exists=True), help="File with the script."),
    click.option("--interpreter", help="Program that runs the script, with arguments: 'python3 -I'."),
    click.option("--env", type=Pair(), multiple=True, help="Variable of the script; repeatable."),
    click.option("--input", "given", type=Json(), help="Input of the action."),
    click.option("--evaluate", is_flag=True, help="Evaluate expressions in input and target when it starts."),
    click.option("--tag", "tags", multiple=True, help="A label; repeatable."),
    click.option(
        "--target", type=Pair(), multiple=True, help="What the worker must have: server=web-1; repeatable."
    ),
    click.option("--requires", multiple=True, help="A task to wait for; repeatable."),
    click.option("--requires-tag", multiple=True, help="A tag whose tasks to wait for; repeatable."),
    click.option("--requires-json", type=Json(), multiple=True, help="A whole term; repeatable."),
    click.option("--retry", type=click.IntRange(0), help="Run again so often after a failure."),
    click.option("--retry-delay", type=float, default=0.0, help="Seconds before each further run."),
    click.option("--timeout", type=float, help="Seconds that one run may take."),
    click.option("--safe-rerun", is_flag=True, help="It may be run again if its worker is lost."),
    click.option("--priority", type=click.IntRange(-100, 100), default=0, help="Larger first."),
    click.option("--may-spawn", type=Json(), help="What its jobs may add: {max, tags, targets, actions}."),
    click.option("--description", default="", help="What it is for."),
)


def task_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """All options that describe a task."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


def described(name: str, told: dict[str, Any]) -> TaskRequest:
    """The task that the options describe; takes them out of `told`."""
    own = {option: told.pop(option) for option in _names()}
    interpreter = own["interpreter"]
    request = task_request(
        name,
        action=own["action"],
        run=_script(own["run"], own["script_file"]),
        interpreter=_words(interpreter) if interpreter else None,
        env=dict(own["env"]) or None,
        input=_decoded(own["given"], dict[str, Any], "--input takes a JSON object") or None,
        evaluate=own["evaluate"],
        requires=_requirements(own),
        tags=own["tags"],
        target=dict(own["target"]),
        retry=None if own["retry"] is None else Retry(count=own["retry"], delay=own["retry_delay"]),
        timeout=own["timeout"],
        safe_rerun=own["safe_rerun"],
        priority=own["priority"],
        may_spawn=_decoded(own["may_spawn"], MaySpawn, "--may-spawn takes {max, tags, targets, actions}"),
        description=own["description"],
    )
    if own["given"] is not None and not (own["run"] or own["script_file"] or own["env"] or interpreter):
        request.input = own["given"]  # as it was written, digit by digit
    return request


def read_tasks(file: Path) -> list[TaskRequest]:
    """Tasks from a file (or `-`): a list, one object, or `{"tasks": [...]}`, as the API takes them."""
    try:
        text = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        said = msgspec.json.decode(text)
        if isinstance(said, dict) and "tasks" in said:
            return msgspec.json.decode(text, type=dict[str, list[TaskRequest]])["tasks"]
        if isinstance(said, dict):
            return [msgspec.json.decode(text, type=TaskRequest)]
        return msgspec.json.decode(text, type=list[TaskRequest])
    except OSError as missing:
        raise click.UsageError(f"{file} cannot be read: {missing.strerror}") from missing
    except msgspec.DecodeError as wrong:
        raise click.UsageError(f"{file} holds no tasks: {wrong}") from wrong


def _names() -> list[str]:
    return [parameter.name or "" for parameter in task_options(lambda: None).__click_params__]  # type: ignore[attr-defined]


def _script(run: str | None, file: Path | None) -> str | None:
    if run is not None and file is not None:
        raise click.UsageError("Give --run or --script-file, not both.")
    return run if file is None else file.read_text()


def _words(interpreter: str) -> str | list[str]:
    import shlex

    words = shlex.split(interpreter)
    return words[0] if len(words) == 1 else words


def _requirements(own: dict[str, Any]) -> list[str | Term]:
    tags = [Term(tags=(tag,)) for tag in own["requires_tag"]]
    terms = [_decoded(one, Term, "--requires-json takes a term") for one in own["requires_json"]]
    return [*own["requires"], *tags, *terms]


def _decoded(raw: msgspec.Raw | None, kind: Any, otherwise: str) -> Any:
    try:
        return None if raw is None else msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as wrong:
        raise click.UsageError(f"{otherwise}: {wrong}") from wrong
