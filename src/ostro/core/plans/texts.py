"""The texts that a plan is made of, and the plan made of them."""

import hashlib

import msgspec

from ostro.core.plans.plan import Plan
from ostro.language.model.definitions import ActionDefinition, Definition, Kind
from ostro.language.read import read


class Text(msgspec.Struct, frozen=True):
    """One text, of a kind of `Kind`, as it was uploaded or given."""

    kind: str
    text: str


class Texts(msgspec.Struct, frozen=True):
    """The definition's full name, and the texts in which it and what it names are found; the first of a name counts."""

    name: str
    texts: tuple[Text, ...]

    @property
    def key(self) -> str:
        """Names the plan for good: a hash of all of it."""
        return hashlib.sha256(msgspec.msgpack.encode(self)).hexdigest()


def make_plan(texts: Texts) -> Plan:
    """Reads them, checked ones, and makes the plan. KeyError if the definition is in none of them."""
    definitions, actions = contents(texts)
    return Plan(texts.key, definitions[texts.name], actions, frozenset(definitions))


def contents(texts: Texts) -> tuple[dict[str, Definition], dict[str, ActionDefinition]]:
    """All workflows and ad-hoc actions of these texts by their full names."""
    definitions: dict[str, Definition] = {}
    actions: dict[str, ActionDefinition] = {}
    for one in texts.texts:
        document = read(one.text, Kind(one.kind)).document
        if document is not None:
            for definition in document.definitions.values():
                definitions.setdefault(definition.full_name, definition)
            for action in document.actions.values():
                actions.setdefault(action.full_name, action)
    return definitions, actions
