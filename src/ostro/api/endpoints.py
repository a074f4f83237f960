"""What an endpoint is: one row with all that routing, checking, serving and describing it need."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import Enum
from functools import cache
from hashlib import sha256
from typing import Any, Generic, Literal, TypeVar, get_args, get_origin, get_type_hints
from urllib.parse import parse_qsl, unquote

import msgspec
from litestar import Request, Response
from litestar.handlers import HTTPRouteHandler

from ostro.api import failures
from ostro.api.auth import caller_of
from ostro.api.checked import check_text
from ostro.errors import Invalid, NotFound
from ostro.protocol.paths import IDEMPOTENCY_KEY
from ostro.service.access import Caller, Kind, require
from ostro.service.answers import Asked
from ostro.service.desk import Desk
from ostro.values import UUID

_SHORT = 1024 * 1024

Q = TypeVar("Q")
B = TypeVar("B")


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The endpoint takes no query parameter."""


class Call(msgspec.Struct, Generic[Q, B], frozen=True):
    """One request, parsed and checked. `raw` are the bytes of the body, `asked` is set with an Idempotency-Key."""

    desk: Desk
    caller: Caller
    path: Mapping[str, str]
    query: Q
    body: B
    raw: bytes
    asked: Asked | None

    def id(self, name: str) -> UUID:
        """A part of the path that is an id; NotFound for anything else."""
        try:
            return UUID(self.path[name])
        except ValueError:
            raise NotFound(
                f"{name}_not_found", f"{self.path[name]!r} is not the id of a {name}: ids are UUIDs."
            ) from None


class Reply(msgspec.Struct, frozen=True):
    """What goes back: a struct, or JSON as bytes; None is no body."""

    body: Any
    status: int = 200
    headers: dict[str, str] = {}


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """One method of one path. `allowed` are the kinds of tokens that may (None: nobody needs one).

    `answer` is the body's type, `status` and `more_statuses` those of success; `problems` are the kinds of refusals
    of its own. `once`: it heeds an Idempotency-Key. With `optional_body` an empty body is `{}`. A body that is not
    `bulky` has at most a mebibyte: nobody's word of himself needs more.
    """

    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    summary: str
    allowed: frozenset[Kind] | None
    does: Callable[[Any], Awaitable[Reply]] | None
    query: type[msgspec.Struct] = NoQuery
    body: type[msgspec.Struct] | None = None
    optional_body: bool = False
    answer: type[msgspec.Struct] | None = None
    status: int = 200
    more_statuses: tuple[int, ...] = ()
    problems: tuple[int, ...] = ()
    once: bool = False
    bulky: bool = False

    @property
    def name(self) -> str:
        """Of the operation, stable for generated clients."""
        words = [part for part in self.path.replace("{", "").replace("}", "").split("/") if part]
        return "_".join([self.method.lower(), *words[1:]]).replace(".", "_")


def handler(desk: Desk, endpoint: Endpoint) -> HTTPRouteHandler:
    """The endpoint as the router takes it."""

    async def handle(request: Request[Any, Any, Any]) -> Response[bytes]:
        try:
            reply = await _serve(desk, endpoint, request)
        except Exception as error:  # noqa: BLE001  (the edge: every error becomes a problem, what is ours is logged)
            return failures.answer_with(request, error)
        body = reply.body if isinstance(reply.body, bytes) else msgspec.json.encode(reply.body)
        content = b"" if reply.body is None else body
        return Response(
            content, status_code=reply.status, headers=reply.headers, media_type="application/json"
        )

    path = endpoint.path.replace("}", ":str}")
    most = desk.limits.request_bytes if endpoint.bulky else min(_SHORT, desk.limits.request_bytes)
    return HTTPRouteHandler(
        path,
        http_method=endpoint.method,
        status_code=200,
        opt={"endpoint": endpoint},
        request_max_body_size=most,
    )(handle)


async def _serve(desk: Desk, endpoint: Endpoint, request: Request[Any, Any, Any]) -> Reply:
    if endpoint.does is None:
        raise AssertionError("served by a route of its own")
    caller = NOBODY
    if endpoint.allowed is not None:
        caller = await caller_of(desk, request.headers)
        require(caller, endpoint.allowed)
    raw = await request.body()
    call: Call[Any, Any] = Call(
        desk=desk,
        caller=caller,
        path={name: _part_of(part) for name, part in request.path_params.items()},
        query=query_of(endpoint.query, request.scope["query_string"]),
        body=body_of(endpoint, raw),
        raw=raw,
        asked=_asked(endpoint, request, raw),
    )
    return await endpoint.does(call)


def _part_of(path: str) -> str:
    """A part of the path as text; NotFound for what no name or id can be."""
    try:
        part = unquote(path, errors="strict")
    except UnicodeDecodeError:
        part = "\0"
    if "\0" in part:
        raise NotFound("no_such_path", "A part of this path is no text: nothing has such a name.")
    return part


def body_of(endpoint: Endpoint, raw: bytes) -> Any:
    """The body as its type; Invalid or msgspec's own error, which says where."""
    if endpoint.body is None:
        if raw.strip():
            raise Invalid("body_not_wanted", "This takes no body.", fields=[("$", "not wanted")])
        return None
    if endpoint.optional_body and not raw.strip():
        raw = b"{}"
    check_text(raw)
    return msgspec.json.decode(raw, type=endpoint.body)


def query_of(kind: type[msgspec.Struct], raw: bytes) -> Any:
    """The query as its struct: unknown names, wrong types and values out of bounds are refused."""
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise Invalid("bad_query", "The query cannot be read.", fields=[("?", "cannot be read")]) from None
    lists = _list_fields(kind)
    given: dict[str, Any] = {}
    for name, value in pairs:
        if "\0" in value:
            raise Invalid("nul", "A query holds the character NUL.", fields=[(f"?{name}", "NUL")])
        if name in lists:
            given.setdefault(name, []).extend(value.split(","))
        elif name in given:
            raise Invalid("bad_query", f"{name!r} stands twice.", fields=[(f"?{name}", "twice")])
        else:
            given[name] = value
    try:
        return msgspec.convert(given, kind, strict=False)
    except msgspec.ValidationError as error:
        what, _, where = str(error).partition(" - at `$.")
        name = where.rstrip("`").partition("[")[0]
        if choices := _choices(get_type_hints(kind).get(name)):
            what = f"{what}: it is one of {', '.join(choices)}"
        raise Invalid("bad_query", f"{what} (?{name})", fields=[(f"?{name}", what)]) from None


def _choices(hint: Any) -> list[str]:
    """The values of the enumeration or the literal in a type, if there is one."""
    if isinstance(hint, type) and issubclass(hint, Enum):
        return [str(one.value) for one in hint]
    if get_origin(hint) is Literal:
        return [str(one) for one in get_args(hint)]
    return [choice for part in get_args(hint) for choice in _choices(part)]


@cache
def _list_fields(kind: type[msgspec.Struct]) -> frozenset[str]:
    hints = get_type_hints(kind)
    return frozenset(
        name
        for name, hint in hints.items()
        if any(getattr(a, "__origin__", a) is list for a in get_args(hint))
    )


def _asked(endpoint: Endpoint, request: Request[Any, Any, Any], raw: bytes) -> Asked | None:
    key = request.headers.get(IDEMPOTENCY_KEY.lower())
    if key is None or not endpoint.once:
        return None
    scope = request.scope
    # Of a query only what the answer depends on counts: who waits again may wait for another time.
    whole = [endpoint.method, scope["path"], raw]
    digest = sha256()
    for part in whole:
        data = part if isinstance(part, bytes) else str(part).encode()
        digest.update(len(data).to_bytes(8, "big") + data)
    return Asked(key, digest.digest())


NOBODY = Caller(kind="read", namespace=0, id="nobody")
"""Stands for the caller where no token is asked for; it owns nothing in any namespace."""


def paths_of(endpoints: Sequence[Endpoint]) -> dict[str, list[Endpoint]]:
    """The endpoints of each path, in the order of the table."""
    found: dict[str, list[Endpoint]] = {}
    for endpoint in endpoints:
        found.setdefault(endpoint.path, []).append(endpoint)
    return found
