"""Files with definitions, as the commands that need no server take them."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ostro.language.problems import Problem, Severity, shown

if TYPE_CHECKING:
    from ostro.language.look import Parse
    from ostro.language.model.definitions import Definition, Kind

FILES = click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
FILE = click.argument("file", type=click.Path(path_type=Path))
KIND = click.option(
    "--kind",
    type=click.Choice(["workflows", "workbook", "actions"]),
    help="What the text holds; else seen by its keys.",
)


def read_text(file: Path) -> bytes:
    """What a file holds, `-` for standard input. One that cannot be read is a mistake of the caller's."""
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as missing:
        raise click.UsageError(f"{file} cannot be read: {missing.strerror}.") from missing


def kind_of(word: str | None) -> "Kind | None":
    """The kind of an option."""
    from ostro.language.model.definitions import Kind

    return Kind(word) if word else None


def best_parser() -> "Parse":
    """The parser that will run the expressions; where its packages are not installed, a careful look at them."""
    try:
        from ostro.language.parsed import parsed
    except ImportError:
        from ostro.language.look import look

        return look
    return parsed


def one_workflow(file: Path, name: str | None) -> "Definition":
    """The workflow of this name in a file, the only one without a name. Says what is wrong if there is none."""
    from ostro.language.lint import lint
    from ostro.language.problems import listed, nearest, shown

    linted = lint(read_text(file), parse=best_parser())
    if linted.document is None:
        told = "\n".join(shown(one, str(file), linted.lines) for one in linted.errors)
        raise click.ClickException(f"{file} has errors.\n{told}")
    known = linted.document.definitions
    if name in known:
        return known[name]
    if name is None and len(known) == 1:
        return next(iter(known.values()))
    if not known:
        raise click.ClickException(f"{file} holds no workflow.")
    if name is None:
        raise click.UsageError(f"{file} holds {listed(list(known))}: choose one with --workflow.")
    near = nearest(name, known)
    said = f"Did you mean `{near}`?" if near else f"It holds {listed(list(known))}."
    raise click.UsageError(f"{file} holds no workflow `{name}`. {said}")


def written_to(file: Path | None, text: str) -> None:
    """Writes a text into a file, or prints it."""
    if file is None:
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as refused:
        raise click.UsageError(f"{file} cannot be written: {refused.strerror}.") from refused


def tell(found: Mapping[str, tuple[Sequence[Problem], Sequence[str]]]) -> None:
    """The problems of each text with its lines, for people, and how many there are."""
    for name, (problems, lines) in found.items():
        for problem in problems:
            click.echo(_coloured(shown(problem, name, lines), problem))
    counts = Counter(problem.severity for problems, _ in found.values() for problem in problems)
    files = _number(len(found), "text")
    if counts:
        errors, warnings = counts[Severity.ERROR], counts[Severity.WARNING]
        click.echo(f"{_number(errors, 'error')}, {_number(warnings, 'warning')} in {files}.", err=True)
    else:
        click.echo(f"Nothing is wrong in {files}.", err=True)


def _coloured(text: str, problem: Problem) -> str:
    if not sys.stdout.isatty():
        return text
    colour = "red" if problem.severity == "error" else "yellow"
    return text.replace(
        f" {problem.severity}: ", f" {click.style(problem.severity, fg=colour, bold=True)}: ", 1
    )


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
