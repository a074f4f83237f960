"""Which actions this worker knows. They are imported when first run."""

from importlib import import_module
from typing import Final

from ostro.actions.context import Runner

_HOMES: Final = {
    "script": ("ostro.actions.script", "run"),
    "std.echo": ("ostro.actions.std", "inline_runner"),
    "std.fail": ("ostro.actions.std", "inline_runner"),
    "std.noop": ("ostro.actions.std", "inline_runner"),
    "std.sleep": ("ostro.actions.std", "sleep"),
}


def names() -> list[str]:
    """All actions that can be run here, sorted."""
    return sorted(_HOMES)


def runner(action: str) -> Runner | None:
    """What runs the action; None if nobody here knows it."""
    if action not in _HOMES:
        return None
    module, name = _HOMES[action]
    found = getattr(import_module(module), name)
    if name == "inline_runner":
        found = found(action)
    run: Runner = found
    return run
