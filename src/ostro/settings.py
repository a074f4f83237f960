"""Every setting of a server: its name, its default, and where it is read from.

A setting comes from the command line, else from the environment (`OSTRO_` and its name), else it has its
default. Limits and times are `OSTRO_LIMIT_<NAME>` and `OSTRO_TIME_<NAME>`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from ostro.errors import Invalid
from ostro.values import Limits, Timing

DEFAULT_LISTEN = "127.0.0.1:8420"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What a server is told. Without `database_url` it runs its own PostgreSQL in `data_dir`.

    `direct_url` goes past a transaction pooler, for `LISTEN` and migrations. `notify=False` sends and hears no
    hints, `statement_cache=False` is for poolers. `connections` is the most that one server opens.
    `keep` is how many seconds an ended workflow stays, 0 for ever.
    `built_in_slots` is how many jobs the server's own worker runs at once in a namespace, 0 for no such worker;
    the `egress` words say where it may connect to.
    """

    data_dir: Path
    database_url: str | None = None
    direct_url: str | None = None
    listen: str = DEFAULT_LISTEN
    tls_cert: Path | None = None
    tls_key: Path | None = None
    behind_proxy: bool = False
    notify: bool = True
    statement_cache: bool = True
    connections: int = 16
    cached_tasks: int = 500_000
    keep: Annotated[int, Meta(ge=0, le=2**31 - 1)] = 30 * 86_400
    built_in_slots: Annotated[int, Meta(ge=0, le=10_000)] = 8
    egress_allow: str | None = None
    egress_deny: str | None = None
    postgres_major: int | None = None
    postgres_bin: Path | None = None
    limits: Limits = Limits()
    timing: Timing = Timing()


def read(environ: Mapping[str, str], **given: object) -> Settings:
    """The settings from the command line (`given`; None counts as not given) over the environment's.

    Invalid names the setting that cannot be understood.
    """
    found: dict[str, Any] = {"data_dir": _default_data_dir(environ)}
    for name in Settings.__struct_fields__:
        text = environ.get(f"OSTRO_{name.upper()}")
        if text:
            found[name] = text
    found.update({name: value for name, value in given.items() if value is not None})
    found["limits"] = _group(environ, "OSTRO_LIMIT_", Limits)
    found["timing"] = _group(environ, "OSTRO_TIME_", Timing)
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in found.items()}
    settings: Settings = _convert(plain, Settings, "OSTRO_")
    return settings


def _group(environ: Mapping[str, str], prefix: str, kind: type[Limits] | type[Timing]) -> dict[str, Any]:
    known = {f"{prefix}{name.upper()}": name for name in kind.__struct_fields__}
    unknown = [key for key in environ if key.startswith(prefix) and key not in known]
    if unknown:
        raise Invalid(
            "unknown_setting", f"{unknown[0]} is no setting.", hint=f"There are: {', '.join(sorted(known))}."
        )
    found = {name: environ[key] for key, name in known.items() if environ.get(key)}
    _convert(found, kind, prefix)
    return found


def _convert(found: dict[str, Any], kind: type, prefix: str) -> Any:
    def from_text(wanted: type, value: Any) -> Any:
        if wanted is Path:
            return Path(value).expanduser()
        raise NotImplementedError

    try:
        return msgspec.convert(found, kind, strict=False, dec_hook=from_text)
    except msgspec.ValidationError as error:
        raise Invalid(
            "bad_setting",
            f"A setting starting with {prefix} cannot be understood: {error}.",
            hint="Mend or unset it.",
        ) from None


def _default_data_dir(environ: Mapping[str, str]) -> Path:
    base = environ.get("XDG_DATA_HOME") or str(
        Path(environ.get("HOME") or "~").expanduser() / ".local" / "share"
    )
    return Path(base) / "ostro"
