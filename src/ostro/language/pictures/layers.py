"""A layered layout: each spot below what leads to it, long arrows led around others, few crossings.

Circles are cut where a depth-first walk meets itself. Sizes and places are in pixels.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import msgspec

ROW, GAP, NARROW, MARGIN = 96, 28, 14, 24
_SWEEPS = 6
_MOST_BENDS = 20_000


class Layout(msgspec.Struct, frozen=True):
    """The middle of each spot, the points that each arrow passes (in the order given), and the whole size."""

    spots: dict[str, tuple[int, int]]
    arrows: list[list[tuple[int, int]]]
    width: int
    height: int


def laid_out(widths: dict[str, int], arrows: Sequence[tuple[str, str]]) -> Layout:
    """Places spots of these widths."""
    back = _back_arrows(widths, arrows)
    down = [(b, a) if at in back else (a, b) for at, (a, b) in enumerate(arrows)]
    ranks = _ranks(widths, [pair for pair in down if pair[0] != pair[1]])
    chains = _chains(down, ranks)
    layers = _ordered(widths, chains, ranks)
    places, width = _placed(layers, widths)
    routes = [[places[one] for one in chain] for chain in chains]
    turned = [route[::-1] if at in back else route for at, route in enumerate(routes)]
    return Layout({name: places[name] for name in widths}, turned, width, MARGIN * 2 + ROW * len(layers))


def _back_arrows(names: dict[str, int], arrows: Sequence[tuple[str, str]]) -> set[int]:
    """The arrows that lead back to where the walk came from."""
    onward: dict[str, list[tuple[int, str]]] = {name: [] for name in names}
    for at, (source, target) in enumerate(arrows):
        onward[source].append((at, target))
    back: set[int] = set()
    done: set[str] = set()
    leading = {target for _, target in arrows}
    for root in sorted(names, key=lambda name: name in leading):
        _walk(root, onward, done, back)
    return back


def _walk(root: str, onward: dict[str, list[tuple[int, str]]], done: set[str], back: set[int]) -> None:
    if root in done:
        return
    on_path = {root}
    path: list[tuple[str, Iterator[tuple[int, str]]]] = [(root, iter(onward[root]))]
    while path:
        name, edges = path[-1]
        at, target = next(edges, (-1, ""))
        if at < 0:
            path.pop()
            on_path.discard(name)
            done.add(name)
        elif target in on_path:
            back.add(at)
        elif target not in done:
            on_path.add(target)
            path.append((target, iter(onward[target])))


def _ranks(names: dict[str, int], down: list[tuple[str, str]]) -> dict[str, int]:
    """The layer of each: one below the lowest that leads to it."""
    waits = dict.fromkeys(names, 0)
    onward: dict[str, list[str]] = {name: [] for name in names}
    for source, target in down:
        waits[target] += 1
        onward[source].append(target)
    ranks = dict.fromkeys(names, 0)
    ready = [name for name, count in waits.items() if not count]
    for name in ready:
        for target in onward[name]:
            ranks[target] = max(ranks[target], ranks[name] + 1)
            waits[target] -= 1
            if not waits[target]:
                ready.append(target)
    return ranks


def _chains(down: list[tuple[str, str]], ranks: dict[str, int]) -> list[list[str]]:
    """Each arrow with a bend in every layer between its ends; a huge picture does without bends."""
    bends = sum(max(0, ranks[target] - ranks[source] - 1) for source, target in down) <= _MOST_BENDS
    chains = []
    for at, (source, target) in enumerate(down):
        between = range(ranks[source] + 1, ranks[target]) if bends else range(0)
        names = [f"bend {at} {rank}" for rank in between]
        ranks.update(zip(names, between, strict=True))
        chains.append([source, *names, target])
    return chains


def _ordered(widths: dict[str, int], chains: list[list[str]], ranks: dict[str, int]) -> list[list[str]]:
    """The layers, each in an order with few crossings: everyone near the middle of its neighbours."""
    layers: list[list[str]] = [[] for _ in range(max(ranks.values(), default=0) + 1)]
    for name, rank in ranks.items():
        layers[rank].append(name)
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for chain in chains:
        for first, second in pairwise(chain):
            above.setdefault(second, []).append(first)
            below.setdefault(first, []).append(second)
    for sweep in range(_SWEEPS):
        near = below if sweep % 2 else above
        order = layers[-2::-1] if sweep % 2 else layers[1:]
        where = {name: at for layer in layers for at, name in enumerate(layer)}
        for layer in order:
            layer.sort(key=lambda name: _middle([where[one] for one in near.get(name, [])], where[name]))
            where.update({name: at for at, name in enumerate(layer)})
    return layers


def _middle(places: list[int], otherwise: int) -> float:
    return sum(places) / len(places) if places else float(otherwise)


def _placed(layers: list[list[str]], widths: dict[str, int]) -> tuple[dict[str, tuple[int, int]], int]:
    spans = [sum(widths.get(name, NARROW) + GAP for name in layer) - GAP for layer in layers]
    widest = max(spans, default=0)
    places = {}
    for rank, (layer, span) in enumerate(zip(layers, spans, strict=True)):
        x = MARGIN + (widest - span) // 2
        for name in layer:
            width = widths.get(name, NARROW)
            places[name] = (x + width // 2, MARGIN + ROW * rank + ROW // 2)
            x += width + GAP
    return places, widest + 2 * MARGIN
