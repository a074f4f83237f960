"""Query parameters of definitions and environments. Without `kind` a name means whichever of the two there is."""

from typing import Annotated

import msgspec
from msgspec import Meta

from ostro.api.v1.queries import Limit, LongText, Text
from ostro.protocol.definitions import DefinitionKind, Version

Number = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class Definitions(msgspec.Struct, forbid_unknown_fields=True):
    """Filters of a list. `prefix` is how names begin, `label` a key or `key=value`."""

    kind: DefinitionKind | None = None
    prefix: LongText | None = None
    label: LongText | None = None
    cursor: LongText | None = None
    limit: Limit = 100


class Which(msgspec.Struct, forbid_unknown_fields=True):
    """Which of the two that may have the name."""

    kind: DefinitionKind | None = None


class One(msgspec.Struct, forbid_unknown_fields=True):
    """Which one, and which version of it."""

    kind: DefinitionKind | None = None
    version: Number | None = None


class Versions(msgspec.Struct, forbid_unknown_fields=True):
    """Which one, and where its list goes on."""

    kind: DefinitionKind | None = None
    cursor: Number | None = None
    limit: Limit = 100


class Diff(msgspec.Struct, forbid_unknown_fields=True, rename={"from_": "from"}):
    """Between which versions."""

    kind: DefinitionKind | None = None
    from_: Number | None = None
    to: Number | None = None


class Delete(msgspec.Struct, forbid_unknown_fields=True):
    """Whether one that is in use goes too."""

    kind: DefinitionKind | None = None
    force: bool = False


class Environments(msgspec.Struct, forbid_unknown_fields=True):
    """Where the list goes on."""

    cursor: Text | None = None
    limit: Limit = 100


class Seen(msgspec.Struct, forbid_unknown_fields=True):
    """The version that the caller saw."""

    if_version: Version | None = None
