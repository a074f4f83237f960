"""Ostro: a durable workflow service whose tasks are pulled by the servers they are meant for.

Owns: the names that a user of the SDK imports, at most 20, resolved on first use (PEP 562).
Never: imports anything at import time, so that `ostro --help` stays instant.
Called by: users.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what `__getattr__` finds, for those who check types
    from ostro.actions.context import Context, Outcome
    from ostro.actions.functions import action
    from ostro.client import Client, SyncClient, current
    from ostro.errors import OstroError
    from ostro.values import MaySpawn, Retry, Term

_HOMES = {
    "action": "ostro.actions.functions",
    "Context": "ostro.actions.context",
    "Outcome": "ostro.actions.context",
    "Client": "ostro.client",
    "SyncClient": "ostro.client",
    "current": "ostro.client",
    "OstroError": "ostro.errors",
    "MaySpawn": "ostro.values",
    "Retry": "ostro.values",
    "Term": "ostro.values",
}

__all__ = [
    "Client",
    "Context",
    "MaySpawn",
    "OstroError",
    "Outcome",
    "Retry",
    "SyncClient",
    "Term",
    "__version__",
    "action",
    "current",
]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import a public name on its first use."""
    if name not in _HOMES:
        message = f"module 'ostro' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
