"""Which addresses may be reached: public ones, and the private ones that somebody named. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

from newsletter.links import ascii_host

# `ipaddress.is_global` is true for these, and each reaches somewhere private: multicast, site-local, and the ways of
# writing an IPv4 address inside an IPv6 one (RFC 6052, RFC 3056, RFC 7526, RFC 8215).
_DENIED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "224.0.0.0/4", "192.88.99.0/24", "ff00::/8", "fec0::/10", "::/96", "64:ff9b::/96", "64:ff9b:1::/48",
        "2002::/16", "2001::/23", "3fff::/20", "5f00::/16",
    )
)  # fmt: skip

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True, slots=True)
class Allowed:
    """The private places that may be reached: host names, and networks."""

    hosts: frozenset[str]
    networks: tuple[Network, ...]

    @classmethod
    def read(cls, entries: Iterable[str]) -> Allowed:
        hosts, networks = set(), []
        for entry in entries:
            try:
                networks.append(ipaddress.ip_network(entry.strip("[] "), strict=False))
            except ValueError:
                hosts.add(_name(entry.strip()))
        return cls(frozenset(hosts), tuple(networks))

    def permits(self, host: str, address: Address) -> bool:
        named = _name(host) in self.hosts or any(address in network for network in self.networks)
        return named or is_public(address)


def _name(host: str) -> str:
    """A host name in the one spelling that is compared."""
    try:
        return ascii_host(host).rstrip(".")
    except ValueError:
        return host.rstrip(".").lower()


def is_public(address: Address) -> bool:
    """Whether an address lies on the public Internet, looking inside IPv4-mapped ones (RFC 4291 §2.5.5.2)."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return is_public(address.ipv4_mapped)
    return address.is_global and not any(address in network for network in _DENIED)
