"""The address and network a client connects from. Pure: header texts in, an address or network out.

Limits count networks, not addresses: a /24 of IPv4, and a /48 of IPv6, which one site may have to itself (RFC 6177 §2).
"""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Network = IPv4Network | IPv6Network


def network_of(ip: str) -> str:
    """`192.0.2.7` → `192.0.2.0/24`; "" for text that is no address."""
    address = _address(ip)
    if address is None:
        return ""
    return str(ip_network((address, 24 if address.version == 4 else 48), strict=False))


def client_ip(peer: str, forwarded_for: Sequence[str], *, trusted: Sequence[Network]) -> str:
    """The client's address: the nearest one in X-Forwarded-For that is none of the trusted proxies.

    `peer` is the other end of the connection. Unless it is a trusted proxy, the header is ignored. The header is read
    from the right: each proxy appends the address it saw, and all that stands left of the first untrusted one may be
    forged.
    """
    nearest = _address(peer)
    if nearest is None:
        return ""
    hops = [hop for line in forwarded_for for hop in line.split(",")]
    for hop in reversed(hops):
        if not any(nearest in network for network in trusted):
            break
        seen = _address(hop.strip())
        if seen is None:
            break
        nearest = seen
    return str(nearest)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return None
    # An IPv4 client of a dual-stack socket shows as ::ffff:192.0.2.7.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
