"""How /v1 says no: RFC 9457 problem details (`application/problem+json`)."""

from typing import Any, Final

import msgspec

PROBLEM: Final = "urn:ostro:problem:"
"""What every `type` begins with; the rest is the refusal's stable kind."""

MEDIA_TYPE: Final = "application/problem+json"


class WrongField(msgspec.Struct, kw_only=True, frozen=True):
    """One mistake in a request: `path` as in `$.tasks[0].requires[1]`, and what is wrong there."""

    path: str
    what: str


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why a request was not obeyed; it changed nothing.

    `type` is stable and made for programs, `title` and `detail` for people, `hint` says what to do.
    `retry_after` is in seconds. `more` holds what else the kind of problem carries.
    """

    type: str
    title: str
    status: int
    detail: str = ""
    hint: str = ""
    fields: list[WrongField] = []
    retry_after: float | None = None
    more: dict[str, Any] = {}

    @property
    def kind(self) -> str:
        """The last part of `type`."""
        return self.type.removeprefix(PROBLEM)
