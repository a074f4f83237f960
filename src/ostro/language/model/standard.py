"""The actions that come with Ostro, and what each takes: one table for lint, for the core and for workers.

An input's docstring opens with the one sentence that says what the action does.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Seconds = Annotated[float, Meta(ge=0, le=7 * 24 * 3600)]
"""At most a week."""


class Input(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What an action takes: what is not named here is refused."""


class Nothing(Input):
    """Does nothing."""


class Outside(Input):
    """Is run by nobody: somebody outside says how it ended."""


class WaitSignal(Input):
    """Waits until somebody outside sends its workflow the signal `name`, and answers what came with that.

    Without `name` it is called as its task. A signal that came before is taken at once; each ends one wait.
    """

    name: Annotated[str, Meta(min_length=1, max_length=255)] | None = None


class Echo(Input):
    """Answers its `output`, after `delay` seconds where a worker runs it."""

    output: Any
    delay: Seconds = 0


class Fail(Input):
    """Ends in ERROR, with `error_data` as its result."""

    error_data: Any = None


class Sleep(Input):
    """Waits: `seconds`, or Mistral's `delay`."""

    seconds: Seconds | None = None
    delay: Seconds | None = None


class Made(Input):
    """Answers a mapping of `size` entries: `<key_prefix>0` to the last, each with `val`."""

    size: Annotated[int, Meta(ge=0, le=100_000)] = 0
    key_prefix: str = ""
    val: Any = ""


class Http(Input):
    """Sends an HTTP request and answers what came back.

    `body` is a text, or JSON; `auth` is `user:password`; `timeout` is for the whole, in seconds; `verify` may be
    the path of a file with certificates to trust; `proxies` maps `http` and `https` to addresses.
    """

    url: str
    method: str = "GET"
    params: dict[str, Any] | str | None = None
    body: Any = None
    json: Any = None
    headers: dict[str, Any] | None = None
    cookies: dict[str, str] | None = None
    auth: str | list[str] | None = None
    timeout: Annotated[float, Meta(gt=0, le=7 * 24 * 3600)] | None = None
    allow_redirects: bool | None = None
    proxies: dict[str, str] | None = None
    verify: bool | str | None = None


class MistralHttp(Http):
    """Sends an HTTP request with the job's ids in its headers, and goes on until somebody outside ends it."""


class Email(Input):
    """Sends an e-mail by SMTP.

    `smtp_server` is HOST or HOST:PORT. With `smtp_password` the connection is encrypted (STARTTLS) and `from_addr`
    logs in.
    """

    from_addr: str
    to_addrs: list[str]
    smtp_server: str
    reply_to: list[str] | None = None
    cc_addrs: list[str] | None = None
    bcc_addrs: list[str] | None = None
    smtp_password: str | None = None
    subject: str | None = None
    body: str | None = None
    html_body: str | None = None


class Ssh(Input):
    """Runs a command on one host or, one after the other, on several, and answers what they printed.

    `host` may name a port (HOST:PORT). `private_key_filename` is a file in the worker's `~/.ssh`, `private_key` the
    key itself. `known_hosts` are lines as in the file of that name; without them the worker's own counts.
    """

    cmd: str
    host: str | list[str]
    username: str
    password: str | None = None
    private_key_filename: str | None = None
    private_key: str | None = None
    return_result_on_error: bool = False
    known_hosts: str | None = None


class SshProxied(Ssh, kw_only=True):
    """Runs a command on hosts behind a gateway, which is reached with the same key as they are."""

    gateway_host: str
    gateway_username: str | None = None


class JavaScript(Input):
    """Runs JavaScript, in which `$` is the `context`, and answers what it returns, or what its last statement gives.

    `timeout` is in seconds.
    """

    script: str
    context: Any = None
    timeout: Annotated[float, Meta(gt=0, le=3600)] = 60


class Script(Input):
    """Runs a script in a folder of its own.

    `run` is the script's text; `interpreter` a program with arguments, the script's path is added. `cwd` is where it
    runs (default: the run's own folder), `files` maps relative paths to texts that are written there before. `user`
    needs a worker that runs as root.
    """

    run: str
    interpreter: str | list[str] = "/bin/sh"
    env: dict[str, str] = {}
    cwd: str | None = None
    user: str | None = None
    files: dict[str, str] = {}


STANDARD: dict[str, type[msgspec.Struct]] = {
    "script": Script,
    "std.async_noop": Outside,
    "std.echo": Echo,
    "std.email": Email,
    "std.fail": Fail,
    "std.http": Http,
    "std.javascript": JavaScript,
    "std.js": JavaScript,
    "std.mistral_http": MistralHttp,
    "std.noop": Nothing,
    "std.sleep": Sleep,
    "std.ssh": Ssh,
    "std.ssh_proxied": SshProxied,
    "std.test_dict": Made,
    "std.wait_signal": WaitSignal,
}


def sentence(takes: type[msgspec.Struct]) -> str:
    """What an action does, by its input's docstring; "" if it has none."""
    return (takes.__doc__ or "").strip().partition("\n\n")[0].replace("\n", " ")
