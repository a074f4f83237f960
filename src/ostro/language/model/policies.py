"""What a task says of its runs and of what follows it; all of it may stand in `task-defaults` too."""

from typing import Annotated

import msgspec

from ostro.language.forms.base import Key, Shape
from ostro.language.forms.calls import Retried
from ostro.language.forms.declared import Requirements
from ostro.language.forms.simple import Guard, Named, Seconds, Truth, Whole
from ostro.language.forms.transitions import Clauses, Next
from ostro.language.model.terms import TermKeys
from ostro.language.parts import Expression, Requirement, Transition, Value
from ostro.language.problems import Place

DIRECT, REVERSE, GRAPH = TYPES_OF_WORKFLOW = ("direct", "reverse", "graph")

_TRUTH, _SECONDS, _WHOLE = Truth(expression=True), Seconds(), Whole()
_DIRECT, _REQUIRING = (DIRECT,), (REVERSE, GRAPH)


class Retry(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """Runs again after a failure, or as long as an expression says so."""

    count: Annotated[int | Expression, Key(_WHOLE, "How many further runs there may be.", "count: 3")]
    delay: Annotated[int | Expression, Key(_SECONDS, "Seconds before each further run.", "delay: 5s")]
    break_on: Annotated[
        Expression | None,
        Key(
            Guard(),
            "Once it is true after a failure, there is no further run.",
            "break-on: <% task().result.code = 403 %>",
        ),
    ] = None
    continue_on: Annotated[
        Expression | None,
        Key(
            Guard(),
            "Runs again, also after a success, while it is true; not once it is false.",
            "continue-on: <% task().result = pending %>",
        ),
    ] = None
    places: dict[str, Place] = {}


class Publish(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """Variables that a transition sets, by scope."""

    branch: Annotated[
        Value | None,
        Key(Named(), "Seen by what follows this task.", "branch: {id: <% task().result.id %>}"),
    ] = None
    global_: Annotated[
        Value | None,
        Key(Named(), "Seen by the whole workflow, by name and through `global()`.", "global: {ready: true}"),
    ] = msgspec.field(default=None, name="global")
    atomic: Annotated[
        Value | None,
        Key(
            Named(),
            "Like `global`; what it reads and writes is one step, no other task comes between.",
            "atomic: {count: <% global(count) + 1 %>}",
        ),
    ] = None
    places: dict[str, Place] = {}


class Clause(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What happens once a task has ended: what is published, and what follows."""

    publish: Annotated[
        Publish | None,
        Key(
            Shape(Publish, "`publish` of a transition"),
            "Variables to set, by scope.",
            "publish: {global: {ready: true}}",
        ),
    ] = None
    next: Annotated[
        tuple[Transition, ...],
        Key(Next(), "What follows.", "next: [test, {deploy: <% $.ready %>}]"),
    ] = ()
    places: dict[str, Place] = {}


_ON = Clauses(Shape(Clause, "a transition"))
_REQUIRES = Requirements(Shape(TermKeys, "a term"))


class Policies(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What a task says for itself, or its workflow's `task-defaults` for it."""

    retry: Annotated[
        Retry | None,
        Key(Retried(Shape(Retry, "`retry`")), "Runs again after a failure.", "retry: {count: 3, delay: 10}"),
    ] = None
    wait_before: Annotated[
        int | Expression | None,
        Key(_SECONDS, "Waits so long before it starts.", "wait-before: 30s"),
    ] = None
    wait_after: Annotated[
        int | Expression | None,
        Key(_SECONDS, "Waits so long after it has ended, before anything follows.", "wait-after: 5"),
    ] = None
    timeout: Annotated[
        int | Expression | None,
        Key(_SECONDS, "Ends in ERROR if a run takes longer.", "timeout: 5m"),
    ] = None
    pause_before: Annotated[
        bool | Expression | None,
        Key(_TRUTH, "Pauses the workflow before it starts.", "pause-before: true", default="false"),
    ] = None
    concurrency: Annotated[
        int | Expression | None,
        Key(
            _WHOLE, "How many items of `with-items` may run at a time; 0: all.", "concurrency: 2", default="0"
        ),
    ] = None
    fail_on: Annotated[
        bool | Expression | None,
        Key(_TRUTH, "If it is true after a success, that is an ERROR.", "fail-on: <% task().result > 90 %>"),
    ] = None
    safe_rerun: Annotated[
        bool | Expression | None,
        Key(_TRUTH, "It may be run again if its worker is lost.", "safe-rerun: true", default="false"),
    ] = None
    on_success: Annotated[
        Clause | None, Key(_ON, "What follows a SUCCESS.", "on-success: [test, deploy]", types=_DIRECT)
    ] = None
    on_error: Annotated[
        Clause | None,
        Key(_ON, "What follows an ERROR, which is handled by that.", "on-error: repair", types=_DIRECT),
    ] = None
    on_complete: Annotated[
        Clause | None, Key(_ON, "What follows a SUCCESS or an ERROR.", "on-complete: clean_up", types=_DIRECT)
    ] = None
    on_skip: Annotated[
        Clause | None,
        Key(
            _ON,
            "What follows if an operator skipped it; otherwise `on-success` does.",
            "on-skip: report",
            types=_DIRECT,
        ),
    ] = None
    requires: Annotated[
        tuple[Requirement, ...],
        Key(
            _REQUIRES,
            "What must hold before it starts: names of tasks, and terms.",
            "requires: [build, {tags: [db], state: COMPLETE}]",
            types=_REQUIRING,
        ),
    ] = ()
    places: dict[str, Place] = {}
