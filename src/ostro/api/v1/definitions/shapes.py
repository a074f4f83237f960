"""Definitions and environments from the service's words to the wire."""

from typing import Any, cast

from msgspec import UNSET, Raw

from ostro.language.lint import Linted
from ostro.language.model.definitions import Definition
from ostro.language.parts import Parameter
from ostro.protocol import definitions as wire
from ostro.service.definitions.stored import Shown
from ostro.service.definitions.uploads import Uploaded
from ostro.store.tables.definitions import DefinitionView, VersionView
from ostro.store.tables.environments import EnvironmentView


def validated(found: Linted) -> wire.Validated:
    """Everything that is wrong with a text."""
    problems = [
        wire.DefinitionProblem(
            code=one.code,
            severity=cast("Any", one.severity.value),
            message=one.message,
            hint=one.hint,
            line=one.line,
            column=one.column,
            width=one.width,
            source=one.source,
        )
        for one in found.problems
    ]
    return wire.Validated(valid=not found.errors, problems=problems)


def uploaded(found: list[Uploaded], warnings: list[str]) -> wire.UploadResult:
    """The answer to an upload."""
    told = [
        wire.UploadedDefinition(name=one.name, kind=one.kind, version=one.version, outcome=one.outcome)
        for one in found
    ]
    return wire.UploadResult(definitions=told, warnings=warnings)


def summary(view: DefinitionView) -> wire.DefinitionSummary:
    """A definition as in lists."""
    return wire.DefinitionSummary(**_described(view))


def shown(found: Shown) -> wire.StoredDefinition:
    """A single one."""
    said = found.definition
    described = _described(found.view) | {"description": said.description, "tags": sorted(said.tags)}
    return wire.StoredDefinition(
        **described,
        shown_version=found.version.version,
        version_at=found.version.created_at,
        text=found.text,
        type=said.type if isinstance(said, Definition) else "",
        input=[_input(one) for one in said.input],
    )


def _described(view: DefinitionView) -> dict[str, Any]:
    return {
        "name": view.name,
        "kind": view.kind,
        "version": view.version,
        "workbook": view.workbook,
        "description": view.description,
        "tags": list(view.tags),
        "labels": view.labels,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
        "updated_by": view.updated_by,
    }


def _input(one: Parameter) -> wire.DeclaredInput:
    return wire.DeclaredInput(
        name=one.name,
        required=one.is_required,
        default=None if one.default is UNSET else one.default,
        type=one.type,
        description=one.description,
    )


def version(view: VersionView) -> wire.DefinitionVersion:
    """One version."""
    return wire.DefinitionVersion(
        version=view.version, hash=view.library, created_at=view.created_at, created_by=view.created_by
    )


def environment_summary(view: EnvironmentView) -> wire.EnvironmentSummary:
    """An environment as in lists."""
    return wire.EnvironmentSummary(**_environment(view))


def environment(view: EnvironmentView) -> wire.Environment:
    """A single one, with its values."""
    return wire.Environment(**_environment(view), variables=Raw(view.variables))


def _environment(view: EnvironmentView) -> dict[str, Any]:
    return {
        "name": view.name,
        "description": view.description,
        "version": view.version,
        "created_at": view.created_at,
        "updated_at": view.updated_at,
    }
