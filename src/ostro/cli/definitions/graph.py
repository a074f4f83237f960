"""`ostro graph`: a picture of a workflow, from its definition."""

from pathlib import Path

import click

from ostro.cli.definitions.texts import FILE, one_workflow, written_to


@click.command()
@FILE
@click.option("-w", "--workflow", "name", help="Which workflow of the file; needed if it holds several.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["mermaid", "dot", "svg"]),
    default="mermaid",
    help="How to draw.",
)
@click.option("--to", type=click.Path(path_type=Path), help="File to write; else it is printed.")
def graph(file: Path, name: str | None, form: str, to: Path | None) -> None:
    """Draw a workflow from its definition: tasks, and what leads from one to the next.

    FILE is a text in YAML; `-` is standard input. Mermaid is drawn by many viewers of Markdown, an SVG by every
    browser; DOT is for Graphviz. It needs no server.
    """
    from ostro.language.pictures import svg, texts
    from ostro.language.pictures.picture import picture

    draw = {"mermaid": texts.mermaid, "dot": texts.dot, "svg": svg.svg}[form]
    written_to(to, draw(picture(one_workflow(file, name))))
