"""Text → Document. Reads all that can be read, and notes everything that is wrong on the way."""

import re
from typing import Any

import msgspec

from ostro.language.folding import size_of, with_defaults
from ostro.language.forms.base import WRONG, Reader
from ostro.language.forms.calls import Call
from ostro.language.look import Parse, look
from ostro.language.model.definitions import (
    ACTION,
    TASK,
    WORKBOOK,
    WORKFLOW,
    ActionDefinition,
    Definition,
    Document,
    Kind,
)
from ostro.language.model.policies import DIRECT, TYPES_OF_WORKFLOW
from ostro.language.model.tasks import TaskDefinition
from ostro.language.parts import Value
from ostro.language.problems import Problems
from ostro.language.source.compose import Bounds, compose
from ostro.language.source.excerpt import Excerpts
from ostro.language.source.nodes import Mapping, Node, Pair, Scalar, Source

_VERSIONS = {"2.0", "2", "v2.0", "v2"}
_UUID = re.compile(r"\{?(?:urn:uuid:)?[0-9a-fA-F]{8}-?(?:[0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\}?")
_LONGEST_NAME = 255
_MOST_FOLDED = 100_000
_INJECTED = ("name", "version", "type")
"""Keys that Mistral sets itself on each part: written, they change nothing."""


class Reading(msgspec.Struct):
    """What a text gave: the document (None if there was none to read), and what the reader met."""

    document: Document | None
    source: Source
    reader: Reader


def read(
    text: str | bytes, kind: Kind | None = None, *, parse: Parse = look, bounds: Bounds | None = None
) -> Reading:
    """Reads a text of this kind; without one, of the kind that it looks like. Never raises for what it holds."""
    problems = Problems()
    reader = Reader(problems, parse)
    source = compose(text, problems, bounds)
    document = None
    if source.root is not None:
        if isinstance(source.root, Mapping):
            document = _Documents(reader, source).document(source.root, kind or looks_like(source.root))
        else:
            reader.wrong(source.root, "a mapping with `version` and the names of workflows")
    return Reading(document, source, reader)


def looks_like(root: Mapping) -> Kind:
    """The kind that a text has by its keys."""
    within = [pair.value for key, pair in root.pairs.items() if key != "version"]
    if any(isinstance(one, Mapping) and "tasks" in one.pairs for one in within):
        return Kind.WORKFLOWS
    if any(isinstance(one, Mapping) and "base" in one.pairs for one in within):
        return Kind.ACTIONS
    return Kind.WORKBOOK if {"workflows", "actions"} & set(root.pairs) else Kind.WORKFLOWS


class _Documents:
    """Reads the document of one text."""

    def __init__(self, reader: Reader, source: Source) -> None:
        self._reader = reader
        self._problems = reader.problems
        self._excerpts = Excerpts(source)

    def document(self, root: Mapping, kind: Kind) -> Document:
        self._version(root, kind)
        if kind is Kind.WORKBOOK:
            return self._workbook(root)
        items = {key: pair for key, pair in root.pairs.items() if key != "version"}
        if not items:
            self._problems.add(
                "no-definitions",
                root.place,
                f"The text holds no {'action' if kind is Kind.ACTIONS else 'workflow'}.",
                hint="Add one below `version`: its name, and in it `tasks`.",
            )
        within = Mapping(items, root.place)
        if kind is Kind.ACTIONS:
            return Document(kind=kind, actions=self._actions(within, ""))
        return Document(kind=kind, definitions=self._workflows(within, ""))

    def _version(self, root: Mapping, kind: Kind) -> None:
        given = root.get("version")
        if given is None and kind is not Kind.WORKBOOK:
            self._problems.add(
                "missing-key",
                root.place,
                "`version` is missing.",
                hint="Begin the text with `version: '2.0'`.",
            )
        elif given is not None and not (isinstance(given, Scalar) and _is_version(given)):
            self._problems.add(
                "wrong-version",
                given.place,
                "This version of the language is not known.",
                hint="Write `version: '2.0'`.",
            )

    def _workbook(self, root: Mapping) -> Document:
        parts = {key: pair for key, pair in root.pairs.items() if key not in ("workflows", "actions")}
        taken = WORKBOOK.taken(Mapping(parts, root.place), self._reader)
        WORKBOOK.made(root, self._reader, dict(taken))
        name = taken.get("name", "")
        workflows, actions = root.get("workflows"), root.get("actions")
        if workflows is None and actions is None:
            hint = "Add `workflows` or `actions`."
            self._problems.add("no-definitions", root.place, "The workbook holds nothing.", hint=hint)
        return Document(
            kind=Kind.WORKBOOK,
            name=name,
            description=taken.get("description", ""),
            tags=taken.get("tags", ()),
            definitions=self._within(workflows, self._workflows, name, "workflows"),
            actions=self._within(actions, self._actions, name, "actions"),
        )

    def _within(self, node: Node | None, read_all: Any, workbook: str, what: str) -> Any:
        if node is None:
            return {}
        if not isinstance(node, Mapping) or not node.pairs:
            self._reader.wrong(node, f"a mapping of names of {what}")
            return {}
        items = {key: pair for key, pair in node.pairs.items() if key != "version"}
        return read_all(Mapping(items, node.place), workbook)

    def _workflows(self, items: Mapping, workbook: str) -> dict[str, Definition]:
        texts = self._excerpts.of(items)
        made = {name: self._workflow(pair, workbook, texts[name]) for name, pair in items.pairs.items()}
        return {name: one for name, one in made.items() if one is not None}

    def _workflow(self, pair: Pair, workbook: str, text: str) -> Definition | None:
        self._name(pair.key, "workflow")
        if not isinstance(pair.value, Mapping):
            self._reader.wrong(pair.value, "a workflow: a mapping with `tasks`")
            return None
        node = self._without_injected(pair.value, ("name", "version"))
        type_ = _type_of(node)
        rest = Mapping({key: one for key, one in node.pairs.items() if key != "tasks"}, node.place)
        taken = WORKFLOW.taken(rest, self._reader, type_)
        if (tasks := node.get("tasks")) is not None:
            taken["tasks"] = self._tasks(tasks, type_)
        taken |= {"name": pair.key.text, "place": pair.key.place, "workbook": workbook, "text": text}
        made = WORKFLOW.made(Mapping(node.pairs, pair.key.place), self._reader, taken)
        return None if made is WRONG else self._folded(made)

    def _folded(self, definition: Definition) -> Definition:
        """With the defaults in each task, unless that would be more than anybody can mean."""
        size = 0 if definition.task_defaults is None else size_of(definition.task_defaults)
        if size * len(definition.tasks) <= _MOST_FOLDED:
            return with_defaults(definition)
        self._problems.add(
            "too-large",
            definition.places["task-defaults"],
            f"These defaults lead {len(definition.tasks):,} tasks to {size:,} others each; at most {_MOST_FOLDED:,} such ways are read.",
            hint="Let the tasks lead to one task that joins them.",
        )
        return definition

    def _tasks(self, node: Node, type_: str) -> dict[str, TaskDefinition]:
        if not isinstance(node, Mapping) or not node.pairs:
            self._reader.wrong(
                node, "a mapping of tasks by name", "Write `tasks:` and below it `name: {action: …}`."
            )
            return {}
        return {name: self._task(pair, type_) for name, pair in node.pairs.items()}

    def _task(self, pair: Pair, type_: str) -> TaskDefinition:
        name, place = pair.key.text, pair.key.place
        if not name or len(name) > _LONGEST_NAME:
            self._problems.add(
                "wrong-name",
                place,
                f"A task's name has 1 to {_LONGEST_NAME} characters.",
                hint="Choose a shorter one.",
            )
        if not isinstance(pair.value, Mapping):
            hint = f"For example `{name}: {{action: std.noop}}`." if len(name) < 60 else ""
            self._reader.wrong(pair.value, "a task: a mapping", hint)
            return TaskDefinition(name=name, place=place)
        node = self._without_injected(pair.value, _INJECTED)
        taken = TASK.taken(node, self._reader, type_)
        self._callee(taken, node)
        made: TaskDefinition = TASK.made(node, self._reader, taken | {"name": name, "place": place})
        return made

    def _callee(self, taken: dict[str, Any], node: Mapping) -> None:
        """`action` and `workflow` exclude each other; what stands behind the name goes into `input`."""
        if "action" in node.pairs and "workflow" in node.pairs:
            self._problems.add(
                "two-callees",
                node.pairs["workflow"].key.place,
                "A task has `action` or `workflow`, not both.",
                hint="Take one of them away, or make two tasks.",
            )
        for key in ("action", "workflow"):
            if isinstance(call := taken.get(key), Call):
                taken[key] = call.name
                self._merge(taken, "input", call)

    def _merge(self, taken: dict[str, Any], key: str, call: Call) -> None:
        written = taken.get(key)
        if call.parameters is None:
            return
        if written is None:
            taken[key] = call.parameters
        elif not isinstance(written.data, dict):
            self._problems.add(
                "mixed-input",
                written.expressions[0].place,
                "`input` is an expression here, so parameters behind the name have no place.",
                hint="Give all of the input in one of the two ways.",
            )
        else:
            data = {**call.parameters.data, **written.data}
            taken[key] = Value(data, call.parameters.expressions + written.expressions)

    def _actions(self, items: Mapping, workbook: str) -> dict[str, ActionDefinition]:
        texts = self._excerpts.of(items)
        made = {name: self._action(pair, workbook, texts[name]) for name, pair in items.pairs.items()}
        return {name: one for name, one in made.items() if one is not None}

    def _action(self, pair: Pair, workbook: str, text: str) -> ActionDefinition | None:
        self._name(pair.key, "action")
        if not isinstance(pair.value, Mapping):
            self._reader.wrong(pair.value, "an action: a mapping with `base`")
            return None
        node = self._without_injected(pair.value, ("name", "version"))
        taken = ACTION.taken(node, self._reader)
        if isinstance(call := taken.get("base"), Call):
            taken["base"] = call.name
            self._merge(taken, "base_input", call)
        taken |= {"name": pair.key.text, "place": pair.key.place, "workbook": workbook, "text": text}
        made = ACTION.made(Mapping(node.pairs, pair.key.place), self._reader, taken)
        return None if made is WRONG else made

    def _without_injected(self, node: Mapping, keys: tuple[str, ...]) -> Mapping:
        found = [key for key in keys if key in node.pairs]
        for key in found:
            place = node.pairs[key].key.place
            hint = "Take it away: the name stands before it, the version at the top of the text."
            self._problems.add("ignored-key", place, f"`{key}` is ignored here.", hint=hint)
        if not found:
            return node
        return Mapping({key: pair for key, pair in node.pairs.items() if key not in found}, node.place)

    def _name(self, key: Scalar, what: str) -> None:
        wrong = ""
        if not key.text or len(key.text) > _LONGEST_NAME:
            wrong = f"has 1 to {_LONGEST_NAME} characters"
        elif any(one.isspace() for one in key.text):
            wrong = "has no blanks (a space)"
        elif _UUID.fullmatch(key.text):
            wrong = "must not read as a UUID"
        if wrong:
            hint = "Choose another name, such as `deploy_shop`."
            self._problems.add(
                "wrong-name",
                key.place,
                f"The name of {'an' if what == 'action' else 'a'} {what} {wrong}.",
                hint=hint,
            )


def _type_of(node: Mapping) -> str:
    given = node.get("type")
    known = isinstance(given, Scalar) and given.value in TYPES_OF_WORKFLOW
    return str(given.value) if known and isinstance(given, Scalar) else DIRECT


def _is_version(node: Scalar) -> bool:
    if isinstance(node.value, bool):
        return False
    return node.value in _VERSIONS if isinstance(node.value, str) else node.value == 2
