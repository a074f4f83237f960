"""Secrets: the texts of tokens, their hashes, and the signatures of job tokens.

A token reads `ostro_<kind>_<id>_<secret>`. A job's token is signed, not stored: its id is the signing key's.
"""

import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from struct import Struct as Packing

import msgspec

from ostro.errors import Unauthenticated
from ostro.store.database import Database
from ostro.store.tables import tokens
from ostro.values import UUID

_CLAIM = Packing("!i16s16s16si")
_SIGNATURE_BYTES = 32


class JobClaim(msgspec.Struct, frozen=True, gc=False):
    """What a job's token says: whose job it is, and the hand-out that it counts for."""

    namespace: int
    workflow: UUID
    task: UUID
    job: UUID
    fence: int


class Minted(msgspec.Struct, frozen=True):
    """A new secret: `text` is for its owner, `hash` for us."""

    id: str
    text: str
    hash: bytes


def mint(kind: str) -> Minted:
    """A new token of 256 random bits."""
    identity, secret = secrets.token_hex(8), secrets.token_urlsafe(32)
    return Minted(identity, f"ostro_{kind}_{identity}_{secret}", hash_of(secret))


def hash_of(secret: str) -> bytes:
    """What is stored of a secret. It has 256 random bits, so it needs no slow hash."""
    return sha256(secret.encode()).digest()


def parts_of(text: str) -> tuple[str, str, str]:
    """Kind, id and secret of a token's text; Unauthenticated if it is none."""
    parts = text.split("_", 3)
    if len(parts) != 4 or parts[0] != "ostro" or not text.isascii():
        raise unknown_token()
    return parts[1], parts[2], parts[3]


def unknown_token() -> Unauthenticated:
    """The one answer to every token that does not count: it does not tell why."""
    return Unauthenticated(
        "unknown_token",
        "This token is unknown, expired or revoked.",
        hint="Ask an administrator for one: ostro token create.",
    )


class JobKeys:
    """Signs and verifies the tokens of jobs. All keys verify, the newest signs."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._keys: dict[int, bytes] = {}

    async def open(self, now: datetime) -> None:
        """Reads the keys; makes the first one if there is none."""
        await self._load()
        if not self._keys:
            await tokens.make_first_key(self._database, secrets.token_bytes(32), now)
            await self._load()

    def sign(self, claim: JobClaim) -> str:
        """The token of a job that was just handed out."""
        newest = max(self._keys)
        body = _CLAIM.pack(
            claim.namespace, claim.workflow.bytes, claim.task.bytes, claim.job.bytes, claim.fence
        )
        text = urlsafe_b64encode(body + self._signature(newest, body)).decode().rstrip("=")
        return f"ostro_job_{newest}_{text}"

    async def verify(self, key: str, text: str) -> JobClaim:
        """What a token says that one of our keys signed; Unauthenticated otherwise."""
        try:
            signed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            number = int(key)
        except ValueError:
            raise unknown_token() from None
        if number not in self._keys:
            await self._load()  # another server may have made a newer one
        body, signature = signed[: _CLAIM.size], signed[_CLAIM.size :]
        if number not in self._keys or len(signed) != _CLAIM.size + _SIGNATURE_BYTES:
            raise unknown_token()
        if not hmac.compare_digest(signature, self._signature(number, body)):
            raise unknown_token()
        namespace, workflow, task, job, fence = _CLAIM.unpack(body)
        return JobClaim(namespace, UUID(bytes=workflow), UUID(bytes=task), UUID(bytes=job), fence)

    def _signature(self, number: int, body: bytes) -> bytes:
        return hmac.digest(self._keys[number], b"ostro job token\0" + body, "sha256")

    async def _load(self) -> None:
        self._keys = dict(await tokens.keys(self._database))
