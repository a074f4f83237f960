"""The slow path: one workflow, a blocking lock, then in a new statement a catch-up, the decision, the write.

Here come workflows that are not in memory, those whose guard did not hold, and those of an attempt whose
outcome nobody knows. PostgreSQL's own lock queue makes it fair among servers.
"""

import asyncio
from functools import partial

import msgspec
import structlog

from ostro.clock import monotonic, pause
from ostro.core.events import Done, JobEnded, Revival
from ostro.engine.lanes.decided import Broken, Decided, NothingThere, decide_all, queues_of
from ostro.engine.lanes.envelope import AlreadyAnswered, Envelope
from ostro.engine.lanes.lane import Lane, breathe, give_all
from ostro.errors import Conflict, NotFound, OstroError, Refusal, StorageUnavailable
from ostro.language.expressions import Lookup, Need, Unanswered
from ostro.store.commit import Outcome, commit
from ostro.store.database import Connection, StatementRefused
from ostro.store.loading import outside
from ostro.store.loading.load import Loaded, load, stamp_of
from ostro.store.loading.reading import Key
from ostro.store.loading.refresh import catch_up

_log = structlog.get_logger("ostro.engine.lanes")

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_MOST_ANSWERS = 20
"""Questions about other workflows for one decision; what asks for more fails."""
_TRIES = 20
"""Rounds that get nobody further, after which the senders are told to try again."""


class _Course(msgspec.Struct):
    """Whose answers are still open, and the last write if nobody knows whether it was committed."""

    envelopes: list[Envelope]
    attempt: Decided | None
    answers: dict[Need, object] = {}
    """What expressions asked about other workflows."""


async def work(lane: Lane, key: Key, envelopes: list[Envelope], attempt: Decided | None) -> None:
    """Works off the envelopes of one workflow; every one is answered, at the latest when its sender gives up."""
    course = _Course(envelopes, attempt)
    wait, idle = _FIRST_PAUSE, 0
    while course.envelopes:
        open_before = len(course.envelopes)
        try:
            await _try(lane, key, course)
            wait = _FIRST_PAUSE
        except Unanswered as asked:
            await _ask(lane, key, course, asked)
        except Broken as broken:
            lane.fail_broken(broken)
            course.envelopes = [one for one in course.envelopes if one is not broken.envelope]
        except StatementRefused as refused:
            lane.cache.drop(key)
            if not refused.try_again and refused.constraint != "answers_pkey":
                await _halve(lane, key, course, refused)
        except StorageUnavailable as away:
            lane.cache.drop(key)
            course.envelopes = _patient(course.envelopes, away)
            await pause(wait)
            wait = min(_LONGEST_PAUSE, wait * 2)
            continue
        except Refusal as refused:  # of all of it: there is no such workflow any more
            lane.cache.drop(key)
            give_all(course.envelopes, refused)
            return
        idle = 0 if len(course.envelopes) < open_before else idle + 1
        if idle > _TRIES:
            give_all(course.envelopes, StorageUnavailable("The workflow is too busy just now: try again."))
            return


async def _ask(lane: Lane, key: Key, course: _Course, asked: Unanswered) -> None:
    """The next try has the answer. What the broken off decision left in memory is not trusted."""
    lane.cache.drop(key)
    answer = course.answers[asked.need] = await outside.answer(lane.database, key[0], asked.need)
    if asked.need.lookup is Lookup.OFFERED and answer:
        lane.offered.setdefault(key[0], {})[asked.need] = answer


def _patient(envelopes: list[Envelope], away: StorageUnavailable) -> list[Envelope]:
    """Those whose senders still wait; the others are told that the database is away."""
    give_all([envelope for envelope in envelopes if envelope.expires <= monotonic()], away)
    return [envelope for envelope in envelopes if envelope.expires > monotonic()]


async def _halve(lane: Lane, key: Key, course: _Course, refused: StatementRefused) -> None:
    """PostgreSQL refuses what these want: the culprit fails alone."""
    envelopes = course.envelopes
    if len(envelopes) == 1:
        _log.error("lane.refused_event", workflow=str(key[1]), why=str(refused))
        envelopes[0].give(refused)
        course.envelopes = []
        return
    middle = len(envelopes) // 2
    await work(lane, key, envelopes[:middle], course.attempt)
    course.envelopes = envelopes[middle:]


async def _try(lane: Lane, key: Key, course: _Course) -> None:
    """One transaction; leaves in `course` who must come again."""
    async with lane.database.transaction() as connection:
        row = await connection.fetchrow("commit_lock", *key)
        passed = await _has_passed(connection, key, course.attempt)
        decided, course.attempt = course.attempt, None
        if decided is None or not passed:
            batch, rest = _up_to_a_revival(course.envelopes)
            loaded = await _present(lane, connection, key, batch) if row else None
            now, later = await _sort_out(connection, key, batch)
            later += rest
            course.envelopes = now + later
            decided = await _decide(lane, key, loaded, now, course.answers)
            if decided is None:
                course.envelopes = later
                return
            passed = await _write(lane, connection, decided, course)
    course.attempt = None
    _finish(lane, decided, course, passed)


async def _has_passed(connection: Connection, key: Key, attempt: Decided | None) -> Outcome | None:
    """Whether a write of unknown outcome was committed: the version that it made bears its stamp."""
    if attempt is None or attempt.write is None:
        return None
    stamp = await stamp_of(connection, *key, attempt.write.version + 1)
    return Outcome({0}) if stamp == attempt.write.new_stamp else None


async def _decide(
    lane: Lane, key: Key, loaded: Loaded | None, envelopes: list[Envelope], answers: dict[Need, object]
) -> Decided | None:
    """None if there is nothing to decide: no workflow, so the senders were refused.

    A revival costs what its workflow holds: it is decided in a thread, on an aggregate that nobody else has, so that
    others get the event loop meanwhile.
    """
    moment = lane.moment(key[0], answers, asks=len(answers) < _MOST_ANSWERS)
    work = partial(decide_all, key, loaded, envelopes, moment, lane.places, hand_off=False)
    try:
        return await asyncio.to_thread(work) if _revives(envelopes) else work()
    except NothingThere as nothing:
        for envelope, refusal in nothing.answers:
            envelope.give(refusal)
        return None
    except Broken:
        lane.cache.drop(key)
        raise


async def _write(lane: Lane, connection: Connection, decided: Decided, course: _Course) -> Outcome | None:
    """What was written; None if nothing had changed. Until the commit is known, `course` remembers it."""
    if decided.write is None:
        return None
    lane.cache.drop(decided.key)  # until it is durable
    await lane.queues.intern(queues_of([decided.write]), beyond_limit=True)
    course.attempt = decided
    try:
        return await commit(connection, [decided.write], lane.clock.now())
    except StatementRefused:
        course.attempt = None
        raise


def _finish(lane: Lane, decided: Decided, course: _Course, outcome: Outcome | None) -> None:
    """After the transaction: answers go out. A guard that did not hold under the lock means: once more."""
    if outcome is not None and not outcome.passed:
        return
    doubtful, decided.doubtful = decided.doubtful, []
    if outcome is not None:
        lane.settle([decided], outcome)
    else:
        lane.cache.put(decided.key, decided.loaded)
        for envelope, answer in decided.answers:
            envelope.give(answer)
        give_all(doubtful, stale())  # the row is there, and the rules know nothing of it
    course.envelopes = [envelope for envelope in course.envelopes if not envelope.answer.done()]


async def _present(lane: Lane, connection: Connection, key: Key, envelopes: list[Envelope]) -> Loaded:
    """The workflow as it is now, under our lock: the cached one brought up to date, or loaded; with the
    specifications of what has ended for a revival.
    """
    revives = _revives(envelopes)
    cached = None if revives else lane.cache.get(key)
    if cached is not None:
        known = cached.version
        if await catch_up(connection, [cached], breathe):
            cached.company = "none" if cached.version == known else "contested"
            return cached
    loaded = await load(connection, *key, breathe, specs=revives)
    if loaded is None:
        raise NotFound("workflow_not_found", f"There is no workflow {key[1]}.")
    loaded.company = "contested"
    return loaded


def _up_to_a_revival(envelopes: list[Envelope]) -> tuple[list[Envelope], list[Envelope]]:
    """Those before the first revival, or that one alone, and the rest: it reads what ended tasks were, which is in
    memory only when it has just been loaded, and before anything else was decided on it.
    """
    first = next((at for at, one in enumerate(envelopes) if isinstance(one.event, Revival)), len(envelopes))
    return envelopes[: max(1, first)], envelopes[max(1, first) :]


def _revives(envelopes: list[Envelope]) -> bool:
    return any(isinstance(envelope.event, Revival) for envelope in envelopes)


async def _sort_out(
    connection: Connection, key: Key, envelopes: list[Envelope]
) -> tuple[list[Envelope], list[Envelope]]:
    """Answers those that are settled already: results accepted before, stale ones, keys that are taken.

    Returns who is to be decided now, and who later: a copy of a report in the same batch is answered once the
    first is durable.
    """
    reported = [envelope.reported[0] for envelope in envelopes if envelope.reported]
    rows = await connection.fetch("commit_jobs", *key, reported) if reported else []
    live = {row["job"]: row for row in rows}
    now, later, seen = [], [], set()
    for envelope in envelopes:
        if envelope.reported in seen:
            later.append(envelope)
            continue
        settled: object = None
        if envelope.reported:
            row = live.get(envelope.reported[0])
            if row is None or row["fence"] != envelope.reported[1] or _not_theirs(envelope, row["session"]):
                settled = await _accepted_before(connection, key, envelope)
            else:
                seen.add(envelope.reported)
        elif envelope.once is not None:
            settled = await _answered_before(connection, key, envelope)
        if settled is None:
            now.append(envelope)
        else:
            envelope.give(settled)
    return now, later


def _not_theirs(envelope: Envelope, session: object) -> bool:
    return envelope.session is not None and envelope.session != session


async def _accepted_before(connection: Connection, key: Key, envelope: Envelope) -> Done | OstroError:
    """The same result again gets the same answer; any other is stale."""
    if envelope.reported is None:
        raise AssertionError("only reports come here")
    job, fence = envelope.reported
    row = await connection.fetchrow("commit_job_ended", key[0], job, key[1])
    event = envelope.event
    if row and row["fence"] == fence and isinstance(event, JobEnded) and row["state"] == event.state.value:
        return Done(changed=False)
    return stale()


def stale() -> Conflict:
    """What the sender of a result that does not count is told."""
    return Conflict(
        "stale", "Nobody waits for this result any more: the job was handed out anew, or is over."
    )


async def _answered_before(connection: Connection, key: Key, envelope: Envelope) -> OstroError | None:
    if envelope.once is None:
        return None
    taken = await connection.fetchval("commit_key_taken", key[0], envelope.once.key)
    return AlreadyAnswered("This request was answered before.") if taken else None
