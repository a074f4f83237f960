"""What users send, checked once at the edge: UTF-8, no NUL or lone surrogate, finite numbers, depth.

It is kept as the bytes that came, so `1.50` and integers of thirty digits stay what they are. Most texts pass by
two quick looks; only what those suspect is parsed.
"""

import json
import re
from hashlib import sha256
from math import isfinite
from typing import Any, NoReturn

import msgspec

from ostro.errors import Invalid

_SUSPECT = re.compile(
    rb"\\u0000|\\u[dD][89a-fA-F]"  # NUL, or half of a pair
    rb"|[eE]\+?0*[0-9]{3}|[0-9]{200}"  # perhaps beyond the floats
)


def check_text(raw: bytes, path: str = "$") -> None:
    """Refuses bytes that are not UTF-8, and JSON with what PostgreSQL or a program cannot keep. Invalid."""
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        _refuse("not_utf8", f"This is not UTF-8: {error.reason} at byte {error.start}.", path)
    if _SUSPECT.search(raw):
        _walk(_parse(raw, path), path)


def check_depth(raw: bytes, most: int, path: str = "$") -> None:
    """Refuses JSON with more than `most` objects and lists within each other. Invalid."""
    if raw.count(b"[") + raw.count(b"{") <= most:
        return
    level = 0
    inside = False
    position = 0
    while position < len(raw):
        byte = raw[position]
        if inside:
            if byte == 0x5C:
                position += 1
            elif byte == 0x22:
                inside = False
        elif byte == 0x22:
            inside = True
        elif byte in b"[{":
            level += 1
            if level > most:
                _refuse("too_deep", f"More than {most} objects and lists stand within each other.", path)
        elif byte in b"]}":
            level -= 1
        position += 1


def hash_of(raw: bytes) -> bytes:
    """SHA-256 over canonical JSON: keys sorted, no blanks, numbers as written (rule 11)."""
    return sha256(canonical(raw)).digest()


def canonical(raw: bytes) -> bytes:
    """The same JSON however it was laid out: keys sorted, no blanks, numbers as written, text as UTF-8."""
    return msgspec.json.encode(
        json.loads(raw, parse_int=_as_written, parse_float=_as_written), order="sorted"
    )


def _as_written(number: str) -> msgspec.Raw:
    return msgspec.Raw(number.encode())


def _parse(raw: bytes, path: str) -> Any:
    def number(text: str) -> None:
        if not isfinite(float(text)):
            _refuse("number_too_large", f"The number {text[:20]}… is beyond what a float can hold.", path)

    try:
        return json.loads(raw, parse_int=number, parse_float=number)
    except RecursionError:
        _refuse("too_deep", "Too many objects and lists stand within each other.", path)
    except ValueError as error:
        _refuse("not_json", f"This is not JSON: {error}", path)


def _walk(value: Any, path: str) -> None:
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, str):
            _check_string(one, path)
        elif isinstance(one, list):
            left.extend(one)
        elif isinstance(one, dict):
            left.extend(one)
            left.extend(one.values())


def _check_string(text: str, path: str) -> None:
    if "\0" in text:
        _refuse("nul", "A text holds the character NUL, which cannot be kept.", path)
    try:
        text.encode()
    except UnicodeEncodeError:
        _refuse("lone_surrogate", "A text holds half of a surrogate pair, which no UTF-8 can say.", path)


def _refuse(kind: str, what: str, path: str) -> NoReturn:
    raise Invalid(kind, what, fields=[(path, what)])
