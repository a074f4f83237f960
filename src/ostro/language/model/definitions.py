"""What a text holds: workflows, ad-hoc actions, workbooks, key by key."""

from enum import StrEnum
from typing import Annotated, Any

import msgspec

from ostro.language.forms.base import Key, Many, Shape
from ostro.language.forms.calls import Called
from ostro.language.forms.declared import TYPES, Inputs, Requirements
from ostro.language.forms.simple import Anything, Named, Seconds, Text, Texts, Truth, Whole, Word
from ostro.language.model.policies import DIRECT, GRAPH, TYPES_OF_WORKFLOW, Policies
from ostro.language.model.tasks import TaskDefinition
from ostro.language.model.terms import ParameterKeys, TermKeys
from ostro.language.parts import Expression, Parameter, Requirement, Value
from ostro.language.problems import Place

_SECONDS = Seconds()
_TAGS = Texts("a list of different texts")
TASK = Shape(TaskDefinition, "a task")
_INPUTS = Inputs(Shape(ParameterKeys, "an input"), TYPES)


class Kind(StrEnum):
    """What a text holds."""

    WORKFLOWS = "workflows"
    WORKBOOK = "workbook"
    ACTIONS = "actions"


class Definition(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """One workflow as a text describes it. `workbook` is the name of the workbook that it stands in, or empty.

    Each task has what `task-defaults` says folded in. `text` is a text of its own that holds this workflow alone.
    """

    name: str
    place: Place
    workbook: str = ""
    text: str = ""
    type: Annotated[
        str,
        Key(
            Word(*TYPES_OF_WORKFLOW),
            "How its tasks are ordered: by transitions, back from one wanted task, or all by their requirements (`graph`, Ostro's).",
            "type: graph",
            default="direct",
        ),
    ] = DIRECT
    description: Annotated[
        str, Key(Text(), "What it is for, for people.", "description: Deploys the shop.")
    ] = ""
    tags: Annotated[tuple[str, ...], Key(_TAGS, "Labels of the workflows made from it.", "tags: [shop]")] = ()
    input: Annotated[
        tuple[Parameter, ...],
        Key(
            _INPUTS,
            "What a start gives: names, names with a default, or names with a type.",
            "input: [region, {size: 3}, {count: {type: integer, default: 1}}]",
        ),
    ] = ()
    vars: Annotated[
        Value | None,
        Key(Named(), "Variables computed once at the start, seen everywhere.", "vars: {rate: 0.5}"),
    ] = None
    output: Annotated[
        Value | None,
        Key(Named(), "The result; without it, all variables at the end.", "output: {id: <% $.id %>}"),
    ] = None
    output_on_error: Annotated[
        Value | None,
        Key(
            Named(), "The result in ERROR, beside the error's text.", "output-on-error: {step: <% $.step %>}"
        ),
    ] = None
    task_defaults: Annotated[
        Policies | None,
        Key(
            Shape(Policies, "`task-defaults`"),
            "Policies and transitions of every task that has no such of its own.",
            "task-defaults: {retry: {count: 1, delay: 0}}",
        ),
    ] = None
    open: Annotated[
        bool,
        Key(
            Truth(),
            "Callers and jobs may add tasks until it is sealed.",
            "open: true",
            default="false",
            origin="ostro",
            types=(GRAPH,),
        ),
    ] = False
    done_when: Annotated[
        tuple[Requirement, ...],
        Key(
            Requirements(Shape(TermKeys, "a term"), alone=False),
            "Once all these terms hold, an open workflow is sealed.",
            "done-when: [{tags: [Deployment], at_least: 3}]",
            origin="ostro",
            types=(GRAPH,),
        ),
    ] = ()
    deadline: Annotated[
        int | Expression | None,
        Key(
            _SECONDS,
            "How long after its start it is stopped, whatever it does.",
            "deadline: 2h",
            origin="ostro",
        ),
    ] = None
    priority: Annotated[
        int | Expression | None,
        Key(
            Whole(-100, 100),
            "Of its tasks that say none: larger ones first, from -100 to 100.",
            "priority: 10",
            default="0",
            origin="ostro",
        ),
    ] = None
    tasks: Annotated[
        dict[str, TaskDefinition],
        Key(Many(TASK), "Its tasks, by name.", "tasks: {hello: {action: std.noop}}"),
    ]
    places: dict[str, Place] = {}

    @property
    def full_name(self) -> str:
        """`workbook.name`, or the name alone."""
        return f"{self.workbook}.{self.name}" if self.workbook else self.name


class ActionDefinition(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """An ad-hoc action: another action with some of its input given. `base_input` is merged as a task's input is."""

    name: str
    place: Place
    workbook: str = ""
    text: str = ""
    base: Annotated[Value, Key(Called(), "The action that it runs.", "base: std.http method=GET")]
    base_input: Annotated[
        Value | None,
        Key(Named(), "What that action is given.", "base-input: {url: <% $.url %>}"),
    ] = None
    input: Annotated[
        tuple[Parameter, ...], Key(_INPUTS, "What a task gives.", "input: [url, {retries: 3}]")
    ] = ()
    output: Annotated[
        Value | None,
        Key(Anything(), "The result, computed from that action's (`$`).", "output: <% $.content %>"),
    ] = None
    description: Annotated[str, Key(Text(), "What it is for, for people.", "description: Asks the shop.")] = (
        ""
    )
    tags: Annotated[tuple[str, ...], Key(_TAGS, "Labels, for people.", "tags: [shop]")] = ()
    places: dict[str, Place] = {}

    @property
    def full_name(self) -> str:
        """`workbook.name`, or the name alone."""
        return f"{self.workbook}.{self.name}" if self.workbook else self.name


WORKFLOW = Shape(Definition, "a workflow", lenient=True)
ACTION = Shape(ActionDefinition, "an action")


class Workbook(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """The keys of a workbook; what it holds is in the Document."""

    name: Annotated[str, Key(Text("a name"), "Stands before the names of all that it holds.", "name: shop")]
    description: Annotated[
        str, Key(Text(), "What it is for, for people.", "description: All of the shop.")
    ] = ""
    tags: Annotated[tuple[str, ...], Key(_TAGS, "Labels, for people.", "tags: [shop]")] = ()
    workflows: Annotated[
        Any, Key(Many(WORKFLOW), "Workflows, by name.", "workflows: {deploy: {tasks: {a: {}}}}")
    ] = None
    actions: Annotated[
        Any, Key(Many(ACTION), "Ad-hoc actions, by name.", "actions: {greet: {base: std.echo output=hello}}")
    ] = None
    version: Annotated[Any, Key(Anything(), "The version of the language.", "version: '2.0'")] = None


WORKBOOK = Shape(Workbook, "a workbook")


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """All that a text holds. `name`, `description` and `tags` are a workbook's."""

    kind: Kind
    name: str = ""
    description: str = ""
    tags: tuple[str, ...] = ()
    definitions: dict[str, Definition] = {}
    actions: dict[str, ActionDefinition] = {}


def candidates(workbook: str, name: str) -> tuple[str, ...]:
    """The full names that a name may mean, in order: the workbook's own comes before the global one."""
    return (f"{workbook}.{name}", name) if workbook else (name,)
