"""How requirements, grants and declared inputs are written, key by key."""

from typing import Annotated, Any

import msgspec

from ostro.language.forms.base import Key
from ostro.language.forms.declared import TYPES, Enough, Targets
from ostro.language.forms.simple import Anything, Text, Texts, Truth, Whole, Word
from ostro.language.problems import Place
from ostro.values import TermState

_TAGS = Texts("a list of different texts")


class TermKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A requirement on other tasks, as it is written; the model keeps `values.Term`."""

    task: Annotated[
        str | None,
        Key(Text("the name of a task"), "The task that is looked at.", "task: build", origin="ostro"),
    ] = None
    tags: Annotated[
        tuple[str, ...] | None,
        Key(_TAGS, "Every task that bears any of these tags.", "tags: [db, web]", origin="ostro"),
    ] = None
    all_tags: Annotated[
        tuple[str, ...] | None,
        Key(_TAGS, "Every task that bears all of these tags.", "all_tags: [db, blue]", origin="ostro"),
    ] = None
    state: Annotated[
        str,
        Key(
            Word(*TermState),
            "How they must have ended; `COMPLETE` is any end.",
            "state: COMPLETE",
            default="SUCCESS",
            origin="ostro",
        ),
    ] = "SUCCESS"
    enough: Annotated[
        int | str | None,
        Key(Enough(), "So many of them are enough, or such a share.", "enough: 90%", origin="ostro"),
    ] = None
    at_least: Annotated[
        int | None,
        Key(
            Whole(1, expression=False),
            "Holds before the tag is sealed once so many exist and all of them hold.",
            "at_least: 3",
            origin="ostro",
        ),
    ] = None
    optional: Annotated[
        bool, Key(Truth(), "There may be none.", "optional: true", default="false", origin="ostro")
    ] = False
    handles: Annotated[
        bool,
        Key(
            Truth(),
            "A failure that it selects is no error of the workflow.",
            "handles: true",
            default="false",
            origin="ostro",
        ),
    ] = False
    places: dict[str, Place] = {}


class SpawnKeys(msgspec.Struct, frozen=True, kw_only=True):
    """What the jobs of a task may add, as it is written; the model keeps `values.MaySpawn`."""

    max: Annotated[
        int,
        Key(Whole(1, expression=False), "How many tasks, over all its runs.", "max: 10", origin="ostro"),
    ]
    tags: Annotated[
        tuple[str, ...], Key(_TAGS, "Tags that they may bear.", "tags: [db]", origin="ostro")
    ] = ()
    targets: Annotated[
        tuple[dict[str, str], ...],
        Key(
            Targets(),
            "Targets that they may have beside the task's own.",
            "targets: [{role: db}]",
            origin="ostro",
        ),
    ] = ()
    actions: Annotated[
        tuple[str, ...],
        Key(_TAGS, "Actions that they may run.", "actions: [script]", origin="ostro"),
    ] = ()
    places: dict[str, Place] = {}


class ParameterKeys(msgspec.Struct, frozen=True, kw_only=True):
    """A declared input, as it is written; the model keeps `parts.Parameter`."""

    type: Annotated[str, Key(Word(*TYPES), "The type of its value.", "type: string", origin="ostro")]
    default: Annotated[
        Any, Key(Anything(), "Taken when a start does not give it.", "default: 3", origin="ostro")
    ] = None
    description: Annotated[
        str, Key(Text(), "What it is for, for people.", "description: How many servers.", origin="ostro")
    ] = ""
