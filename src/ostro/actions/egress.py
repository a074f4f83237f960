"""Where actions may connect to: a rule over names of hosts and over the addresses that they have.

What is allowed is allowed; else what is denied is refused, and so are this machine itself, what is local to its
link (the metadata services of clouds among it) and whatever is no single host.
"""

import asyncio
import re
import socket
from collections.abc import Iterable
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

import msgspec

from ostro.errors import OstroError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_REFUSED: Final = tuple(
    ip_network(text)
    for text in (
        *("127.0.0.0/8", "169.254.0.0/16", "0.0.0.0/8", "224.0.0.0/4", "255.255.255.255/32"),
        *("::/96", "fe80::/10", "ff00::/8", "fd00:ec2::254/128"),
    )
)
_EMBEDDING: Final = IPv6Network("64:ff9b::/96")
"""Addresses of NAT64: the last four bytes are the IPv4 address that is meant."""
_HOST: Final = re.compile(r"(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*")


class Refused(Exception):
    """The policy does not let an action go there; the text says what, and who can change it."""


class Egress(msgspec.Struct, frozen=True):
    """Made by `egress`. Names of hosts are in lower case; `*.` in front stands for all below."""

    allowed_hosts: tuple[str, ...] = ()
    allowed: tuple[Network, ...] = ()
    denied_hosts: tuple[str, ...] = ()
    denied: tuple[Network, ...] = ()

    def permits(self, host: str, address: Address) -> bool:
        """Whether a connection to this address may be opened for this host."""
        name, plain = host.lower().rstrip("."), _meant(address)
        if _named(name, self.allowed_hosts) or _within(plain, self.allowed):
            return True
        return not (_named(name, self.denied_hosts) or _within(plain, (*self.denied, *_REFUSED)))

    async def addresses(self, host: str, port: int) -> list[str]:
        """The addresses of a host to which may be connected, as texts. Refused if it has none; OSError if it is
        unknown.
        """
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        texts = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        permitted = [text for text in texts if self.permits(host, ip_address(text))]
        if not permitted:
            what = host if host in texts else f"{host} ({', '.join(texts)})"
            raise Refused(f"this worker does not connect to {what}: see OSTRO_EGRESS_ALLOW")
        return permitted


def egress(allow: Iterable[str] = (), deny: Iterable[str] = ()) -> Egress:
    """The policy of these words: networks, addresses, names of hosts. OstroError for anything else."""
    allowed_hosts, allowed = _read(allow, "OSTRO_EGRESS_ALLOW")
    denied_hosts, denied = _read(deny, "OSTRO_EGRESS_DENY")
    return Egress(allowed_hosts, allowed, denied_hosts, denied)


def _read(words: Iterable[str], setting: str) -> tuple[tuple[str, ...], tuple[Network, ...]]:
    hosts: list[str] = []
    networks: list[Network] = []
    for word in words:
        try:
            networks.append(ip_network(word.strip("[]"), strict=False))
        except ValueError:
            name = word.lower().rstrip(".")
            if not _HOST.fullmatch(name) or name.rpartition(".")[2].isdigit():
                raise OstroError(
                    f"{word!r} in {setting} is neither a network nor an address nor the name of a host.",
                    hint="Write for example: 10.0.0.0/8 127.0.0.1 db.example.net *.example.net",
                ) from None
            hosts.append(name)
    return tuple(hosts), tuple(networks)


def _meant(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, where it does."""
    if isinstance(address, IPv4Address):
        return address
    if address in _EMBEDDING:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _within(address: Address, networks: Iterable[Network]) -> bool:
    return any(address in network for network in networks)


def _named(host: str, patterns: Iterable[str]) -> bool:
    return any(host.endswith(one[1:]) if one.startswith("*.") else host == one for one in patterns)
