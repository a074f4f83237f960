"""Endpoints of workers. The poll itself is a route of its own: `v1.poll`."""

from ostro.api.endpoints import Call, Endpoint, NoQuery, Reply
from ostro.api.v1 import described, queries, shapes
from ostro.engine.dispatcher import Held
from ostro.errors import Conflict, Invalid
from ostro.protocol import paths
from ostro.protocol.fleet import WorkerPage
from ostro.protocol.workers import (
    PROTOCOL,
    HeldJob,
    IgnoredCapability,
    Leave,
    Logs,
    LogsAnswer,
    Poll,
    PollAnswer,
    Register,
    Registered,
)
from ostro.service import workers
from ostro.service.access import READ, WORKER
from ostro.store.tables.fleet import WorkerView
from ostro.store.tables.logs import Chunk
from ostro.values import Limits

_MOST_SLOTS = 10_000
_MOST_CAPABILITIES = 200
_MOST_TAGS = 1_000


async def register(call: Call[NoQuery, Register]) -> Reply:
    """POST /v1/workers/register."""
    desk, wanted = call.desk, call.body
    _check_registration(wanted, desk.limits)
    done = await workers.register(
        desk,
        call.caller,
        workers.Registration(
            name=wanted.name,
            instance=wanted.instance,
            capabilities={key: frozenset(values) for key, values in wanted.capabilities.items()},
            actions=frozenset(wanted.actions),
            tags=None if wanted.tags is None else frozenset(wanted.tags),
            slots=wanted.slots,
            version=wanted.version,
            replace=wanted.replace,
            held=held_of(wanted.held),
        ),
    )
    answer = Registered(
        session=done.session,
        worker=wanted.name,
        lease=desk.timing.lease,
        poll=desk.timing.poll,
        kill_after=desk.timing.kill_after,
        result_bytes=desk.limits.result_bytes,
        log_bytes=desk.limits.log_bytes,
        capabilities={key: sorted(values) for key, values in sorted(done.capabilities.items())},
        ignored=[IgnoredCapability(capability=what, why=why) for what, why in done.ignored],
    )
    return Reply(answer, 201)


async def write_logs(call: Call[NoQuery, Logs]) -> Reply:
    """POST /v1/workers/logs."""
    chunks = [
        Chunk(
            workflow=one.workflow,
            job=one.job,
            fence=one.fence,
            start=one.offset,
            stream=one.stream,
            body=one.data,
        )
        for one in call.body.chunks
        if one.data
    ]
    full, refused = await workers.write_logs(call.desk, call.caller, call.body.session, chunks)
    return Reply(LogsAnswer(full=sorted(full), refused=sorted(refused)))


async def leave(call: Call[NoQuery, Leave]) -> Reply:
    """POST /v1/workers/leave."""
    await workers.leave(call.desk, call.caller, call.body.session)
    return Reply(None, 204)


async def read_page(call: Call[queries.Workers, None]) -> Reply:
    """GET /v1/workers."""
    query = call.query
    found, following = await workers.page(
        call.desk, call.caller, after=query.cursor, live=query.live, limit=query.limit
    )
    now = call.desk.clock.now()

    def state(view: WorkerView) -> str:
        if view.left_at is not None:
            return "left"
        return "live" if view.expires_at >= now else "lost"

    return Reply(WorkerPage(workers=[shapes.worker(one, state(one)) for one in found], next=following))


def held_of(jobs: list[HeldJob]) -> tuple[Held, ...]:
    """A worker's list in the dispatcher's words."""
    return tuple(Held(one.workflow, one.job, one.fence) for one in jobs)


def check_filter(tags: list[str], limits: Limits) -> None:
    """Refuses tags that could not be kept. Invalid."""
    wrong: list[tuple[str, str]] = []
    described.check_labels(tags, _MOST_TAGS, "$.tags", limits, wrong)
    described.refuse(wrong)


def _check_registration(wanted: Register, limits: Limits) -> None:
    if wanted.protocol != PROTOCOL:
        raise Conflict(
            "protocol_unknown",
            f"This server speaks version {PROTOCOL} of the worker's protocol, not {wanted.protocol}.",
            hint="Install the worker's version that fits this server's.",
        )
    wrong: list[tuple[str, str]] = []
    described.check_label(wanted.name, "$.name", limits, wrong)
    if not 1 <= wanted.slots <= _MOST_SLOTS:
        wrong.append(("$.slots", f"is a number from 1 to {_MOST_SLOTS}"))
    if sum(map(len, wanted.capabilities.values())) > _MOST_CAPABILITIES:
        wrong.append(("$.capabilities", f"takes at most {_MOST_CAPABILITIES} values"))
    for key, values in wanted.capabilities.items():
        for value in values:
            described.check_target({key: value}, "$.capabilities", limits, wrong)
    described.check_labels(wanted.actions, 1000, "$.actions", limits, wrong)
    described.check_labels(wanted.tags or [], _MOST_TAGS, "$.tags", limits, wrong)
    if len(wanted.version) > limits.name_length:
        wrong.append(("$.version", "is too long"))
    if wrong:
        path, what = wrong[0]
        raise Invalid("invalid", f"{path}: {what}", fields=wrong)


POLL = Endpoint(
    method="POST",
    path=paths.POLL,
    summary="Bring results, say what is held, and wait for jobs",
    allowed=WORKER,
    does=None,
    body=Poll,
    answer=PollAnswer,
    problems=(404, 422),
)

ENDPOINTS = (
    Endpoint(
        method="POST",
        path=paths.REGISTER,
        summary="Begin a session of a worker",
        allowed=WORKER,
        does=register,
        body=Register,
        answer=Registered,
        status=201,
        problems=(409, 422),
    ),
    POLL,
    Endpoint(
        method="POST",
        path=paths.LOGS,
        summary="Bring what jobs wrote",
        allowed=WORKER,
        does=write_logs,
        bulky=True,
        body=Logs,
        answer=LogsAnswer,
        problems=(404, 422),
    ),
    Endpoint(
        method="POST",
        path=paths.LEAVE,
        summary="End a session: what it holds is given back",
        allowed=WORKER,
        does=leave,
        body=Leave,
        status=204,
        problems=(404, 422),
    ),
    Endpoint(
        method="GET",
        path=paths.WORKERS,
        summary="List workers by name",
        allowed=READ,
        does=read_page,
        query=queries.Workers,
        answer=WorkerPage,
        problems=(422,),
    ),
)
