"""CIDR: which literals of `search` are networks, and which addresses lie in one."""

from __future__ import annotations

import ipaddress
import re

from ruleengine_oracles.spl.problem import Undecided

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

QUAD = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){3}", re.ASCII)
QUAD_WITH_PREFIX = re.compile(rf"{QUAD.pattern}/[0-9]{{1,3}}", re.ASCII)
SHORT_WITH_PREFIX = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,3}){1,2}\.?/[0-9]{1,2}", re.ASCII)
V6_WITH_PREFIX = re.compile(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*/[0-9]{1,3}", re.ASCII)
RESEMBLES = re.compile(
    r"\s*\[?(?:0x[0-9a-f]+|[0-9]+)(?:\.(?:0x[0-9a-f]+|[0-9]*)){0,3}\]?(?:[:/%].*)?\s*", re.ASCII | re.IGNORECASE
)
"""What some address parser takes: leading zeros, short and hexadecimal forms, spaces, a port, a prefix."""


def network(text: str) -> Network | None:
    """Return the network that a text names in canonical form (no bits beyond the prefix), or None."""
    if not (QUAD_WITH_PREFIX.fullmatch(text) or V6_WITH_PREFIX.fullmatch(text)):
        return None
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        return None


def looks_like_network(text: str) -> bool:
    """Return whether `search` might take a text for a network: what it takes besides valid CIDR is undocumented."""
    if QUAD_WITH_PREFIX.fullmatch(text) or SHORT_WITH_PREFIX.fullmatch(text):
        return True
    if V6_WITH_PREFIX.fullmatch(text):
        try:
            ipaddress.ip_interface(text)
        except ValueError:
            return False
        return True
    return False


def lies_in(text: str, wanted: Network) -> bool:
    """Return whether an address lies in a network [D S1 for `search`, S3 for `cidrmatch`]: v4 and v6.

    A text that is no address lies in none. Spellings of which parsers differ (`010.0.0.1`, `10.1`, `[::1]:80`, a v4
    address mapped into v6, a zone) raise Undecided.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        if resembles_address(text):
            raise Undecided(f"no manual says whether {text!r} is an address") from None
        return False
    if isinstance(address, ipaddress.IPv6Address) and ("." in text or "%" in text or address.ipv4_mapped):
        raise Undecided(f"no manual says how the IPv6 spelling {text!r} is matched")
    return address.version == wanted.version and address in wanted


def resembles_address(text: str) -> bool:
    """Return whether a text that Python takes for no address might be one to another parser.

    Four decimal numbers of which one is above 255 are no address: the manual of `ipmask` says what a valid one is.
    """
    if QUAD.fullmatch(text) and not any(part.startswith("0") and part != "0" for part in text.split(".")):
        return False
    if RESEMBLES.fullmatch(text):
        return True
    inner = text.strip()
    if inner.startswith("["):
        inner = inner[1:].partition("]")[0]
    inner = inner.partition("%")[0].partition("/")[0]
    try:
        ipaddress.ip_address(inner)
    except ValueError:
        return False
    return True
