"""`ostro schema`: the JSON Schema of the language, for editors."""

import click

from ostro.cli.definitions.texts import KIND, kind_of


@click.command()
@KIND
def schema(kind: str | None) -> None:
    """Print the JSON Schema (draft 7) of the language.

    An editor with a YAML language server checks and completes definitions with it. Begin a text with
    `# yaml-language-server: $schema=FILE`.
    """
    from ostro.cli.output import as_json
    from ostro.language.schema import json_schema

    click.echo(as_json(json_schema(kind_of(kind))))
