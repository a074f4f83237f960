"""What each command that talks to a server has in common: its options, its client, its printer."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import datetime
from enum import StrEnum
from functools import wraps
from pathlib import Path
from typing import Any

import click
import msgspec
import stamina.instrumentation

from ostro.cli.output import Printer
from ostro.client.client import Client
from ostro.values import UUID

_PATIENCE = 5.0
_REACH = 1.0
"""Seconds that a person waits for an address at which nobody is. A job has nobody who waits, and its server may be starting."""

Command = Callable[..., Awaitable[int | None]]


def link_options(function: Callable[..., Any]) -> Callable[..., Any]:
    """--server, --token, --ca, --profile."""
    for option in (
        click.option("--profile", type=click.Path(path_type=Path), help="Profile file (OSTRO_PROFILE)."),
        click.option(
            "--ca", type=click.Path(path_type=Path), help="PEM file of certificates to trust (OSTRO_CA)."
        ),
        click.option("--token", help="Token (OSTRO_TOKEN)."),
        click.option("--server", help="Address of the server (OSTRO_SERVER)."),
    ):
        function = option(function)
    return function


def connected(function: Command) -> Callable[..., int | None]:
    """Gives an async command a `client` and a `printer`, and runs it."""

    @link_options
    @click.option(
        "-o", "--output", "form", type=click.Choice(["table", "json"]), default="table", help="How to print."
    )
    @wraps(function)
    def command(
        *,
        server: str | None,
        token: str | None,
        ca: Path | None,
        profile: Path | None,
        form: str,
        **options: Any,
    ) -> int | None:
        async def go() -> int | None:
            quiet()
            reach = None if "OSTRO_JOB" in os.environ else _REACH
            made = Client(server, token, ca=ca, profile=profile, patience=_PATIENCE, reach=reach)
            async with made as client:
                return await function(client=client, printer=Printer(form), **options)

        return asyncio.run(go())

    return command


def quiet() -> None:
    """Retries are no news for a person at the keyboard."""
    stamina.instrumentation.set_on_retry_hooks([])


class Id(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """The id of a workflow."""

    name = "id"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> UUID:
        """As a UUID."""
        try:
            return value if isinstance(value, UUID) else UUID(value)
        except ValueError:
            self.fail(f"{value!r} is no id: `ostro workflow list` shows them.", param, ctx)


class State(click.Choice):  # type: ignore[type-arg]  # generic since click 8.4
    """One of these states, in any case of letters."""

    def __init__(self, states: type[StrEnum]) -> None:
        super().__init__([str(state) for state in states], case_sensitive=False)


class Instant(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """A time; without its zone it is of this machine's."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """As a time with its zone."""
        if isinstance(value, datetime):
            return value
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time like 2027-01-31T18:00:00Z.", param, ctx)


class Pair(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """KEY=VALUE."""

    name = "key=value"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """As a pair."""
        if isinstance(value, tuple):
            return value
        key, equals, rest = value.partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is not KEY=VALUE.", param, ctx)
        return key, rest


def json_or_text(text: str) -> msgspec.Raw:
    """JSON as it was written where it is JSON, else the text itself as a JSON string."""
    try:
        msgspec.json.decode(text)
    except msgspec.DecodeError:
        return msgspec.Raw(msgspec.json.encode(text))
    return msgspec.Raw(text.encode())


def object_of(raw: msgspec.Raw | None, option: str) -> dict[str, Any]:
    """A JSON object, its values as they were written; {} for none. UsageError names the option."""
    try:
        return msgspec.json.decode(raw or b"{}", type=dict[str, msgspec.Raw])
    except msgspec.ValidationError:
        raise click.UsageError(f"{option} takes a JSON object.") from None


class Json(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.4
    """JSON, or @FILE with JSON in it."""

    name = "json|@file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> msgspec.Raw:
        """As it was written: no number is changed on the way."""
        if isinstance(value, msgspec.Raw):
            return value
        try:
            text = Path(value[1:]).read_bytes() if value.startswith("@") else value.encode()
            msgspec.json.decode(text)
        except OSError as missing:
            self.fail(f"{value[1:]} cannot be read: {missing.strerror}", param, ctx)
        except ValueError as wrong:
            self.fail(f"That is no JSON: {wrong}", param, ctx)
        return msgspec.Raw(text)
