"""The SDK: talks to a server, async and sync alike, and says who a running job is.

Owns: the way to a server (transport), the profile that names it, and the objects that users hold.
Never: imports the server side; asks twice what is not safe to ask twice.
Called by: users, cli, worker.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # what `__getattr__` finds, for those who check types
    from ostro.client.client import Client
    from ostro.client.job import current
    from ostro.client.sync import SyncClient
    from ostro.client.workflow import Workflow

_HOMES = {
    "Client": "ostro.client.client",
    "SyncClient": "ostro.client.sync",
    "Workflow": "ostro.client.workflow",
    "current": "ostro.client.job",
}

__all__ = ["Client", "SyncClient", "Workflow", "current"]


def __getattr__(name: str) -> Any:
    """Import a public name on its first use: a worker needs the transport alone."""
    if name not in _HOMES:
        message = f"module 'ostro.client' has no attribute {name!r}"
        raise AttributeError(message)
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value
