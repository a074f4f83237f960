"""Definitions that are there: found, listed, compared, labelled, deleted."""

import asyncio
from collections.abc import Mapping

import msgspec

from ostro.core.plans.library import Library
from ostro.errors import Conflict, Invalid, NotFound
from ostro.language.model.definitions import ActionDefinition, Definition
from ostro.language.source.differences import unified
from ostro.service.access import Caller
from ostro.service.desk import Desk, note
from ostro.store.database import Connection
from ostro.store.loading import flows
from ostro.store.tables import definitions
from ostro.store.tables.definitions import DefinitionView, Kind, Name, VersionView
from ostro.values import UUID

_MOST_TOLD = 10


class Shown(msgspec.Struct, frozen=True):
    """A definition with one version of its text, and what stands there."""

    view: DefinitionView
    version: VersionView
    text: str
    definition: Definition | ActionDefinition


async def find(desk: Desk, caller: Caller, name: str, kind: Kind | None) -> DefinitionView:
    """The one of this full name. NotFound; Invalid if there are a workflow and an action and it is not said which."""
    found = await definitions.find(desk.database, caller.namespace, [name], kind)
    if not found:
        raise _missing(name, kind)
    if len(found) > 1:
        raise Invalid(
            "which_kind",
            f"There are a workflow and an action {name!r}.",
            hint="Say which with `kind`.",
            fields=[("?kind", "workflow or action")],
        )
    return found[0]


async def show(desk: Desk, caller: Caller, name: str, kind: Kind | None, version: int | None) -> Shown:
    """One with its text, in its newest version unless another one is asked for."""
    view = await find(desk, caller, name, kind)
    number = view.version if version is None else version
    found, library = await _version(desk, caller, view, number)
    held = library.definitions if view.kind == "workflow" else library.actions
    return Shown(view, found, library.texts[0].text, held[name])


async def page(
    desk: Desk,
    caller: Caller,
    *,
    after: Name | None,
    kind: Kind | None,
    prefix: str | None,
    label: tuple[str, str | None] | None,
    limit: int,
) -> tuple[list[DefinitionView], Name | None]:
    """One page by name, and where the next begins."""
    found = await definitions.page(
        desk.database, caller.namespace, after=after, kind=kind, prefix=prefix, label=label, limit=limit + 1
    )
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], (last.kind, last.name) if last is not None else None


async def versions(
    desk: Desk, caller: Caller, name: str, kind: Kind | None, *, before: int | None, limit: int
) -> tuple[list[VersionView], int | None]:
    """One page, the newest first, and where the next begins."""
    view = await find(desk, caller, name, kind)
    found = await definitions.versions(
        desk.database, caller.namespace, view.id, before=before, limit=limit + 1
    )
    return found[:limit], found[limit - 1].version if len(found) > limit else None


async def diff(
    desk: Desk, caller: Caller, name: str, kind: Kind | None, old: int | None, new: int | None
) -> tuple[int, int, str]:
    """The two versions and a unified diff between them: to the newest from the one before it, unless others are given."""
    view = await find(desk, caller, name, kind)
    to = view.version if new is None else new
    since = max(1, to - 1) if old is None else old
    texts = [(await _version(desk, caller, view, number))[1].texts[0].text for number in (since, to)]
    names = [f"{name} version {number}" for number in (since, to)]
    return since, to, await asyncio.to_thread(unified, *texts, *names)


async def label(
    desk: Desk, caller: Caller, name: str, kind: Kind | None, change: Mapping[str, str | None]
) -> DefinitionView:
    """Puts labels on it, and takes those off whose value is None. The definition as it is then."""
    view = await find(desk, caller, name, kind)
    async with desk.database.transaction() as connection:
        identity, _, had = await _hold(connection, caller, view)
        labels = {key: value for key, value in {**had, **change}.items() if value is not None}
        if len(labels) > desk.limits.tags_per_task:
            what = f"it would have {len(labels)}, and may have {desk.limits.tags_per_task}"
            raise Invalid("too_many_labels", f"Too many labels: {what}.", fields=[("labels", what)])
        await definitions.label(connection, caller.namespace, [identity], labels)
        said = " ".join(f"{key}={value}" for key, value in sorted(labels.items()))
        await note(desk, connection, caller, "definition_labelled", f"{view.kind} {name}: {said}")
    return await find(desk, caller, name, view.kind)


async def delete(desk: Desk, caller: Caller, name: str, kind: Kind | None, *, force: bool) -> None:
    """Takes it away with its versions. Conflict while it is in use, unless `force`: what runs has its text anyway.

    A start that is under way at this very moment may come through: its workflow has all that it needs.
    """
    view = await find(desk, caller, name, kind)
    async with desk.database.transaction() as connection:
        identity, version, _ = await _hold(connection, caller, view)
        if not force:
            await _refuse_if_used(connection, caller, identity, view)
        await definitions.delete(connection, caller.namespace, identity, desk.clock.now())
        await note(desk, connection, caller, "definition_deleted", f"{view.kind} {name} (version {version})")


async def _refuse_if_used(
    connection: Connection, caller: Caller, identity: UUID, view: DefinitionView
) -> None:
    most = _MOST_TOLD
    running = await definitions.running(connection, caller.namespace, identity, most)
    naming = await definitions.naming(connection, caller.namespace, identity, (view.kind, view.name), most)
    reasons = [
        *(
            [f"workflows made from it have not ended ({', '.join(str(one) for one, _ in running)})"]
            if running
            else []
        ),
        *([f"other definitions name it ({', '.join(naming)})"] if naming else []),
    ]
    if reasons:
        raise Conflict(
            "definition_in_use",
            f"{view.name} is in use: {'; '.join(reasons)}.",
            hint="Wait for their end and change what names it, or delete it with force: "
            f"ostro definition delete {view.name} --force. What runs keeps its text.",
            detail={"workflows": [str(one) for one, _ in running], "definitions": naming},
        )


async def _version(
    desk: Desk, caller: Caller, view: DefinitionView, number: int
) -> tuple[VersionView, Library]:
    found = await definitions.version(desk.database, caller.namespace, view.id, number)
    if found is None:
        raise NotFound(
            "version_not_found",
            f"{view.name} has no version {number}: the newest is {view.version}.",
            hint=f"See them: ostro definition versions {view.name}.",
        )
    return found, await flows.library_of(desk.database, caller.namespace, found.library)


async def _hold(
    connection: Connection, caller: Caller, view: DefinitionView
) -> tuple[UUID, int, dict[str, str]]:
    """Locked; somebody may have deleted it meanwhile."""
    held = await definitions.hold(connection, caller.namespace, view.name, view.kind)
    if held is None:
        raise _missing(view.name, view.kind)
    return held


def _missing(name: str, kind: Kind | None) -> NotFound:
    return NotFound(
        "definition_not_found",
        f"There is no {kind or 'definition'} {name!r}.",
        hint="See them: ostro definition list.",
    )
