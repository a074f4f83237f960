"""Definitions come in: all of an upload or nothing, a new version of each whose text is another one."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from ostro.core.plans.library import Library, Text, read_again
from ostro.errors import Conflict, Invalid
from ostro.language.model.kept import Kept, kept
from ostro.service.access import Caller
from ostro.service.definitions.texts import GivenText, read_texts
from ostro.service.desk import Desk, note
from ostro.store.database import Connection
from ostro.store.loading import flows
from ostro.store.tables import definitions
from ostro.store.tables.definitions import Locked, Name, Written

_MOST_NAMED = 100
"""So many are told by name in a line of the audit trail."""


_LISTED = 1_000
"""So much of a description comes along in lists."""
_NOT_IN_PATHS = {".", "..", "validate"}


class Upload(msgspec.Struct, frozen=True, kw_only=True):
    """Texts, and what goes with each definition in them: labels (None: they stay), the versions that the caller saw
    (0: there must be none of that name).
    """

    texts: tuple[GivenText, ...]
    labels: dict[str, str] | None = None
    if_version: dict[str, int] = {}


class Uploaded(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one definition."""

    kind: definitions.Kind
    name: str
    version: int
    outcome: Literal["created", "changed", "unchanged"]


class _Part(msgspec.Struct, frozen=True):
    """One definition of the upload, with the library of its text."""

    said: Kept
    library: Library

    @property
    def name(self) -> Name:
        return self.said.sort, self.said.name


async def upload(desk: Desk, caller: Caller, wanted: Upload) -> tuple[list[Uploaded], list[str]]:
    """What became of each definition, and what is worth a warning. The same again changes nothing.

    Invalid lists all that is wrong with the texts; Conflict if one is not at the version that the caller saw, unless
    its text is there already.
    """
    parts = await asyncio.to_thread(_read, wanted, desk.limits.definition_bytes)
    now = desk.clock.now()
    async with desk.database.transaction() as connection:
        new = {part.name: desk.new_id() for part in parts}
        locked = await definitions.lock(connection, caller.namespace, new, now)
        changed = [part for part in parts if not _is_there(locked[part.name], part)]
        _check_seen(wanted.if_version, changed, locked)
        for _, library in sorted({part.library.key: part.library for part in changed}.items()):
            await flows.write_library(connection, caller.namespace, library, now)
        rows = [_row(locked[part.name], part) for part in changed]
        await definitions.write(connection, caller.namespace, rows, now, caller.id)
        if wanted.labels is not None:
            ids = [one.id for one in locked.values()]
            await definitions.label(connection, caller.namespace, ids, wanted.labels)
        told = [_told(part, locked[part.name]) for part in parts]
        await _note(desk, caller, connection, told)
    return told, await _warnings(desk, caller, parts)


def _read(wanted: Upload, most: int) -> list[_Part]:
    """Every definition of the texts; Invalid if one stands twice, or a version is given for one that does not stand there."""
    documents = read_texts(wanted.texts, most)
    parts: dict[Name, _Part] = {}
    wrong: list[tuple[str, str]] = []
    libraries: dict[Text, Library] = {}
    for given, document in zip(wanted.texts, documents, strict=True):
        for one in kept(document, given.text):
            text = Text(one.kind.value, one.text, one.only)
            if text not in libraries:
                libraries[text] = read_again((text,))
            part = _Part(one, libraries[text])
            if one.name in _NOT_IN_PATHS:
                wrong.append((given.path, f"the name {one.name!r} has a meaning of its own in paths"))
            if part.name in parts:
                wrong.append((given.path, f"the {one.sort} {one.name!r} stands in this upload twice"))
            parts[part.name] = part
    known = {name for _, name in parts}
    wrong += [
        (f"if_version.{name}", "it is in none of the texts")
        for name in wanted.if_version
        if name not in known
    ]
    if wrong:
        raise Invalid("invalid_upload", f"{wrong[0][1].capitalize()}.", fields=wrong[:100])
    return list(parts.values())


def _is_there(row: Locked, part: _Part) -> bool:
    return row.lives and row.library == part.library.key


def _check_seen(seen: Mapping[str, int], changed: Iterable[_Part], locked: Mapping[Name, Locked]) -> None:
    now = {part.said.name: locked[part.name].version if locked[part.name].lives else 0 for part in changed}
    moved = {name: version for name, version in now.items() if seen.get(name, version) != version}
    if moved:
        names = [f"{name} is at version {version}" for name, version in list(moved.items())[:10]]
        raise Conflict(
            "definition_changed",
            f"Somebody was faster: {', '.join(names)}.",
            hint="Look at what changed (ostro definition diff NAME), and upload yours on top of it.",
            fields=[(f"if_version.{name}", f"it is at version {version}") for name, version in moved.items()],
        )


def _row(row: Locked, part: _Part) -> Written:
    said, library = part.said.definition, part.library
    return Written(
        id=row.id,
        library=library.key,
        workbook=said.workbook,
        description=said.description[:_LISTED],
        tags=tuple(sorted(said.tags)),
        workflows=_flat(library.foreign_workflows),
        actions=_flat(library.foreign_actions),
    )


def _flat(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({name for one in names for name in one}))


def _told(part: _Part, row: Locked) -> Uploaded:
    kind, name = part.name
    if _is_there(row, part):
        return Uploaded(kind=kind, name=name, version=row.version, outcome="unchanged")
    outcome: Literal["created", "changed"] = "changed" if row.lives else "created"
    return Uploaded(kind=kind, name=name, version=row.version + 1, outcome=outcome)


async def _note(desk: Desk, caller: Caller, connection: Connection, told: Iterable[Uploaded]) -> None:
    new = [f"{one.kind} {one.name} {one.version}" for one in told if one.outcome != "unchanged"]
    if not new:
        return
    more = f" and {len(new) - _MOST_NAMED} more" if len(new) > _MOST_NAMED else ""
    await note(desk, connection, caller, "definitions_uploaded", ", ".join(new[:_MOST_NAMED]) + more)


async def _warnings(desk: Desk, caller: Caller, parts: Iterable[_Part]) -> list[str]:
    """Workflows that are named and not stored: they may come later."""
    named = [(part.said.name, one) for part in parts for one in part.library.foreign_workflows]
    names = {name for _, one in named for name in one}
    there = {
        one.name for one in await definitions.find(desk.database, caller.namespace, sorted(names), "workflow")
    }
    missing = dict.fromkeys((who, one[-1]) for who, one in named if not there & set(one))
    return [
        f"{who} runs the workflow {name}, which is not stored: upload it before that."
        for who, name in missing
    ]
