"""What a text is made of, with the place of each part."""

from collections.abc import Iterator
from typing import Any

import msgspec

from ostro.language.problems import Place


class Scalar(msgspec.Struct, gc=False):
    """One value: `text` as written, `value` as YAML 1.1 reads it. `plain`: without quotes, on one line."""

    value: Any
    text: str
    place: Place
    plain: bool


class Items(msgspec.Struct):
    """A list."""

    items: list["Node"]
    place: Place


class Pair(msgspec.Struct):
    """A key and its value."""

    key: Scalar
    value: "Node"


class Mapping(msgspec.Struct):
    """A mapping in the order of the text, by the text of its keys."""

    pairs: dict[str, Pair]
    place: Place

    def get(self, key: str) -> "Node | None":
        """The value of a key, None if it is not there."""
        pair = self.pairs.get(key)
        return pair.value if pair else None


Node = Scalar | Items | Mapping


class Source(msgspec.Struct):
    """A text and what it holds; no `root` if it could not be read."""

    lines: list[str]
    root: Node | None = None
    aliased: bool = False


def plain(node: Node) -> Any:
    """What a node holds, as JSON would."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Items):
        return [plain(one) for one in node.items]
    return {key: plain(pair.value) for key, pair in node.pairs.items()}


def scalars(node: Node) -> Iterator[Scalar]:
    """All values below a node, keys left out."""
    if isinstance(node, Scalar):
        yield node
    elif isinstance(node, Items):
        for one in node.items:
            yield from scalars(one)
    else:
        for pair in node.pairs.values():
            yield from scalars(pair.value)
