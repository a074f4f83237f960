"""Endpoints of jobs and their logs."""

from msgspec import UNSET

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described, queries, shapes
from ostro.protocol import paths
from ostro.protocol.jobs import Job, JobComplete, LogPage
from ostro.protocol.workflows import Changed
from ostro.service import jobs
from ostro.service.access import READ, WRITE
from ostro.values import TaskState


async def read(call: Call[NoQuery, None]) -> Reply:
    """GET /v1/jobs/{job}."""
    return Reply(shapes.job(*await jobs.show(call.desk, call.caller, call.id("job"))))


async def complete(call: Call[NoQuery, JobComplete]) -> Reply:
    """POST /v1/jobs/{job}/complete."""
    wanted = call.body
    result = None if wanted.result is UNSET else described.result_of(wanted.result, call.desk.limits)
    answer = await jobs.complete(
        call.desk,
        call.caller,
        call.id("job"),
        state=TaskState(wanted.state),
        result=result,
        error=wanted.error,
    )
    return Reply(shapes.changed(answer))


async def read_log(call: Call[queries.Log, None]) -> Reply:
    """GET /v1/jobs/{job}/logs."""
    query, job = call.query, call.id("job")
    stretch = await jobs.read_log(
        call.desk,
        call.caller,
        job,
        fence=query.fence,
        after=query.after,
        seconds=query.wait,
        most=query.limit,
    )
    return Reply(shapes.log(job, stretch))


ENDPOINTS = (
    Endpoint(
        method="GET",
        path=paths.JOB,
        summary="One run of a task, with its result",
        allowed=READ,
        does=read,
        answer=Job,
        problems=(404,),
    ),
    Endpoint(
        method="POST",
        path=paths.JOB_COMPLETE,
        summary="Say from outside how a job ended that no worker runs",
        allowed=WRITE,
        does=complete,
        body=JobComplete,
        answer=Changed,
        problems=(404, 409, 413, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.JOB_LOGS,
        summary="What a job wrote, from a byte on; with wait, as it writes",
        allowed=READ,
        does=read_log,
        query=queries.Log,
        answer=LogPage,
        problems=(404, 422),
    ),
)
