"""The functions of the rule language: pure, of one value each, and absent where they cannot be worked out."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping

Scalar = str | int | float | bool


def length(value: Scalar) -> int | None:
    """Return how many characters a text has."""
    return len(value) if isinstance(value, str) else None


def lower(value: Scalar) -> str | None:
    """Return a text in lower case, for comparisons that mind case."""
    return value.lower() if isinstance(value, str) else None


def domain(value: Scalar) -> str | None:
    """Return the domain of an e-mail address or of a URL, in lower case."""
    if not isinstance(value, str):
        return None
    rest = value.rpartition("@")[2] if "://" not in value else value.partition("://")[2]
    host = rest.partition("/")[0].rpartition("@")[2]
    host = host.partition(":")[0] if not host.startswith("[") else host
    return host.lower().rstrip(".") or None


def net(value: Scalar, bits: str | int) -> str | None:
    """Return the network of so many bits in which an address lies, as `192.0.2.0/24`."""
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        return str(ipaddress.ip_network(f"{ipaddress.ip_address(value)}/{bits}", strict=False))
    except ValueError:
        return None


FUNCTIONS: Mapping[str, Callable[..., Scalar | None]] = {"len": length, "lower": lower, "domain": domain, "net": net}
"""Each takes a value of a field, and what else the rule gives it."""

ARGUMENTS: Mapping[str, int] = {"len": 1, "lower": 1, "domain": 1, "net": 2}
"""How many arguments each takes, the field among them."""
