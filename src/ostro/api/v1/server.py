"""Endpoints about the server itself: health, and the description of all endpoints."""

from ostro import __version__
from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.protocol import paths
from ostro.protocol.fleet import Health
from ostro.protocol.workers import PROTOCOL


async def read_health(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/health."""
    await call.desk.database.now()
    return Reply(Health(status="ok", version=__version__, protocol=PROTOCOL))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=paths.HEALTH,
        summary="Whether this server and its database answer",
        allowed=None,
        does=read_health,
        answer=Health,
    ),
)
