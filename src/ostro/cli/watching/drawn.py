"""A tree as rich draws it. Colours only repeat what the words say."""

from collections.abc import Mapping
from datetime import datetime

from rich.text import Text
from rich.tree import Tree

from ostro.cli.output import COLOURS, printable
from ostro.cli.watching.branches import Branch

_WORDS = {"SUCCESS": "succeeded", "ERROR": "failed"}
_ORDER = ("ERROR", "CANCELLED", "RUNNING", "PAUSED", "DELAYED", "WAITING", "SUCCESS", "SKIPPED")
_WIDEST_NAME = 40


def drawn(root: Branch, now: datetime) -> Tree:
    """The tree with a line for each branch; `now` is the server's time."""
    tree = Tree(_line(root, now, len(root.name)), guide_style="dim")
    _hang(tree, root, now)
    return tree


def _hang(tree: Tree, branch: Branch, now: datetime) -> None:
    width = min(_WIDEST_NAME, max((len(one.name) for one in branch.below), default=0))
    for one in branch.below:
        _hang(tree.add(_line(one, now, width)), one, now)
    if branch.rest:
        tree.add(_text((counted(branch.rest), "dim")))


def _line(branch: Branch, now: datetime, width: int) -> Text:
    parts = [
        (printable(branch.name).ljust(width), "bold" if branch.state in {"RUNNING", "ERROR"} else ""),
        (branch.state.ljust(9), COLOURS.get(branch.state, "")),
        (_took(branch, now).rjust(5), "dim"),
        *((printable(note), "") for note in branch.notes),
        (printable(branch.error), COLOURS["ERROR"]),
    ]
    return _text(*parts)


def _text(*parts: tuple[str, str]) -> Text:
    """One line, whatever its length."""
    text = Text("  ").join(Text(said, style=style) for said, style in parts if said)
    text.no_wrap, text.overflow = True, "ellipsis"
    text.rstrip()
    return text


def counted(rest: Mapping[str, int]) -> str:
    """`+ 9,812 succeeded, 3 waiting`."""
    said = [f"{rest[state]:,} {_WORDS.get(state, state.lower())}" for state in _ORDER if rest.get(state)]
    return f"+ {', '.join(said)}"


def _took(branch: Branch, now: datetime) -> str:
    if branch.begun is None:
        return ""
    return duration(((branch.ended or now) - branch.begun).total_seconds(), exact=branch.ended is not None)


def duration(seconds: float, *, exact: bool) -> str:
    """`0.3s`, `12s`, `3m05s`, `2h03m`, `4d02h`; whole seconds where it is not exact, so that it counts calmly."""
    seconds = max(0.0, seconds)
    if exact and seconds < 10:
        return f"{seconds:.1f}s"
    whole = int(seconds)
    for size, large, small in ((86_400, "d", "h"), (3_600, "h", "m"), (60, "m", "s")):
        if whole >= size:
            part = {"h": 3_600, "m": 60, "s": 1}[small]
            return f"{whole // size}{large}{whole % size // part:02d}{small}"
    return f"{whole}s"
