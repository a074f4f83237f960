"""The whole HTTP face as one ASGI application."""

from typing import Any

from litestar import Litestar, Request, get
from litestar import Response as LitestarResponse
from litestar.handlers import HTTPRouteHandler

from ostro.api import failures, metrics
from ostro.api.auth import caller_of
from ostro.api.door import Door
from ostro.api.endpoints import handler
from ostro.api.metrics import Metrics
from ostro.api.openapi import ENDPOINTS, document
from ostro.api.v1 import poll
from ostro.protocol import paths
from ostro.service.access import READ, require
from ostro.service.desk import Desk


def make_app(desk: Desk) -> Door:
    """All of /v1 on this desk, and the server's figures."""
    handlers = [handler(desk, endpoint) for endpoint in ENDPOINTS if endpoint.does is not None]
    figures = Metrics(desk)
    routes = Litestar(
        [*handlers, _openapi, _figures(desk, figures)],
        openapi_config=None,
        logging_config=None,
        request_max_body_size=desk.limits.request_bytes,
        exception_handlers={Exception: failures.answer_with},
    )
    return Door(desk, routes, poll.route(desk), figures)


@get(paths.OPENAPI, sync_to_thread=False)
def _openapi() -> LitestarResponse[bytes]:
    return LitestarResponse(document(), media_type="application/json")


def _figures(desk: Desk, figures: Metrics) -> HTTPRouteHandler:
    """GET /metrics: totals of the whole server, no tenant's names. It takes a token that may read."""

    async def serve(request: Request[Any, Any, Any]) -> LitestarResponse[bytes]:
        require(await caller_of(desk, request.headers), READ)
        return LitestarResponse(figures.text(), media_type=metrics.CONTENT_TYPE)

    return get(paths.METRICS)(serve)
