"""Expressions read once and evaluated often. The floor of each is the same in Python, a closure over the same data."""

from collections.abc import Callable
from datetime import UTC, datetime
from itertools import accumulate
from typing import Any

from benchmarks.figures import Found, Scale
from benchmarks.language.timing import microseconds
from ostro.language.expressions import Given, parse

_DATA: dict[str, Any] = {"a": {"b": 41}, "host": "web-1", "items": [{"n": n} for n in range(100)]}
_CASES: dict[str, tuple[str, Callable[[dict[str, Any]], object]]] = {
    "$.a.b + 1": ("<% $.a.b + 1 %>", lambda data: data["a"]["b"] + 1),
    "the same in Jinja2": ("{{ _.a.b + 1 }}", lambda data: data["a"]["b"] + 1),
    "in a text": (
        "https://<% $.host %>/<% $.a.b %>",
        lambda data: f"https://{data['host']}/{data['a']['b']}",
    ),
    "sum of 50 of 100": (
        "<% $.items.where($.n > 49).select($.n).sum() %>",
        lambda data: sum(one["n"] for one in data["items"] if one["n"] > 49),
    ),
    "by the yaql library, 100 items": (
        "<% $.items.select($.n).accumulate($1 + $2).last() %>",
        lambda data: list(accumulate(one["n"] for one in data["items"]))[-1],
    ),
}


def evaluate(scale: Scale) -> Found:
    """Each case; a quick run takes the first two."""
    world, found = Given(now=datetime(2030, 1, 1, tzinfo=UTC), seed=bytes(16)), Found()
    for name, (text, same) in list(_CASES.items())[: scale.of(len(_CASES), 2)]:
        expression = parse(text)
        if expression.evaluate(_DATA, world) != same(_DATA):
            raise RuntimeError(f"{text} is not what it is measured against")
        floor = microseconds(lambda same=same: same(_DATA))  # type: ignore[misc]
        took = microseconds(lambda expression=expression: expression.evaluate(_DATA, world))  # type: ignore[misc]
        found |= {f"floor Python, {name} µs": floor, f"{name} µs": took, f"{name} / floor": took / floor}
        found[f"reading {name} µs"] = microseconds(lambda text=text: parse(text))  # type: ignore[misc]
    return found
