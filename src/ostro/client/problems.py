"""A server's problem documents (RFC 9457) as errors of `ostro.errors`."""

import msgspec

from ostro.errors import (
    Conflict,
    Gone,
    Invalid,
    NotAllowed,
    NotFound,
    OstroError,
    Refusal,
    ServerUnreachable,
    TooLarge,
    TooMany,
    Unauthenticated,
)
from ostro.protocol.problems import Problem

_BY_STATUS: dict[int, type[Refusal]] = {
    kind.status: kind for kind in (Conflict, Gone, Invalid, NotAllowed, NotFound, TooLarge, Unauthenticated)
}
_AWAY = {502, 503, 504}


class NeverSent(ServerUnreachable):
    """The request did not leave: it may be repeated, whatever it asks for."""


class Busy(ServerUnreachable):
    """The server answered that it cannot work now; `retry_after` (seconds) says when to come back."""

    def __init__(self, message: str, *, hint: str = "", retry_after: float = 0.5) -> None:
        super().__init__(message, hint=hint)
        self.retry_after = retry_after


def failure(status: int, content: bytes, retry_after: str | None) -> OstroError:
    """The error that an answer of 300 and above stands for. `retry_after` is the header of that name."""
    problem = _problem(status, content)
    message, hint = problem.detail or problem.title, problem.hint
    wait = _seconds(retry_after, problem.retry_after)
    if status == TooMany.status:
        return TooMany(problem.kind, message, hint=hint, retry_after=wait)
    if status in _AWAY:
        return Busy(message, hint=hint, retry_after=wait)
    if status >= 500 or status < 400:
        return OstroError(message, hint=hint or f"The server answered {status}; its log says more.")
    fields = [(wrong.path, wrong.what) for wrong in problem.fields]
    refusal = _BY_STATUS.get(status, Refusal)
    return refusal(problem.kind, message, hint=hint, fields=fields, detail=problem.more)


def _problem(status: int, content: bytes) -> Problem:
    """What the server said, or what can be said without: a proxy in between does not speak our way."""
    try:
        return msgspec.json.decode(content, type=Problem)
    except msgspec.DecodeError:
        return Problem(type="", title=f"The server, or a proxy before it, answered {status}.", status=status)


def _seconds(header: str | None, said: float | None) -> float:
    try:
        return max(0.0, float(header or ""))
    except ValueError:
        return 0.5 if said is None else max(0.0, said)
