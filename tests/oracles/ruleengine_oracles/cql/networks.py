"""Whether an address is in a network; texts that only some readers take for an address are undocumented."""

from __future__ import annotations

import ipaddress
import re
import socket
from contextlib import suppress
from typing import TypeAlias

from ruleengine_oracles.cql.problems import Undocumented

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address


def in_subnets(text: str, subnets: tuple[str, ...]) -> bool:
    """Return whether a text is an address in one of the networks; what is no address is in none [D L7].

    Whether a v4-mapped address is in a v4 network, and whether `010.0.0.1`, `ip:port`, a zone or a space around is
    read, is undocumented [? §3]; it matters only where such a reading would be inside.
    """
    address = parsed(text)
    sure = address is not None and inside(address, subnets)
    if not sure:
        for other in loosely(text, address):
            if inside(other, subnets):
                raise Undocumented(f"{text!r} as an address in {', '.join(subnets)}")
    return sure


def parsed(text: str) -> Address | None:
    """Return a text as an address in its strict form."""
    if "%" in text:
        return None
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def inside(address: Address, subnets: tuple[str, ...]) -> bool:
    """Return whether an address is in one of the networks of its version."""
    return any(address in ipaddress.ip_network(subnet) for subnet in subnets)


def loosely(text: str, strict: Address | None) -> list[Address]:
    """Return the other readings of a text as an address."""
    if isinstance(strict, ipaddress.IPv6Address):
        return [strict.ipv4_mapped] if strict.ipv4_mapped else []
    if isinstance(strict, ipaddress.IPv4Address):
        return [ipaddress.IPv6Address(f"::ffff:{strict}")]
    trimmed = re.sub(r"%.*|/[0-9]+$", "", text.strip()).strip()
    without_port = re.sub(r"^\[(.*)\](?::[0-9]+)?$|^([0-9.]+):[0-9]+$", r"\1\2", trimmed)
    without_zeros = re.sub(r"(?<![0-9a-fA-F:])0+(?=[0-9])", "", without_port)
    texts = {trimmed, without_port, without_zeros}
    if re.fullmatch(r"[0-9a-fA-FxX.]+", without_port):
        with suppress(OSError):  # octal, hexadecimal and short forms, as the C library reads them
            texts.add(socket.inet_ntoa(socket.inet_aton(without_port)))
    found = [address for each in sorted(texts) if (address := parsed(each)) is not None]
    mapped = [each.ipv4_mapped for each in found if isinstance(each, ipaddress.IPv6Address) and each.ipv4_mapped]
    return [*found, *mapped]
