"""Use cases of environments: values by name, which a start may take."""

from typing import Any

import msgspec

from ostro.errors import Conflict, Invalid, NotFound
from ostro.service.access import Caller
from ostro.service.desk import Desk, note
from ostro.store.database import Connection
from ostro.store.tables import environments
from ostro.store.tables.environments import EnvironmentView


async def values_of(desk: Desk, namespace: int, env: dict[str, Any] | str) -> dict[str, Any]:
    """What a start gives as its environment; the values of a stored one, as they are now. Invalid if there is none."""
    if not isinstance(env, str):
        return env
    found = await environments.get(desk.database, namespace, env)
    if found is None:
        raise Invalid(
            "environment_not_found",
            f"There is no environment {env!r}.",
            hint="See them: ostro environment list. Or give the values themselves.",
            fields=[("env", "not found")],
        )
    values: dict[str, Any] = msgspec.json.decode(found.variables)
    return values


async def find(desk: Desk, caller: Caller, name: str) -> EnvironmentView:
    """One, with its values."""
    found = await environments.get(desk.database, caller.namespace, name)
    if found is None:
        raise _missing(name)
    return found


async def page(
    desk: Desk, caller: Caller, *, after: str | None, limit: int
) -> tuple[list[EnvironmentView], str | None]:
    """One page by name, without values, and where the next begins."""
    found = await environments.page(desk.database, caller.namespace, after=after, limit=limit + 1)
    return found[:limit], found[limit - 1].name if len(found) > limit else None


async def create(desk: Desk, caller: Caller, name: str, description: str, variables: bytes) -> None:
    """A new one, version 1. Conflict if there is one of that name."""
    async with desk.database.transaction() as connection:
        made = await environments.create(
            connection, caller.namespace, name, description, variables, desk.clock.now()
        )
        if not made:
            raise Conflict(
                "environment_exists",
                f"There is an environment {name!r} already.",
                hint=f"Change it: ostro environment update {name}.",
            )
        await note(desk, connection, caller, "environment_created", name)


async def replace(
    desk: Desk, caller: Caller, name: str, description: str, variables: bytes, if_version: int | None
) -> None:
    """Other values, as its next version. What was started with it keeps the old ones."""
    async with desk.database.transaction() as connection:
        await _hold(connection, caller, name, if_version)
        now = desk.clock.now()
        await environments.replace(connection, caller.namespace, name, description, variables, now)
        await note(desk, connection, caller, "environment_changed", name)


async def delete(desk: Desk, caller: Caller, name: str, if_version: int | None) -> None:
    """Takes it away."""
    async with desk.database.transaction() as connection:
        await _hold(connection, caller, name, if_version)
        await environments.delete(connection, caller.namespace, name)
        await note(desk, connection, caller, "environment_deleted", name)


async def _hold(connection: Connection, caller: Caller, name: str, if_version: int | None) -> None:
    version = await environments.hold(connection, caller.namespace, name)
    if version is None:
        raise _missing(name)
    if if_version is not None and if_version != version:
        raise Conflict(
            "environment_changed",
            f"{name} is at version {version}, not {if_version}: somebody changed it.",
            hint=f"Look at it again: ostro environment show {name}.",
            detail={"version": version},
        )


def _missing(name: str) -> NotFound:
    return NotFound(
        "environment_not_found",
        f"There is no environment {name!r}.",
        hint="See them: ostro environment list.",
    )
