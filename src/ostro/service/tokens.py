"""Use cases of tokens: made, listed, revoked, and fetched by a server that joins."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from ostro.errors import Conflict, Invalid, NotAllowed, NotFound, Unauthenticated
from ostro.service.access import Caller
from ostro.service.desk import Desk, note
from ostro.service.keys import Minted, hash_of, mint, parts_of, unknown_token
from ostro.store.database import Database
from ostro.store.tables import audit, tokens
from ostro.store.tables.audit import Audited
from ostro.store.tables.tokens import Bound, TokenRow

DEFAULT_NAMESPACE = 1
"""`default`, which the first migration makes."""

WILD = "*"
"""In a join token's binding: any one name stands here."""


class NewToken(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants a token to be. `expires_in` is seconds."""

    kind: str
    label: str = ""
    binding: dict[str, str] = {}
    grants: tuple[str, ...] = ()
    pool: bool = False
    uses: int | None = None
    expires_in: float | None = None


async def create(desk: Desk, caller: Caller, wanted: NewToken) -> tuple[str, TokenRow]:
    """A new token of the caller's namespace, and its text, which is told this once."""
    _check(wanted)
    minted = mint(wanted.kind)
    row = _row(caller.namespace, minted, wanted, desk.clock.now())
    await tokens.insert(desk.database, row)
    await note(
        desk, desk.database, caller, "token_created", f"{wanted.kind} token {row.id} {wanted.label!r}".strip()
    )
    return minted.text, row


async def page(
    desk: Desk, caller: Caller, *, after: str | None, kind: str | None, dead: bool, limit: int
) -> tuple[list[TokenRow], str | None]:
    """One page by id, without secrets, and where the next begins."""
    found = await tokens.page(
        desk.database,
        caller.namespace,
        after=after,
        kind=kind,
        dead=dead,
        limit=limit + 1,
        now=desk.clock.now(),
    )
    return found[:limit], found[limit - 1].id if len(found) > limit else None


async def revoke(desk: Desk, caller: Caller, token: str) -> None:
    """From now on it counts no more; a worker's sessions and leases end at once."""
    kind = await tokens.revoke(desk.database, caller.namespace, token, desk.clock.now())
    if kind is None:
        raise NotFound("token_not_found", f"There is no token {token!r}.", hint="See them: ostro token list.")
    desk.gate.forget(token)
    if kind == "worker":
        await desk.dispatcher.end_sessions_of_token(caller.namespace, token)
    await note(desk, desk.database, caller, "token_revoked", f"{kind} token {token}")


async def join(
    desk: Desk, caller: Caller, name: str, capabilities: Mapping[str, str]
) -> tuple[str, TokenRow]:
    """The bound worker token of a new server. One use of the join token is taken with it, or neither.

    Conflict, and a line in the audit trail, if a live token holds the name. NotAllowed for another name than that
    which the one * of the join token stands for.
    """
    ticket = caller.token
    if ticket is None:
        raise unknown_token()
    besides = set(ticket.grants) - ticket.binding.keys()  # may be claimed, and binds nothing
    claimed = {key: value for key, value in capabilities.items() if key not in besides}
    binding = bound_by(ticket.binding, claimed)
    _check_name(ticket, name, binding)
    now, minted = desk.clock.now(), mint("worker")
    wanted = NewToken(kind="worker", label=name, binding=binding, grants=ticket.grants)
    row = _row(caller.namespace, minted, wanted, now, parent=ticket.id)
    async with desk.database.transaction() as connection:
        held = _holder(await tokens.lock_names(connection, caller.namespace, now), ticket, name, binding)
        if held is None:
            if not await tokens.use(connection, ticket.id, now):
                raise unknown_token()
            await tokens.insert(connection, row)
    if held is not None:
        what = f"{name!r} with {binding}: token {held.id} ({held.label!r}) holds the name"
        await note(desk, desk.database, caller, "join_refused", what)
        raise Conflict(
            "name_held",
            f"A live token already stands for {name!r} or for what it wants to be bound to.",
            hint=f"If that server is gone, revoke its token: ostro token revoke {held.id}.",
        )
    await note(desk, desk.database, caller, "joined", f"{name!r} with {binding}: token {row.id}")
    return minted.text, row


def bound_by(pattern: Mapping[str, str], claimed: Mapping[str, str]) -> dict[str, str]:
    """The binding that a join token gives to one who claims these capabilities; NotAllowed if they do not fit."""
    for key, value in claimed.items():
        if key not in pattern:
            raise NotAllowed(
                "does_not_fit",
                f"This join token says nothing of {key!r}.",
                hint=f"Make the join token with --grant {key}, or leave the capability out.",
            )
        if not _fits(pattern[key], value):
            raise NotAllowed("does_not_fit", f"This join token does not stand for {key}={value}.")
    missing = [key for key, value in pattern.items() if WILD in value and key not in claimed]
    if missing:
        raise Invalid(
            "capability_missing",
            f"This join token needs to know the {missing[0]!r} of the server.",
            fields=[(f"$.capabilities.{missing[0]}", "missing")],
        )
    return {key: claimed.get(key, value) for key, value in pattern.items()}


def _check_name(ticket: TokenRow, name: str, binding: Mapping[str, str]) -> None:
    """Who joins by a pattern names himself once: the name of his worker is what he is bound to."""
    wild = [key for key, value in ticket.binding.items() if WILD in value]
    if len(wild) == 1 and name != binding[wild[0]]:
        own = binding[wild[0]]
        raise NotAllowed(
            "does_not_fit",
            f"This join token gives {wild[0]}={own} to the worker {own!r}, not to {name!r}.",
            hint=f"Join under that name: ostro worker --name {shlex.quote(own)}.",
        )


def _fits(pattern: str, value: str) -> bool:
    before, wild, after = pattern.partition(WILD)
    if not wild:
        return value == pattern
    name = value[len(before) : len(value) - len(after)] if after else value[len(before) :]
    fits = value.startswith(before) and value.endswith(after) and len(value) > len(before) + len(after)
    return fits and WILD not in name and name.isprintable() and not any(map(str.isspace, name))


def _holder(live: Sequence[Bound], ticket: TokenRow, name: str, binding: Mapping[str, str]) -> Bound | None:
    """The live token that holds the name: by its label, or by a value that stands for one server alone."""
    own = {key: value for key, value in binding.items() if WILD in ticket.binding[key]}
    for other in live:
        if other.label == name or other.binding.get("worker") == name:
            return other
        if binding and (other.binding == binding or any(other.binding.get(k) == v for k, v in own.items())):
            return other
    return None


def _row(
    namespace: int, minted: Minted, wanted: NewToken, now: datetime, *, parent: str | None = None
) -> TokenRow:
    uses = (wanted.uses or 1) if wanted.kind == "join" else None
    return TokenRow(
        id=minted.id,
        namespace=namespace,
        kind=wanted.kind,
        secret=minted.hash,
        label=wanted.label,
        binding=wanted.binding,
        grants=tuple(sorted(set(wanted.grants))),
        pool=wanted.pool,
        uses_left=uses,
        parent=parent,
        created_at=now,
        expires_at=now + timedelta(seconds=wanted.expires_in) if wanted.expires_in is not None else None,
    )


def _check(wanted: NewToken) -> None:
    """Refuses what would mean nothing, or more than one thinks."""
    wild = [key for key, value in wanted.binding.items() if WILD in value]
    if wanted.kind not in {"worker", "join"} and (wanted.binding or wanted.grants or wanted.pool):
        raise _wrong(
            "$.binding", f"A {wanted.kind} token is not bound to a server; only worker and join are."
        )
    if wanted.kind != "join" and wanted.uses is not None:
        raise _wrong("$.uses", "Only a join token is used up.")
    if wanted.kind == "worker" and wild:
        raise _wrong(f"$.binding.{wild[0]}", "A * stands in join tokens only; a server has one name.")
    if wanted.pool and (wanted.binding or wanted.kind == "join"):
        raise _wrong("$.pool", "A pool token is a worker's without a binding: it takes untargeted jobs.")
    if wanted.kind == "join":
        _check_join(wanted, wild)


def _check_join(wanted: NewToken, wild: list[str]) -> None:
    if not wanted.binding:
        raise _wrong("$.binding", "A join token says what its servers are bound to.")
    if any(value.count(WILD) > 1 for value in wanted.binding.values()):
        raise _wrong("$.binding", "One * in a value, not more.")
    if wild and (wanted.uses is None or wanted.expires_in is None):
        raise _wrong("$.uses", "A join token with a * needs a number of uses and an end: uses, expires_in.")
    if not wild and wanted.uses not in {None, 1}:
        raise _wrong("$.uses", "A join token for one server is used once; for more give it a *.")


def _wrong(path: str, what: str) -> Invalid:
    return Invalid("bad_token", what, fields=[(path, what)])


async def audited(desk: Desk, caller: Caller, limit: int) -> list[Audited]:
    """The newest lines of the audit trail."""
    return await audit.read(desk.database, caller.namespace, limit)


async def first_token(
    database: Database, wanted: NewToken, now: datetime, *, namespace: int = DEFAULT_NAMESPACE
) -> str:
    """A token for who holds the database itself: before any server can be asked, or a server's own."""
    _check(wanted)
    minted = mint(wanted.kind)
    await tokens.insert(database, _row(namespace, minted, wanted, now))
    return minted.text


async def forget(database: Database, namespace: int, text: str, now: datetime) -> None:
    """A token that its holder needs no more."""
    _, identity, _ = parts_of(text)
    await tokens.revoke(database, namespace, identity, now)


async def counts(database: Database, text: str, kind: str, now: datetime) -> bool:
    """Whether this is the text of a token of that kind that still counts."""
    try:
        said, identity, secret = parts_of(text)
    except Unauthenticated:
        return False
    row = await tokens.get(database, identity)
    return row is not None and said == kind == row.kind and row.secret == hash_of(secret) and row.counts(now)
