"""The endpoint of families: a workflow and those that its tasks run, in one look."""

from ostro.api.endpoints import Call, Endpoint, Reply
from ostro.api.v1 import queries, shapes
from ostro.protocol import paths
from ostro.protocol.workflows import Family
from ostro.service.access import READ
from ostro.service.watching import families


async def read(call: Call[queries.Family, None]) -> Reply:
    """GET /v1/workflows/{workflow}/family."""
    query = call.query
    found = await families.family(
        call.desk,
        call.caller,
        call.id("workflow"),
        seen=query.seen,
        seconds=query.wait,
        most=query.limit,
        most_tasks=query.tasks,
    )
    return Reply(shapes.family(found, call.desk.clock.now()))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=paths.FAMILY,
        summary="The workflow and those that its tasks run, with what is under way; with wait, at the next change",
        allowed=READ,
        does=read,
        query=queries.Family,
        answer=Family,
        problems=(404, 422),
    ),
)
