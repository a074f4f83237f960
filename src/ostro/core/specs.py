"""What callers say of workflows and tasks, as the core keeps it: checked, frozen, free of state."""

from datetime import datetime

import msgspec

from ostro.values import INLINE_ACTIONS, UNATTENDED_ACTIONS, UUID, WAIT_SIGNAL, MaySpawn, Retry, Term

_SMALL_INPUT = 1024
"""Bytes. Most scripts are smaller, and 100,000 of them are 100 MB at most."""


class WithExpressions(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a task is evaluated each time it starts: a JSON object, and a target."""

    input: bytes
    target: dict[str, str] = {}


class TaskSpec(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One task as its caller described it. `tags` are sorted and distinct; `input` is a JSON object, kept as sent, and
    empty where expressions give it (`evaluates`).

    `hash` is SHA-256 over the task as sent, in canonical JSON (rule 11). `timeout` is seconds of one job's run.
    """

    name: str
    action: str
    input: bytes = b"{}"
    tags: tuple[str, ...] = ()
    target: dict[str, str] = {}
    requires: tuple[Term, ...] = ()
    retry: Retry | None = None
    timeout: float | None = None
    safe_rerun: bool = False
    priority: int = 0
    may_spawn: MaySpawn | None = None
    description: str = ""
    hash: bytes = b""
    evaluates: WithExpressions | None = None

    @property
    def is_inline(self) -> bool:
        """Whether it runs inside the decision that starts it."""
        return (
            self.action in INLINE_ACTIONS
            and not self.target
            and not (self.evaluates and self.evaluates.target)
        )

    @property
    def is_unattended(self) -> bool:
        """Whether no worker runs it: somebody outside says how it ended."""
        return self.action in UNATTENDED_ACTIONS

    @property
    def input_stays(self) -> bool:
        """Whether its input is kept in memory: to run it here, or to hand it to a worker without reading."""
        return self.is_inline or self.action == WAIT_SIGNAL or len(self.input) <= _SMALL_INPUT


class Birth(msgspec.Struct, frozen=True, kw_only=True):
    """A workflow as its caller described it. `output` maps a key to the name of the task whose result it is.

    `keep` is how many seconds it stays once it has ended, 0 for ever, None as its namespace says.
    """

    namespace: int
    id: UUID
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    deadline: datetime | None = None
    keep: int | None = None
    done_when: tuple[Term, ...] = ()
    output: dict[str, str] | None = None
    parent_workflow: UUID | None = None
    parent_task: UUID | None = None
    root_workflow: UUID | None = None
    definition: UUID | None = None
    definition_version: int | None = None


class Spawner(msgspec.Struct, frozen=True):
    """The running job on whose behalf tasks are added."""

    task: UUID
    job: UUID
