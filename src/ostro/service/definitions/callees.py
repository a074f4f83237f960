"""Workflows that tasks of others run: found in the caller's texts, else the newest stored one of that name."""

import asyncio
from typing import Any

import msgspec

from ostro.clock import Clock
from ostro.core.events import Begin, Create
from ostro.core.plans.library import Library
from ostro.core.plans.rows import Caller as CallingTask
from ostro.core.specs import Birth
from ostro.errors import NotFound
from ostro.language.model.definitions import candidates
from ostro.service.definitions.pins import with_stored_actions
from ostro.service.definitions.starts import born
from ostro.store.database import Database
from ostro.store.loading import flows
from ostro.store.tables import definitions
from ostro.values import UUID


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


class _Found(msgspec.Struct, frozen=True):
    """Where a name led: a library, the full name in it, and the stored definition with its version, if it is one."""

    library: Library
    name: str
    definition: UUID | None = None
    version: int | None = None


class Callees:
    """Finds what is called at one time: the same name is looked for once, so one for each tick."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._found: dict[tuple[int, str, str, str], _Found | None] = {}

    async def create(self, namespace: int, workflow: UUID, message: UUID, said: Called) -> Create:
        """The workflow that a task wants to run. NotFound if there is no definition of that name."""
        key = (namespace, said.library, said.workbook, said.name)
        if key not in self._found:
            self._found[key] = await self._find(*key)
        found = self._found[key]
        if found is None:
            raise NotFound("definition_not_found", f"There is no workflow {said.name!r}.")
        plan = found.library.plan(found.name)
        calling = CallingTask(said.parent, said.task, workflow)
        begin = Begin(plan=plan, input=said.input, env=said.env, caller=calling, sent_as=message)
        birth = Birth(
            namespace=namespace,
            id=workflow,
            parent_workflow=said.parent,
            parent_task=said.task,
            root_workflow=said.root,
            definition=found.definition,
            definition_version=found.version,
        )
        return Create(birth=born(birth, plan), begin=begin)

    async def _find(self, namespace: int, key: str, workbook: str, name: str) -> _Found | None:
        library = await flows.library_of(self._database, namespace, key)
        own = library.find(workbook, name)
        found = _Found(library, own) if own is not None else await self._stored(namespace, workbook, name)
        if found is None:
            return None
        kept = await flows.keep_library(self._database, namespace, found.library, self._clock.now())
        await asyncio.to_thread(kept.plan, found.name)
        return msgspec.structs.replace(found, library=kept)

    async def _stored(self, namespace: int, workbook: str, name: str) -> _Found | None:
        wanted = candidates(workbook, name)
        there = {
            one.name: one for one in await definitions.find(self._database, namespace, wanted, "workflow")
        }
        chosen = next((there[one] for one in wanted if one in there), None)
        if chosen is None:
            return None
        alone = await flows.library_of(self._database, namespace, chosen.library)
        library = await with_stored_actions(self._database, namespace, alone)
        return _Found(library, chosen.name, chosen.id, chosen.version)
