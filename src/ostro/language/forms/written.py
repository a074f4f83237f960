"""Compact texts: `std.echo output="x" delay=1`, `fail(msg="no")`, `count=3 delay=1`, `i in [1, 2]`, `1h30m`."""

import re
from typing import Any, NamedTuple

import msgspec

from ostro.language.marks import has_expression
from ostro.language.problems import Problems
from ostro.language.source.compose import compose
from ostro.language.source.nodes import plain

_EXPRESSIONS = {"<%": "%>", "{{": "}}"}
_PARAMETER = re.compile(r"([-\w]+)=")
_LOOP = re.compile(r"\s*([\w-]+?)\s+in\s*(.+)|\s*([\w-]+?)\s*in\s*([\[<{].+)", re.DOTALL)
_DURATION = re.compile(r"(?:(\d{1,9})d)?(?:(\d{1,9})h)?(?:(\d{1,9})m)?(?:(\d{1,9})s)?")
_JSON_WORD = re.compile(r"true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][-+]?\d+)?")


class Written(NamedTuple):
    """A name, its parameters, and the words that are neither."""

    name: str
    parameters: dict[str, Any]
    ignored: list[str]


def call(text: str) -> Written:
    """`name key=value …` or `name(key=value)`. Values: JSON, a text in quotes, an expression, a bare word."""
    scanner = _Scanner(text)
    name_end = scanner.run_end(0, len(text), stop="(")
    begin, end = name_end, len(text.rstrip())
    if text[begin : begin + 1] == "(" and text[end - 1 : end] == ")":
        begin, end = begin + 1, end - 1
    return Written(text[:name_end], *scanner.parameters(begin, end))


def parameters(text: str) -> tuple[dict[str, Any], list[str]]:
    """`key=value key=value`, and the words that are none."""
    return _Scanner(text).parameters(0, len(text))


def loop(text: str) -> tuple[str, str] | None:
    """`variable in list` in its two parts; None if it is not that."""
    found = _LOOP.fullmatch(text.rstrip())
    if not found:
        return None
    return (found[1], found[2]) if found[1] else (found[3], found[4])


def duration(text: str) -> int | None:
    """Seconds of `30s`, `5m`, `1h30m`, `2d`; None if it is none."""
    found = _DURATION.fullmatch(text)
    if not text or not found:
        return None
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return ((days * 24 + hours) * 60 + minutes) * 60 + seconds


class _Scanner:
    """Walks over a compact text once, whatever stands in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._last = {opening: text.rfind(closing) for opening, closing in _EXPRESSIONS.items()}
        self._unclosed = False

    def parameters(self, at: int, end: int) -> tuple[dict[str, Any], list[str]]:
        """`key=value` pairs between two places, and the words that are none."""
        found: dict[str, Any] = {}
        ignored = []
        while at < end:
            if self.text[at].isspace() or self.text[at] == ",":
                at += 1
                continue
            named = _PARAMETER.match(self.text, at, end)
            if named is None:
                here, at = at, self.run_end(at, end)
                ignored.append(self.text[here:at])
            elif (at := self._value_end(named.end(), end)) == named.end():
                ignored.append(named.group())
            else:
                found[named[1]] = _value(self.text[named.end() : at])
        return found, ignored

    def run_end(self, at: int, end: int, stop: str = "") -> int:
        """The end of a word, in which expressions may hold blanks."""
        while at < end and not self.text[at].isspace() and self.text[at] not in stop:
            at = self._expression_end(at) or at + 1
        return min(at, end)

    def _expression_end(self, at: int) -> int:
        """Where an expression that opens here ends; 0 if none does."""
        opening = self.text[at : at + 2]
        if opening not in _EXPRESSIONS or self._last[opening] < at + 2:
            return 0
        return self.text.find(_EXPRESSIONS[opening], at + 2) + 2

    def _value_end(self, at: int, end: int) -> int:
        opening = self.text[at : at + 1]
        if opening in {'"', "'"}:
            closing = self.text.find(opening, at + 1, end)
            return end if closing < 0 else closing + 1
        if opening == "[" or (opening == "{" and self.text[at + 1 : at + 2] not in {"{", "%"}):
            return self._bracket_end(at, end)
        return self.run_end(at, end)

    def _bracket_end(self, at: int, end: int) -> int:
        """The end of a list or a mapping; of the word if one does not close."""
        depth, here = 0, at
        while here < end and not self._unclosed:
            one = self.text[here]
            if expression := self._expression_end(here):
                here = expression
                continue
            if one in "\"'":
                closing = self.text.find(one, here + 1, end)
                here = closing if closing > 0 else here
            depth += (one in "[{") - (one in "]}")
            here += 1
            if depth == 0:
                return here
        self._unclosed = True
        return self.run_end(at, end)


def _value(raw: str) -> Any:
    if raw[:1] in {'"', "'"} and raw[:1]:
        return raw[1:-1] if len(raw) > 1 and raw[-1] == raw[0] else raw[1:]
    if _JSON_WORD.fullmatch(raw) or raw[:1] in {"[", "{"}:
        try:
            return msgspec.json.decode(raw)
        except (msgspec.DecodeError, RecursionError):
            return _loose(raw)
    return raw


def _loose(raw: str) -> Any:
    """`{a: 1}` as YAML reads it. A list that is no JSON stays text, as Mistral has it."""
    if raw.startswith("{") and not has_expression(raw):
        problems = Problems()
        read = compose(raw, problems)
        if read.root is not None and not problems.sorted():
            return plain(read.root)
    return raw
