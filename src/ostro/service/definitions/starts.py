"""Workflows made from definitions: by a caller, and by the task of another workflow."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ostro.core.events import Answer, Begin, Create
from ostro.core.plans.plan import Plan
from ostro.core.plans.rows import Caller as CallingTask
from ostro.core.plans.texts import Text, Texts
from ostro.core.specs import Birth
from ostro.engine.lanes import Once
from ostro.errors import Invalid, NotFound
from ostro.language.lint import lint
from ostro.language.model.definitions import Document, Kind, candidates
from ostro.language.parsed import parsed
from ostro.language.problems import Problem
from ostro.service.desk import Desk
from ostro.store.database import Database
from ostro.store.loading import flows
from ostro.values import UUID

_LARGEST_TEXT = 1024 * 1024


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
    """What a task says of the workflow that it wants to run. `plan` is the caller's."""

    name: str
    workbook: str
    input: dict[str, Any]
    env: dict[str, Any]
    root: UUID
    task: UUID
    parent: UUID
    plan: str


async def start(desk: Desk, birth: Birth, wanted: Start, *, once: Once | None = None) -> Answer:
    """Makes a workflow from a text. Invalid lists all that is wrong with the text, or with the start."""
    texts = await asyncio.to_thread(_read, wanted)
    plan = await flows.keep_plan(desk.database, birth.namespace, texts, desk.clock.now())
    begin = Begin(
        plan=plan,
        input=wanted.input,
        env=wanted.env,
        params=wanted.params,
        evaluate_env=wanted.params.get("evaluate_env", True) is not False,
    )
    event = Create(birth=_born(birth, plan, desk.clock.now()), begin=begin)
    return await desk.lanes.submit(birth.namespace, birth.id, event, once=once)


def _read(wanted: Start) -> Texts:
    document = _document(wanted.text, wanted.kind)
    texts = [Text(document.kind.value, wanted.text)]
    for kind, text in wanted.also:
        texts.append(Text(_document(text, kind).kind.value, text))
    return Texts(_chosen(document, wanted.name), tuple(texts))


def _document(text: str, kind: str | None) -> Document:
    if len(text.encode()) > _LARGEST_TEXT:
        raise Invalid(
            "text_too_large",
            f"A text has at most {_LARGEST_TEXT} bytes.",
            hint="Divide it: a start may name several texts.",
        )
    found = lint(text, Kind(kind) if kind else None, parse=parsed)
    if found.document is None:
        raise Invalid(
            "invalid_definition",
            f"The text cannot be used: {len(found.errors)} mistakes were found in it.",
            hint="`ostro lint` shows each with its line.",
            fields=[(_place(one), one.message) for one in found.errors],
        )
    return found.document


def _place(problem: Problem) -> str:
    return f"line {problem.line}, column {problem.column}"


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


def _born(birth: Birth, plan: Plan, now: datetime) -> Birth:
    """What the caller leaves open, the definition says."""
    definition = plan.definition
    deadline = definition.deadline
    return msgspec.structs.replace(
        birth,
        name=birth.name or plan.name,
        description=birth.description or definition.description,
        tags=birth.tags or tuple(sorted(definition.tags)),
        deadline=birth.deadline or (now + timedelta(seconds=deadline) if isinstance(deadline, int) else None),
        done_when=birth.done_when or tuple(one.term for one in definition.done_when),
    )


async def of_callee(
    database: Database, namespace: int, workflow: UUID, message: UUID, said: Called, now: datetime
) -> Create:
    """The workflow that a task wants to run. NotFound if there is no definition of that name."""
    caller = await flows.plan_of(database, namespace, said.plan)
    name = next((one for one in candidates(said.workbook, said.name) if one in caller.siblings), None)
    if name is None:
        raise NotFound("definition_not_found", f"There is no workflow {said.name!r}.")
    texts = await flows.texts_of(database, namespace, said.plan)
    plan = await flows.keep_plan(database, namespace, Texts(name, texts.texts), now)
    calling = CallingTask(said.parent, said.task, workflow)
    begin = Begin(plan=plan, input=said.input, env=said.env, caller=calling, sent_as=message)
    birth = Birth(
        namespace=namespace,
        id=workflow,
        parent_workflow=said.parent,
        parent_task=said.task,
        root_workflow=said.root,
    )
    return Create(birth=_born(birth, plan, now), begin=begin)
