"""`ostro lint`: everything that is wrong with definitions, without a server."""

from pathlib import Path
from typing import Any

import click

from ostro.cli.definitions.texts import FILES, KIND, best_parser, kind_of, read_text, tell
from ostro.language.check.given import Takes
from ostro.language.codes import CODES
from ostro.language.lint import Linted
from ostro.language.lint import lint as lint_text
from ostro.language.model.standard import STANDARD
from ostro.language.problems import Problem


@click.command()
@FILES
@KIND
@click.option(
    "--import",
    "imports",
    multiple=True,
    metavar="MODULE",
    help="A Python module with actions of your own, whose inputs are checked as well; repeatable.",
)
@click.option("--strict", is_flag=True, help="Warnings count as errors.")
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json", "sarif"]),
    default="text",
    help="How to print.",
)
def lint(
    files: tuple[Path, ...], kind: str | None, imports: tuple[str, ...], form: str, *, strict: bool
) -> int:
    """Say everything that is wrong with definitions: at once, with line, column and what to do.

    FILES are texts in YAML; `-` is standard input. It needs no server. Exit codes: 0 nothing is wrong, 1 there is
    an error (with --strict, or a warning), 2 a file cannot be read. A warning is silent on a line that ends in
    `# ostro: ignore[code]`.
    """
    parse, takes = best_parser(), _known_actions(imports)
    found = {str(file): lint_text(read_text(file), kind_of(kind), parse=parse, takes=takes) for file in files}
    if form == "text":
        tell({name: (one.problems, one.lines) for name, one in found.items()})
    else:
        from ostro.cli.output import as_json

        click.echo(as_json(_plain(found) if form == "json" else _sarif(found)))
    return int(any(one.errors or (strict and one.warnings) for one in found.values()))


def _known_actions(imports: tuple[str, ...]) -> Takes:
    if not imports:
        return STANDARD
    from ostro.actions import plugins

    return {**STANDARD, **plugins.load(imports).takes()}


def _plain(found: dict[str, Linted]) -> list[dict[str, Any]]:
    return [
        {
            "file": name,
            "problems": list(one.problems),
            "errors": len(one.errors),
            "warnings": len(one.warnings),
        }
        for name, one in found.items()
    ]


def _sarif(found: dict[str, Linted]) -> dict[str, Any]:
    """Static Analysis Results Interchange Format 2.1.0, for code hosts."""
    import ostro

    rules = [
        {
            "id": name,
            "shortDescription": {"text": code.title},
            "help": {"text": code.advice},
            "defaultConfiguration": {"level": code.severity},
        }
        for name, code in sorted(CODES.items())
    ]
    driver = {"name": "ostro lint", "version": ostro.__version__, "rules": rules}
    results = [_result(name, problem) for name, one in found.items() for problem in one.problems]
    return {"version": "2.1.0", "runs": [{"tool": {"driver": driver}, "results": results}]}


def _result(name: str, problem: Problem) -> dict[str, Any]:
    region = {
        "startLine": problem.line,
        "startColumn": problem.column,
        "endColumn": problem.column + problem.width,
    }
    place = {"artifactLocation": {"uri": name.replace("\\", "/")}, "region": region}
    return {
        "ruleId": problem.code,
        "level": str(problem.severity),
        "message": {"text": f"{problem.message} {problem.hint}".strip()},
        "locations": [{"physicalLocation": place}],
    }
