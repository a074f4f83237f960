"""A snapshot for tests, and results compared as the conformance README says."""

from datetime import UTC, datetime
from typing import Any

from ostro.language.expressions import Given, Lookup, Need, parse

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)


def snapshot(answers: dict[Need, Any] | None = None, seed: bytes = b"sixteen bytes ok") -> Given:
    return Given(now=NOW, seed=seed, answers=answers or {})


def with_env(context: dict[str, Any]) -> Given:
    return snapshot({Need(Lookup.ENV): context.get("__env")})


def value_of(text: str, data: dict[str, Any] | None = None, answers: dict[Need, Any] | None = None) -> Any:
    return parse(text).evaluate(data or {}, snapshot(answers))
