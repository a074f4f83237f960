"""The sessions that this server knows: begun, renewed in batches, read anew, ended."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import timedelta

from ostro.clock import Clock, monotonic
from ostro.engine.dispatcher.session import Session, unknown_session
from ostro.errors import Conflict, NotAllowed, StorageError, TooMany, Unauthenticated
from ostro.store import queue as store
from ostro.store import workers
from ostro.store.database import Connection, Database
from ostro.store.queue import Held, HeldRow
from ostro.store.workers import Former, Worker
from ostro.values import UUID, Limits, Timing


class Sessions:
    """Sessions by their ids, and which of them are to be renewed or read anew."""

    def __init__(
        self, database: Database, clock: Clock, timing: Timing, limits: Limits, new_id: Callable[[], UUID]
    ) -> None:
        self._database = database
        self._clock = clock
        self._timing = timing
        self._limits = limits
        self._new_id = new_id
        self._known: dict[UUID, Session] = {}
        self._to_renew: set[UUID] = set()
        self._to_load: set[UUID] = set()
        self._compared = monotonic()
        self.wanted = asyncio.Event()

    async def begin(
        self, worker: Worker, held: Iterable[Held], *, replace: bool
    ) -> tuple[Session, Former | None]:
        """A new session under the worker's name, and whose place it took.

        Conflict (`worker_name_taken`) while another instance has the name, NotAllowed (`name_not_yours`) if it
        belongs to another server, TooMany above the token's limit.
        """
        session = Session(self._new_id(), worker)
        async with self._database.transaction() as connection:
            now = self._clock.now()
            former = await workers.former(connection, worker.namespace, worker.name, now)
            joined = await workers.joined(connection, worker.namespace, worker.name, now)
            self._refuse_if_taken(worker, former, joined, replace=replace)
            await self._register(connection, session, former)
            if former is not None and _same_worker(worker, former):
                rows = await self._take_over(connection, session, former, held)
                session.load(rows)
        session.distrust()  # the first poll says what arrived
        self._known[session.id] = session
        if former is not None:
            self.end(former.session)
        return session, former

    async def find(self, namespace: int, token: str, session: UUID) -> Session:
        """A live session of this token; NotFound (`session_unknown`) if it ended, is another's or never was."""
        known = self._known.get(session)
        if known is None:
            worker = await workers.by_session(self._database, namespace, session)
            if worker is None:
                raise unknown_session()
            known = self._known.setdefault(session, Session(session, worker))
        if known.ended or (known.worker.namespace, known.worker.token) != (namespace, token):
            raise unknown_session()
        return known

    def end(self, session: UUID) -> None:
        """It is over; a poll that is parked here comes back with NotFound."""
        known = self._known.pop(session, None)
        self._to_renew.discard(session)
        self._to_load.discard(session)
        if known is not None:
            known.ended = True
            known.loaded.set()
            if known.poll is not None:
                known.poll.done.set()

    def of_token(self, namespace: int, token: str) -> list[UUID]:
        """Sessions of a token that are known here."""
        return [
            one.id
            for one in self._known.values()
            if (one.worker.namespace, one.worker.token) == (namespace, token)
        ]

    @property
    def known(self) -> int:
        """How many there are."""
        return len(self._known)

    def get(self, session: UUID) -> Session | None:
        """The session, if it is known here."""
        return self._known.get(session)

    def renew_soon(self, session: Session) -> None:
        """It was heard of; its lease is renewed with the next batch."""
        session.seen = monotonic()
        self._to_renew.add(session.id)

    def load_soon(self, sessions: Iterable[UUID]) -> None:
        """Their rows are to be read: something happened to them elsewhere."""
        for one in sessions:
            known = self._known.get(one)
            if known is not None:
                known.distrust()
                self._to_load.add(one)
                self.wanted.set()

    async def load(self) -> None:
        """Reads what sessions hold, in one statement, and tells their parked polls what they have lost."""
        loading = [known for one in self._to_load if (known := self._known.get(one)) is not None]
        if not loading:
            return
        self._to_load.difference_update(
            one.id for one in loading
        )  # what comes meanwhile asks for another look
        for session in loading:
            session.begin_load()
        try:
            rows = await store.held(self._database, [(one.worker.namespace, one.id) for one in loading])
        except StorageError:
            self._to_load.update(one.id for one in loading)
            raise
        by_session: dict[UUID, list[HeldRow]] = {}
        for row in rows:
            by_session.setdefault(row.session, []).append(row)
        for session in loading:
            session.load(by_session.get(session.id, []))
            session.tell_poll()
        if self._to_load:
            self.wanted.set()

    async def renew(self) -> None:
        """Renews all that were heard of since the last time; those that do not come back have ended."""
        batch, self._to_renew = self._to_renew, set()
        sessions = [known for one in batch if (known := self._known.get(one)) is not None]
        if not sessions:
            return
        keys = sorted((one.worker.namespace, one.id) for one in sessions)
        now = self._clock.now()
        try:
            live = await workers.renew(self._database, keys, now, now + self._lease)
        except StorageError:
            self._to_renew |= batch
            raise
        for session in sessions:
            if session.id not in live:
                self.end(session.id)

    async def compare(self) -> None:
        """What this server believes to be held against the rows; three times a lease, one statement for all.

        Who was not heard of for long is forgotten.
        """
        if monotonic() - self._compared < self._timing.lease / 3:
            return
        self._compared = monotonic()
        self._forget_silent()
        trusted = [session for session in self._known.values() if session.trusted]
        if not trusted:
            return
        believed = [
            (session.worker.namespace, session.id, one)
            for session in trusted
            for one in session.held.values()
        ]
        keys = [(session.worker.namespace, session.id) for session in trusted]
        self.load_soon(await store.stray(self._database, keys, believed))

    async def look(self) -> None:
        """Finds jobs that were revoked, if no hint came; one statement for all sessions here."""
        namespaces = {one.worker.namespace for one in self._known.values() if one.held}
        if namespaces:
            rows = await store.revoked(self._database, sorted(namespaces))
            self.load_soon(
                {one for one, job in rows if (known := self._known.get(one)) and job in known.held}
            )

    def _forget_silent(self) -> None:
        """Drops what was not heard of for three leases: it went elsewhere or for good."""
        oldest = monotonic() - 3 * self._timing.lease
        for session in list(self._known.values()):
            if session.seen < oldest and session.poll is None:
                del self._known[session.id]

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._timing.lease)

    def _refuse_if_taken(
        self, worker: Worker, former: Former | None, joined: str | None, *, replace: bool
    ) -> None:
        """A name belongs to the token of the server that `joined` under it, else to one that binds it."""
        owns = _owns(worker, worker.name, joined)
        owned = former is not None and _owns(former, worker.name, joined)
        owner = joined or (former.token if former is not None and owned and former.token_counts else None)
        if owner is not None and not owns:
            raise NotAllowed(
                "name_not_yours",
                f"The worker name {worker.name!r} belongs to another server, whose token counts.",
                hint=f"Start the worker under another name, or, if that server is gone: ostro token revoke {owner}.",
            )
        if former is None or former.instance == worker.instance or former.left_at is not None:
            return
        if owns and not owned:  # its token gives it the name: who took that meanwhile makes room
            return
        if former.expires_at < self._clock.now() or (replace and former.token == worker.token):
            return
        raise Conflict(
            "worker_name_taken",
            f"Another instance has the worker name {worker.name!r}; its lease runs until "
            f"{former.expires_at.isoformat(timespec='seconds')}.",
            hint="Choose another name, wait for the end of its lease, or take its place with --replace "
            "(with the same token).",
        )

    async def _register(self, connection: Connection, session: Session, former: Former | None) -> None:
        worker, now = session.worker, self._clock.now()
        if await workers.is_revoked(connection, worker.token):
            raise Unauthenticated("unknown_token", "This token was revoked just now.")
        count = await workers.sessions_of_token(connection, worker.namespace, worker.token, worker.name, now)
        if count >= self._limits.sessions_per_token:
            raise TooMany(
                "too_many_sessions",
                f"The token has {count} live sessions, as many as it may have.",
                hint="Stop a worker, or use a token of its own for each server.",
                retry_after=self._timing.lease,
            )
        done = await workers.register(
            connection,
            worker,
            session.id,
            former=None if former is None else former.session,
            now=now,
            expires_at=now + self._lease,
        )
        if not done:
            raise Conflict(
                "worker_name_taken",
                f"Another instance took the worker name {worker.name!r} just now.",
                hint="Choose another name.",
            )

    async def _take_over(
        self, connection: Connection, session: Session, former: Former, held: Iterable[Held]
    ) -> list[HeldRow]:
        jobs = list(held)
        if not jobs:
            return []
        worker = session.worker
        return await store.take_over(
            connection, worker.namespace, former.session, session.id, worker.name, jobs
        )


def _owns(one: Worker | Former, name: str, joined: str | None) -> bool:
    return one.token == joined if joined is not None else one.binding.get("worker") == name


def _same_worker(worker: Worker, former: Former) -> bool:
    """Jobs stay with whom they were trusted to: the same instance, under the same token or the same binding."""
    if worker.instance != former.instance:
        return False
    return worker.token == former.token or worker.binding == former.binding
