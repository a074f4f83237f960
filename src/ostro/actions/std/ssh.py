"""`std.ssh` and `std.ssh_proxied`: a command on other hosts, whose keys are known before anything is said to them."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ostro.actions.context import Context, Outcome, Stream, taken, unless_stopped
from ostro.actions.egress import Refused
from ostro.language.model.standard import Ssh, SshProxied

if TYPE_CHECKING:
    import asyncssh

_PORT = 22
_PIECE = 64 * 1024


class Failed(Exception):
    """What could not be done on a host; the text says why."""


async def run(context: Context) -> Outcome:
    """`std.ssh`: what the command printed, a list where there are several hosts."""
    given: Ssh = taken("std.ssh", context.input, Ssh)
    return await unless_stopped(context, _on_all(context, given, None, None))


async def run_proxied(context: Context) -> Outcome:
    """`std.ssh_proxied`: the same through a gateway."""
    given: SshProxied = taken("std.ssh_proxied", context.input, SshProxied)
    user = given.gateway_username or given.username
    return await unless_stopped(context, _on_all(context, given, given.gateway_host, user))


async def _on_all(context: Context, given: Ssh, gateway: str | None, gateway_user: str | None) -> Outcome:
    hosts = [given.host] if isinstance(given.host, str) else given.host
    printed: list[str] = []
    try:
        ways = _ways(context, given)
        async with AsyncExitStack() as open_ones:
            through = None
            if gateway is not None:
                through = await open_ones.enter_async_context(
                    await _connected(context, gateway, gateway_user, ways, None)
                )
            for host in hosts:
                async with await _connected(context, host, given.username, ways, through) as connection:
                    printed.append(await _run(context, connection, given, host))
    except Failed as failed:
        return Outcome(error=str(failed))
    return Outcome(msgspec.json.encode(printed[0] if isinstance(given.host, str) else printed))


def _ways(context: Context, given: Ssh) -> dict[str, Any]:
    """How to prove oneself, and whose keys are known. Failed if asyncssh is missing, or a key cannot be used."""
    try:
        import asyncssh
    except ImportError:
        raise Failed("std.ssh needs asyncssh on the worker: pip install 'ostro[actions]'") from None
    keys: list[Any] = []
    try:
        if given.private_key:
            keys.append(asyncssh.import_private_key(given.private_key))
        elif given.private_key_filename:
            keys.append(asyncssh.read_private_key(_key_file(context, given.private_key_filename)))
        known = (
            asyncssh.import_known_hosts(given.known_hosts)
            if given.known_hosts is not None
            else str(Path.home() / ".ssh" / "known_hosts")
        )
    except (OSError, ValueError) as wrong:
        raise Failed(f"the key or `known_hosts` cannot be used: {wrong}") from None
    if not keys and given.password is None:
        raise Failed("std.ssh needs a `password`, a `private_key` or a `private_key_filename`")
    return {
        "password": given.password,
        "client_keys": keys or None,
        "known_hosts": known,
        "config": None,
        "agent_path": None,
        "connect_timeout": 30,
    }


def _key_file(context: Context, name: str) -> Path:
    if not context.lends_keys:
        raise Failed(
            "this worker lends nobody its own keys: give `private_key`, or let a worker of yours run it (`ostro worker`)"
        )
    folder = Path.home() / ".ssh"
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise Failed(f"`private_key_filename` is a file in the worker's ~/.ssh, not {name!r}")
    return path


async def _connected(
    context: Context,
    host: str,
    user: str | None,
    ways: dict[str, Any],
    through: "asyncssh.SSHClientConnection | None",
) -> "asyncssh.SSHClientConnection":
    """A connection to the address that the policy permits; behind a gateway the name is the gateway's to know."""
    import asyncssh

    name, port = _place(host)
    try:
        address = name
        if through is None:
            (address, *_) = await context.egress.addresses(name, port)
        return await asyncssh.connect(
            address, port, username=user or "", host_key_alias=name, tunnel=through, **ways
        )
    except asyncssh.HostKeyNotVerifiable:
        raise Failed(
            f"the key of {host} is not known: give its line in `known_hosts`, or add it to the worker's "
            f"~/.ssh/known_hosts (ssh-keyscan -p {port} {name} shows it; compare it first)"
        ) from None
    except (Refused, OSError, ValueError, asyncssh.Error) as failed:
        raise Failed(f"{host} cannot be reached: {failed}") from failed


async def _run(context: Context, connection: "asyncssh.SSHClientConnection", given: Ssh, host: str) -> str:
    import asyncssh

    try:
        process = await connection.create_process(given.cmd, encoding=None, stdin=asyncssh.DEVNULL)
        async with asyncio.TaskGroup() as group:
            out = group.create_task(_read(context, "stdout", process.stdout))
            group.create_task(_read(context, "stderr", process.stderr))
        ended = await process.wait(check=False)
    except (OSError, asyncssh.Error) as failed:
        raise Failed(f"{host}: {failed}") from failed
    text = out.result()
    if text is None:
        raise Failed(f"{host} printed more than the {context.result_bytes} bytes that a result may have")
    if ended.exit_status != 0 and not given.return_result_on_error:
        raise Failed(f"{host}: exit code {ended.exit_status}")
    return text


async def _read(context: Context, stream: Stream, source: Any) -> str | None:
    """All that comes, into the log too; None if it is more than a result may be."""
    kept = bytearray()
    while piece := await source.read(_PIECE):
        context.emit(stream, piece)
        if len(kept) <= context.result_bytes:
            kept += piece
    return None if len(kept) > context.result_bytes else kept.decode(errors="replace").replace("\0", "\ufffd")


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon or (":" in host.strip("[]") and not host.endswith("]")):
        return text.strip("[]"), _PORT
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise Failed(f"{text!r} is no HOST:PORT")
    return host.strip("[]"), int(port)
