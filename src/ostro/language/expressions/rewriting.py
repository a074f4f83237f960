"""A pattern of Python's `re` written anew for RE2, and how much work it could be without it."""

from collections.abc import Callable, Iterable
from re import _constants as c  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

import msgspec

_SPACE = r"\t-\r\x1c-\x20"
_WIDE_SPACE = _SPACE + r"\x{85}\x{a0}\x{1680}\x{2000}-\x{200a}\x{2028}\x{2029}\x{202f}\x{205f}\x{3000}"
_CLASSES = {
    False: {"d": "0-9", "w": "0-9A-Za-z_", "s": _SPACE},
    True: {"d": r"\p{Nd}", "w": r"\p{L}\p{N}_", "s": _WIDE_SPACE},
}
_MANY = 1_000
"""RE2's own bound for counted repetitions."""


class Rewritten(msgspec.Struct, frozen=True):
    """RE2 forms by the texts that they are right for; `power`: `re` tries at most length ** (power + 1) positions.

    A form is None where RE2 cannot say it, the power where nothing bounds it.
    """

    ascii: str | None
    """For texts of ASCII that do not end in a line feed, if the pattern asks for the end."""
    wide: str | None
    """For other texts that do not end in one."""
    last_line: bool
    """Whether the pattern has a `$` outside of multi-line mode."""
    power: int | None
    looks_ahead: bool
    """Whether a search may read far beyond the match that it finds."""

    def form_for(self, text: str) -> str | None:
        """The form that finds in this text what `re` finds."""
        form = self.ascii if text.isascii() else self.wide
        if form is None or not self.last_line:
            return form
        if not text.endswith("\n"):
            return form.replace(_END, r"\z")
        return form.replace(_END, r"(?m:$)") if text.count("\n") == 1 else None


_END = "\x00END\x00"


class _Unknown(Exception):
    """RE2 cannot say that."""


def rewrite(pattern: str, flags: int) -> Rewritten:
    """Raises re.error for what `re` would refuse."""
    tree = _parser.parse(pattern, flags)
    writers = [_Writer(tree.state.flags, wide=wide) for wide in (False, True)]
    narrow, wide = (writer.whole(tree) for writer in writers)
    last_line = any(writer.last_line for writer in writers)
    return Rewritten(narrow, wide, last_line, power_of(tree), _looks_ahead(tree))


class _Writer:
    """Writes one form."""

    def __init__(self, flags: int, *, wide: bool) -> None:
        self.flags = flags
        self.wide = wide and not flags & c.SRE_FLAG_ASCII
        self.any_text = wide
        self.last_line = False

    def whole(self, tree: Any) -> str | None:
        try:
            form = self.sequence(tree)
        except _Unknown:
            return None
        return f"(?i:{form})" if self.flags & c.SRE_FLAG_IGNORECASE else form

    def sequence(self, tree: Iterable[tuple[Any, Any]]) -> str:
        return "".join(self.one(operator, argument) for operator, argument in tree)

    def one(self, operator: Any, argument: Any) -> str:
        write = _WRITERS.get(operator)
        if write is None:
            raise _Unknown
        return write(self, argument)

    def literal(self, code: int) -> str:
        return _char(code)

    def not_literal(self, code: int) -> str:
        return f"[^{_char(code)}]"

    def any(self, _: None) -> str:
        return "(?s:.)" if self.flags & c.SRE_FLAG_DOTALL else r"[^\n]"

    def at(self, where: Any) -> str:
        several = self.flags & c.SRE_FLAG_MULTILINE
        if where is c.AT_BEGINNING:
            return "(?m:^)" if several else r"\A"
        if where is c.AT_BEGINNING_STRING:
            return r"\A"
        if where is c.AT_END_STRING:
            return r"\z"
        if where is c.AT_END:
            self.last_line = self.last_line or not several
            return "(?m:$)" if several else _END
        if self.any_text:
            raise _Unknown
        return r"\b" if where is c.AT_BOUNDARY else r"\B"

    def within(self, parts: list[tuple[Any, Any]]) -> str:
        negated = bool(parts) and parts[0][0] is c.NEGATE
        return f"[{'^' if negated else ''}{''.join(self.item(*part) for part in parts[negated:])}]"

    def item(self, operator: Any, argument: Any) -> str:
        if operator is c.LITERAL:
            return _char(argument)
        if operator is c.RANGE:
            return f"{_char(argument[0])}-{_char(argument[1])}"
        return self.category(argument)

    def category(self, which: Any) -> str:
        name = str(which).rpartition("_")[2].lower()
        letter = {"digit": "d", "space": "s", "word": "w"}[name]
        inside = _CLASSES[self.wide][letter]
        if "NOT" not in str(which):
            return inside
        return {"d": r"\D", "w": r"\W"}[letter] if not self.wide and letter != "s" else self.not_space(letter)

    def not_space(self, letter: str) -> str:
        if letter == "d":
            return r"\P{Nd}"
        if letter == "s" and not self.wide:
            return r"\x00-\x08\x0e-\x1b\x{21}-\x{10ffff}"
        raise _Unknown

    def branch(self, argument: tuple[None, list[Any]]) -> str:
        return f"(?:{'|'.join(self.sequence(choice) for choice in argument[1])})"

    def group(self, argument: tuple[int | None, int, int, Any]) -> str:
        number, added, taken, inner = argument
        if added or taken:
            raise _Unknown
        return f"{'(' if number is not None else '(?:'}{self.sequence(inner)})"

    def repeat(self, argument: tuple[int, Any, Any]) -> str:
        return self.repeated(argument, "")

    def repeat_shortest(self, argument: tuple[int, Any, Any]) -> str:
        return self.repeated(argument, "?")

    def repeated(self, argument: tuple[int, Any, Any], lazy: str) -> str:
        least, most, inner = argument
        unbounded = most is c.MAXREPEAT
        if least > _MANY or (not unbounded and most > _MANY):
            raise _Unknown
        counted = f"{{{least},{'' if unbounded else most}}}"
        return f"(?:{self.sequence(inner)}){counted}{lazy}"


_WRITERS: dict[Any, Callable[[_Writer, Any], str]] = {
    c.LITERAL: _Writer.literal,
    c.NOT_LITERAL: _Writer.not_literal,
    c.ANY: _Writer.any,
    c.AT: _Writer.at,
    c.IN: _Writer.within,
    c.BRANCH: _Writer.branch,
    c.SUBPATTERN: _Writer.group,
    c.MAX_REPEAT: _Writer.repeat,
    c.MIN_REPEAT: _Writer.repeat_shortest,
}


def _char(code: int) -> str:
    return chr(code) if chr(code).isalnum() and code < 128 else f"\\x{{{code:x}}}"


def power_of(tree: Any) -> int | None:
    """How many repetitions stand side by side; None if one stands in another, or over alternatives."""
    power = 0
    for operator, argument in tree:
        if operator in (c.MAX_REPEAT, c.MIN_REPEAT) or str(operator) == "POSSESSIVE_REPEAT":
            if argument[1] == 1:
                inner = _sum((1, power_of(argument[2])))
            else:
                inner = 1 if all(_is_one_character(part) for part in argument[2]) else None
        elif operator is c.BRANCH:
            inner = _sum((1, *(power_of(choice) for choice in argument[1])))
        elif operator in (c.SUBPATTERN, c.ASSERT, c.ASSERT_NOT):
            inner = power_of(argument[-1])
        elif operator is c.GROUPREF or _is_one_character((operator, argument)) or operator is c.AT:
            inner = 0
        else:
            inner = None
        if inner is None:
            return None
        power += inner
    return power


def _looks_ahead(tree: Any) -> bool:
    """False for a bounded pattern, which may end in a greedy repetition of a character."""
    parts = list(tree)
    for index, (operator, argument) in enumerate(parts):
        is_last = index == len(parts) - 1
        if operator is c.MAX_REPEAT and is_last and all(_is_one_character(part) for part in argument[2]):
            continue
        if operator is c.SUBPATTERN and is_last and not _looks_ahead(argument[-1]):
            continue
        if not _is_one_character((operator, argument)) and operator is not c.AT:
            return True
    return False


def _sum(powers: Iterable[int | None]) -> int | None:
    found = list(powers)
    return None if None in found else sum(power for power in found if power)


def _is_one_character(part: tuple[Any, Any]) -> bool:
    return part[0] in (c.LITERAL, c.NOT_LITERAL, c.ANY, c.IN)
