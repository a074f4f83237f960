"""`std.email` against a real SMTP server."""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from ostro.actions.context import Outcome
from ostro.actions.egress import egress
from tests.actions.runs import Run
from tests.actions.test_http import certificate

HERE = egress(["127.0.0.0/8"])
MAIL = {"from_addr": "me@example.net", "to_addrs": ["a@example.net"], "subject": "Grüße", "body": "done ✓"}


class Kept:
    """What came, and who logged in. Takes nothing for `nobody`."""

    def __init__(self) -> None:
        self.envelopes: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []

    async def handle_RCPT(self, _s: Any, _session: Any, envelope: Envelope, address: str, _o: Any) -> str:  # noqa: N802
        if address.startswith("nobody"):
            return "550 unknown"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Envelope) -> str:  # noqa: N802
        self.envelopes.append(envelope)
        return "250 OK"

    def login(
        self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        self.logins.append((data.login, data.password))
        return AuthResult(success=data.password == b"secret", handled=False)


@asynccontextmanager
async def mail_server(tls: ssl.SSLContext | None = None) -> AsyncIterator[tuple[Kept, str]]:
    """An SMTP server, and its address."""
    kept = Kept()

    def made() -> SMTP:
        return SMTP(kept, tls_context=tls, auth_required=tls is not None, authenticator=kept.login)

    running = await asyncio.get_running_loop().create_server(made, "127.0.0.1", 0)
    async with running:
        yield kept, f"localhost:{running.sockets[0].getsockname()[1]}"


async def send(folder: Path, server: str = "", **more: Any) -> Outcome:
    return await Run(folder, {**MAIL, "smtp_server": server, **more}, egress=HERE).act("std.email")


async def test_a_message_arrives_with_all_that_it_has(tmp_path: Path) -> None:
    async with mail_server() as (kept, server):
        also = {"cc_addrs": ["b@example.net"], "bcc_addrs": ["c@example.net"], "reply_to": ["d@example.net"]}
        assert await send(tmp_path, server, html_body="<b>done</b>", **also) == Outcome()
    (envelope,) = kept.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == (
        "me@example.net", ["a@example.net", "b@example.net", "c@example.net"],
    )  # fmt: skip
    assert isinstance(envelope.content, bytes)
    message = message_from_bytes(envelope.content, policy=default)
    assert (message["Subject"], message["Cc"], message["Bcc"]) == ("Grüße", "b@example.net", None)
    assert message["Reply-To"] == "d@example.net"
    parts = {one.get_content_type(): one.get_content().strip() for one in message.iter_parts()}
    assert parts == {"text/plain": "done ✓", "text/html": "<b>done</b>"}


async def test_a_password_is_told_to_a_server_with_the_right_certificate_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with mail_server(certificate(tmp_path)) as (kept, server):
        unknown = await send(tmp_path, server, smtp_password="secret")
        assert "certificate" in (unknown.error or "").lower()
        assert kept.logins == []
        monkeypatch.setenv("SSL_CERT_FILE", os.fspath(tmp_path / "ca.pem"))
        assert await send(tmp_path, server, smtp_password="secret") == Outcome()
        assert kept.logins == [(b"me@example.net", b"secret")]
        wrong = await send(tmp_path, server, smtp_password="guessed")
        assert "535" in (wrong.error or "")
        assert "guessed" not in (wrong.error or "")
    assert len(kept.envelopes) == 1


async def test_whom_the_server_does_not_take_it_for_is_named(tmp_path: Path) -> None:
    async with mail_server() as (_kept, server):
        outcome = await send(tmp_path, server, to_addrs=["a@example.net", "nobody@example.net"])
    assert outcome.error == f"{server} does not take it for nobody@example.net"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"smtp_server": "127.0.0.1:1"}, "refused"),
        ({"smtp_server": "169.254.1.1"}, "does not connect to 169.254.1.1"),
        ({"smtp_server": "a:b"}, "is no HOST:PORT"),
        ({"subject": "a\nBcc: x@example.net", "smtp_server": "127.0.0.1"}, "not sent"),
        ({"smtp_server": "127.0.0.1", "to_addrs": "a@example.net"}, "Expected `array`"),
    ],
)
async def test_what_cannot_be_sent_is_said(tmp_path: Path, given: dict[str, Any], says: str) -> None:
    assert says in ((await send(tmp_path, **given)).error or "").replace("Refused", "refused")
