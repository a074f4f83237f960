"""Errors as RFC 9457 problems. One table for all of them."""

import re
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import Send

from ostro.errors import Overloaded, Refusal, StorageUnavailable, TooMany
from ostro.protocol.problems import MEDIA_TYPE, PROBLEM, Problem, WrongField

log = structlog.get_logger()

_ROUTER = {
    404: ("no_such_path", "There is nothing at this path.", "See all paths: /v1/openapi.json."),
    405: ("method_not_allowed", "This path does not know this method.", "See all paths: /v1/openapi.json."),
    413: ("request_too_large", "The request is larger than this server takes.", "Send it in smaller parts."),
}
_WHERE = re.compile(r"^(?P<what>.*?)(?: - at `(?P<path>.*)`)?$", re.DOTALL)


def problem_of(error: BaseException) -> Problem:
    """The problem that an error is told as. What nobody foresaw is told as nothing but that."""
    match error:
        case Refusal():
            return _refused(error)
        case Overloaded():
            return _problem("overloaded", 503, error.message, hint=error.hint, retry_after=1.0)
        case StorageUnavailable():
            return _problem(
                "storage_unavailable",
                503,
                "The database cannot be reached now.",
                hint="Try again in a moment; with an Idempotency-Key nothing is done twice.",
                retry_after=1.0,
            )
        case msgspec.ValidationError():
            return _invalid("invalid", 422, error)
        case msgspec.DecodeError():
            return _invalid("not_json", 400, error)
        case RecursionError():
            return _problem("too_deep", 422, "Too many objects and lists stand within each other.")
        case HTTPException() if error.status_code < 500:
            kind, detail, hint = _ROUTER.get(error.status_code, ("bad_request", error.detail, ""))
            return _problem(kind, error.status_code, detail, hint=hint)
        case _:
            return _problem("internal", 500, "This server made a mistake; its log tells more.")


def render(problem: Problem) -> tuple[int, bytes, dict[str, str]]:
    """Status, body and headers."""
    headers = {"content-type": MEDIA_TYPE}
    if problem.retry_after is not None:
        headers["retry-after"] = str(max(1, round(problem.retry_after)))
    if problem.status == 401:
        headers["www-authenticate"] = "Bearer"
    return problem.status, msgspec.json.encode(problem), headers


def tell(error: Exception) -> tuple[int, bytes, dict[str, str]]:
    """What a client is told of an error; what is our fault goes to the log as well."""
    problem = problem_of(error)
    if problem.status == 500:
        log.error("request failed", kind=problem.kind, exc_info=error)
    return render(problem)


async def respond(send: Send, status: int, body: bytes, headers: dict[str, str]) -> None:
    """An answer past the framework, in one piece."""
    raw = [(key.encode("latin-1"), value.encode("latin-1")) for key, value in headers.items()]
    raw.append((b"content-length", str(len(body)).encode()))
    await send({"type": "http.response.start", "status": status, "headers": raw})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def answer_with(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """For what the router itself raises."""
    status, body, headers = tell(error)
    return Response(body, status_code=status, headers=headers, media_type=MEDIA_TYPE)


def _refused(refusal: Refusal) -> Problem:
    return Problem(
        type=PROBLEM + refusal.kind,
        title=_title(refusal.kind),
        status=refusal.status,
        detail=refusal.message,
        hint=refusal.hint,
        fields=[WrongField(path=_path(path), what=what) for path, what in refusal.fields],
        retry_after=refusal.retry_after if isinstance(refusal, TooMany) else None,
        more=refusal.detail,
    )


def _invalid(kind: str, status: int, error: msgspec.DecodeError) -> Problem:
    """Says where, as msgspec found it."""
    found = _WHERE.match(str(error))
    what, path = (found["what"], found["path"] or "$") if found else (str(error), "$")
    detail = "The request is not as it should be." if kind == "invalid" else "The body is not JSON."
    field = WrongField(path=path, what=what)
    return Problem(
        type=PROBLEM + kind,
        title=_title(kind),
        status=status,
        detail=f"{detail} {what} (at {path})",
        hint="See what it takes: /v1/openapi.json.",
        fields=[field],
    )


def _problem(
    kind: str, status: int, detail: str, *, hint: str = "", retry_after: float | None = None
) -> Problem:
    return Problem(
        type=PROBLEM + kind,
        title=_title(kind),
        status=status,
        detail=detail,
        hint=hint,
        retry_after=retry_after,
    )


def _title(kind: str) -> str:
    return kind.replace("_", " ").capitalize()


def _path(path: str) -> str:
    return path if path.startswith(("$", "?")) or path[:1].isupper() else f"$.{path}"
