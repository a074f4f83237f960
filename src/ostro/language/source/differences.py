"""What differs between two texts, as a unified diff."""

from collections.abc import Iterator
from difflib import SequenceMatcher
from itertools import takewhile

_CONTEXT = 3
_MOST = 2_000
"""So many different lines are compared one by one; of more all are told as taken out and put in."""

_Step = tuple[str, int, int, int, int]


class _Matcher(SequenceMatcher[str]):
    """One whose steps are found already: it groups them."""

    opcodes: list[_Step]


def unified(old: str, new: str, old_name: str, new_name: str) -> str:
    """A unified diff from `old` to `new`; empty if they are the same. Whatever the texts are, it takes a bounded time."""
    a, b = old.splitlines(), new.splitlines()
    head = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(a, b, strict=False)))
    rests = zip(reversed(a[head:]), reversed(b[head:]), strict=False)
    tail = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], rests))
    matcher = _Matcher(None, a, b)
    matcher.opcodes = list(_steps(a, b, head, tail))  # what `get_opcodes` would find
    lines = [line for group in matcher.get_grouped_opcodes(_CONTEXT) for line in _told(group, a, b)]
    return "\n".join([f"--- {old_name}", f"+++ {new_name}", *lines, ""]) if lines else ""


def _steps(a: list[str], b: list[str], head: int, tail: int) -> Iterator[_Step]:
    end_a, end_b = len(a) - tail, len(b) - tail
    if head:
        yield "equal", 0, head, 0, head
    if max(end_a, end_b) - head > _MOST:
        yield "replace", head, end_a, head, end_b
    else:
        for tag, a1, a2, b1, b2 in SequenceMatcher(None, a[head:end_a], b[head:end_b]).get_opcodes():
            yield tag, a1 + head, a2 + head, b1 + head, b2 + head
    if tail:
        yield "equal", end_a, len(a), end_b, len(b)


def _told(group: list[_Step], a: list[str], b: list[str]) -> Iterator[str]:
    yield f"@@ -{_span(group[0][1], group[-1][2])} +{_span(group[0][3], group[-1][4])} @@"
    for tag, a1, a2, b1, b2 in group:
        if tag == "equal":
            yield from (f" {line}" for line in a[a1:a2])
            continue
        yield from (f"-{line}" for line in a[a1:a2])
        yield from (f"+{line}" for line in b[b1:b2])


def _span(start: int, end: int) -> str:
    """Lines as a diff counts them: from 1, without the count where it is 1."""
    length = end - start
    first = start + 1 if length else start
    return f"{first}" if length == 1 else f"{first},{length}"
