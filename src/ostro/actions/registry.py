"""The actions that a worker offers, by name. Those that come with Ostro are imported when first run."""

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from typing import Any, Final

import msgspec

from ostro.actions.context import Runner
from ostro.errors import OstroError
from ostro.language.model.standard import STANDARD, sentence

_HOMES: Final = {
    "script": ("ostro.actions.script", "run"),
    "std.echo": ("ostro.actions.std.simple", "echo"),
    "std.email": ("ostro.actions.std.mail", "run"),
    "std.fail": ("ostro.actions.std.simple", "fail"),
    "std.http": ("ostro.actions.std.http", "run"),
    "std.javascript": ("ostro.actions.std.javascript", "run"),
    "std.js": ("ostro.actions.std.javascript", "run"),
    "std.mistral_http": ("ostro.actions.std.mistral", "run"),
    "std.noop": ("ostro.actions.std.simple", "noop"),
    "std.sleep": ("ostro.actions.std.simple", "sleep"),
    "std.ssh": ("ostro.actions.std.ssh", "run"),
    "std.ssh_proxied": ("ostro.actions.std.ssh", "run_proxied"),
    "std.test_dict": ("ostro.actions.std.simple", "test_dict"),
}


class Action(msgspec.Struct, frozen=True):
    """What is known of an action: its name, what it takes, and where it is defined. `load` brings what runs it."""

    name: str
    takes: type[msgspec.Struct]
    place: str
    load: Callable[[], Runner]

    @property
    def says(self) -> str:
        """One sentence: what it does."""
        return sentence(self.takes)

    @property
    def schema(self) -> dict[str, Any]:
        """Its input as JSON Schema."""
        return msgspec.json.schema(self.takes)


class Actions:
    """A set of actions, each name once."""

    def __init__(self, actions: Iterable[Action] = ()) -> None:
        self._actions: dict[str, Action] = {}
        for one in actions:
            self.add(one)

    def add(self, action: Action) -> None:
        """OstroError if another has the name, with both places."""
        other = self._actions.setdefault(action.name, action)
        if other is not action and other.place != action.place:
            raise OstroError(
                f"The action {action.name} is there twice: in {other.place} and in {action.place}.",
                hint="Give one of them another name: @ostro.action(name=...).",
            )

    def names(self) -> list[str]:
        """All that can be run here, sorted."""
        return sorted(self._actions)

    def all(self) -> list[Action]:
        """All, by name."""
        return [self._actions[name] for name in self.names()]

    def takes(self) -> Mapping[str, type[msgspec.Struct]]:
        """What each of them takes."""
        return {name: one.takes for name, one in self._actions.items()}

    def runner(self, name: str) -> Runner | None:
        """What runs the action; None if nobody here knows it."""
        found = self._actions.get(name)
        return None if found is None else found.load()


def standard() -> Actions:
    """Those that come with Ostro and that a worker runs."""
    return Actions(
        Action(name, STANDARD[name], "Ostro itself", _loader(*home)) for name, home in _HOMES.items()
    )


def _loader(module: str, name: str) -> Callable[[], Runner]:
    def load() -> Runner:
        found: Runner = getattr(import_module(module), name)
        return found

    return load
