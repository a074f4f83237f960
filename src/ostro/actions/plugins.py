"""Actions of other people's: modules that a worker is told to import, and installed packages' entry points."""

import sys
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from ostro.actions.functions import name_of, runner_of, signature_of
from ostro.actions.registry import Action, Actions, standard
from ostro.errors import OstroError

GROUP = "ostro.actions"
"""The group of entry points: each names a module with actions, or one function in it (`module:function`)."""


def load(modules: Iterable[str]) -> Actions:
    """Ostro's own actions, those of these modules and of what is installed. OstroError names what is broken.

    A module may also lie in the folder that the command was started in.
    """
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    actions = standard()
    for module in modules:
        _add(actions, f"the module {module}", partial(_of_name, module))
    for point in entry_points(group=GROUP):
        package = point.dist.name if point.dist is not None else "an installed package"
        where = f"the entry point {point.name} = {point.value} of {package}"
        _add(actions, where, partial(_of_entry_point, point))
    return actions


def _add(actions: Actions, where: str, found: Callable[[], Iterable[Action]]) -> None:
    try:
        described = list(found())
    except Exception as broken:
        raise OstroError(
            f"The actions of {where} cannot be loaded: {type(broken).__name__}: {broken}",
            hint="Mend it, or leave it out. Is the folder that it is in on PYTHONPATH?",
        ) from broken
    if not described:
        raise OstroError(f"There are no actions in {where}.", hint="Mark functions with @ostro.action.")
    for one in described:
        actions.add(one)


def _of_name(module: str) -> Iterator[Action]:
    return _of_module(import_module(module))


def _of_entry_point(point: EntryPoint) -> Iterator[Action]:
    found = point.load()
    if isinstance(found, ModuleType):
        yield from _of_module(found)
    elif (name := name_of(found)) is not None:
        yield _described(name, found)
    else:
        raise TypeError("it is neither a module nor a function marked with @ostro.action")


def _of_module(module: ModuleType) -> Iterator[Action]:
    """Those of the module and of the modules below it that it has loaded."""
    prefix = f"{module.__name__}."
    below = [one for name, one in sorted(sys.modules.items()) if name.startswith(prefix)]
    for one in [module, *below]:
        for thing in list(vars(one).values()):
            if (name := name_of(thing)) is not None:
                yield _described(name, thing)


def _described(name: str, function: Any) -> Action:
    place = f"{function.__module__}.{function.__qualname__}"
    try:
        signature = signature_of(function)
    except Exception as wrong:
        raise TypeError(f"{place} cannot be an action: {wrong}") from wrong
    runner = runner_of(name, function, signature)
    return Action(name, signature.takes, place, lambda: runner)
