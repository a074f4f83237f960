"""Endpoints of tokens."""

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described, queries, shapes
from ostro.protocol import paths
from ostro.protocol.tokens import CreatedToken, TokenPage, TokenRequest
from ostro.protocol.workers import Join, Joined
from ostro.service import tokens
from ostro.service.access import ADMIN, JOIN


async def create(call: Call[NoQuery, TokenRequest]) -> Reply:
    """POST /v1/tokens."""
    wanted, limits = call.body, call.desk.limits
    wrong: list[tuple[str, str]] = []
    if wanted.label:
        described.check_label(wanted.label, "$.label", limits, wrong)
    described.check_target(wanted.binding, "$.binding", limits, wrong)
    described.check_labels(wanted.grants, 100, "$.grants", limits, wrong)
    described.refuse(wrong)
    text, row = await tokens.create(
        call.desk,
        call.caller,
        tokens.NewToken(
            kind=wanted.kind,
            label=wanted.label,
            binding=wanted.binding,
            grants=tuple(wanted.grants),
            pool=wanted.pool,
            uses=wanted.uses,
            expires_in=wanted.expires_in,
        ),
    )
    return Reply(CreatedToken(token=text, about=shapes.token(row)), 201)


async def read_page(call: Call[queries.Tokens, None]) -> Reply:
    """GET /v1/tokens."""
    query = call.query
    found, following = await tokens.page(
        call.desk, call.caller, after=query.cursor, kind=query.kind, dead=query.dead, limit=query.limit
    )
    return Reply(TokenPage(tokens=[shapes.token(one) for one in found], next=following))


async def revoke(call: Call[NoQuery, None]) -> Reply:
    """DELETE /v1/tokens/{token}."""
    await tokens.revoke(call.desk, call.caller, call.path["token"])
    return Reply(None, 204)


async def join(call: Call[NoQuery, Join]) -> Reply:
    """POST /v1/tokens/join."""
    wanted, limits = call.body, call.desk.limits
    wrong: list[tuple[str, str]] = []
    described.check_label(wanted.name, "$.name", limits, wrong)
    described.check_target(wanted.capabilities, "$.capabilities", limits, wrong)
    described.refuse(wrong)
    text, row = await tokens.join(call.desk, call.caller, wanted.name, wanted.capabilities)
    answer = Joined(token=text, id=row.id, worker=wanted.name, binding=row.binding, expires_at=row.expires_at)
    return Reply(answer, 201)


ENDPOINTS = (
    Endpoint(
        method="POST",
        path=paths.TOKENS,
        summary="Make a token; its secret is shown this once",
        allowed=ADMIN,
        does=create,
        body=TokenRequest,
        answer=CreatedToken,
        status=201,
        problems=(422,),
    ),
    Endpoint(
        method="GET",
        path=paths.TOKENS,
        summary="List tokens, without their secrets",
        allowed=ADMIN,
        does=read_page,
        query=queries.Tokens,
        answer=TokenPage,
        problems=(422,),
    ),
    Endpoint(
        method="DELETE",
        path=paths.TOKEN,
        summary="Revoke a token; a worker's sessions and leases end at once",
        allowed=ADMIN,
        does=revoke,
        status=204,
        problems=(404,),
    ),
    Endpoint(
        method="POST",
        path=paths.JOIN,
        summary="Fetch the bound worker token of a new server, with a join token",
        allowed=JOIN,
        does=join,
        body=Join,
        answer=Joined,
        status=201,
        problems=(409, 422),
    ),
)
