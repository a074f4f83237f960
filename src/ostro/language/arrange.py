"""`ostro fmt`: the same text with keys in their usual order, two blanks a level, and every comment kept.

It moves lines and changes their indentation, nothing else: what stands on a line stays as it was written. The
result is read again; unless it means the same and holds the same comments, the text is left as it was.
"""

import re
from collections.abc import Sequence

import msgspec

from ostro.language.codes import ERROR
from ostro.language.problems import Problems
from ostro.language.source.compose import compose
from ostro.language.source.nodes import Items, Mapping, Node, Source, plain

_TOP = ("version", "name", "description", "tags", "actions", "workflows")
_WORKFLOW = (
    "type", "open", "description", "tags", "deadline", "priority", "input", "vars", "output", "output-on-error",
    "done-when", "task-defaults", "tasks",
)  # fmt: skip
_TASK = (
    "description", "tags", "requires", "join", "with-items", "concurrency", "action", "workflow", "input", "target",
    "priority", "wait-before", "pause-before", "timeout", "retry", "fail-on", "wait-after", "safe-rerun",
    "may-spawn", "keep-result", "publish", "publish-on-error", "publish-on-skip", "on-success", "on-error",
    "on-complete", "on-skip",
)  # fmt: skip
_ACTION = ("description", "tags", "input", "base", "base-input", "output")
_STEP = 2
_COMMENT = re.compile(r"(?:^|\s)#.*$")


class Arranged(msgspec.Struct, frozen=True):
    """The text as it should be; `refused` says why it was left as it was, empty if it was not."""

    text: str
    refused: str = ""


def arrange(text: str) -> Arranged:
    """Lays a text out. Never raises for what it holds."""
    problems = Problems()
    source = compose(text, problems)
    if not isinstance(source.root, Mapping) or any(one.severity == ERROR for one in problems.sorted()):
        return Arranged(text, "It cannot be read: `ostro lint` says why.")
    if source.aliased:
        return Arranged(text, "It has aliases, so its parts must stay in their order.")
    if not source.root.pairs or _is_flow(source.root, source.lines):
        return Arranged(text, "It is written in braces, as JSON is.")
    made = "\n".join(_Layout(source).whole(source.root)) + "\n"
    return (
        Arranged(made)
        if _is_same(source, made)
        else Arranged(text, "Its layout is too unusual to be changed safely.")
    )


def _is_same(source: Source, made: str) -> bool:
    problems = Problems()
    again = compose(made, problems)
    if source.root is None or again.root is None or plain(source.root) != plain(again.root):
        return False
    return _comments(source.lines) == _comments(again.lines)


def _comments(lines: Sequence[str]) -> list[str]:
    return sorted(found.group().strip() for line in lines if (found := _COMMENT.search(line)))


def _is_flow(node: Node, lines: Sequence[str]) -> bool:
    line = lines[node.place.line - 1] if node.place.line <= len(lines) else ""
    return line[node.place.column - 1 :].startswith(("{", "["))


class _Layout:
    """Lays out the lines of one text. A block is the lines of a node, from its first to before `end`."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines

    def whole(self, root: Mapping) -> list[str]:
        """All lines, what stands before the first key included."""
        first = min(pair.key.place.line for pair in root.pairs.values())
        head, lead = self._head(first)
        end = self._last_line(first, len(self._lines) + 1, 0)
        tail = [line.strip() for line in self._lines[end - 1 :]]
        while tail and not tail[-1]:
            tail.pop()
        body = self._mapping(root, end, 0, ())
        above = _single_blanks([*head, *lead])
        while body and not body[0] and not (above and above[-1]):
            body = body[1:]
        return [*above, *body, *_single_blanks(tail)]

    def _head(self, first: int) -> tuple[list[str], list[str]]:
        before = [line.rstrip() for line in self._lines[: first - 1]]
        while before and not before[0]:
            before = before[1:]
        cuts = [at + 1 for at, line in enumerate(before) if not line or line.startswith(("---", "%"))]
        cut = max(cuts, default=0)
        return before[:cut], before[cut:]

    def _mapping(self, node: Mapping, end: int, indent: int, path: tuple[str, ...]) -> list[str]:
        """The lines of a block mapping whose keys go to `indent`; the first line begins with its key."""
        keys = sorted(node.pairs, key=lambda key: node.pairs[key].key.place.line)
        starts = [node.pairs[key].key.place.line for key in keys]
        column = node.pairs[keys[0]].key.place.column - 1
        end, outside = self._outside(starts[-1], end, column, indent)
        chunks: dict[str, list[str]] = {}
        lead: list[str] = []
        for key, start, stop in zip(keys, starts, [*starts[1:], end], strict=True):
            last = self._last_line(start, stop, column) if stop != end else stop
            pair = node.pairs[key]
            body = self._pair(
                pair.value, pair.key.place.line, pair.key.place.column - 1, last, indent, (*path, key)
            )
            chunks[key] = [*lead, *body]
            lead = _single_blanks([_at(line, indent) for line in self._lines[last - 1 : stop - 1]])
        order = _order_of(path)
        ranked = sorted(keys, key=lambda key: order.index(key) if key in order else len(order))
        return [*(line for key in ranked for line in chunks[key]), *outside]

    def _outside(self, start: int, end: int, column: int, indent: int) -> tuple[int, list[str]]:
        """Where a block really ends: comments after its last line stay at its end, or belong to what is around it."""
        last = end
        while last > start + 1 and _is_lead(self._lines[last - 2], column):
            last -= 1
        placed = [
            _at(line, indent if line[:column].isspace() or not column else max(0, indent - _STEP))
            for line in self._lines[last - 1 : end - 1]
        ]
        return last, _single_blanks(placed)

    def _last_line(self, start: int, stop: int, column: int) -> int:
        """Where a key's own lines end: blanks and comments before the next key belong to that."""
        while stop > start + 1 and _is_lead(self._lines[stop - 2], column):
            stop -= 1
        return stop

    def _pair(
        self, value: Node, line: int, column: int, end: int, indent: int, path: tuple[str, ...]
    ) -> list[str]:
        """The lines of one key; `end` is the line after its last."""
        first = self._lines[line - 1][column:]
        nested = value.place.line > line and not _is_flow(value, self._lines)
        if not nested or not isinstance(value, Mapping | Items) or not _inside(value, line, end):
            rest = self._lines[line : end - 1]
            alone = first.rstrip() if not rest else first
            return [" " * indent + alone, *(_shifted(one, indent - column) for one in rest)]
        between = [_at(one, indent + _STEP) for one in self._lines[line : value.place.line - 1]]
        inner = self._nested(value, end, indent + _STEP, path)
        return [" " * indent + first.rstrip(), *between, *inner]

    def _nested(self, value: Mapping | Items, end: int, indent: int, path: tuple[str, ...]) -> list[str]:
        if isinstance(value, Mapping):
            return self._mapping(value, end, indent, path)
        return self._items(value, end, indent, path)

    def _items(self, node: Items, end: int, indent: int, path: tuple[str, ...]) -> list[str]:
        starts = [self._dash(one) for one in node.items]
        column = len(self._lines[starts[0] - 1]) - len(self._lines[starts[0] - 1].lstrip())
        end, outside = self._outside(starts[-1], end, column, indent)
        made: list[str] = []
        for item, start, stop in zip(node.items, starts, [*starts[1:], end], strict=True):
            last = self._last_line(start, stop, column) if stop != end else stop
            made += self._item(item, start, last, indent, path)
            made += _single_blanks([_at(line, indent) for line in self._lines[last - 1 : stop - 1]])
        return [*made, *outside]

    def _dash(self, item: Node) -> int:
        """The line of an item's dash: its own, or the one before that only holds the dash."""
        line = item.place.line
        while line > 1 and not self._lines[line - 1].lstrip().startswith("-"):
            line -= 1
        return line

    def _item(self, item: Node, start: int, end: int, indent: int, path: tuple[str, ...]) -> list[str]:
        line = self._lines[start - 1]
        column = len(line) - len(line.lstrip())
        block = isinstance(item, Mapping) and item.pairs and not _is_flow(item, self._lines)
        if block and isinstance(item, Mapping) and item.place.line == start:
            inner = self._mapping(item, end, indent + _STEP, (*path, "-"))
            return [" " * indent + "- " + inner[0].lstrip(), *inner[1:]]
        rest = self._lines[start : end - 1]
        own = line[column:] if rest else line[column:].rstrip()
        return [" " * indent + own, *(_shifted(one, indent - column) for one in rest)]


def _inside(value: Mapping | Items, line: int, end: int) -> bool:
    held = bool(value.pairs) if isinstance(value, Mapping) else bool(value.items)
    return held and line < value.place.line < end


def _order_of(path: tuple[str, ...]) -> tuple[str, ...]:
    """The usual order of the keys at a path; the names of tasks and workflows keep theirs."""
    inner = path[1:] if path[:1] == ("workflows",) else path
    if not path:
        return _TOP
    if len(path) == 2 and path[0] == "actions":
        return _ACTION
    if len(inner) == 1 and inner[0] not in ("workflows", "actions"):
        return _WORKFLOW
    return _TASK if len(inner) == 3 and inner[1] == "tasks" else ()


def _is_lead(line: str, column: int) -> bool:
    stripped = line.strip()
    return not stripped or (stripped.startswith("#") and len(line) - len(line.lstrip()) <= column)


def _at(line: str, indent: int) -> str:
    stripped = line.strip()
    return " " * indent + stripped if stripped else ""


def _shifted(line: str, by: int) -> str:
    if not line.strip() or by == 0:
        return line
    return " " * by + line if by > 0 else line[min(-by, len(line) - len(line.lstrip())) :]


def _single_blanks(lines: list[str]) -> list[str]:
    return [line for at, line in enumerate(lines) if line or at == 0 or lines[at - 1]]
