"""`ostro fmt`: definitions laid out alike."""

from pathlib import Path

import click

from ostro.cli.definitions.texts import FILES, read_text
from ostro.language.arrange import arrange


@click.command()
@FILES
@click.option(
    "--check", is_flag=True, help="Change nothing; say which would change, and end with 1 if any would."
)
@click.option("--diff", is_flag=True, help="Change nothing; print what would change.")
def fmt(files: tuple[Path, ...], *, check: bool, diff: bool) -> int:
    """Lay definitions out alike: keys in their usual order, two blanks a level. Comments stay.

    FILES are changed in place; `-` reads standard input and prints. A text whose meaning could suffer is left
    as it was, with the reason. Exit codes: 0 ok, 1 something would change (--check), 2 a file cannot be read.
    """
    changes = [_one(file, check=check, diff=diff) for file in files]
    return int(check and any(changes))


def _one(file: Path, *, check: bool, diff: bool) -> bool:
    """Whether the text changes."""
    text = _decoded(file)
    made = arrange(text)
    if made.refused:
        click.echo(f"{file}: left as it was. {made.refused}", err=True)
    changed = made.text != text
    if diff and changed:
        _print_diff(file, text, made.text)
    elif check and changed:
        click.echo(f"{file} would change.")
    elif not check and not diff:
        _write(file, made.text, changed=changed)
    return changed


def _decoded(file: Path) -> str:
    try:
        return read_text(file).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise click.UsageError(f"{file} is not a text in UTF-8.") from None


def _write(file: Path, text: str, *, changed: bool) -> None:
    if str(file) == "-":
        click.echo(text, nl=False)
    elif changed:
        file.write_bytes(text.encode())
        click.echo(f"{file} changed.")


def _print_diff(file: Path, before: str, after: str) -> None:
    from difflib import unified_diff

    for line in unified_diff(before.splitlines(), after.splitlines(), str(file), str(file), lineterm=""):
        click.echo(line)
