"""What is kept of a workflow that was made from a definition, beside the rows that every workflow has."""

import msgspec

from ostro.values import UUID


class Caller(msgspec.Struct, frozen=True):
    """The task that runs this workflow, and the run that waits for its end."""

    workflow: UUID
    task: UUID
    job: UUID


class Command(msgspec.Struct, frozen=True, omit_defaults=True):
    """A transition that has fired: `target` is a task, or with `is_engine` one of noop, fail, succeed, pause."""

    target: str
    after: UUID
    event: str
    is_engine: bool = False
    message: str | None = None


class FlowRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One row a workflow, made from the definition `name` of a library (its key); texts in bytes are JSON objects.

    `backlog` are the commands that wait for a resume, or for what was listed before them.
    """

    library: str
    name: str
    input: bytes = b"{}"
    env: bytes = b"{}"
    params: bytes = b"{}"
    vars: bytes = b"{}"
    shared: bytes = b"{}"
    """The global variables."""
    wanted: str = ""
    """The task that a reverse workflow is for."""
    caller: Caller | None = None
    backlog: tuple[Command, ...] = ()
    message: str | None = None
    """What whoever stopped or paused it said."""
    output: bytes | None = None


class StepRow(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One row a task. `follows` are the tasks whose variables it sees, `published` what it added, a JSON object.

    `phase` is why it is DELAYED or PAUSED: `before`, `after`, `retry` or `gate`. `held` is the end that waits for
    `wait-after`. Results of runs before `since` do not count; of
    the items in `again`, those before `again_since`. `items` is a JSON list of what the loop variables are.
    """

    follows: tuple[UUID, ...] = ()
    phase: str = ""
    held: tuple[str, str | None] | None = None
    since: int = 1
    again: tuple[int, ...] = ()
    again_since: int = 1
    retries: int = 0
    published: bytes | None = None
    handled: bool = False
    waited: bool = False
    gated: bool = False
    items: bytes | None = None
    most: int = 0
    """How many items may run at a time; 0: all."""
    arrived: dict[str, UUID] = {}
