"""Endpoints of definitions."""

import asyncio
from typing import Any, get_args

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described
from ostro.api.v1.definitions import queries, shapes
from ostro.errors import Invalid
from ostro.protocol import definitions as wire
from ostro.protocol import paths
from ostro.protocol.definitions import DefinitionKind
from ostro.service.access import READ, WRITE
from ostro.service.definitions import stored, uploads
from ostro.service.definitions.texts import GivenText, look_at
from ostro.store.tables.definitions import Name

_MOST_TEXTS = 100


async def validate(call: Call[NoQuery, wire.ValidateRequest]) -> Reply:
    """POST /v1/definitions/validate."""
    given = GivenText(call.body.text, call.body.kind, "text")
    found = await asyncio.to_thread(look_at, given, call.desk.limits.definition_bytes)
    return Reply(shapes.validated(found))


async def upload(call: Call[NoQuery, wire.UploadRequest]) -> Reply:
    """POST /v1/definitions."""
    wanted = call.body
    wrong: list[tuple[str, str]] = []
    if not 1 <= len(wanted.texts) <= _MOST_TEXTS:
        wrong.append(("$.texts", f"takes 1 to {_MOST_TEXTS}"))
    _check_labels(call, wanted.labels or {}, wrong)
    described.refuse(wrong)
    found, warnings = await uploads.upload(
        call.desk,
        call.caller,
        uploads.Upload(
            texts=tuple(
                GivenText(one.text, one.kind, f"texts[{n}].text") for n, one in enumerate(wanted.texts)
            ),
            labels=wanted.labels,
            if_version=wanted.if_version,
        ),
    )
    return Reply(shapes.uploaded(found, warnings))


async def read_page(call: Call[queries.Definitions, None]) -> Reply:
    """GET /v1/definitions."""
    query = call.query
    key, equals, value = (query.label or "").partition("=")
    found, following = await stored.page(
        call.desk,
        call.caller,
        after=_cursor(query.cursor),
        kind=query.kind,
        prefix=query.prefix,
        label=(key, value if equals else None) if query.label else None,
        limit=query.limit,
    )
    after = None if following is None else f"{following[0]}:{following[1]}"
    return Reply(wire.DefinitionPage(definitions=[shapes.summary(one) for one in found], next=after))


def _cursor(text: str | None) -> Name | None:
    if text is None:
        return None
    kind, _, name = text.partition(":")
    for one in get_args(DefinitionKind):
        if one == kind:
            return one, name
    raise Invalid("bad_query", "This is not a cursor of this list.", fields=[("?cursor", "not a cursor")])


async def read(call: Call[queries.One, None]) -> Reply:
    """GET /v1/definitions/{name}."""
    query = call.query
    found = await stored.show(call.desk, call.caller, call.path["name"], query.kind, query.version)
    return Reply(shapes.shown(found))


async def read_versions(call: Call[queries.Versions, None]) -> Reply:
    """GET /v1/definitions/{name}/versions."""
    query = call.query
    found, following = await stored.versions(
        call.desk, call.caller, call.path["name"], query.kind, before=query.cursor, limit=query.limit
    )
    after = None if following is None else str(following)
    return Reply(wire.VersionPage(versions=[shapes.version(one) for one in found], next=after))


async def read_diff(call: Call[queries.Diff, None]) -> Reply:
    """GET /v1/definitions/{name}/diff."""
    query = call.query
    since, to, diff = await stored.diff(
        call.desk, call.caller, call.path["name"], query.kind, query.from_, query.to
    )
    return Reply(wire.DefinitionDiff(from_=since, to=to, diff=diff))


async def label(call: Call[queries.Which, wire.LabelChange]) -> Reply:
    """PATCH /v1/definitions/{name}."""
    wrong: list[tuple[str, str]] = []
    _check_labels(call, call.body.labels, wrong)
    described.refuse(wrong)
    view = await stored.label(call.desk, call.caller, call.path["name"], call.query.kind, call.body.labels)
    return Reply(shapes.summary(view))


async def delete(call: Call[queries.Delete, None]) -> Reply:
    """DELETE /v1/definitions/{name}."""
    await stored.delete(call.desk, call.caller, call.path["name"], call.query.kind, force=call.query.force)
    return Reply(None, 204)


def _check_labels(
    call: Call[Any, Any], labels: dict[str, str] | dict[str, str | None], wrong: list[tuple[str, str]]
) -> None:
    limits = call.desk.limits
    if len(labels) > limits.tags_per_task:
        wrong.append(("$.labels", f"takes at most {limits.tags_per_task}"))
        return
    for key, value in labels.items():
        path = f"$.labels.{key[:40]}"
        described.check_label(key, path, limits, wrong)
        if value:
            described.check_label(value, path, limits, wrong)
        if "=" in key:
            wrong.append((path, "a key holds no ="))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=paths.DEFINITIONS_VALIDATE,
        summary="Say everything that is wrong with a text; nothing is stored",
        allowed=READ,
        does=validate,
        bulky=True,
        body=wire.ValidateRequest,
        answer=wire.Validated,
        problems=(413, 422),
    ),
    Endpoint(
        method="POST",
        path=paths.DEFINITIONS,
        summary="Store texts, all or none: a new version of each definition whose text changed",
        allowed=WRITE,
        does=upload,
        bulky=True,
        body=wire.UploadRequest,
        answer=wire.UploadResult,
        problems=(409, 413, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.DEFINITIONS,
        summary="List definitions by name",
        allowed=READ,
        does=read_page,
        query=queries.Definitions,
        answer=wire.DefinitionPage,
        problems=(422,),
    ),
    Endpoint(
        method="GET",
        path=paths.DEFINITION,
        summary="One definition, with its text and its input",
        allowed=READ,
        does=read,
        query=queries.One,
        answer=wire.StoredDefinition,
        problems=(404, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.DEFINITION_VERSIONS,
        summary="The versions of a definition, newest first",
        allowed=READ,
        does=read_versions,
        query=queries.Versions,
        answer=wire.VersionPage,
        problems=(404, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.DEFINITION_DIFF,
        summary="What differs between two versions: the last two, unless others are given",
        allowed=READ,
        does=read_diff,
        query=queries.Diff,
        answer=wire.DefinitionDiff,
        problems=(404, 422),
    ),
    Endpoint(
        method="PATCH",
        path=paths.DEFINITION,
        summary="Put labels on a definition, or take them off",
        allowed=WRITE,
        does=label,
        query=queries.Which,
        body=wire.LabelChange,
        answer=wire.DefinitionSummary,
        problems=(404, 422),
    ),
    Endpoint(
        method="DELETE",
        path=paths.DEFINITION,
        summary="Delete a definition that is not in use; with force also one that is",
        allowed=WRITE,
        does=delete,
        query=queries.Delete,
        status=204,
        problems=(404, 409, 422),
    ),
)
