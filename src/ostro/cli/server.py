"""`ostro server` and `ostro dev`: what needs the server install."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from ostro.cli.logs import log_to_stderr
from ostro.errors import OstroError

_OPTIONS = (
    click.option("--listen", help="Address and port (OSTRO_LISTEN); 127.0.0.1:8420 by default."),
    click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the embedded PostgreSQL."),
    click.option("--tls-cert", type=click.Path(path_type=Path), help="PEM file of the server's certificate."),
    click.option("--tls-key", type=click.Path(path_type=Path), help="PEM file of its key."),
    click.option("--behind-proxy", is_flag=True, help="A proxy in front of it speaks TLS."),
)


def server_options(function: Any) -> Any:
    """--listen, --data-dir, --tls-cert, --tls-key, --behind-proxy."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@click.command()
@server_options
def server(**told: Any) -> int:
    """Start a server, on the PostgreSQL of OSTRO_DATABASE_URL or an embedded one."""
    wiring = server_side()
    log_to_stderr()
    code: int = wiring.run_server(settings(**told), ready=lambda url: click.echo(f"Ostro listens on {url}"))
    return code


@click.command()
@server_options
def dev(**told: Any) -> int:
    """Start everything here: database, server and a worker; `ostro` then finds them by the profile."""
    from ostro.cli.dev import Dev

    wiring, chosen = server_side(), settings(**told)
    log_to_stderr()
    around = Dev(wiring, chosen.data_dir)
    try:
        code: int = wiring.run_dev(chosen, prepare=around.prepare, ready=around.ready)
    finally:
        around.close()
    return code


def server_side() -> Any:
    """`ostro.wiring`; OstroError where the server is not installed."""
    return _installed("ostro.wiring")


def settings(**told: Any) -> Any:
    """The server's settings: options first, then the environment, then their defaults."""
    given = {key: value for key, value in told.items() if value not in (None, False)}
    return _installed("ostro.settings").read(os.environ, **given)


def _installed(module: str) -> Any:
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] == "ostro":
            raise
        raise OstroError(
            f"The server is not installed here: there is no {missing.name}.",
            hint="Install it with: pip install 'ostro[server]'",
        ) from missing
