"""The law for values, in plain Python: how they are found in an event, their texts, numbers, patterns and networks.

Nothing may be imported but the standard library and, for regular expressions, google-re2.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from decimal import Decimal
from functools import cache
from math import isfinite
from types import EllipsisType
from typing import Any

import re2

Event = dict[str, Any]
"""A JSON object, as `json.loads` returns it."""

Scalar = str | int | float | bool

Field = str | tuple[Any, ...] | None
"""The name of a field, a key or a path with dots; or a function and its arguments; or anywhere in the event."""

ANYWHERE = None


# --- fields --------------------------------------------------------------------------------------------------------


def values_of(event: Event, field: Field) -> list[Scalar]:
    """Return the values of a field: none, one, or several."""
    if field is ANYWHERE:
        return everywhere(event)
    if isinstance(field, tuple):
        function, name, *rest = field
        made = (function(value, *rest) for value in values_of(event, name))
        return [value for value in made if value is not None]
    return [value for value in standing(event, str(field)) if not isinstance(value, dict)]


def standing(event: Event, name: str) -> list[Any]:
    """Return what stands at a name, the members of arrays one by one.

    A key of the event that is literally so ends the search, even if null; else the name is a path, which goes on into
    every member of an array.
    """
    if name in event:
        return members(event[name])
    if "." not in name:
        return []
    found: list[Any] = [event]
    for step in name.split("."):
        inner = [member for outer in found for member in members(outer)]
        found = [member[step] for member in inner if isinstance(member, dict) and step in member]
    return [member for outer in found for member in members(outer)]


def members(value: Any) -> list[Any]:
    """Return a value, or what its arrays hold; null, `{}` and `[]` are nothing."""
    if not isinstance(value, list):
        return [] if value is None or value == {} else [value]
    found: list[Any] = []
    pending = value[::-1]
    while pending:
        member = pending.pop()
        if isinstance(member, list):
            pending.extend(reversed(member))
        elif member is not None and member != {}:
            found.append(member)
    return found


HINTS = ("_product", "_service", "_category")
"""Keys by which an event states its log source; keywords do not search them."""


def everywhere(event: Event) -> list[Scalar]:
    """Return every value anywhere in an event, but for the hints of its log source."""
    found: list[Scalar] = []
    pending = [value for key, value in event.items() if key not in HINTS]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
        elif value is not None:
            found.append(value)
    return found


# --- functions of fields -------------------------------------------------------------------------------------------


def length(value: Scalar) -> int | None:
    """Return how many characters a text has."""
    return len(value) if isinstance(value, str) else None


def lower(value: Scalar) -> str | None:
    """Return a text in lower case."""
    return value.lower() if isinstance(value, str) else None


def domain(value: Scalar) -> str | None:
    """Return the domain of an e-mail address or of a URL, in lower case."""
    if not isinstance(value, str):
        return None
    rest = value.partition("://")[2] if "://" in value else value.rpartition("@")[2]
    host = rest.partition("/")[0].rpartition("@")[2]
    if not host.startswith("["):
        host = host.partition(":")[0]
    return host.lower().rstrip(".") or None


def net(value: Scalar, bits: int) -> str | None:
    """Return the network of so many bits in which an address lies, as `192.0.2.0/24`."""
    if not isinstance(value, str) or "%" in value:
        return None
    try:
        return str(ipaddress.ip_network(f"{ipaddress.ip_address(value)}/{bits}", strict=False))
    except ValueError:
        return None


# --- texts and numbers ---------------------------------------------------------------------------------------------


def text(value: Scalar) -> str:
    """Return the text of a value: a string itself, `true` or `false`, a number's shortest decimal digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) or not isfinite(value):
        return str(value)
    digits = format(Decimal(repr(value)), "f") if value else "0"
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?\Z")


def number(value: Scalar) -> int | Decimal | None:
    """Return the exact number that a value is, or wholly writes; None for anything else, booleans too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return Decimal(repr(value)) if isfinite(value) else None
    return Decimal(value) if DECIMAL.match(value) else None


SAME: dict[str, Callable[[str, str], bool]] = {
    "equals": lambda left, right: left == right,
    "startswith": str.startswith,
    "endswith": str.endswith,
    "contains": lambda left, right: right in left,
}


def fold(given: str) -> str:
    """Return a text with every character folded: its lower case, if that is one character that rises back."""
    return given.lower() if given.isascii() else given.translate(folds())


FOLDS = """
41..5a+20 c0..d6+20 d8..de+20 100..12e/2+1 132..136/2+1 139..147/2+1 14a..176/2+1 178-79 179..17d/2+1 181+d2
182..184/2+1 186+ce 187+1 189..18a+cd 18b+1 18e+4f 18f+ca 190+cb 191+1 193+cd 194+cf 196+d3 197+d1 198+1 19c+d3 19d+d5
19f+d6 1a0..1a4/2+1 1a6+da 1a7+1 1a9+da 1ac+1 1ae+da 1af+1 1b1..1b2+d9 1b3..1b5/2+1 1b7+db 1b8+1 1bc+1 1c4+2 1c7+2
1ca+2 1cd..1db/2+1 1de..1ee/2+1 1f1+2 1f4+1 1f6-61 1f7-38 1f8..21e/2+1 220-82 222..232/2+1 23a+2a2b 23b+1 23d-a3
23e+2a28 241+1 243-c3 244+45 245+47 246..24e/2+1 370..372/2+1 376+1 37f+74 386+26 388..38a+25 38c+40 38e..38f+3f
391..3a1+20 3a3..3ab+20 3cf+8 3d8..3ee/2+1 3f7+1 3f9-7 3fa+1 3fd..3ff-82 400..40f+50 410..42f+20 460..480/2+1
48a..4be/2+1 4c0+f 4c1..4cd/2+1 4d0..52e/2+1 531..556+30 10a0..10c5+1c60 10c7+1c60 10cd+1c60 13a0..13ef+97d0
13f0..13f5+8 1c90..1cba-bc0 1cbd..1cbf-bc0 1e00..1e94/2+1 1ea0..1efe/2+1 1f08..1f0f-8 1f18..1f1d-8 1f28..1f2f-8
1f38..1f3f-8 1f48..1f4d-8 1f59..1f5f/2-8 1f68..1f6f-8 1fb8..1fb9-8 1fba..1fbb-4a 1fc8..1fcb-56 1fd8..1fd9-8
1fda..1fdb-64 1fe8..1fe9-8 1fea..1feb-70 1fec-7 1ff8..1ff9-80 1ffa..1ffb-7e 2132+1c 2160..216f+10 2183+1 24b6..24cf+1a
2c00..2c2f+30 2c60+1 2c62-29f7 2c63-ee6 2c64-29e7 2c67..2c6b/2+1 2c6d-2a1c 2c6e-29fd 2c6f-2a1f 2c70-2a1e 2c72+1 2c75+1
2c7e..2c7f-2a3f 2c80..2ce2/2+1 2ceb..2ced/2+1 2cf2+1 a640..a66c/2+1 a680..a69a/2+1 a722..a72e/2+1 a732..a76e/2+1
a779..a77b/2+1 a77d-8a04 a77e..a786/2+1 a78b+1 a78d-a528 a790..a792/2+1 a796..a7a8/2+1 a7aa-a544 a7ab-a54f a7ac-a54b
a7ad-a541 a7ae-a544 a7b0-a512 a7b1-a52a a7b2-a515 a7b3+3a0 a7b4..a7c2/2+1 a7c4-30 a7c5-a543 a7c6-8a38 a7c7..a7c9/2+1
a7d0+1 a7d6..a7d8/2+1 a7f5+1 ff21..ff3a+20 10400..10427+28 104b0..104d3+28 10570..1057a+27 1057c..1058a+27
1058c..10592+27 10594..10595+27 10c80..10cb2+40 118a0..118bf+20 16e40..16e5f+20 1e900..1e921+22
"""
"""The characters that fold, as of Unicode 14: first..last, every second one if /2, and how far away its fold is."""


@cache
def folds() -> dict[int, int]:
    """Return the table of folds, code point to code point; it does not change with Python's version."""
    table: dict[int, int] = {}
    for run in FOLDS.split():
        found = re.fullmatch(r"(\w+)(?:\.\.(\w+))?(/2)?([+-]\w+)", run)
        assert found, run
        first, last, second, away = found.groups()
        codes = range(int(first, 16), int(last or first, 16) + 1, 2 if second else 1)
        table |= {code: code + int(away, 16) for code in codes}
    return table


# --- patterns, regular expressions, networks -----------------------------------------------------------------------

Pattern = tuple[str | EllipsisType | None, ...]


@cache
def like_test(pattern: Pattern) -> Callable[[str], bool]:
    """Return the test "this text is wholly of the pattern"; it runs in linear time.

    The pattern is cut at each `...`: the first piece begins the text, the last ends it, and each of the others stands
    as early as it can.
    """
    pieces: list[list[str]] = [[]]
    widths = [0]
    for part in pattern:
        if isinstance(part, EllipsisType):
            pieces.append([])
            widths.append(0)
        else:
            pieces[-1].append("." if part is None else re.escape(part))
            widths[-1] += 1 if part is None else len(part)
    first, *middle = (re.compile("".join(piece), re.DOTALL) for piece in pieces)

    def test(given: str) -> bool:
        if not middle:
            return first.fullmatch(given) is not None
        at, last = widths[0], len(given) - widths[-1]
        if at > last or not first.match(given) or not middle[-1].match(given, last):
            return False
        for piece in middle[:-1]:
            found = piece.search(given, at, last)
            if not found:
                return False
            at = found.end()
        return True

    return test


@cache
def regex_test(pattern: str) -> Callable[[str], bool]:
    """Return the test "some part of this text is as the regular expression says"."""
    options = re2.Options()
    options.log_errors, options.never_capture, options.max_mem = False, True, 16 << 20
    search = re2.compile(pattern, options).search

    def test(given: str) -> bool:
        try:
            data = given.encode()
        except UnicodeEncodeError:  # half a surrogate pair is read as U+FFFD
            data = given.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        return search(data) is not None

    return test


@cache
def network(written: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network:
    """Return the network of a CIDR text."""
    return ipaddress.ip_network(written)


def addresses(given: str) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Return the address of a strict IPv4 or IPv6 text, and the IPv4 address that is mapped into it; else nothing."""
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return []
    if isinstance(address, ipaddress.IPv4Address):
        return [address]
    if address.scope_id is not None:
        return []
    return [address] if address.ipv4_mapped is None else [address, address.ipv4_mapped]
