"""Workflows made from definitions by a caller: from a text that he gives, or from a stored one by its name."""

import asyncio
from typing import Any

import msgspec

from ostro.core.events import Answer, Begin, Create
from ostro.core.plans.library import Library, Text
from ostro.core.plans.plan import Plan
from ostro.core.specs import Birth
from ostro.engine.lanes import Once
from ostro.errors import Invalid, NotFound
from ostro.language.model.definitions import Document, candidates
from ostro.service.definitions import environments
from ostro.service.definitions.pins import with_stored_actions
from ostro.service.definitions.texts import GivenText, read_texts
from ostro.service.desk import Desk
from ostro.store.loading import flows
from ostro.store.tables import definitions


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a start gives. `name` chooses among the workflows of a text; a text with one needs none.

    Without a text it is the name of a stored definition, of its newest version unless `version` says which. `env` is
    an environment, or the name of a stored one.
    """

    text: str | None = None
    name: str = ""
    version: int | None = None
    kind: str | None = None
    also: tuple[tuple[str | None, str], ...] = ()
    """Other texts, each with its kind: what the first one names is found in them too."""
    input: dict[str, Any] = {}
    env: dict[str, Any] | str = {}
    params: dict[str, Any] = {}


async def start(desk: Desk, birth: Birth, wanted: Start, *, once: Once | None = None) -> Answer:
    """Makes a workflow from a definition. Invalid lists all that is wrong with the text, or with the start."""
    env = await environments.values_of(desk, birth.namespace, wanted.env)
    if wanted.text is None:
        library, birth = await _stored(desk, birth, wanted)
        name = wanted.name
    else:
        library, name = await asyncio.to_thread(_read, wanted, desk.limits.definition_bytes)
    library = await with_stored_actions(desk.database, birth.namespace, library)
    library = await flows.keep_library(desk.database, birth.namespace, library, desk.clock.now())
    begin = Begin(
        plan=await asyncio.to_thread(library.plan, name),
        input=wanted.input,
        env=env,
        params=wanted.params,
        evaluate_env=wanted.params.get("evaluate_env", True) is not False,
    )
    event = Create(birth=born(birth, begin.plan), begin=begin)
    return await desk.lanes.submit(birth.namespace, birth.id, event, once=once)


async def _stored(desk: Desk, birth: Birth, wanted: Start) -> tuple[Library, Birth]:
    """The text of a stored definition, and the workflow as one that is made from it."""
    database, namespace = desk.database, birth.namespace
    found = next(iter(await definitions.find(database, namespace, [wanted.name], "workflow")), None)
    if found is None:
        raise NotFound(
            "definition_not_found",
            f"There is no workflow definition {wanted.name!r}.",
            hint="See them: ostro definition list. Or give the text itself.",
            fields=[("definition.name", "not found")],
        )
    number, key = found.version, found.library
    if wanted.version is not None and wanted.version != number:
        version = await definitions.version(database, namespace, found.id, wanted.version)
        if version is None:
            raise NotFound(
                "version_not_found",
                f"{wanted.name} has no version {wanted.version}.",
                hint=f"See them: ostro definition versions {wanted.name}.",
                fields=[("definition.version", "not found")],
            )
        number, key = version.version, version.library
    library = await flows.library_of(database, namespace, key)
    return library, msgspec.structs.replace(birth, definition=found.id, definition_version=number)


def _read(wanted: Start, most: int) -> tuple[Library, str]:
    """The texts read and checked, and the workflow that is meant."""
    given = [
        GivenText(wanted.text or "", wanted.kind, "definition.text"),
        *(GivenText(text, kind, f"definition.also[{n}].text") for n, (kind, text) in enumerate(wanted.also)),
    ]
    documents = read_texts(given, most)
    texts = tuple(Text(one.kind.value, text.text) for one, text in zip(documents, given, strict=True))
    return Library(texts, documents), _chosen(documents[0], wanted.name)


def _chosen(document: Document, name: str) -> str:
    names = [one.full_name for one in document.definitions.values()]
    if not name and len(names) == 1:
        return names[0]
    for one in candidates(document.name, name):
        if one in names:
            return one
    what = f"there is no {name!r}" if name else "there is more than one, or none"
    raise Invalid(
        "no_such_definition",
        f"Which workflow of the text? {what}.",
        hint=f"It holds {', '.join(names[:10])}." if names else "",
        fields=[("definition.name", what)],
    )


def born(birth: Birth, plan: Plan) -> Birth:
    """What the caller leaves open, the definition says."""
    definition = plan.definition
    return msgspec.structs.replace(
        birth,
        name=birth.name or plan.name,
        description=birth.description or definition.description,
        tags=birth.tags or tuple(sorted(definition.tags)),
        done_when=birth.done_when or tuple(one.term for one in definition.done_when),
    )
