"""Which addresses are of the Internet at large, for calls to an address that somebody else named."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
# IPv4 inside IPv6, for a gateway that translates it: https://www.rfc-editor.org/rfc/rfc6052#section-2.1
NAT64 = IPv6Network("64:ff9b::/96")


class NotPublicError(OSError):
    """A name leads to this machine or its network."""


def is_public(text: str) -> bool:
    """Whether `text`, an address as getaddrinfo writes it, is neither private, local, reserved nor a group's."""
    return _public(ip_address(text.partition("%")[0]))


def _public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and (inner := _carried(address)):
        return _public(inner)
    return address.is_global and not address.is_multicast


def _carried(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that `address` is another spelling of."""
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
