"""Text in YAML 1.1 → nodes that know where they stand. Strict where YAML surprises, and bounded.

Plain scalars mean what they mean to Mistral (`yes` is true, `017` is 15), keys are always texts. Anchors and
aliases work, within bounds. A text that is no YAML because of `&`, `*` or `@` is read as Mistral reads it: there
they are ordinary characters.
"""

from typing import Any

import msgspec
import yaml

from ostro.language.problems import Place, Problems
from ostro.language.source.nodes import Items, Mapping, Node, Pair, Scalar, Source
from ostro.language.source.scalars import UnknownTag, resolve, sexagesimal, tagged, truth_like

_Loader: Any = yaml.CSafeLoader if yaml.__with_libyaml__ else yaml.SafeLoader
_PLAIN = str.maketrans({"&": "\ue0f0", "*": "\ue0f1", "@": "\ue0f2"})
_BACK = str.maketrans({"\ue0f0": "&", "\ue0f1": "*", "\ue0f2": "@"})


class Bounds(msgspec.Struct, frozen=True):
    """How large a text may be. `nodes` counts what aliases stand for each time they are used."""

    bytes: int = 1024 * 1024
    depth: int = 64
    nodes: int = 250_000


def compose(text: str | bytes, problems: Problems, bounds: Bounds | None = None) -> Source:
    """Reads a text. Never raises for what it holds: notes problems and leaves `root` away."""
    limits = bounds or Bounds()
    known = _characters(text, problems, limits)
    if known is None:
        return Source(lines=[])
    source = Source(lines=known.splitlines())
    try:
        builder = _Builder(known, problems, limits)
        source.root, source.aliased = builder.document(), builder.aliased
    except (_Wrong, yaml.YAMLError) as wrong:
        _again_as_plain(known, wrong, source, problems, limits)
    return source


class _Wrong(Exception):
    def __init__(self, code: str, place: Place, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.code, self.place, self.message, self.hint = code, place, message, hint


def _characters(text: str | bytes, problems: Problems, limits: Bounds) -> str | None:
    start = Place(1, 1)
    try:
        size = len(text if isinstance(text, bytes) else text.encode())
        known = text.decode("utf-8-sig") if isinstance(text, bytes) else text.removeprefix("\ufeff")
    except UnicodeError:
        problems.add("not-text", start, "The text is not valid UTF-8.", hint="Save it as UTF-8.")
        return None
    if size > limits.bytes:
        problems.add(
            "too-large",
            start,
            f"The text has {size:,} bytes; at most {limits.bytes:,} are read.",
            hint="Split it into several texts, or let a job add the tasks.",
        )
        return None
    return known


def _again_as_plain(text: str, wrong: Exception, source: Source, problems: Problems, limits: Bounds) -> None:
    """The second reading, with `&`, `*` and `@` as ordinary characters; if that fails too, the first error counts."""
    special = not isinstance(wrong, _Wrong) or wrong.code == "unknown-alias"
    if special and any(one in text for one in "&*@") and not any(one in text for one in "\ue0f0\ue0f1\ue0f2"):
        second = Problems()
        try:
            source.root = _Builder(text.translate(_PLAIN), second, limits, back=True).document()
        except (_Wrong, yaml.YAMLError):
            pass
        else:
            for one in second.sorted():
                problems.add(one.code, Place(one.line, one.column, one.width), one.message, hint=one.hint)
            return
    if isinstance(wrong, _Wrong):
        problems.add(wrong.code, wrong.place, wrong.message, hint=wrong.hint)
    else:
        problems.add("not-yaml", _place_of(wrong, text), _sentence(wrong), hint=_advice(wrong, text))


def _place_of(wrong: Exception, text: str) -> Place:
    mark = getattr(wrong, "problem_mark", None) or getattr(wrong, "context_mark", None)
    if mark is not None:
        return Place(mark.line + 1, mark.column + 1)
    at = getattr(wrong, "position", 0)
    before = text[: at if isinstance(at, int) else 0]
    return Place(before.count("\n") + 1, len(before) - before.rfind("\n"))


def _sentence(wrong: Exception) -> str:
    said = [getattr(wrong, "context", None), getattr(wrong, "problem", None)]
    reason = ", ".join(str(one) for one in said if one) or str(getattr(wrong, "reason", "unreadable"))
    return f"This is not YAML: {reason}."


def _advice(wrong: Exception, text: str) -> str:
    line = _place_of(wrong, text).line
    near = text.splitlines()[max(0, line - 2) : line]
    if any("\t" in one[: len(one) - len(one.lstrip())] for one in near):
        return "Indent with blanks: YAML allows no tabs there."
    if any("{{" in one or "{%" in one or "<%" in one for one in near):
        return "Put a text with an expression in quotes."
    return "Look at the indentation, the quotes and the brackets of this line and the one before."


class _Builder:
    """Events of the parser → nodes. One pass, no recursion deeper than the bound."""

    def __init__(self, text: str, problems: Problems, limits: Bounds, *, back: bool = False) -> None:
        self.aliased = False
        self._loader = _Loader(text)
        self._problems = problems
        self._limits = limits
        self._back = back
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._unused: dict[str, Place] = {}
        self._count = 0

    def document(self) -> Node:
        """The one document of the text."""
        event = self._next()
        while isinstance(event, yaml.StreamStartEvent):
            event = self._next()
        if isinstance(event, yaml.StreamEndEvent):
            raise _Wrong("empty", Place(1, 1), "The text holds nothing.", "Begin with `version: '2.0'`.")
        root = self._node(self._next(), 0)
        self._next()
        more = self._next()
        if not isinstance(more, yaml.StreamEndEvent):
            raise _Wrong(
                "several-documents",
                _place(more),
                "The text holds several YAML documents; one is read.",
                "Put each into a text of its own, or take the line `---` away.",
            )
        for name, place in self._unused.items():
            self._problems.add(
                "unused-anchor",
                place,
                f"`&{name}` is an anchor that no alias uses.",
                hint="If it is meant as text, put it in quotes.",
            )
        return root

    def _next(self) -> Any:
        return self._loader.get_event()

    def _node(self, event: Any, depth: int) -> Node:
        self._count += 1
        before = self._count
        if self._count > self._limits.nodes:
            raise self._too_much(event)
        if type(event) is yaml.AliasEvent:
            return self._alias(event)
        if depth > self._limits.depth:
            raise _Wrong(
                "too-deep",
                _place(event),
                f"The text is nested more than {self._limits.depth} levels deep.",
                "Bring it into a flatter form.",
            )
        name, place = event.anchor, _place(event)
        if name is not None:
            self._anchors.pop(name, None)
            self._unused[name] = place
        node = self._scalar(event, place) if type(event) is yaml.ScalarEvent else self._nest(event, depth)
        if name is not None:
            self._anchors[name] = (node, self._count - before + 1)
        return node

    def _too_much(self, event: Any) -> _Wrong:
        return _Wrong(
            "too-large",
            _place(event),
            f"The text holds more than {self._limits.nodes:,} values, counting what its aliases stand for.",
            "Use fewer aliases, or split the text.",
        )

    def _alias(self, event: Any) -> Node:
        known = self._anchors.get(event.anchor)
        if known is None:
            raise _Wrong(
                "unknown-alias",
                _place(event),
                f"`*{event.anchor}` refers to no anchor before it.",
                "If it is meant as text, put it in quotes.",
            )
        self.aliased = True
        self._unused.pop(event.anchor, None)
        node, size = known
        self._count += size
        if self._count > self._limits.nodes:
            raise self._too_much(event)
        return node

    def _nest(self, event: Any, depth: int) -> Node:
        if event.tag not in (None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"):
            raise _unknown_tag(event.tag, _place(event))
        if type(event) is yaml.MappingStartEvent:
            return self._mapping(event, depth)
        items: list[Node] = []
        while type(inner := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._node(inner, depth + 1))
        return Items(items, _place(event))

    def _mapping(self, event: Any, depth: int) -> Mapping:
        pairs: dict[str, Pair] = {}
        merged: list[Node] = []
        while type(inner := self._next()) is not yaml.MappingEndEvent:
            key = self._node(inner, depth + 1)
            value = self._node(self._next(), depth + 1)
            if not isinstance(key, Scalar):
                self._problems.add(
                    "strange-key",
                    key.place,
                    "A mapping or a list cannot be a key.",
                    hint="If an expression such as {{ … }} is meant, put it in quotes.",
                )
            elif key.text == "<<" and key.plain:
                merged.append(value)
            else:
                self._keep(pairs, key, value)
        for one in merged:
            self._merge(pairs, one)
        return Mapping(pairs, _place(event))

    def _keep(self, pairs: dict[str, Pair], key: Scalar, value: Node) -> None:
        if truth_like(key):
            self._problems.add(
                "truth-key",
                key.place,
                f"`{key.text}` is a truth value in YAML 1.1; here it is read as the text.",
                hint=f"Write `'{key.text}'`, so that everybody reads it alike.",
            )
        if (first := pairs.get(key.text)) is not None:
            self._problems.add(
                "duplicate-key",
                key.place,
                f"`{key.text}` stands twice in this mapping, first in line {first.key.place.line}.",
                hint="Keep one of them.",
            )
            return
        pairs[key.text] = Pair(key, value)

    def _merge(self, pairs: dict[str, Pair], given: Node) -> None:
        for one in given.items if isinstance(given, Items) else [given]:
            if not isinstance(one, Mapping):
                self._problems.add(
                    "strange-key",
                    one.place,
                    "`<<` takes a mapping, or a list of mappings.",
                    hint="Give it an alias of a mapping.",
                )
                continue
            for key, pair in one.pairs.items():
                pairs.setdefault(key, pair)

    def _scalar(self, event: Any, place: Place) -> Scalar:
        text = event.value.translate(_BACK) if self._back else event.value
        is_plain = not event.style
        try:
            value = resolve(text) if event.implicit[0] else tagged(event.tag, text)
        except UnknownTag:
            raise _unknown_tag(event.tag, place) from None
        if is_plain and sexagesimal(text):
            self._problems.add(
                "sexagesimal",
                place,
                f"`{text}` is the number {value} in YAML 1.1.",
                hint=f"If the text is meant, write `'{text}'`.",
            )
        if (value is not None and value != value) or value in (float("inf"), float("-inf")):  # noqa: PLR0124
            self._problems.add(
                "not-finite",
                place,
                f"`{text}` is not a finite number; JSON has none.",
                hint="Put it in quotes if the text is meant.",
            )
            value = None
        return Scalar(value, text, place, is_plain)


def _place(event: Any) -> Place:
    start, end = event.start_mark, event.end_mark
    width = end.column - start.column if end.line == start.line else 1
    return Place(start.line + 1, start.column + 1, max(1, width))


def _unknown_tag(tag: str, place: Place) -> _Wrong:
    short = tag.replace("tag:yaml.org,2002:", "!!")
    return _Wrong("unknown-tag", place, f"The tag `{short}` is not known here.", "Take it away.")
