"""The texts that a workflow was started with, read: in them is found what it names. Known by their hash."""

import hashlib
from collections.abc import Iterable

import msgspec

from ostro.core.plans.plan import Plan, PlannedAction
from ostro.language.model.definitions import ActionDefinition, Definition, Document, Kind, candidates
from ostro.language.read import read


class Text(msgspec.Struct, frozen=True):
    """One text, of a kind of `Kind`, as it was given."""

    kind: str
    text: str


def key_of(texts: tuple[Text, ...]) -> str:
    """Names the texts for good: a hash of all of them."""
    return hashlib.sha256(msgspec.msgpack.encode(texts)).hexdigest()


class Library:
    """Workflows and ad-hoc actions by their full names; the first of a name counts. Immutable, shared by all workflows."""

    def __init__(self, key: str, documents: Iterable[Document]) -> None:
        self.key = key
        self.definitions: dict[str, Definition] = {}
        actions: dict[str, ActionDefinition] = {}
        for document in documents:
            for definition in document.definitions.values():
                self.definitions.setdefault(definition.full_name, definition)
            for action in document.actions.values():
                actions.setdefault(action.full_name, action)
        self._actions = {name: PlannedAction(one) for name, one in actions.items()}
        self._plans: dict[str, Plan] = {}

    def find(self, workbook: str, name: str) -> str | None:
        """The full name of a workflow, the workbook's own before a global one; None if it is not here."""
        return next((one for one in candidates(workbook, name) if one in self.definitions), None)

    def plan(self, name: str) -> Plan:
        """The plan of a workflow by its full name, made once. KeyError if it is not here."""
        if name not in self._plans:
            self._plans[name] = Plan(self.key, self.definitions[name], self._actions)
        return self._plans[name]


def read_again(texts: tuple[Text, ...]) -> Library:
    """The library of texts that were checked when they came."""
    documents = (read(one.text, Kind(one.kind)).document for one in texts)
    return Library(key_of(texts), [one for one in documents if one is not None])
