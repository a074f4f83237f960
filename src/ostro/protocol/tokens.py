"""Tokens: who may do what. A secret is shown once, when it is made."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

TokenKind = Literal["admin", "write", "read", "worker", "join"]


class TokenRequest(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """A new token.

    Of a `worker`: `binding` is what each of its jobs must ask for (`{"server": "web-1"}`), `grants` the keys of
    capabilities that it may claim besides; `pool` lets an unbound one take untargeted jobs too.
    Of a `join`: `binding` is what the worker token made from it will be bound to; a `*` in a value stands for the
    name of one server (`{"server": "web-*"}`), then `uses` and `expires_in` are needed. `uses` is 1 otherwise.
    `expires_in` is seconds; without it the token is good until it is revoked.
    """

    kind: TokenKind
    label: Annotated[str, Meta(max_length=255)] = ""
    binding: dict[str, str] = {}
    grants: list[str] = []
    pool: bool = False
    uses: Annotated[int, Meta(ge=1, le=100_000)] | None = None
    expires_in: Annotated[float, Meta(gt=0, le=10 * 366 * 86400)] | None = None


class Token(msgspec.Struct, kw_only=True):
    """A token without its secret. `parent` is the join token that it came from."""

    id: str
    kind: TokenKind
    label: str = ""
    binding: dict[str, str] = {}
    grants: list[str] = []
    pool: bool = False
    uses_left: int | None = None
    parent: str | None = None
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None


class CreatedToken(msgspec.Struct, kw_only=True):
    """`token` is the secret text, shown this once."""

    token: str
    about: Token


class TokenPage(msgspec.Struct, kw_only=True):
    """Tokens by id; `next` is the cursor of the next page, null at the end."""

    tokens: list[Token]
    next: str | None = None
