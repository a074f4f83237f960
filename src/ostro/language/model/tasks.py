"""A task, key by key."""

from typing import Annotated

from ostro.language.forms.base import Key, Shape
from ostro.language.forms.calls import Called, Loops
from ostro.language.forms.declared import Grant, Target
from ostro.language.forms.simple import Named, Text, Texts, Truth, Whole
from ostro.language.forms.transitions import Join
from ostro.language.model.policies import DIRECT, Policies
from ostro.language.model.terms import SpawnKeys
from ostro.language.parts import Expression, Loop, Value
from ostro.language.problems import Place
from ostro.values import MaySpawn

_TRUTH = Truth(expression=True)
_TAGS = Texts("a list of different texts")


class TaskDefinition(Policies, frozen=True, kw_only=True, rename="kebab"):
    """One task. `action` and `workflow` are names (a Value: perhaps from an expression); without both it is `std.noop`.

    `input` holds what was written behind the name as well; of the same key, `input` counts.
    """

    name: str
    place: Place
    description: Annotated[
        str, Key(Text(), "What it is for, for people.", "description: Builds the image.")
    ] = ""
    tags: Annotated[
        tuple[str, ...], Key(_TAGS, "Labels: requirements and workers select by them.", "tags: [db]")
    ] = ()
    action: Annotated[
        Value | None,
        Key(Called(), "The action that it runs.", 'action: std.echo output="hello"', default="std.noop"),
    ] = None
    workflow: Annotated[
        Value | None,
        Key(Called(), "The workflow that it runs, in place of an action.", "workflow: deploy region=north"),
    ] = None
    input: Annotated[
        Value | None,
        Key(Named(expression=True), "What the action or the workflow is given.", "input: {url: <% $.url %>}"),
    ] = None
    with_items: Annotated[
        tuple[Loop, ...],
        Key(
            Loops(),
            "Runs once for each item; several lists are walked in step.",
            "with-items: host in <% $.hosts %>",
        ),
    ] = ()
    publish: Annotated[
        Value | None,
        Key(
            Named(),
            "Variables to set after a SUCCESS, seen by what follows.",
            "publish: {id: <% task().result.id %>}",
        ),
    ] = None
    publish_on_error: Annotated[
        Value | None,
        Key(Named(), "Variables to set after an ERROR.", "publish-on-error: {why: <% task().result %>}"),
    ] = None
    publish_on_skip: Annotated[
        Value | None,
        Key(Named(), "Variables to set if an operator skipped it.", "publish-on-skip: {id: none}"),
    ] = None
    join: Annotated[
        int | str | None,
        Key(
            Join(),
            "Starts once, when all, one or so many of the tasks that lead here have arrived.",
            "join: all",
            types=(DIRECT,),
        ),
    ] = None
    keep_result: Annotated[
        bool | Expression | None,
        Key(
            _TRUTH, "Whether the result is kept once it was published.", "keep-result: false", default="true"
        ),
    ] = None
    target: Annotated[
        Value | None,
        Key(
            Target(),
            "What a worker must have to run it; a text is the name of a worker.",
            "target: {role: db}",
        ),
    ] = None
    priority: Annotated[
        int | Expression | None,
        Key(
            Whole(-100, 100),
            "Larger ones first, from -100 to 100.",
            "priority: 10",
            default="the workflow's",
            origin="ostro",
        ),
    ] = None
    may_spawn: Annotated[
        MaySpawn | None,
        Key(
            Grant(Shape(SpawnKeys, "`may-spawn`")),
            "What its jobs may add to the workflow while it runs.",
            "may-spawn: {max: 10, tags: [db], actions: [script]}",
            origin="ostro",
        ),
    ] = None
