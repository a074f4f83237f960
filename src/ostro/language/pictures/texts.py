"""Pictures for other programs to lay out: Mermaid and Graphviz's DOT."""

from ostro.language.pictures.picture import Picture, Spot

_MERMAID = {"task": ('["', '"]'), "join": ('{{"', '"}}'), "command": ('(["', '"])'), "tag": ('[/"', '"/]')}
_DOT = {"task": "box", "join": "hexagon", "command": "oval", "tag": "parallelogram"}


def mermaid(shown: Picture) -> str:
    """A flowchart, as GitHub and many others draw it."""
    lines = ["flowchart TD"]
    for spot in shown.spots:
        opening, closing = _MERMAID[spot.kind]
        lines.append(f"  {spot.id}{opening}{_entities(_title(spot, '<br/>'))}{closing}")
    for arrow in shown.arrows:
        line = "-.->" if arrow.look == "error" else "-->"
        note = f'|"{_entities(arrow.note)}"|' if arrow.note else ""
        lines.append(f"  {arrow.source} {line}{note} {arrow.target}")
    return "\n".join(lines) + "\n"


def dot(shown: Picture) -> str:
    """A directed graph for Graphviz."""
    lines = [
        f"digraph {_quoted(shown.name)} {{",
        "  node [fontname=sans];",
        "  edge [fontname=sans, fontsize=10];",
    ]
    lines += [
        f"  {spot.id} [shape={_DOT[spot.kind]}, label={_quoted(_title(spot, chr(10)))}];"
        for spot in shown.spots
    ]
    for arrow in shown.arrows:
        style = ", style=dashed, color=red" if arrow.look == "error" else ""
        lines.append(f"  {arrow.source} -> {arrow.target} [label={_quoted(arrow.note)}{style}];")
    return "\n".join([*lines, "}"]) + "\n"


def _title(spot: Spot, between: str) -> str:
    return f"{spot.name}{between}{spot.note}" if spot.note else spot.name


def _entities(text: str) -> str:
    """Mermaid knows entities with `#`; the line break stays."""
    parts = text.replace("#", "#35;").replace("&", "#amp;").replace('"', "#quot;").split("<br/>")
    return "<br/>".join(one.replace("<", "#lt;").replace(">", "#gt;") for one in parts)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
