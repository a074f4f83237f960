"""`std.email`: a message by SMTP, in a thread."""

import smtplib
import socket
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from functools import partial

from ostro.actions.context import Context, Outcome, taken
from ostro.actions.egress import Refused
from ostro.actions.threads import in_thread
from ostro.language.model.standard import Email

_PORT = 25
_PATIENCE = 60.0


async def run(context: Context) -> Outcome:
    """Sends it; whom the server refuses, among those it is for, is named in the error."""
    given: Email = taken("std.email", context.input, Email)
    try:
        host, port = _place(given.smtp_server)
        message = _message(given)
        (address, *_) = await context.egress.addresses(host, port)
    except (Refused, ValueError, OSError) as wrong:
        return Outcome(error=f"the e-mail was not sent: {wrong}")
    return await in_thread(context, partial(_send, given, message, host, address, port))


def _send(given: Email, message: EmailMessage, host: str, address: str, port: int) -> Outcome:
    """To the address that was checked; the certificate is that of the name."""
    to = [*given.to_addrs, *(given.cc_addrs or []), *(given.bcc_addrs or [])]
    try:
        with _Pinned(host, address, port) as server:
            if given.smtp_password:
                server.starttls(context=ssl.create_default_context())
                server.login(given.from_addr, given.smtp_password)
            refused = server.send_message(message, given.from_addr, to)
    except smtplib.SMTPRecipientsRefused as nobody:
        refused = nobody.recipients
    except (OSError, smtplib.SMTPException, ValueError) as failed:
        return Outcome(error=f"the e-mail was not sent by {given.smtp_server}: {failed}")
    if refused:
        return Outcome(error=f"{given.smtp_server} does not take it for {', '.join(sorted(refused))}")
    return Outcome()


class _Pinned(smtplib.SMTP):
    """A connection to one address, for a server known by its name."""

    def __init__(self, host: str, address: str, port: int) -> None:
        self._address = address
        super().__init__(host, port, timeout=_PATIENCE)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        """Where the library itself puts in another way to connect."""
        made: socket.socket = super()._get_socket(self._address, port, timeout)  # type: ignore[misc]
        return made


def _message(given: Email) -> EmailMessage:
    """ValueError for what cannot stand in a header. Who gets a blind copy is not in it."""
    message = EmailMessage()
    message["From"], message["To"] = given.from_addr, ", ".join(given.to_addrs)
    message["Subject"] = given.subject or ""
    message["Date"], message["Message-ID"] = formatdate(), make_msgid()
    if given.cc_addrs:
        message["Cc"] = ", ".join(given.cc_addrs)
    if given.reply_to:
        message["Reply-To"] = ", ".join(given.reply_to)
    message.set_content(given.body or "")
    if given.html_body:
        message.add_alternative(given.html_body, subtype="html")
    return message


def _place(text: str) -> tuple[str, int]:
    host, colon, port = text.rpartition(":")
    if not colon:
        return text, _PORT
    if not port.isdigit() or not 0 < int(port) < 65_536:
        raise ValueError(f"{text!r} is no HOST:PORT")
    return host.strip("[]"), int(port)
