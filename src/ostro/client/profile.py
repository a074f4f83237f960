"""Which server, with which token: an option counts before the environment, that before the profile.

The profile is a small owner-only JSON file that `ostro dev` writes, in XDG_CONFIG_HOME or where
OSTRO_PROFILE says.
"""

import os
from contextlib import suppress
from pathlib import Path

import msgspec

from ostro.client.transport import Link
from ostro.errors import OstroError


class WorkerProfile(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """What `ostro worker` is told, where neither its options nor the environment say it."""

    name: str = ""
    capabilities: dict[str, str | list[str]] = {}
    tags: list[str] = []
    slots: int | None = None
    imports: list[str] = []
    state_dir: str = ""


class Profile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A server's address and a token for it. `ca` is a PEM file of certificates to trust."""

    server: str = ""
    token: str = ""
    ca: str = ""
    worker: WorkerProfile = WorkerProfile()


def profile_path(chosen: str | Path | None = None) -> Path:
    """Where the profile is."""
    if chosen or os.environ.get("OSTRO_PROFILE"):
        return Path(chosen or os.environ["OSTRO_PROFILE"])
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "ostro" / "profile.json"


def read_profile(chosen: str | Path | None = None) -> Profile:
    """The profile; an empty one where there is no file. OstroError if it cannot be read."""
    path = profile_path(chosen)
    try:
        return msgspec.json.decode(path.read_bytes(), type=Profile)
    except (FileNotFoundError, NotADirectoryError):
        return Profile()
    except (OSError, msgspec.DecodeError) as broken:
        raise OstroError(
            f"The profile {path} cannot be read: {broken}", hint="Mend it or remove it."
        ) from broken


def write_profile(profile: Profile, chosen: str | Path | None = None) -> Path:
    """Writes it owner-only, whole or not at all; where."""
    path = profile_path(chosen)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    half = path.with_name(f"{path.name}.{os.getpid()}")
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(msgspec.json.encode(profile))
        half.replace(path)
    except BaseException:
        with suppress(FileNotFoundError):
            half.unlink()
        raise
    return path


def find_link(
    server: str | None = None,
    token: str | None = None,
    *,
    ca: str | Path | None = None,
    cert: str | Path | None = None,
    key: str | Path | None = None,
    profile: str | Path | None = None,
) -> Link:
    """The way to the server. A profile's token is only for the profile's server. OstroError if none is named."""
    environment = os.environ
    server = server or environment.get("OSTRO_SERVER") or ""
    token = token or environment.get("OSTRO_TOKEN") or ""
    ca = ca or environment.get("OSTRO_CA") or ""
    if not (server and token):
        kept = read_profile(profile)
        if kept.server and server.rstrip("/") in ("", kept.server.rstrip("/")):
            server, token, ca = kept.server, token or kept.token, ca or kept.ca
    if not server:
        raise OstroError(
            "No server is named.",
            hint="Give --server or OSTRO_SERVER, or start one here with `ostro dev`.",
        )
    if not server.startswith(("http://", "https://")):
        raise OstroError(f"{server} is no address of a server.", hint="It begins with http:// or https://.")
    chosen = [Path(path) if path else None for path in (ca, cert, key)]
    return Link(server=server, token=token, ca=chosen[0], cert=chosen[1], key=chosen[2])
