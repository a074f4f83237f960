"""Definitions and environments: stored by name, for workflows to be made from."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Raw, UnsetType

TextKind = Literal["workflows", "workbook", "actions"]
DefinitionKind = Literal["workflow", "action"]
Version = Annotated[int, Meta(ge=0, le=2**31 - 1)]


class ValidateRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text in the workflow language; without `kind` it is seen by its keys."""

    text: str
    kind: TextKind | None = None


class DefinitionProblem(msgspec.Struct, kw_only=True):
    """One thing that is wrong, as `ostro lint -o json` tells it: a stable code, a sentence, a place counted from 1, what
    to do (`hint`, may be empty), and the line of the text (`source`), cut to 160 characters around the place.
    """

    code: str
    severity: Literal["error", "warning"]
    message: str
    hint: str = ""
    line: int
    column: int
    width: int = 1
    source: str = ""


class Validated(msgspec.Struct, kw_only=True):
    """`valid`: there are no errors; warnings may be among the problems."""

    valid: bool
    problems: list[DefinitionProblem]


class UploadText(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A text with workflows, ad-hoc actions or a workbook; without `kind` it is seen by its keys."""

    text: str
    kind: TextKind | None = None


class UploadRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Texts to store, all or none. Each definition in them whose text is another than its newest gets a new version.

    `labels` replace those of all the definitions in the texts; left out, they stay. `if_version` maps a name to the
    version that the caller saw, 0 for none: another one refuses the upload, unless the very text is there already.
    """

    texts: list[UploadText]
    labels: dict[str, str] | None = None
    if_version: dict[str, Version] = {}


class UploadedDefinition(msgspec.Struct, kw_only=True):
    """What became of one definition, and the version that it is at."""

    name: str
    kind: DefinitionKind
    version: int
    outcome: Literal["created", "changed", "unchanged"]


class UploadResult(msgspec.Struct, kw_only=True):
    """`warnings` are sentences: a workflow that is named and not stored yet."""

    definitions: list[UploadedDefinition]
    warnings: list[str] = []


class DeclaredInput(msgspec.Struct, kw_only=True):
    """One input: it must be given if it is `required`, else it has the `default`."""

    name: str
    required: bool
    default: Any = None
    type: str = ""
    description: str = ""


class DefinitionSummary(msgspec.Struct, kw_only=True):
    """A stored definition. `name` is its full name, `version` its newest; `updated_by` is a token's id."""

    name: str
    kind: DefinitionKind
    version: int
    workbook: str = ""
    description: str = ""
    tags: list[str] = []
    labels: dict[str, str] = {}
    created_at: datetime
    updated_at: datetime
    updated_by: str = ""


class StoredDefinition(DefinitionSummary, kw_only=True):
    """A stored definition with its text, in its newest version or the one that was asked for (`shown_version`, which
    came at `version_at`): `text`, `input`, `type`, `description` and `tags` are that one's.
    """

    shown_version: int
    version_at: datetime
    text: str
    type: str = ""
    input: list[DeclaredInput] = []


class DefinitionPage(msgspec.Struct, kw_only=True):
    """Definitions by name; `next` is the cursor of the next page, null at the end."""

    definitions: list[DefinitionSummary]
    next: str | None = None


class DefinitionVersion(msgspec.Struct, kw_only=True):
    """One version; `hash` is the same for the same text, `created_by` a token's id."""

    version: int
    hash: str
    created_at: datetime
    created_by: str


class VersionPage(msgspec.Struct, kw_only=True):
    """Versions, the newest first; `next` is the cursor of the next page, null at the end."""

    versions: list[DefinitionVersion]
    next: str | None = None


class DefinitionDiff(msgspec.Struct, kw_only=True, rename={"from_": "from"}):
    """A unified diff of two versions; empty if they say the same."""

    from_: int
    to: int
    diff: str


class LabelChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Labels to put on; null takes one off, what is not named stays."""

    labels: dict[str, str | None]


class EnvironmentRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new environment: `variables` is a JSON object. They are no secrets: who may read sees them."""

    name: str
    description: str = ""
    variables: Raw | UnsetType = UNSET


class EnvironmentChange(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """All of the environment anew. `if_version` is the version that the caller saw: another one refuses the change."""

    description: str = ""
    variables: Raw | UnsetType = UNSET
    if_version: Version | None = None


class EnvironmentSummary(msgspec.Struct, kw_only=True):
    """An environment without its values."""

    name: str
    description: str = ""
    version: int
    created_at: datetime
    updated_at: datetime


class Environment(EnvironmentSummary, kw_only=True):
    """An environment. A workflow that was started with it keeps the values that it had then."""

    variables: Raw


class EnvironmentPage(msgspec.Struct, kw_only=True):
    """Environments by name, without their values; `next` is the cursor of the next page, null at the end."""

    environments: list[EnvironmentSummary]
    next: str | None = None
