"""What a scalar of YAML 1.1 means, as Mistral's loader has it; times stay texts."""

import re
from typing import Any

_WORDS: dict[str, bool | None] = {
    form: value
    for word, value in (
        ("yes", True),
        ("true", True),
        ("on", True),
        ("no", False),
        ("false", False),
        ("off", False),
    )
    for form in (word, word.capitalize(), word.upper())
} | {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_SAME_IN_JSON = {"true", "false", "null", "", "~"}

_INTEGER = re.compile(
    r"[-+]?(?:0b[01_]+|0x[0-9a-fA-F_]+|0[0-7_]+|(?:0|[1-9][0-9_]*)|[1-9][0-9_]*(?::[0-5]?[0-9])+)"
)
_FLOAT = re.compile(
    r"[-+]?[0-9][0-9_]*\.[0-9_]*(?:[eE][-+][0-9]+)?|\.[0-9][0-9_]*(?:[eE][-+][0-9]+)?"
    r"|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+\.[0-9_]*|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_NUMERIC_START = frozenset("0123456789+-.")
_LONGEST_NUMBER = 400
_TAG = "tag:yaml.org,2002:"


class UnknownTag(Exception):
    """A tag that is none of YAML's own simple ones, or that its text does not fit."""


def resolve(text: str) -> Any:
    """The value of a plain scalar."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC_START or len(text) > _LONGEST_NUMBER:
        return text
    try:
        if _INTEGER.fullmatch(text):
            return _integer(text)
        if _FLOAT.fullmatch(text):
            return _float(text)
    except ValueError:
        pass
    return text


def tagged(tag: str | None, text: str) -> Any:
    """The value of a scalar with a tag, or in quotes (without one). Raises UnknownTag."""
    if tag in (None, "!", _TAG + "str"):
        return text
    value = resolve(text)
    wanted: dict[str, Any] = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
    kind = wanted.get(str(tag).removeprefix(_TAG))
    if kind is None or not isinstance(value, kind):
        raise UnknownTag
    return value


def truth_like(key: Any) -> bool:
    """Whether a key is one that YAML 1.1 takes for a truth value although it reads as a word (`on`, `yes`)."""
    return key.plain and key.text in _WORDS and key.text.lower() not in _SAME_IN_JSON


def sexagesimal(text: str) -> bool:
    """Whether a plain scalar is a number of base 60 (`12:30`), which hardly anybody means."""
    return ":" in text and not isinstance(resolve(text), str)


def _integer(text: str) -> int:
    sign = -1 if text[0] == "-" else 1
    digits = text.lstrip("+-").replace("_", "")
    if ":" in digits:
        return sign * int(_base_60([int(one) for one in digits.split(":")]))
    if digits == "0":
        return 0
    for mark, base in (("0b", 2), ("0x", 16), ("0", 8)):
        if digits.startswith(mark):
            return sign * int(digits.removeprefix(mark), base)
    return sign * int(digits)


def _float(text: str) -> float:
    sign = -1.0 if text[0] == "-" else 1.0
    digits = text.lstrip("+-").replace("_", "").lower()
    if digits in (".inf", ".nan"):
        return sign * float(digits[1:])
    if ":" in digits:
        return sign * float(_base_60([float(one) for one in digits.split(":")]))
    return sign * float(digits)


def _base_60(parts: list[Any]) -> Any:
    value: Any = 0
    for part in parts:
        value = value * 60 + part
    return value
