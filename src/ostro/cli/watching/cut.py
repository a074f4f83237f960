"""The same tree in as many lines as there are: what runs or failed stays, the rest becomes counts. Pure."""

from collections import Counter
from collections.abc import Iterator

from msgspec.structs import replace

from ostro.cli.watching.branches import Branch

_FAILED = {"ERROR", "CANCELLED"}
_UNDER_WAY = {"RUNNING", "PAUSED", "DELAYED"}


def fitted(root: Branch, most: int) -> Branch:
    """The tree in at most `most` lines, and two at least: the root, and the counts below it."""
    return root if _lines(root) <= most else _only(root, _chosen(root, most))


def _lines(branch: Branch) -> int:
    return 1 + sum(_lines(one) for one in branch.below) + bool(branch.rest)


def _chosen(root: Branch, most: int) -> set[int]:
    """Which branches have a line, by identity; none without all above it. Each that has some below keeps one for counts."""
    above = {id(one): path for one, path in _walk(root, ())}
    kept, left = {id(root)}, most - _cost(root)
    for branch in _by_worth(root):
        missing = [one for one in (*above[id(branch)], branch) if id(one) not in kept]
        cost = sum(_cost(one) for one in missing)
        if cost <= left:
            kept.update(id(one) for one in missing)
            left -= cost
    return kept


def _cost(branch: Branch) -> int:
    return 2 if branch.below or branch.rest else 1


def _walk(branch: Branch, above: tuple[Branch, ...]) -> Iterator[tuple[Branch, tuple[Branch, ...]]]:
    for one in branch.below:
        yield one, (*above, branch)
        yield from _walk(one, (*above, branch))


def _by_worth(root: Branch) -> list[Branch]:
    """What failed and what runs in turn, so that many of one kind leave room for the other; what waits; what is done, the
    last first.
    """
    every = [one for one, _ in _walk(root, ())]
    failed = [one for one in every if one.state in _FAILED]
    running = [one for one in every if one.state in _UNDER_WAY]
    waiting = [one for one in every if one.state == "WAITING"]
    told = {id(one) for one in (*failed, *running, *waiting)}
    done = sorted((one for one in every if id(one) not in told), key=_ended, reverse=True)
    ranked = [*enumerate(failed), *enumerate(running)]
    return [*(one for _, one in sorted(ranked, key=lambda pair: pair[0])), *waiting, *done]


def _ended(branch: Branch) -> float:
    return branch.ended.timestamp() if branch.ended is not None else 0.0


def _only(branch: Branch, kept: set[int]) -> Branch:
    """The branch with those below it that are kept; the others are counted."""
    hidden = Counter(one.state for one in branch.below if id(one) not in kept)
    below = [_only(one, kept) for one in branch.below if id(one) in kept]
    return replace(branch, below=below, rest=dict(hidden + Counter(branch.rest)))
