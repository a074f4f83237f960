"""`ostro server` and `ostro dev`: what needs the server install."""

import os
from importlib import import_module
from pathlib import Path
from typing import Any

import click

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
    code: int = server_side().run_server(settings(**told))
    return code


@click.command()
@server_options
def dev(**told: Any) -> int:
    """Start everything here: database, server and a worker; `ostro` then finds them by the profile."""
    code: int = server_side().run_dev(settings(**told))
    return code


def server_side() -> Any:
    """`ostro.wiring`; OstroError where the server is not installed."""
    return _installed("ostro.wiring")


def settings(**told: Any) -> Any:
    """The server's settings: options first, then the environment, then their defaults."""
    chosen = {key: value for key, value in told.items() if value not in (None, False)}
    environment = {
        "database_url": "OSTRO_DATABASE_URL",
        "listen": "OSTRO_LISTEN",
        "data_dir": "OSTRO_DATA_DIR",
    }
    for key, variable in environment.items():
        if key not in chosen and os.environ.get(variable):
            chosen[key] = os.environ[variable]
    if "data_dir" in chosen:
        chosen["data_dir"] = Path(chosen["data_dir"])
    chosen.setdefault("data_dir", default_data_dir())
    return _installed("ostro.settings").Settings(**chosen)


def default_data_dir() -> Path:
    """Below XDG_DATA_HOME."""
    base = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(base) / "ostro"


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
