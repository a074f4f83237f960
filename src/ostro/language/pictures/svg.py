"""A picture as an SVG that needs nothing else: light and dark, with texts that can be searched."""

from html import escape
from itertools import pairwise

from ostro.language.pictures.layers import laid_out
from ostro.language.pictures.picture import Arrow, Picture, Spot

_HALF = 22
_STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #1b1f24; text-anchor: middle }
  .note { font-size: 11px; fill: #59636e }
  .spot { fill: #fff; stroke: #59636e } .join { stroke-width: 2.5 } .command { fill: #ffebe9 } .tag { fill: #ddf4ff }
  path { fill: none; stroke: #59636e } .error { stroke: #cf222e; stroke-dasharray: 5 4 } .guarded { stroke: #0969da }
  marker path { fill: #59636e; stroke: none }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 } .note { fill: #9198a1 } .spot { fill: #161b22; stroke: #9198a1 }
    .command { fill: #3c1618 } .tag { fill: #0c2d48 } path { stroke: #9198a1 } marker path { fill: #9198a1 }
  }"""


def svg(shown: Picture) -> str:
    """The picture, laid out."""
    widths = {spot.id: _width(spot) for spot in shown.spots}
    layout = laid_out(widths, [(arrow.source, arrow.target) for arrow in shown.arrows])
    parts = [_arrow(arrow, route) for arrow, route in zip(shown.arrows, layout.arrows, strict=True)]
    parts += [_spot(spot, *layout.spots[spot.id], widths[spot.id]) for spot in shown.spots]
    width, height = layout.width, layout.height
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img">'
    marker = (
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="8" markerHeight="8" orient="auto">'
        '<path d="M0 0L8 4L0 8z"/></marker></defs>'
    )
    return (
        "\n".join(
            [
                head,
                f"<title>{_text(shown.name)}</title>",
                f"<style>{_STYLE}</style>",
                marker,
                *parts,
                "</svg>",
            ]
        )
        + "\n"
    )


def _width(spot: Spot) -> int:
    return max(72, 8 * len(spot.name) + 24, 6 * len(spot.note) + 24)


def _spot(spot: Spot, x: int, y: int, width: int) -> str:
    round_ = {"command": 22, "tag": 0}.get(spot.kind, 6)
    box = f'<rect class="spot {spot.kind}" x="{x - width // 2}" y="{y - _HALF}" width="{width}" height="{2 * _HALF}" rx="{round_}"/>'
    if not spot.note:
        return f'{box}<text x="{x}" y="{y + 5}">{_text(spot.name)}</text>'
    return (
        f'{box}<text x="{x}" y="{y - 2}">{_text(spot.name)}</text>'
        f'<text class="note" x="{x}" y="{y + 14}">{_text(spot.note)}</text>'
    )


def _arrow(arrow: Arrow, route: list[tuple[int, int]]) -> str:
    if arrow.source == arrow.target:
        drawn, at = _round(*route[0])
    else:
        drawn, at = _curve(route)
    note = f'<text class="note" x="{at[0]}" y="{at[1]}">{_text(arrow.note)}</text>' if arrow.note else ""
    return f'<path class="{arrow.look}" d="{drawn}" marker-end="url(#tip)"/>{note}'


def _curve(route: list[tuple[int, int]]) -> tuple[str, tuple[int, int]]:
    """From edge to edge of the boxes, through the bends; and where its note goes."""
    (x0, y0), (x1, y1) = route[0], route[-1]
    down = 1 if y1 >= y0 else -1
    points = [(x0, y0 + down * _HALF), *route[1:-1], (x1, y1 - down * _HALF)]
    drawn = f"M{points[0][0]} {points[0][1]}"
    for (ax, ay), (bx, by) in pairwise(points):
        middle = (ay + by) // 2
        drawn += f"C{ax} {middle} {bx} {middle} {bx} {by}"
    (ax, ay), (bx, by) = points[0], points[1]
    return drawn, ((ax + bx) // 2, (ay + by) // 2)


def _round(x: int, y: int) -> tuple[str, tuple[int, int]]:
    """An arrow from a spot to itself."""
    return f"M{x} {y + _HALF}C{x + 90} {y + 60} {x + 90} {y - 60} {x} {y - _HALF}", (x + 68, y + 4)


def _text(text: str) -> str:
    return escape("".join(one if one.isprintable() else " " for one in text))
