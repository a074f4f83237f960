"""Workflows made from definitions: by a caller, and by the task of another workflow."""

import asyncio
from typing import Any

import msgspec

from ostro.core.events import Answer, Begin, Create
from ostro.core.plans.library import Library, Text, key_of
from ostro.core.plans.plan import Plan
from ostro.core.plans.rows import Caller as CallingTask
from ostro.core.specs import Birth
from ostro.engine.lanes import Once
from ostro.errors import Invalid, NotFound, TooLarge
from ostro.language.lint import lint
from ostro.language.model.definitions import Document, Kind, candidates
from ostro.language.parsed import parsed
from ostro.service.desk import Desk
from ostro.store.database import Database
from ostro.store.loading import flows
from ostro.values import UUID


class Start(msgspec.Struct, frozen=True, kw_only=True):
    """What a start gives. `name` chooses among the workflows of a text; a text with one needs none."""

    text: str
    name: str = ""
    kind: str | None = None
    also: tuple[tuple[str | None, str], ...] = ()
    """Other texts, each with its kind: what the first one names is found in them too."""
    input: dict[str, Any] = {}
    env: dict[str, Any] = {}
    params: dict[str, Any] = {}


class Called(msgspec.Struct):
    """What a task says of the workflow that it wants to run. `library` is the caller's."""

    name: str
    workbook: str
    input: dict[str, Any]
    env: dict[str, Any]
    root: UUID
    task: UUID
    parent: UUID
    library: str


async def start(desk: Desk, birth: Birth, wanted: Start, *, once: Once | None = None) -> Answer:
    """Makes a workflow from a text. Invalid lists all that is wrong with the text, or with the start."""
    now = desk.clock.now()
    library, texts, name = await asyncio.to_thread(_read, wanted, desk.limits.definition_bytes)
    library = await flows.keep_library(desk.database, birth.namespace, library, texts, now)
    begin = Begin(
        plan=library.plan(name),
        input=wanted.input,
        env=wanted.env,
        params=wanted.params,
        evaluate_env=wanted.params.get("evaluate_env", True) is not False,
    )
    event = Create(birth=_born(birth, begin.plan), begin=begin)
    return await desk.lanes.submit(birth.namespace, birth.id, event, once=once)


def _read(wanted: Start, most: int) -> tuple[Library, tuple[Text, ...], str]:
    """The texts read and checked, and the workflow that is meant; its plan is made here, where nobody waits for it."""
    given = [(wanted.kind, wanted.text), *wanted.also]
    paths = ["definition.text", *(f"definition.also[{index}].text" for index in range(len(wanted.also)))]
    documents = [_document(text, kind, path, most) for (kind, text), path in zip(given, paths, strict=True)]
    texts = tuple(Text(one.kind.value, text) for one, (_, text) in zip(documents, given, strict=True))
    name = _chosen(documents[0], wanted.name)
    library = Library(key_of(texts), documents)
    library.plan(name)
    return library, texts, name


def _document(text: str, kind: str | None, path: str, most: int) -> Document:
    if len(text.encode()) > most:
        said = f"A text has at most {most} bytes."
        raise TooLarge(
            "text_too_large", said, hint="Divide it: a start may name several.", fields=[(path, said)]
        )
    found = lint(text, Kind(kind) if kind else None, parse=parsed)
    if found.document is None:
        raise Invalid(
            "invalid_definition",
            f"The text cannot be used: it has {len(found.errors)} mistake{'s' if len(found.errors) > 1 else ''}.",
            hint="`ostro lint` shows each with its line.",
            fields=[(path, f"line {one.line}, column {one.column}: {one.message}") for one in found.errors],
        )
    return found.document


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


def _born(birth: Birth, plan: Plan) -> Birth:
    """What the caller leaves open, the definition says."""
    definition = plan.definition
    return msgspec.structs.replace(
        birth,
        name=birth.name or plan.name,
        description=birth.description or definition.description,
        tags=birth.tags or tuple(sorted(definition.tags)),
        done_when=birth.done_when or tuple(one.term for one in definition.done_when),
    )


async def of_callee(
    database: Database, namespace: int, workflow: UUID, message: UUID, said: Called
) -> Create:
    """The workflow that a task wants to run. NotFound if there is no definition of that name."""
    library = await flows.library_of(database, namespace, said.library)
    name = library.find(said.workbook, said.name)
    if name is None:
        raise NotFound("definition_not_found", f"There is no workflow {said.name!r}.")
    plan = library.plan(name)
    calling = CallingTask(said.parent, said.task, workflow)
    begin = Begin(plan=plan, input=said.input, env=said.env, caller=calling, sent_as=message)
    birth = Birth(
        namespace=namespace,
        id=workflow,
        parent_workflow=said.parent,
        parent_task=said.task,
        root_workflow=said.root,
    )
    return Create(birth=_born(birth, plan), begin=begin)
