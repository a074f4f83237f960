"""Stored definitions and environments, as users hold them."""

from collections.abc import Mapping
from typing import Any

import msgspec

from ostro.client.describe import as_raw
from ostro.client.transport import Transport
from ostro.clock import new_id
from ostro.protocol import definitions as stored
from ostro.protocol import paths
from ostro.protocol.paths import at

_PAGE = 100


class Definitions:
    """The stored definitions of the token's namespace. `kind` says which of two of one name is meant."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def validate(self, text: str, *, kind: stored.TextKind | None = None) -> stored.Validated:
        """Everything that is wrong with a text; nothing is stored."""
        body = stored.ValidateRequest(text=text, kind=kind)
        return await self._transport.call(
            "POST", paths.DEFINITIONS_VALIDATE, stored.Validated, body=body, key=str(new_id())
        )

    async def upload(
        self,
        *texts: str,
        labels: Mapping[str, str] | None = None,
        if_version: Mapping[str, int] | None = None,
    ) -> stored.UploadResult:
        """Stores texts, all or none: each definition whose text is another one gets a new version.

        `labels` replace those of all definitions in the texts. `if_version` maps a name to the version that you saw (0:
        none): Conflict if somebody was faster. The same again changes nothing.
        """
        body = stored.UploadRequest(
            texts=[stored.UploadText(text=one) for one in texts],
            labels=None if labels is None else dict(labels),
            if_version=dict(if_version or {}),
        )
        # What is there already is not written twice, so it may be sent again.
        return await self._transport.call(
            "POST", paths.DEFINITIONS, stored.UploadResult, body=body, key=str(new_id())
        )

    async def get(
        self, name: str, *, version: int | None = None, kind: stored.DefinitionKind | None = None
    ) -> stored.StoredDefinition:
        """One with its text, in its newest version unless another one is asked for."""
        params = {"version": version, "kind": kind}
        return await self._transport.call(
            "GET", at(paths.DEFINITION, name=name), stored.StoredDefinition, params=params
        )

    async def versions(
        self, name: str, *, kind: stored.DefinitionKind | None = None
    ) -> list[stored.DefinitionVersion]:
        """Its versions, the newest first."""
        path = at(paths.DEFINITION_VERSIONS, name=name)
        pages = self._transport.pages(path, stored.VersionPage, kind=kind, limit=_PAGE)
        return [one async for page in pages for one in page.versions]

    async def diff(
        self,
        name: str,
        from_version: int | None = None,
        to_version: int | None = None,
        *,
        kind: stored.DefinitionKind | None = None,
    ) -> stored.DefinitionDiff:
        """What differs between two versions: the last two, unless others are given."""
        params = {"from": from_version, "to": to_version, "kind": kind}
        return await self._transport.call(
            "GET", at(paths.DEFINITION_DIFF, name=name), stored.DefinitionDiff, params=params
        )

    async def label(
        self, name: str, labels: Mapping[str, str | None], *, kind: stored.DefinitionKind | None = None
    ) -> stored.DefinitionSummary:
        """Puts labels on it; None takes one off."""
        body = stored.LabelChange(labels=dict(labels))
        return await self._transport.call(
            "PATCH",
            at(paths.DEFINITION, name=name),
            stored.DefinitionSummary,
            body=body,
            params={"kind": kind},
        )

    async def delete(
        self, name: str, *, force: bool = False, kind: stored.DefinitionKind | None = None
    ) -> None:
        """Takes it away. Conflict while it is in use, unless `force`; what runs keeps its text."""
        params = {"force": "true" if force else None, "kind": kind}
        await self._transport.call("DELETE", at(paths.DEFINITION, name=name), msgspec.Raw, params=params)

    async def list(
        self,
        *,
        kind: stored.DefinitionKind | None = None,
        prefix: str | None = None,
        label: str | None = None,
        limit: int = 1000,
    ) -> list[stored.DefinitionSummary]:
        """By name, at most `limit`. `label` is a key or `key=value`."""
        found: list[stored.DefinitionSummary] = []
        filters = {"kind": kind, "prefix": prefix, "label": label}
        async for page in self._transport.pages(
            paths.DEFINITIONS, stored.DefinitionPage, **filters, limit=min(limit, _PAGE)
        ):
            found += page.definitions
            if len(found) >= limit:
                break
        return found[:limit]


class Environments:
    """The environments of the token's namespace: values by name. They are no secrets."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def create(
        self, name: str, variables: Mapping[str, Any] | msgspec.Raw, *, description: str = ""
    ) -> stored.Environment:
        """A new one. Conflict if there is one of that name."""
        body = stored.EnvironmentRequest(name=name, description=description, variables=_raw(variables))
        return await self._transport.call("POST", paths.ENVIRONMENTS, stored.Environment, body=body)

    async def get(self, name: str) -> stored.Environment:
        """One, with its values: `msgspec.json.decode(environment.variables)`."""
        return await self._transport.call("GET", at(paths.ENVIRONMENT, name=name), stored.Environment)

    async def replace(
        self,
        name: str,
        variables: Mapping[str, Any] | msgspec.Raw,
        *,
        description: str = "",
        if_version: int | None = None,
    ) -> stored.Environment:
        """All of it anew. Conflict if it is not at the version that you saw."""
        body = stored.EnvironmentChange(
            description=description, variables=_raw(variables), if_version=if_version
        )
        return await self._transport.call(
            "PUT", at(paths.ENVIRONMENT, name=name), stored.Environment, body=body
        )

    async def delete(self, name: str, *, if_version: int | None = None) -> None:
        """Takes it away; what was started with it keeps its values."""
        params = {"if_version": if_version}
        await self._transport.call("DELETE", at(paths.ENVIRONMENT, name=name), msgspec.Raw, params=params)

    async def list(self) -> list[stored.EnvironmentSummary]:
        """All of them by name, without their values."""
        pages = self._transport.pages(paths.ENVIRONMENTS, stored.EnvironmentPage, limit=_PAGE)
        return [one async for page in pages for one in page.environments]


def _raw(variables: Mapping[str, Any] | msgspec.Raw) -> msgspec.Raw:
    return variables if isinstance(variables, msgspec.Raw) else as_raw(dict(variables))
