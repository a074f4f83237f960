"""From the header `Authorization: Bearer ostro_…` to the caller."""

from collections.abc import Mapping

from ostro.errors import Unauthenticated
from ostro.service.access import FRESH, Caller
from ostro.service.desk import Desk


async def caller_of(desk: Desk, headers: Mapping[str, str], *, fresh: float = FRESH) -> Caller:
    """Who is calling. Unauthenticated without a token that counts, TooMany above its rate of requests."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Unauthenticated(
            "token_missing",
            "This needs a token.",
            hint="Send it as a header: Authorization: Bearer ostro_…",
        )
    return await desk.gate.admit(token.strip(), fresh=fresh)
