"""Endpoints of environments."""

from typing import Any

from msgspec import UNSET, Raw, UnsetType

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described
from ostro.api.v1.definitions import queries, shapes
from ostro.protocol import definitions as wire
from ostro.protocol import paths
from ostro.service.access import READ, WRITE
from ostro.service.definitions import environments


async def create(call: Call[NoQuery, wire.EnvironmentRequest]) -> Reply:
    """POST /v1/environments."""
    wanted = call.body
    wrong: list[tuple[str, str]] = []
    described.check_label(wanted.name, "$.name", call.desk.limits, wrong)
    if wanted.name in {".", ".."}:
        wrong.append(("$.name", "has a meaning of its own in paths"))
    described.check_description(wanted.description, "$.description", wrong)
    described.refuse(wrong)
    values = _values(call, wanted.variables)
    await environments.create(call.desk, call.caller, wanted.name, wanted.description, values)
    at = paths.at(paths.ENVIRONMENT, name=wanted.name)
    return Reply(await _shown(call, wanted.name), 201, {"location": at})


async def read_page(call: Call[queries.Environments, None]) -> Reply:
    """GET /v1/environments."""
    found, following = await environments.page(
        call.desk, call.caller, after=call.query.cursor, limit=call.query.limit
    )
    told = [shapes.environment_summary(one) for one in found]
    return Reply(wire.EnvironmentPage(environments=told, next=following))


async def read(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/environments/{name}."""
    return Reply(await _shown(call, call.path["name"]))


async def replace(call: Call[NoQuery, wire.EnvironmentChange]) -> Reply:
    """PUT /v1/environments/{name}."""
    wanted, name = call.body, call.path["name"]
    wrong: list[tuple[str, str]] = []
    described.check_description(wanted.description, "$.description", wrong)
    described.refuse(wrong)
    values = _values(call, wanted.variables)
    await environments.replace(call.desk, call.caller, name, wanted.description, values, wanted.if_version)
    return Reply(await _shown(call, name))


async def delete(call: Call[queries.Seen, None]) -> Reply:
    """DELETE /v1/environments/{name}."""
    await environments.delete(call.desk, call.caller, call.path["name"], call.query.if_version)
    return Reply(None, 204)


def _values(call: Call[Any, Any], variables: Raw | UnsetType) -> bytes:
    """Within the limits of an input."""
    described.object_of(variables, "$.variables", call.desk.limits)
    return b"{}" if variables is UNSET else bytes(variables)


async def _shown(call: Call[Any, Any], name: str) -> wire.Environment:
    return shapes.environment(await environments.find(call.desk, call.caller, name))


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=paths.ENVIRONMENTS,
        summary="Store an environment: values by name for starts to take",
        allowed=WRITE,
        does=create,
        body=wire.EnvironmentRequest,
        answer=wire.Environment,
        status=201,
        problems=(409, 413, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.ENVIRONMENTS,
        summary="List environments by name, without their values",
        allowed=READ,
        does=read_page,
        query=queries.Environments,
        answer=wire.EnvironmentPage,
        problems=(422,),
    ),
    Endpoint(
        method="GET",
        path=paths.ENVIRONMENT,
        summary="One environment, with its values",
        allowed=READ,
        does=read,
        answer=wire.Environment,
        problems=(404,),
    ),
    Endpoint(
        method="PUT",
        path=paths.ENVIRONMENT,
        summary="Replace an environment; what was started with it keeps the old values",
        allowed=WRITE,
        does=replace,
        body=wire.EnvironmentChange,
        answer=wire.Environment,
        problems=(404, 409, 413, 422),
    ),
    Endpoint(
        method="DELETE",
        path=paths.ENVIRONMENT,
        summary="Delete an environment",
        allowed=WRITE,
        does=delete,
        query=queries.Seen,
        status=204,
        problems=(404, 409),
    ),
)
