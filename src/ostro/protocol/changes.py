"""The change log of a workflow: history, audit trail and live feed at once."""

from datetime import datetime

import msgspec

from ostro.values import UUID, WorkflowState


class ChangeEntry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One line of history: what happened, to which task or tag, and the state after it."""

    what: str
    task: str | None = None
    tag: str | None = None
    state: str | None = None
    reason: str | None = None
    run: int | None = None
    error: str | None = None


class Change(msgspec.Struct, kw_only=True):
    """What one commit did. `version` only grows; `tasks` are the ids of those it touched."""

    version: int
    at: datetime
    tasks: list[UUID]
    entries: list[ChangeEntry]


class ChangePage(msgspec.Struct, kw_only=True):
    """Changes after the version asked for, oldest first. Ask again with `after=next`.

    `state` is the workflow's now; once it has ended and a page is empty, nothing more comes but by a revival.
    """

    changes: list[Change]
    next: int
    state: WorkflowState
