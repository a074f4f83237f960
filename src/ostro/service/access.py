"""Who is calling, and what they may do."""

import hmac
from hashlib import sha256
from typing import Final, Literal

import msgspec

from ostro.clock import Clock, monotonic
from ostro.errors import NotAllowed, TooMany, Unauthenticated
from ostro.service.keys import JobClaim, JobKeys, hash_of, parts_of, unknown_token
from ostro.store.database import Database
from ostro.store.tables import jobs, tokens
from ostro.store.tables.tokens import TokenRow
from ostro.values import UUID, Limits

Kind = Literal["admin", "write", "read", "worker", "join", "job"]

ADMIN: Final[frozenset[Kind]] = frozenset({"admin"})
WRITE: Final[frozenset[Kind]] = frozenset({"admin", "write"})
READ: Final[frozenset[Kind]] = frozenset({"admin", "write", "read"})
WORKER: Final[frozenset[Kind]] = frozenset({"worker"})
JOIN: Final[frozenset[Kind]] = frozenset({"join"})
JOB: Final[frozenset[Kind]] = frozenset({"job"})

FRESH: Final = 1.0
"""For so many seconds a token that was verified is taken at its word."""
SESSION_FRESH: Final = 60.0
"""The same where a session is needed besides: revoking a token ends its sessions at once."""

_REFUSED: Final = 5.0
"""For so many seconds a token that was refused is refused unseen: what did not count never will."""
_MOST_REMEMBERED = 20_000


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who is calling. A `token` stands behind all but jobs, whose `claim` it is."""

    kind: Kind
    namespace: int
    id: str
    token: TokenRow | None = None
    claim: JobClaim | None = None


def require(caller: Caller, kinds: frozenset[Kind]) -> None:
    """NotAllowed unless the caller is of one of these kinds."""
    if caller.kind in kinds:
        return
    wanted = [kind for kind in ("read", "write", "admin", "worker", "join", "job") if kind in kinds]
    raise NotAllowed(
        "not_allowed",
        f"A token of kind {caller.kind} may not do this.",
        hint=f"It takes a token of kind {' or '.join(wanted)}.",
    )


def require_own_workflow(caller: Caller, workflow: UUID) -> None:
    """A job sees its own workflow's door and no other."""
    if caller.claim is not None and caller.claim.workflow != workflow:
        raise NotAllowed("not_your_workflow", "A job's token is good for its own workflow only.")


def require_own_task(caller: Caller, task: UUID) -> None:
    """A job sees its own task and no other."""
    if caller.claim is not None and caller.claim.task != task:
        raise NotAllowed("not_your_task", "A job's token reads its own task only.")


class _Verified(msgspec.Struct, frozen=True, gc=False):
    token: TokenRow
    at: float


class Gate:
    """Turns the text of a token into its caller. What was verified or refused a moment ago costs no query."""

    def __init__(self, database: Database, keys: JobKeys, clock: Clock, limits: Limits) -> None:
        self._database = database
        self._keys = keys
        self._clock = clock
        self._rate = limits.requests_per_second
        self._verified: dict[bytes, _Verified] = {}
        self._refused: dict[bytes, float] = {}
        self._buckets: dict[str, _Bucket] = {}

    async def admit(self, text: str, *, fresh: float = FRESH) -> Caller:
        """The caller. Unauthenticated for a token that does not count, TooMany above the rate of requests.

        What was verified up to `fresh` seconds ago is not asked again.
        """
        kind, identity, secret = parts_of(text)
        if kind == "job":
            caller = await self._job(identity, secret)
        else:
            token = await self._token(kind, identity, secret, text, fresh)
            caller = Caller(kind=kind, namespace=token.namespace, id=token.id, token=token)  # type: ignore[arg-type]
        self._count(caller)
        return caller

    def forget(self, token: str) -> None:
        """This token was revoked: the next call looks."""
        for key in [key for key, verified in self._verified.items() if verified.token.id == token]:
            del self._verified[key]

    async def _token(self, kind: str, identity: str, secret: str, text: str, fresh: float) -> TokenRow:
        now, key = self._clock.now(), sha256(text.encode()).digest()
        known = self._verified.get(key)
        if known is None or monotonic() - known.at >= fresh:
            if monotonic() < self._refused.get(key, 0.0):
                raise unknown_token()
            known = await self._look(kind, identity, secret)
            if known is None:
                raise self._refuse(key)
            if len(self._verified) >= _MOST_REMEMBERED:
                self._verified.clear()
            self._verified[key] = known
        if not known.token.counts(now):
            self._verified.pop(key, None)
            raise self._refuse(key)
        return known.token

    def _refuse(self, key: bytes) -> Unauthenticated:
        if len(self._refused) >= _MOST_REMEMBERED:
            self._refused.clear()
        self._refused[key] = monotonic() + _REFUSED
        return unknown_token()

    async def _look(self, kind: str, identity: str, secret: str) -> _Verified | None:
        at = monotonic()
        token = await tokens.get(self._database, identity)
        if token is None or token.kind != kind or not hmac.compare_digest(token.secret, hash_of(secret)):
            return None
        return _Verified(token, at)

    async def _job(self, key: str, text: str) -> Caller:
        claim = await self._keys.verify(key, text)
        if not await jobs.is_leased(self._database, claim.namespace, claim.workflow, claim.job, claim.fence):
            raise unknown_token()
        return Caller(kind="job", namespace=claim.namespace, id=f"job-{claim.job}", claim=claim)

    def _count(self, caller: Caller) -> None:
        bucket = self._buckets.get(caller.id)
        if bucket is None:
            if len(self._buckets) >= _MOST_REMEMBERED:
                self._buckets.clear()
            bucket = self._buckets[caller.id] = _Bucket(self._rate)
        if not bucket.take(self._rate, monotonic()):
            raise TooMany(
                "too_many_requests",
                f"This token asks more than {self._rate:g} times a second.",
                hint="Ask less often: add tasks in batches, and wait with ?wait= instead of asking again.",
                retry_after=1.0,
            )


class _Bucket:
    """A second's worth of requests may come at once."""

    __slots__ = ("_at", "_left")

    def __init__(self, left: float) -> None:
        self._left = left
        self._at = monotonic()

    def take(self, rate: float, now: float) -> bool:
        self._left = min(rate, self._left + (now - self._at) * rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
