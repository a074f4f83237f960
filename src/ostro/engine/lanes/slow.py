"""The slow path: one workflow, a blocking lock, then in a new statement a catch-up, the decision, the write.

Here come workflows that are not in memory, those whose guard did not hold, and those of an attempt whose
outcome nobody knows. PostgreSQL's own lock queue makes it fair among servers.
"""

import structlog

from ostro.clock import monotonic, pause
from ostro.core.events import Done, JobEnded
from ostro.engine.lanes.decided import Broken, Decided, NothingThere, decide_all, queues_of
from ostro.engine.lanes.envelope import AlreadyAnswered, Envelope, Key
from ostro.engine.lanes.lane import Lane, give_all
from ostro.errors import Conflict, NotFound, OstroError, Refusal, StorageError, StorageUnavailable
from ostro.store.commit import Outcome, commit
from ostro.store.database import Connection, StatementRefused
from ostro.store.load import Loaded, catch_up, load

_log = structlog.get_logger("ostro.engine.lanes")

_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_TRIES = 20


async def work(lane: Lane, key: Key, envelopes: list[Envelope], attempt: Decided | None) -> None:
    """Works off the envelopes of one workflow; every one is answered, at the latest when its sender gives up."""
    wait, tries = _FIRST_PAUSE, 0
    while envelopes:
        try:
            envelopes = await _try(lane, key, envelopes, attempt)
            wait = _FIRST_PAUSE
        except Broken as broken:
            lane.fail_broken(broken)
            envelopes = [envelope for envelope in envelopes if envelope is not broken.envelope]
        except StatementRefused as refused:
            lane.cache.drop(key)
            if not refused.try_again:
                envelopes = await _halve(lane, key, envelopes, refused)
        except StorageUnavailable as away:
            lane.cache.drop(key)
            envelopes = _patient(envelopes, away)
            await pause(wait)
            wait = min(_LONGEST_PAUSE, wait * 2)
        except Refusal as refused:  # of all of it: no room for queues, no such workflow
            lane.cache.drop(key)
            give_all(envelopes, refused)
            return
        tries += 1
        if tries > _TRIES and wait == _FIRST_PAUSE:
            give_all(envelopes, StorageError("The workflow is too busy: its state kept changing under us."))
            return


def _patient(envelopes: list[Envelope], away: StorageUnavailable) -> list[Envelope]:
    """Those whose senders still wait; the others are told that the database is away."""
    give_all([envelope for envelope in envelopes if envelope.expires <= monotonic()], away)
    return [envelope for envelope in envelopes if envelope.expires > monotonic()]


async def _halve(
    lane: Lane, key: Key, envelopes: list[Envelope], refused: StatementRefused
) -> list[Envelope]:
    """PostgreSQL refuses what these want: the culprit fails alone."""
    if len(envelopes) == 1:
        _log.error("lane.refused_event", workflow=str(key[1]), why=str(refused))
        envelopes[0].give(refused)
        return []
    middle = len(envelopes) // 2
    await work(lane, key, envelopes[:middle], None)
    return envelopes[middle:]


async def _try(lane: Lane, key: Key, envelopes: list[Envelope], attempt: Decided | None) -> list[Envelope]:
    """One transaction; returns who must come again."""
    async with lane.database.transaction() as connection:
        row = await connection.fetchrow("commit_lock", *key)
        if attempt and attempt.write and row and row["stamp"] == attempt.write.new_stamp:
            lane.cache.drop(key)
            for envelope, answer in attempt.answers:
                envelope.give(answer)
            return attempt.doubtful
        loaded = await _present(lane, connection, key) if row else None
        envelopes = await _sort_out(connection, key, envelopes)
        decided = _decide(lane, key, loaded, envelopes)
        if decided is None:
            return []
        outcome = await _write(lane, connection, decided)
    return _finish(lane, key, decided, outcome)


def _decide(lane: Lane, key: Key, loaded: Loaded | None, envelopes: list[Envelope]) -> Decided | None:
    """None if there is nothing to decide: no workflow, so the senders were refused."""
    try:
        return decide_all(key, loaded, envelopes, lane.moment(), lane.positions)
    except NothingThere as nothing:
        for envelope, refusal in nothing.answers:
            envelope.give(refusal)
        return None
    except Broken:
        lane.cache.drop(key)
        raise


async def _write(lane: Lane, connection: Connection, decided: Decided) -> Outcome | None:
    """What was written; None if nothing had changed."""
    if decided.write is None:
        return None
    lane.cache.drop(decided.key)  # until it is durable
    await lane.queues.intern(queues_of([decided.write]))
    return await commit(connection, [decided.write], lane.clock.now())


def _finish(lane: Lane, key: Key, decided: Decided, outcome: Outcome | None) -> list[Envelope]:
    """After the transaction: answers go out. A guard that did not hold under the lock means: once more."""
    if outcome is not None and not outcome.passed:
        return decided.envelopes
    doubtful, decided.doubtful = decided.doubtful, []
    if outcome is None:
        lane.cache.put(key, decided.loaded)
        for envelope, answer in decided.answers:
            envelope.give(answer)
    else:
        lane.settle([decided], outcome)
    return doubtful


async def _present(lane: Lane, connection: Connection, key: Key) -> Loaded:
    """The workflow as it is now, under our lock: the cached one brought up to date, or loaded."""
    cached = lane.cache.get(key)
    if cached is not None and await catch_up(connection, cached, _breathe):
        return cached
    loaded = await load(connection, *key, _breathe)
    if loaded is None:
        raise NotFound("workflow_not_found", f"There is no workflow {key[1]}.")
    return loaded


async def _sort_out(connection: Connection, key: Key, envelopes: list[Envelope]) -> list[Envelope]:
    """Answers those that are settled already: results accepted before, stale ones, keys that are taken."""
    reported = [envelope.reported[0] for envelope in envelopes if envelope.reported]
    rows = await connection.fetch("commit_jobs", *key, reported) if reported else []
    live = {row["job"]: row for row in rows}
    remaining, seen = [], set()
    for envelope in envelopes:
        settled: object = None
        if envelope.reported:
            row = live.get(envelope.reported[0])
            if row is None or row["fence"] != envelope.reported[1] or _not_theirs(envelope, row["session"]):
                settled = await _accepted_before(connection, key, envelope)
            elif envelope.reported in seen:
                settled = Done(changed=False)
            seen.add(envelope.reported)
        if settled is None and envelope.once is not None:
            settled = await _answered_before(connection, key, envelope)
        if settled is None:
            remaining.append(envelope)
        else:
            envelope.give(settled)
    return remaining


def _not_theirs(envelope: Envelope, session: object) -> bool:
    return envelope.session is not None and envelope.session != session


async def _accepted_before(connection: Connection, key: Key, envelope: Envelope) -> Done | OstroError:
    """The same result again gets the same answer; any other is stale."""
    if envelope.reported is None:
        raise AssertionError("only reports come here")
    job, fence = envelope.reported
    row = await connection.fetchrow("commit_job_ended", key[0], job, key[1])
    if row and row["fence"] == fence and row["state"] != "CANCELLED" and isinstance(envelope.event, JobEnded):
        return Done(changed=False)
    return Conflict(
        "stale", "Nobody waits for this result any more: the job was handed out anew, or is over."
    )


async def _answered_before(connection: Connection, key: Key, envelope: Envelope) -> OstroError | None:
    if envelope.once is None:
        return None
    taken = await connection.fetchval("commit_key_taken", key[0], envelope.once.key)
    return AlreadyAnswered("This request was answered before.") if taken else None


async def _breathe() -> None:
    await pause(0)
