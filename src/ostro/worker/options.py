"""What a worker is told when it is started."""

from pathlib import Path

import msgspec

from ostro.actions.egress import Egress


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Times are seconds. `capabilities` maps a key to its values; `tags` None: takes any.

    `once`: take until nothing more is granted, then leave; `drain_after`: leave after so many jobs.
    `environment` goes to each job's processes (the server's address, its certificate). `egress`: where actions may connect to;
    `lends_keys`: whether they may use files of the worker's own keys.
    """

    name: str
    state_dir: Path
    capabilities: dict[str, list[str]] = {}
    tags: list[str] | None = None
    slots: int = 1
    replace: bool = False
    once: bool = False
    drain_after: int | None = None
    drain: float = 300.0
    version: str = ""
    environment: dict[str, str] = {}
    egress: Egress = Egress()
    lends_keys: bool = True


class Rhythm(msgspec.Struct, frozen=True, kw_only=True):
    """The worker's own times, in seconds. Tests choose their own."""

    first_back_off: float = 0.1
    longest_back_off: float = 5.0
    log_interval: float = 0.2
    farewell: float = 5.0
