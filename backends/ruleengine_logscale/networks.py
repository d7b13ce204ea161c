"""Networks: `cidr()` over canonical addresses only, so that nothing hangs on how a vendor reads an odd one."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Network, IPv6Network

from ruleengine.values import network
from ruleengine_logscale.said import Said, bounded, refused
from ruleengine_logscale.written import name, string

NUMBER = "(?:0|[1-9][0-9]{0,2})"
QUAD = rf"(?:{NUMBER}\.){{3}}{NUMBER}"
"""Four numbers without leading zeros; `cidr()` is false for what is no address, as 256.0.0.1."""
OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
MAPPED = IPv6Network("::ffff:0:0/96")
"""IPv4 addresses written as IPv6 (RFC 4291, 2.5.5.2)."""
CONSTRUCT = "network"


def said_networks(field: str, written: tuple[str, ...]) -> Said:
    """Return "an address in one of these networks"; IPv4 also where it is written as mapped IPv6."""
    blocks = [network(each) for each in written]
    plain = [block for block in blocks if isinstance(block, IPv4Network)]
    mapped = [_unmapped(block) for block in blocks if isinstance(block, IPv6Network) and block.subnet_of(MAPPED)]
    wide = [block for block in blocks if isinstance(block, IPv6Network) and not block.subnet_of(MAPPED)]
    if any(block.overlaps(MAPPED) for block in wide):
        return refused(CONSTRUCT, "whether LogScale takes IPv4 within IPv6 for IPv6 is not documented")
    asked = name(field)
    ways: list[tuple[str, ...]] = []
    limits = []
    if plain:
        ways.append((rf"{asked}=/\A{QUAD}\z/", f"cidr({asked}, subnet={_subnets(plain)})"))
    if plain or mapped:
        ways.append((rf"{asked}=/\A::ffff:{_quads([*plain, *mapped])}\z/i",))
        limits.append(bounded(CONSTRUCT, "IPv4 within IPv6 can be written in many ways", "mapped_ipv4", field))
    if wide:
        ways.append((rf"{asked}=/\A[0-9a-f]*:[0-9a-f:]*\z/", f"cidr({asked}, subnet={_subnets(wide)})"))
        limits.append(bounded(CONSTRUCT, "an IPv6 address can be written in many ways", "usual_ipv6", field))
    return Said(ways=tuple(ways), limits=tuple(limits))


def _subnets(blocks: Sequence[IPv4Network | IPv6Network]) -> str:
    quoted = [string(str(block)) for block in dict.fromkeys(blocks)]
    return quoted[0] if len(quoted) == 1 else f"[{', '.join(quoted)}]"


# --- IPv4 within IPv6, which `cidr()` is not documented to read ------------------------------------------------------


def _unmapped(block: IPv6Network) -> IPv4Network:
    """Return the IPv4 network that a network of mapped addresses stands for."""
    return IPv4Network((int(block.network_address) & 0xFFFFFFFF, block.prefixlen - MAPPED.prefixlen))


def _quads(blocks: Sequence[IPv4Network]) -> str:
    """Return the regular expression of the dotted quads in some networks."""
    texts = list(dict.fromkeys(map(_quad, blocks)))
    return texts[0] if len(texts) == 1 else f"(?:{'|'.join(texts)})"


def _quad(block: IPv4Network) -> str:
    whole, rest = divmod(block.prefixlen, 8)
    octets = str(block.network_address).split(".")
    parts = octets[:whole]
    if rest:
        low = int(octets[whole])
        parts.append(_range(low, low + (1 << (8 - rest)) - 1))
    free = 4 - len(parts)
    if not parts:
        return rf"{OCTET}(?:\.{OCTET}){{3}}"
    texts = {0: "", 1: rf"\.{OCTET}"}
    return r"\.".join(parts) + texts.get(free, rf"(?:\.{OCTET}){{{free}}}")


def _range(low: int, high: int) -> str:
    """Return the regular expression of the whole numbers from one to another, without leading zeros."""
    lasts: dict[str, list[str]] = {}
    for number in range(low, high + 1):
        lasts.setdefault(str(number)[:-1], []).append(str(number)[-1])
    texts: list[str] = []
    heads: dict[str, list[str]] = {}
    for head, digits in lasts.items():
        if head and len(digits) == 10:
            heads.setdefault(head[:-1], []).append(head[-1])
        else:
            texts.append(head + _digits(digits))
    texts += [head + _digits(digits) + "[0-9]" for head, digits in heads.items()]
    return texts[0] if len(texts) == 1 else f"(?:{'|'.join(texts)})"


def _digits(digits: list[str]) -> str:
    """Return the class of consecutive digits."""
    return digits[0] if len(digits) == 1 else f"[{digits[0]}-{digits[-1]}]"
