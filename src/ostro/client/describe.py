"""A task as Python says it, turned into the wire's words."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import msgspec
from msgspec import UNSET, Raw

from ostro.errors import Invalid
from ostro.protocol.tasks import TaskRequest
from ostro.values import MaySpawn, Retry, Term

Requirement = str | Term | Mapping[str, Any]
"""A task's name, a `Term`, or a term as JSON would write it."""


class Described(TypedDict, total=False):
    """The words of `task_request`, for all that pass them on: a type checker knows each of them there too."""

    action: str | None
    run: str | None
    interpreter: str | Sequence[str] | None
    env: Mapping[str, str] | None
    input: Mapping[str, Any] | None
    evaluate: bool
    requires: Sequence[Requirement]
    tags: Sequence[str]
    target: Mapping[str, str] | None
    retry: Retry | int | None
    timeout: float | None
    safe_rerun: bool
    priority: int
    may_spawn: MaySpawn | Mapping[str, Any] | None
    description: str


def task_request(
    name: str,
    *,
    action: str | None = None,
    run: str | None = None,
    interpreter: str | Sequence[str] | None = None,
    env: Mapping[str, str] | None = None,
    input: Mapping[str, Any] | None = None,  # noqa: A002  (the glossary's word)
    evaluate: bool = False,
    requires: Sequence[Requirement] = (),
    tags: Sequence[str] = (),
    target: Mapping[str, str] | None = None,
    retry: Retry | int | None = None,
    timeout: float | None = None,
    safe_rerun: bool = False,
    priority: int = 0,
    may_spawn: MaySpawn | Mapping[str, Any] | None = None,
    description: str = "",
) -> TaskRequest:
    """One task. `run` is the text of a script (the action is `script` then), `interpreter` and `env` go with it.

    `evaluate` is for expressions in `input` and `target`. `retry` may be a count. Raises Invalid where it makes no sense.
    """
    given = dict(input or {})
    script = {"run": run, "interpreter": interpreter, "env": env and dict(env)}
    given |= {key: value for key, value in script.items() if value is not None}
    action = "script" if action is None and "run" in given else action
    if action is None:
        raise Invalid("no_action", f"The task {name!r} has nothing to do.", hint="Give `run` or `action`.")
    return TaskRequest(
        name=name,
        action=action,
        input=as_raw(given) if given else UNSET,
        evaluate=evaluate,
        tags=list(tags),
        target=dict(target or {}),
        requires=requirements(requires),
        retry=Retry(count=retry) if isinstance(retry, int) else retry,
        timeout=timeout,
        safe_rerun=safe_rerun,
        priority=priority,
        may_spawn=may_spawn if may_spawn is None else _as(may_spawn, MaySpawn),
        description=description,
    )


def as_raw(value: Any) -> Raw:
    """A value as JSON, for fields that are kept as they are sent."""
    return Raw(msgspec.json.encode(value))


def requirements(said: Sequence[Requirement]) -> list[str | Term]:
    """Terms, also those that came as mappings."""
    return [one if isinstance(one, str) else _as(one, Term) for one in said]


def _as(said: Any, kind: type[Any]) -> Any:
    if isinstance(said, kind):
        return said
    try:
        return msgspec.convert(dict(said), kind)
    except msgspec.ValidationError as wrong:
        raise Invalid("not_understood", f"{dict(said)} is not what is taken here: {wrong}") from wrong
