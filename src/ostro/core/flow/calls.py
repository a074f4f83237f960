"""What a run does: the action or workflow by name, ad-hoc actions unfolded, the input put together."""

from typing import Any, NamedTuple

import msgspec

from ostro.core.flow.scope import Failed, Scope, encoded
from ostro.core.plans.plan import PlannedAction
from ostro.core.plans.steps import Step
from ostro.core.requirements.conditions import Task
from ostro.language.model.standard import STANDARD, WaitSignal

_DEEPEST = 20
_NEEDED = {
    "std.echo": ("output",),
    "std.http": ("url",),
    "std.mistral_http": ("url",),
    "std.ssh": ("cmd", "host"),
}
BUILT_IN = frozenset(STANDARD)
"""Actions that need no worker of somebody's own making."""


class Call(NamedTuple):
    """An action with its input. `outputs` are the ad-hoc actions whose output comes from its result, inmost first."""

    action: str
    input: dict[str, Any]
    outputs: tuple[PlannedAction, ...] = ()


def call_of(scope: Scope, step: Step) -> Call:
    """The action of a run and its input. Failed if a name or an input cannot be."""
    name = scope.value(step.task.action)
    if not isinstance(name, str) or not name:
        raise Failed(f"the name of an action is a text, not {name!r}")
    return _unfolded(scope, name, input_of(scope, step), (), 0)


def input_of(scope: Scope, step: Step) -> dict[str, Any]:
    """What the task gives."""
    given = scope.value(step.task.input, {})
    if not isinstance(given, dict):
        raise Failed(f"`input` is a mapping, and gave {type(given).__name__}")
    return given


def awaited(task: Task, given: object) -> str:
    """The name of the signal that a run with this input waits for; its task's, if it says none. Failed."""
    try:
        return msgspec.convert(given, WaitSignal).name or task.name
    except msgspec.ValidationError as wrong:
        raise Failed(f"the input of std.wait_signal: {wrong}") from None


def _unfolded(
    scope: Scope, name: str, given: dict[str, Any], outputs: tuple[PlannedAction, ...], depth: int
) -> Call:
    action = scope.flow.plan.action(name)
    given = {**_defaults(scope, name, action), **given}
    if action is None:
        if name not in BUILT_IN and not scope.is_offered(name):
            raise Failed(f"there is no action {name!r}, and no worker that offers it")
        missing = [key for key in _NEEDED.get(name, ()) if key not in given]
        if missing:
            raise Failed(f"{name} needs {missing[0]!r} in its input")
        return Call(name, given, outputs)
    if depth >= _DEEPEST:
        raise Failed(f"the action {name!r} goes through more than {_DEEPEST} others")
    inner = Scope(scope.workflow, scope.moment, scope.task, item=scope.item, extra=_declared(action, given))
    base = inner.value(action.base)
    base_input = inner.value(action.base_input, {})
    if not isinstance(base_input, dict):
        raise Failed(f"`base-input` of {name} is a mapping")
    if action.output is not None:
        outputs = (action, *outputs)
    return _unfolded(inner, str(base), base_input, outputs, depth + 1)


def _defaults(scope: Scope, name: str, action: PlannedAction | None) -> dict[str, Any]:
    """What the environment gives an action by default: `__actions`, under its name."""
    by_name = scope.flow.read("env").get("__actions")
    found = by_name.get(name) if isinstance(by_name, dict) else None
    if not isinstance(found, dict):
        return {}
    taken = {one.name for one in action.definition.input} if action is not None else None
    value = scope.evaluate(found)
    return {key: one for key, one in value.items() if taken is None or key in taken}


def _declared(action: PlannedAction, given: dict[str, Any]) -> dict[str, Any]:
    """Its parameters; what it does not declare is ignored, as Mistral's documentation says."""
    declared = {one.name: one for one in action.definition.input}
    missing = [one.name for one in declared.values() if one.is_required and one.name not in given]
    if missing:
        raise Failed(f"the action {action.name} needs {missing[0]!r}, which is not given")
    return {name: given.get(name, one.default) for name, one in declared.items()}


def transformed(scope: Scope, outputs: tuple[PlannedAction, ...], result: bytes | None) -> bytes | None:
    """The result as the ad-hoc actions around an action make it."""
    for action in outputs:
        value = msgspec.json.decode(result) if result is not None else None
        inner = Scope(scope.workflow, scope.moment, scope.task, item=scope.item)
        inner.whole = value
        result = encoded(inner.value(action.output))
    return result
