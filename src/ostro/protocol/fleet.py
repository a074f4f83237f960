"""The workers as an operator sees them, and the server's health."""

from datetime import datetime
from typing import Literal

import msgspec


class Worker(msgspec.Struct, kw_only=True):
    """A worker: `live` while its session's lease lasts. `running` counts the jobs in its hands."""

    name: str
    state: Literal["live", "lost", "left"]
    capabilities: dict[str, list[str]]
    binding: dict[str, str] = {}
    pool: bool = False
    actions: list[str] = []
    tags: list[str] | None = None
    slots: int
    running: int = 0
    version: str = ""
    registered_at: datetime
    seen_at: datetime
    left_at: datetime | None = None


class WorkerPage(msgspec.Struct, kw_only=True):
    """Workers by name; `next` is the cursor of the next page, null at the end."""

    workers: list[Worker]
    next: str | None = None


class Health(msgspec.Struct, kw_only=True):
    """`ok` when the database answers."""

    status: Literal["ok"]
    version: str
    protocol: int
