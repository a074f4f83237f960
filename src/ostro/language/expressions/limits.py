"""What one evaluation may cost, and the meter that counts it.

Steps are counted, not time: the same expression on the same data always ends the same way. A step is
about a quarter of a microsecond.
"""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec

from ostro.language.expressions.failures import ExpressionError, Kind


def _says(sentence: str) -> msgspec.Meta:
    return msgspec.Meta(description=sentence)


class ExpressionLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one evaluation may cost; the reference page is made from these sentences."""

    text_length: Annotated[int, _says("Characters of a string with expressions.")] = 65_536
    steps: Annotated[int, _says("Operations, weighed by what they cost.")] = 200_000
    iterations: Annotated[int, _says("Elements of a `range`, or of any sequence that is read at once.")] = (
        100_000
    )
    memory_bytes: Annotated[int, _says("All that is made on the way, also what is thrown away again.")] = (
        16 * 1024 * 1024
    )
    output_bytes: Annotated[int, _says("The result.")] = 1024 * 1024
    depth: Annotated[int, _says("Levels of sequences, calls and brackets, one inside the other.")] = 40
    integer_bits: Annotated[int, _says("The largest whole number.")] = 4_096
    regex_length: Annotated[int, _says("Characters of a regular expression.")] = 1_000


MOST_TOKENS = 6_000
"""Words and signs of one expression: what reading it may cost."""

DEFAULT_LIMITS = ExpressionLimits()


class Meter:
    """Counts down what is left; raises a `limit` error when nothing is."""

    __slots__ = ("depth", "left", "limits", "room", "top")

    def __init__(self, limits: ExpressionLimits) -> None:
        self.limits = limits
        self.left = limits.steps
        self.room = limits.memory_bytes
        self.depth = 0
        self.top = 1 << limits.integer_bits

    def spend(self, steps: int = 1) -> None:
        """Counts this many steps."""
        self.left -= steps
        if self.left < 0:
            raise ExpressionError(Kind.LIMIT, f"The expression takes more than {self.limits.steps} steps.")

    def grow(self, size: int) -> None:
        """Counts bytes before they are made."""
        self.room -= size
        if self.room < 0:
            said = f"The expression needs more than {self.limits.memory_bytes} bytes of memory."
            raise ExpressionError(Kind.LIMIT, said)

    def scan(self, size: int) -> None:
        """Counts the work of a fast pass over text or a list of this length."""
        self.spend(size >> 7)

    def whole(self, number: int) -> int:
        """The number, if it is not too large."""
        if -self.top < number < self.top:
            return number
        raise ExpressionError(Kind.LIMIT, f"A number has more than {self.limits.integer_bits} bits.")

    def enter(self) -> None:
        """One level deeper; `depth` is taken back by who entered."""
        self.depth += 1
        if self.depth > self.limits.depth:
            raise ExpressionError(
                Kind.LIMIT, f"The expression is nested more than {self.limits.depth} levels deep."
            )

    def weigh(self, value: Any) -> int:
        """Walks a value as a comparison or a printer would, shared parts as often as they occur; its size in bytes.

        What is built by sharing can be exponentially larger than its memory; nothing walks it before this did.
        """
        if type(value) is str:
            return len(value)
        size, open_ = 0, [value]
        while open_:
            at = open_.pop()
            if not isinstance(at, _CONTAINERS):
                continue
            self.spend(len(at) + 1)
            size += 8 * len(at)
            for part in at.values() if isinstance(at, Mapping) else at:
                if type(part) is str:
                    size += len(part)
                elif isinstance(part, _CONTAINERS):
                    open_.append(part)
            if size > self.limits.memory_bytes:
                self.grow(size)
        return size


_CONTAINERS = (dict, list, tuple, set, frozenset, Mapping)
