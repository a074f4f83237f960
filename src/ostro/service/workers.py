"""Use cases of workers: register, poll, logs, leave; and the list of them for people."""

from collections.abc import Sequence
from typing import Literal

import msgspec

from ostro.core.events import JobEnded
from ostro.engine.dispatcher import Answered, Ask, Granted, Held, Worker
from ostro.engine.parked import Hint
from ostro.errors import NotAllowed, NotFound, OstroError, Refusal
from ostro.service.access import Caller
from ostro.service.desk import Desk
from ostro.service.keys import JobClaim, unknown_token
from ostro.store.tables import fleet, logs
from ostro.store.tables.fleet import WorkerView
from ostro.store.tables.logs import Chunk, HandOut
from ostro.store.tables.tokens import TokenRow
from ostro.values import UUID, TaskState

WORKER = "worker"
"""The capability that a worker's own name is, where its token lets it count."""

_CUT_MARK = b"\n[ostro: the log is full; what comes after this was not kept]\n"


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker says of itself; what of it counts is its token's to say."""

    name: str
    instance: UUID
    capabilities: dict[str, frozenset[str]] = {}
    actions: frozenset[str] = frozenset()
    tags: frozenset[str] | None = None
    slots: int = 1
    version: str = ""
    replace: bool = False
    held: tuple[Held, ...] = ()


class Registered(msgspec.Struct, frozen=True):
    """The session, the capabilities that count, and (capability, why) of those that do not."""

    session: UUID
    capabilities: dict[str, frozenset[str]]
    ignored: list[tuple[str, str]]


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    """A worker's report of one job. `goes_on`: its end comes from outside, and its result is dropped."""

    workflow: UUID
    job: UUID
    fence: int
    state: TaskState
    result: bytes | None
    error: str | None
    goes_on: bool = False


class Settled(msgspec.Struct, frozen=True):
    """What became of a report."""

    job: UUID
    fence: int
    status: Literal["accepted", "stale", "refused"]
    why: str = ""


class Polled(msgspec.Struct, frozen=True):
    """What a poll comes back with: `answered` is the dispatcher's, `tokens` are those of its grants, in order."""

    settled: list[Settled]
    answered: Answered
    tokens: list[str]


async def register(desk: Desk, caller: Caller, wanted: Registration) -> Registered:
    """Begins a session. A capability counts only if the token binds it or grants its key."""
    token = _token(caller)
    counting, ignored = what_counts(token, wanted.name, wanted.capabilities)
    worker = Worker(
        namespace=caller.namespace,
        name=wanted.name,
        instance=wanted.instance,
        token=token.id,
        capabilities=counting,
        binding=token.binding,
        pool=token.pool,
        actions=wanted.actions,
        tags=wanted.tags,
        slots=wanted.slots,
        version=wanted.version,
    )
    session = await desk.dispatcher.register(worker, held=wanted.held, replace=wanted.replace)
    return Registered(session, counting, ignored)


def what_counts(
    token: TokenRow, name: str, claimed: dict[str, frozenset[str]]
) -> tuple[dict[str, frozenset[str]], list[tuple[str, str]]]:
    """The capabilities that a token lets a worker of this name have, and why not the others.

    NotAllowed if the token is bound to another worker's name.
    """
    if token.binding.get(WORKER, name) != name:
        raise NotAllowed(
            "name_not_yours",
            f"This token belongs to the worker {token.binding[WORKER]!r}.",
            hint="Start the worker under that name.",
        )
    counting = {key: frozenset({value}) for key, value in token.binding.items()}
    ignored: list[tuple[str, str]] = []
    for key, values in sorted(claimed.items()):
        bound = token.binding.get(key)
        for value in sorted(values):
            if bound is not None:
                fits, why = value == bound, f"the token binds {key}={bound}"
            elif key == WORKER:
                fits, why = key in token.grants and value == name, "a worker has its own name only"
            else:
                fits, why = key in token.grants, f"the token neither binds nor grants {key!r}"
            if fits:
                counting[key] = counting.get(key, frozenset()) | {value}
            else:
                ignored.append((f"{key}={value}", why))
    if WORKER in token.grants and WORKER not in token.binding:
        counting[WORKER] = frozenset({name})
    return counting, ignored


async def poll(desk: Desk, caller: Caller, ask: Ask, reports: Sequence[Ended]) -> Polled:
    """Takes the reports, all at once and each for itself, then looks for work.

    `ask.held` is the worker's whole list; what is settled here is taken out of it. A report whose fate is not
    known (the database is away) is not settled: the worker sends it again.
    """
    settled: list[Settled] = []

    async def settle() -> list[Held]:
        settled.extend(await _settle(desk, caller, ask.session, reports))
        over = {(one.job, one.fence) for one in settled}
        return [Held(one.workflow, one.job, one.fence) for one in reports if (one.job, one.fence) in over]

    answered = await desk.dispatcher.poll(ask, settle if reports else None)
    return Polled(settled, answered, [_token_of(desk, grant) for grant in answered.grants])


async def _settle(desk: Desk, caller: Caller, session: UUID, reports: Sequence[Ended]) -> list[Settled]:
    ended = [one for one in reports if not one.goes_on]
    going = [Held(one.workflow, one.job, one.fence) for one in reports if one.goes_on]
    settled = await _settle_ended(desk, caller, session, ended) if ended else []
    if going:
        gone_on = await desk.dispatcher.go_on(caller.namespace, session, going)
        settled += [
            Settled(one.job, one.fence, "accepted")
            if one.job in gone_on
            else Settled(one.job, one.fence, "stale", "The job is not this worker's any more.")
            for one in going
        ]
    return settled


async def _settle_ended(desk: Desk, caller: Caller, session: UUID, reports: Sequence[Ended]) -> list[Settled]:
    events = [
        (
            one.workflow,
            JobEnded(job=one.job, fence=one.fence, state=one.state, result=one.result, error=one.error),
        )
        for one in reports
    ]
    answers = await desk.lanes.report(caller.namespace, events, session)
    known = zip(reports, answers, strict=True)
    return [settled for report, answer in known if (settled := _settled(report, answer)) is not None]


def _settled(report: Ended, answer: object) -> Settled | None:
    """What the worker is told; None where nobody knows yet what became of it."""
    match answer:
        case Refusal():
            stale = answer.kind == "stale" or isinstance(answer, NotFound)
            return Settled(report.job, report.fence, "stale" if stale else "refused", answer.message)
        case OstroError():
            return None
        case _:
            return Settled(report.job, report.fence, "accepted")


def _token_of(desk: Desk, grant: Granted) -> str:
    return desk.keys.sign(JobClaim(grant.namespace, grant.workflow, grant.task, grant.job, grant.fence))


async def write_logs(
    desk: Desk, caller: Caller, session: UUID, chunks: Sequence[Chunk]
) -> tuple[set[UUID], set[UUID]]:
    """Keeps what jobs of this session wrote. Jobs whose log is full, and jobs that are not the session's."""
    await desk.dispatcher.find_worker(caller.namespace, _token(caller).id, session)
    if not chunks:
        return set(), set()
    held = await logs.held(desk.database, caller.namespace, session, chunks)
    mine = [chunk for chunk in chunks if chunk.hand_out in held]
    kept, full = _cut(mine, desk.limits.log_bytes)
    if kept:
        await logs.append(desk.database, caller.namespace, kept, desk.clock.now())
        # Who follows the log elsewhere looks by itself: a NOTIFY for each chunk would cost more.
        desk.parked.hear(Hint(caller.namespace, workflows=tuple({chunk.workflow for chunk in kept})))
    return full, {chunk.job for chunk in chunks if chunk.hand_out not in held}


def _cut(chunks: Sequence[Chunk], most: int) -> tuple[list[Chunk], set[UUID]]:
    """What fits into the logs and does not overlap; the first that does not fit is cut, with a mark."""
    kept: list[Chunk] = []
    full: set[UUID] = set()
    ends: dict[HandOut, int] = {}
    for chunk in sorted(chunks, key=lambda one: one.start):
        if chunk.start < ends.get(chunk.hand_out, 0):
            continue
        ends[chunk.hand_out] = chunk.start + len(chunk.body)
        if chunk.start + len(chunk.body) <= most:
            kept.append(chunk)
            continue
        full.add(chunk.job)
        if chunk.start < most:
            body = chunk.body[: most - chunk.start]
            kept.append(msgspec.structs.replace(chunk, body=body))
            kept.append(msgspec.structs.replace(chunk, start=most, stream="ostro", body=_CUT_MARK))
    return kept, full


async def leave(desk: Desk, caller: Caller, session: UUID) -> None:
    """Ends a session; what it still holds is given back at once."""
    await desk.dispatcher.leave(caller.namespace, _token(caller).id, session)


async def page(
    desk: Desk, caller: Caller, *, after: str | None, live: bool, limit: int
) -> tuple[list[WorkerView], str | None]:
    """One page by name, and where the next begins."""
    found = await fleet.page(
        desk.database, caller.namespace, after=after, live=live, limit=limit + 1, now=desk.clock.now()
    )
    return found[:limit], found[limit - 1].name if len(found) > limit else None


def _token(caller: Caller) -> TokenRow:
    if caller.token is None:
        raise unknown_token()
    return caller.token
