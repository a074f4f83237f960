"""The doors that take texts of strangers. Each takes bytes, and raises only what nobody foresaw.

What a door answers is no matter here: a refusal of its own kind is an answer. Anything else that it raises, and more
than `LONGEST` seconds of CPU, is a find.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from ostro.api.checked import check_depth, hash_of
from ostro.api.endpoints import Endpoint, body_of, query_of
from ostro.api.failures import problem_of
from ostro.api.openapi import ENDPOINTS
from ostro.language.expressions import ExpressionError, parse, parse_yaql
from ostro.language.lint import lint
from ostro.language.model.definitions import Kind
from ostro.language.parsed import parsed
from ostro.values import Limits
from tests.language.expressions.generated import DATA
from tests.language.expressions.world import snapshot

LONGEST = 1.0
"""Seconds. The limits are made for a tenth of that on a quiet machine."""

_KINDS = (None, *Kind)
_TEXTS = {"text": "[{a: &a [1, 2]}, *a]", "json": '{"k": [1, 2.5, null]}', "n": 7, **DATA}
BODIES: tuple[Endpoint, ...] = tuple(one for one in ENDPOINTS if one.body is not None)


class TooSlow(Exception):
    """A door took longer than any text may make it take."""


def definition(data: bytes) -> None:
    """An upload: read, checked, its expressions parsed. The first byte chooses the kind."""
    lint(data[1:], _KINDS[_first(data) % len(_KINDS)], parse=parsed)


def yaql(data: bytes) -> None:
    """An expression between `<%` and `%>`, evaluated within the limits."""
    with suppress(ExpressionError):
        parse_yaql(_text(data)).evaluate(_TEXTS, snapshot())


def jinja(data: bytes) -> None:
    """A string with anything in it."""
    with suppress(ExpressionError):
        parse(_text(data)).evaluate(_TEXTS, snapshot())


def parsed_text(data: bytes) -> None:
    """`json_parse` and `yaml_parse`, in either language."""
    for text in ("<% json_parse($.x) %>", "<% yaml_parse($.x) %>", "{{ yaml_parse(_.x) }}"):
        with suppress(ExpressionError):
            parse(text).evaluate({"x": _text(data)}, snapshot())


def body(data: bytes) -> None:
    """The body of a request. The first byte chooses the route."""
    endpoint = BODIES[_first(data) % len(BODIES)]
    raw = data[1:].strip() or b"{}"
    try:
        body_of(endpoint, raw)
        check_depth(raw, Limits().json_depth)
        hash_of(raw)
    except Exception as error:
        if problem_of(error).status >= 500:
            raise


def query(data: bytes) -> None:
    """What stands behind the question mark."""
    endpoint = ENDPOINTS[_first(data) % len(ENDPOINTS)]
    try:
        query_of(endpoint.query, data[1:])
    except Exception as error:
        if problem_of(error).status >= 500:
            raise


def _first(data: bytes) -> int:
    return data[0] if data else 0


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")  # what is no UTF-8 becomes half a surrogate pair


Door = Callable[[bytes], Any]
DOORS: dict[str, Door] = {
    one.__name__.replace("_", "-"): one for one in (definition, yaql, jinja, parsed_text, body, query)
}


def knock(door: Door, data: bytes) -> None:
    """One text at one door; TooSlow if it took too long."""
    began = time.process_time()
    door(data)
    took = time.process_time() - began
    if took > LONGEST:
        raise TooSlow(f"{took:.1f} s of CPU for {len(data)} bytes")
