"""Where actions may go."""

from ipaddress import ip_address

import pytest

from ostro.actions.egress import Refused, egress
from ostro.errors import OstroError


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.9.9.9", "169.254.169.254", "0.0.0.0", "0.1.2.3", "224.0.0.1", "255.255.255.255"),
        *("::1", "::", "fe80::1", "ff02::1", "fd00:ec2::254", "::127.0.0.1"),
        *("::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::"),
    ],
)
def test_this_machine_its_link_and_what_is_no_single_host_are_refused(address: str) -> None:
    assert not egress().permits("any.example.net", ip_address(address))


@pytest.mark.parametrize(
    "address", ["93.184.216.34", "10.0.0.1", "2001:db8::1", "fd00::1", "::ffff:10.0.0.1"]
)
def test_other_addresses_are_permitted(address: str) -> None:
    assert egress().permits("any.example.net", ip_address(address))


def test_what_is_allowed_counts_before_what_is_denied() -> None:
    policy = egress(["10.1.0.0/16", "127.0.0.1", "*.lab.example.net"], ["10.0.0.0/8", "*.example.net"])
    assert policy.permits("a", ip_address("10.1.2.3"))
    assert policy.permits("a", ip_address("127.0.0.1"))
    assert policy.permits("a", ip_address("::ffff:127.0.0.1"))
    assert policy.permits("X.Lab.Example.Net.", ip_address("169.254.1.1"))
    assert not policy.permits("a", ip_address("10.2.0.1"))
    assert not policy.permits("a", ip_address("127.0.0.2"))
    assert not policy.permits("www.example.net", ip_address("93.184.216.34"))
    assert policy.permits("example.net", ip_address("93.184.216.34"))


def test_all_but_a_few_can_be_denied() -> None:
    policy = egress(["10.0.0.7"], ["0.0.0.0/0", "::/0"])
    assert policy.permits("a", ip_address("10.0.0.7"))
    assert not policy.permits("a", ip_address("10.0.0.8"))
    assert not policy.permits("a", ip_address("2001:db8::1"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.1", "2130706433", "0x7f.1", "0"])
async def test_a_name_is_judged_by_the_addresses_that_it_has(host: str) -> None:
    with pytest.raises(Refused, match="does not connect to"):
        await egress().addresses(host, 80)
    assert await egress([host] if host == "localhost" else ["0.0.0.0/0", "::1"]).addresses(host, 80)


@pytest.mark.parametrize("word", ["10.0.0.0/33", "http://x", "a b", "1.2.3", "", "*"])
def test_a_word_that_means_nothing_is_refused(word: str) -> None:
    with pytest.raises(OstroError, match="is neither a network nor an address"):
        egress([word])
