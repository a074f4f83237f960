"""`std.ssh` against a real SSH server."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from ostro.actions.context import Outcome
from ostro.actions.egress import egress
from tests.actions.runs import Run, result_of

HERE = egress(["127.0.0.0/8"])
HOST_KEY = asyncssh.generate_private_key("ssh-ed25519")
USER_KEY = asyncssh.generate_private_key("ssh-ed25519")
PRIVATE = USER_KEY.export_private_key().decode()


class Door(asyncssh.SSHServer):
    """Lets `me` in, with the password `secret` or the key; may be gone through."""

    def begin_auth(self, username: str) -> bool:
        return True

    def password_auth_supported(self) -> bool:
        return True

    def validate_password(self, username: str, password: str) -> bool:
        return (username, password) == ("me", "secret")

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == "me" and key == USER_KEY.convert_to_public()

    def connection_requested(self, *_where: Any) -> bool:
        return True


class Host:
    """A server whose commands are `say TEXT`, `fail`, `flood` and `hang`."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.hung = asyncio.Event()

    @property
    def known(self) -> str:
        return f"[localhost]:{self.port} {HOST_KEY.export_public_key().decode()}"


@asynccontextmanager
async def host() -> AsyncIterator[Host]:
    async def serve(process: "asyncssh.SSHServerProcess[str]") -> None:
        verb, _, rest = (process.command or "").partition(" ")
        if verb == "hang":
            served.hung.set()
            await process.stdin.read()
        process.stderr.write("a word aside\n")
        process.stdout.write("x" * 100_000 if verb == "flood" else f"{rest}\n")
        process.exit(3 if verb == "fail" else 0)

    listening = await asyncssh.create_server(
        Door, "127.0.0.1", 0, server_host_keys=[HOST_KEY], process_factory=serve
    )
    served = Host(listening.get_port())
    try:
        yield served
    finally:
        listening.close()
        await listening.wait_closed()


def asked(folder: Path, server: Host, cmd: str, **more: Any) -> Run:
    options = {name: more.pop(name) for name in ("result_bytes",) if name in more}
    given = {
        "cmd": cmd, "host": f"localhost:{server.port}", "username": "me", "private_key": PRIVATE,
        "known_hosts": server.known, **more,
    }  # fmt: skip
    return Run(folder, given, egress=HERE, **options)


async def test_a_command_runs_with_a_key_or_a_password(tmp_path: Path) -> None:
    async with host() as server:
        by_key = asked(tmp_path, server, "say hello")
        assert result_of(await by_key.act("std.ssh")) == "hello\n"
        assert by_key.written("stderr") == b"a word aside\n"
        by_password = asked(tmp_path, server, "say hi", private_key=None, password="secret")
        assert result_of(await by_password.act("std.ssh")) == "hi\n"
        wrong = await asked(tmp_path, server, "say", private_key=None, password="guessed").act("std.ssh")
        assert "cannot be reached: Permission denied" in (wrong.error or "")


async def test_several_hosts_are_gone_through_one_after_the_other(tmp_path: Path) -> None:
    async with host() as one, host() as two:
        hosts = [f"localhost:{one.port}", f"localhost:{two.port}"]
        known = f"{one.known}\n{two.known}\n"
        run = asked(tmp_path, one, "say a", host=hosts, known_hosts=known)
        assert result_of(await run.act("std.ssh")) == ["a\n", "a\n"]


async def test_a_host_whose_key_is_not_known_is_told_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    async with host() as server:
        for known in ("", f"[localhost]:{server.port} {other}"):
            outcome = await asked(tmp_path, server, "say", known_hosts=known).act("std.ssh")
            assert f"ssh-keyscan -p {server.port} localhost" in (outcome.error or "")
        (tmp_path / ".ssh").mkdir()
        (tmp_path / ".ssh" / "known_hosts").write_text(server.known)
        (tmp_path / ".ssh" / "id").write_text(PRIVATE)
        kept = {"known_hosts": None, "private_key": None, "private_key_filename": "id"}
        assert result_of(await asked(tmp_path, server, "say a", **kept).act("std.ssh")) == "a\n"
        outside = await asked(tmp_path, server, "say a", **kept | {"private_key_filename": "../x"}).act(
            "std.ssh"
        )
        assert "a file in the worker's ~/.ssh" in (outside.error or "")
        beside_a_server = asked(tmp_path, server, "say a", **kept)
        beside_a_server.context.lends_keys = False
        refused = await beside_a_server.act("std.ssh")
        assert "lends nobody its own keys" in (refused.error or "")


async def test_an_exit_code_is_an_error_unless_its_output_is_wanted(tmp_path: Path) -> None:
    async with host() as server:
        failed = await asked(tmp_path, server, "fail").act("std.ssh")
        assert failed.error == f"localhost:{server.port}: exit code 3"
        wanted = await asked(tmp_path, server, "fail x", return_result_on_error=True).act("std.ssh")
        assert (wanted.error, result_of(wanted)) == (None, "x\n")


async def test_too_much_output_is_an_error(tmp_path: Path) -> None:
    async with host() as server:
        outcome = await asked(tmp_path, server, "flood", result_bytes=1000).act("std.ssh")
    assert "printed more than the 1000 bytes" in (outcome.error or "")


async def test_a_cancel_closes_the_connection(tmp_path: Path) -> None:
    async with host() as server, asyncio.TaskGroup() as group:
        run = asked(tmp_path, server, "hang")
        ended = group.create_task(run.act("std.ssh"))
        await server.hung.wait()
        run.context.stopping.set()
        assert (await ended).error == "stopped"


async def test_hosts_behind_a_gateway_are_reached_through_it(tmp_path: Path) -> None:
    async with host() as gateway, host() as inner:
        run = asked(
            tmp_path, inner, "say far",
            gateway_host=f"localhost:{gateway.port}", known_hosts=f"{gateway.known}\n{inner.known}\n",
        )  # fmt: skip
        assert result_of(await run.act("std.ssh_proxied")) == "far\n"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"private_key": None}, "needs a `password`"),
        ({"private_key": "no key"}, "cannot be used"),
        ({"host": "169.254.1.1"}, "does not connect to 169.254.1.1"),
        ({"host": "127.0.0.1:1"}, "cannot be reached"),
        ({"host": "a:b"}, "is no HOST:PORT"),
    ],
)
async def test_what_cannot_be_done_is_said(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    outcome: Outcome = await asked(tmp_path, Host(1), "say", **given).act("std.ssh")
    assert says in (outcome.error or "")
