"""`ostro`: the list of commands, each imported when it is used, and what ends as which exit code."""

import sys
from importlib import import_module
from typing import Any

import click

# name: (module, attribute, help). The help stands here so that `ostro --help` imports nothing.
_COMMANDS = {
    "dev": ("server", "dev", "Start everything here: database, server, a worker."),
    "server": ("server", "server", "Start a server."),
    "worker": ("worker", "worker", "Start a worker; `worker list` shows all."),
    "db": ("db", "db", "Upgrade, dump and restore the database."),
    "workflow": ("workflow", "workflow", "Create, seal, watch workflows."),
    "task": ("task", "task", "Add, run, list tasks and read their logs."),
    "run": ("definitions.run", "run", "Run a workflow from a file, or a stored one."),
    "definition": ("definitions.definition", "definition", "Store definitions by name, compare them."),
    "environment": ("definitions.environment", "environment", "Store values by name for starts."),
    "lint": ("definitions.lint", "lint", "Say everything that is wrong with definitions."),
    "fmt": ("definitions.fmt", "fmt", "Lay definitions out alike."),
    "graph": ("definitions.graph", "graph", "Draw a workflow from its definition."),
    "schema": ("definitions.schema", "schema", "Print the JSON Schema of the language."),
    "token": ("token", "token", "Create, list and revoke tokens."),
    "version": ("main", "version", "Say which version this is."),
}

OK, ERROR, USAGE, FAILED, NOT_ALLOWED, NOT_FOUND, CONFLICT, TIMED_OUT, UNREACHABLE = range(9)
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The names, in the order of the table."""
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports one."""
        if cmd_name not in _COMMANDS:
            return None
        module, attribute, _ = _COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"ostro.cli.{module}"), attribute)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list, without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, _, text) in _COMMANDS.items()])


@click.group(
    cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
def ostro() -> None:
    """Durable workflows whose tasks are pulled by the servers they are meant for.

    Which server: --server, else OSTRO_SERVER, else the profile that `ostro dev` wrote. So with the token.

    Exit codes: 0 ok, 1 error, 2 usage, 3 the workflow ended otherwise than SUCCESS, 4 not allowed,
    5 not found, 6 conflict, 7 timed out, 8 server unreachable, 130 interrupted.
    """


@click.command()
@click.option(
    "-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", help="How to print."
)
def version(form: str) -> None:
    """Say which version this is."""
    import ostro
    from ostro.cli.output import Printer

    Printer(form).show({"version": ostro.__version__}, ostro.__version__)


def main() -> None:
    """The program."""
    sys.exit(run(sys.argv[1:]))


def run(args: list[str]) -> int:
    """Runs one command; its exit code. Errors go to stderr, with what to do."""
    try:
        code = ostro.main(args=args, prog_name="ostro", standalone_mode=False)
    except click.UsageError as wrong:
        wrong.show()
        return USAGE
    except click.ClickException as wrong:
        wrong.show()
        return wrong.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("Interrupted.", err=True)
        return INTERRUPTED
    except BrokenPipeError:
        sys.stdout = None  # the reader left: say nothing at exit either
        return ERROR
    except Exception as failed:
        told = _tell(failed)
        if told is None:
            raise  # a mistake of ours: show all of it
        return told
    return code if isinstance(code, int) else OK


def _tell(failed: Exception) -> int | None:
    """Says what went wrong; its exit code, None if it is none of our errors."""
    from ostro import errors

    while isinstance(failed, ExceptionGroup) and len(failed.exceptions) == 1:
        failed = failed.exceptions[0]
    if not isinstance(failed, errors.OstroError):
        return None
    click.echo(f"Error: {failed.message}", err=True)
    for path, what in getattr(failed, "fields", ()):
        click.echo(f"  {path}: {what}", err=True)
    if failed.hint:
        click.echo(failed.hint, err=True)
    return _code_of(failed, errors)


def _code_of(failed: Exception, errors: Any) -> int:
    kinds = (
        (errors.WorkflowFailed, FAILED),
        ((errors.NotAllowed, errors.Unauthenticated), NOT_ALLOWED),
        ((errors.NotFound, errors.Gone), NOT_FOUND),
        (errors.Conflict, CONFLICT),
        (errors.WaitTimedOut, TIMED_OUT),
        ((errors.ServerUnreachable, errors.StorageUnavailable), UNREACHABLE),
    )
    return next((code for kind, code in kinds if isinstance(failed, kind)), ERROR)


if __name__ == "__main__":
    main()
