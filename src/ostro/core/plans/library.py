"""The texts that a workflow was started with, read: in them is found what it names. Known by their hash."""

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property

import msgspec

from ostro.core.plans.plan import Plan, PlannedAction
from ostro.language.model.definitions import ActionDefinition, Definition, Document, Kind, candidates
from ostro.language.model.standard import STANDARD
from ostro.language.parts import Value
from ostro.language.read import read


class Text(msgspec.Struct, frozen=True, omit_defaults=True):
    """One text, of a kind of `Kind`, as it was given. `only` are the full names of it that count; empty: all."""

    kind: str
    text: str
    only: tuple[str, ...] = ()


def key_of(texts: tuple[Text, ...]) -> str:
    """Names the texts for good: a hash of all of them."""
    return hashlib.sha256(msgspec.msgpack.encode(texts)).hexdigest()


class Library:
    """Workflows and ad-hoc actions by their full names; the first of a name counts. Immutable, shared by all workflows."""

    def __init__(self, texts: tuple[Text, ...], documents: Iterable[Document | None]) -> None:
        self.texts = texts
        self.key = key_of(texts)
        self.definitions: dict[str, Definition] = {}
        self.actions: dict[str, ActionDefinition] = {}
        for text, document in zip(texts, documents, strict=True):
            if document is not None:
                self._take(document, text.only)
        self._planned = {name: PlannedAction(one) for name, one in self.actions.items()}
        self._plans: dict[str, Plan] = {}

    def _take(self, document: Document, only: tuple[str, ...]) -> None:
        for definition in document.definitions.values():
            if not only or definition.full_name in only:
                self.definitions.setdefault(definition.full_name, definition)
        for action in document.actions.values():
            if not only or action.full_name in only:
                self.actions.setdefault(action.full_name, action)

    def find(self, workbook: str, name: str) -> str | None:
        """The full name of a workflow, the workbook's own before a global one; None if it is not here."""
        return next((one for one in candidates(workbook, name) if one in self.definitions), None)

    def plan(self, name: str) -> Plan:
        """The plan of a workflow by its full name, made once. KeyError if it is not here."""
        if name not in self._plans:
            self._plans[name] = Plan(self.key, self.definitions[name], self._planned)
        return self._plans[name]

    @cached_property
    def foreign_actions(self) -> tuple[tuple[str, ...], ...]:
        """What it names as actions and does not hold, each as the full names that it may mean. Standard ones apart."""
        named = [
            *(
                (one.workbook, task.action)
                for one in self.definitions.values()
                for task in one.tasks.values()
            ),
            *((one.workbook, one.base) for one in self.actions.values()),
        ]
        return tuple(
            one
            for one in _names(named)
            if one[-1] not in STANDARD and not any(n in self.actions for n in one)
        )

    @cached_property
    def foreign_workflows(self) -> tuple[tuple[str, ...], ...]:
        """The same of workflows."""
        named = (
            (one.workbook, task.workflow) for one in self.definitions.values() for task in one.tasks.values()
        )
        return tuple(one for one in _names(named) if not any(name in self.definitions for name in one))


def _names(named: Iterable[tuple[str, Value | None]]) -> Iterator[tuple[str, ...]]:
    """The full names that may be meant where no expression makes the name, each once."""
    fixed = ((book, str(name.data)) for book, name in named if name is not None and name.is_constant)
    yield from (candidates(book, name) for book, name in dict.fromkeys(fixed))


def read_again(texts: tuple[Text, ...]) -> Library:
    """The library of texts that were checked when they came."""
    return Library(texts, [read(one.text, Kind(one.kind)).document for one in texts])
