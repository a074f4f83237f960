"""One workflow's or action's own text, cut out of the text of several."""

from bisect import bisect_right

from ostro.language.problems import Place
from ostro.language.source.nodes import Mapping, Source

_HEAD = "version: '2.0'\n\n"


class Excerpts:
    """Cuts items out of a text. Where that is not safe (aliases, flow style), the whole text stands for each."""

    def __init__(self, source: Source) -> None:
        self._lines = source.lines
        self._whole = "\n".join(source.lines) + "\n"
        root = source.root
        self._tops = (
            sorted(pair.key.place.line for pair in root.pairs.values()) if isinstance(root, Mapping) else []
        )
        self._head = self._head_of(root) if isinstance(root, Mapping) else _HEAD
        self._safe = not source.aliased and self._is_block(root) if isinstance(root, Mapping) else False

    def of(self, items: Mapping) -> dict[str, str]:
        """For each item a text that holds it alone."""
        starts = [pair.key.place.line for pair in items.pairs.values()]
        ends = sorted({*starts, *self._tops, len(self._lines) + 1})
        block = self._safe and self._is_block(items)
        return {
            name: self._one(pair.key.place, ends[bisect_right(ends, pair.key.place.line)])
            if block
            else self._whole
            for name, pair in items.pairs.items()
        }

    def _one(self, key: Place, end: int) -> str:
        indent = key.column - 1
        if self._lines[key.line - 1][:indent].strip():
            return self._whole
        block = self._lines[self._first_of(key) - 1 : end - 1]
        while block and _is_between(block[-1], indent):
            block.pop()
        head = _HEAD if indent else self._head
        return head + "\n".join(line[indent:] if not line[:indent].strip() else line for line in block) + "\n"

    def _first_of(self, key: Place) -> int:
        """The line with which an item begins: its key's, or that of the comment right above it."""
        line = key.line
        while line > 1 and _is_comment(self._lines[line - 2], key.column - 1):
            line -= 1
        return line

    def _head_of(self, root: Mapping) -> str:
        """What stands above the first item, comments too, where that is where the version stands."""
        items = [pair.key.place for name, pair in root.pairs.items() if name != "version"]
        version = root.pairs.get("version")
        if not items or version is None or version.key.place.line >= (first := self._first_of(min(items))):
            return _HEAD
        return "".join(f"{line}\n" for line in self._lines[: first - 1])

    def _is_block(self, node: Mapping) -> bool:
        line = self._lines[node.place.line - 1] if node.place.line <= len(self._lines) else ""
        return not line[node.place.column - 1 :].startswith("{")


def _is_between(line: str, indent: int) -> bool:
    """Whether a last line belongs to what follows: it is blank, or a comment that stands no deeper."""
    return not line.strip() or _is_comment(line, indent)


def _is_comment(line: str, indent: int) -> bool:
    """Whether it is a comment that stands no deeper than this."""
    return line.lstrip().startswith("#") and len(line) - len(line.lstrip()) <= indent
