"""Every error that Ostro raises, in one tree.

    OstroError
    ├── Refusal                 a caller's request cannot be obeyed; nothing was changed
    │   ├── Invalid             the request itself is wrong (422); `fields` says where
    │   ├── NotFound            no such thing here (404)
    │   ├── Gone                it was deleted (410)
    │   ├── Conflict            the present state forbids it (409)
    │   ├── NotAllowed          the caller may not (403)
    │   ├── Unauthenticated     no token, or one that does not count (401)
    │   ├── TooLarge            above a limit of size (413)
    │   └── TooMany             above a limit of rate or capacity (429); try again later
    ├── StorageError            the database refused or failed
    │   └── StorageUnavailable  the database cannot be reached now; try again
    │       └── Overloaded      this server has more to do than it may keep in memory; try again
    ├── ExpressionError         an expression cannot be read or evaluated (in `language.expressions`)
    ├── ServerUnreachable       a client could not talk to a server
    ├── WaitTimedOut            a wait ended before what was waited for
    └── WorkflowFailed          a workflow ended otherwise than in SUCCESS

A refusal carries `kind` (a stable word, the last part of the problem's `type`), a sentence, a `hint`
that says what to do, and `fields`: pairs of a path in the request and what is wrong there.
"""

from collections.abc import Sequence
from typing import Any, ClassVar


class OstroError(Exception):
    """The root: catching it catches all that Ostro raises on purpose."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".strip() if self.hint else self.message


class Refusal(OstroError):
    """A request that is not obeyed. Nothing was changed by it."""

    status: ClassVar[int] = 400

    def __init__(
        self,
        kind: str,
        message: str,
        *,
        hint: str = "",
        fields: Sequence[tuple[str, str]] = (),
        detail: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.kind = kind
        self.fields = tuple(fields)
        self.detail = detail or {}


class Invalid(Refusal):
    """The request itself is wrong; repeating it cannot help."""

    status = 422


class NotFound(Refusal):
    """There is no such thing in the caller's namespace."""

    status = 404


class Gone(Refusal):
    """There was such a thing; it was deleted."""

    status = 410


class Conflict(Refusal):
    """The present state forbids it."""

    status = 409


class NotAllowed(Refusal):
    """The caller is known and may not do this."""

    status = 403


class Unauthenticated(Refusal):
    """No token, or one that is unknown, expired or revoked."""

    status = 401


class TooLarge(Refusal):
    """Above a limit of size."""

    status = 413


class TooMany(Refusal):
    """Above a limit of rate or capacity; `retry_after` (seconds) says when to come back."""

    status = 429

    def __init__(self, kind: str, message: str, *, hint: str = "", retry_after: float = 1.0) -> None:
        super().__init__(kind, message, hint=hint)
        self.retry_after = retry_after


class StorageError(OstroError):
    """The database refused or failed."""


class StorageUnavailable(StorageError):
    """The database cannot be reached now; what was asked may be tried again."""


class Overloaded(StorageUnavailable):
    """This server has more to do than it may keep in memory: nothing was done. Try again a little later."""


class ServerUnreachable(OstroError):
    """A client could not talk to a server."""


class WaitTimedOut(OstroError):
    """A wait ended before what was waited for."""


class WorkflowFailed(OstroError):
    """A workflow ended otherwise than in SUCCESS."""

    def __init__(self, message: str, *, workflow: str, state: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.workflow = workflow
        self.state = state
