"""How the values of events are found and compared: fields, text, case, numbers, patterns, networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from functools import cache, lru_cache
from importlib.resources import files
from math import isfinite
from typing import Any

from ruleengine.functions import FUNCTIONS
from ruleengine.ir import Call, Pattern, Wild

Event = dict[str, Any]
"""A JSON object: strings, numbers, booleans, None, lists and objects of these."""

Scalar = str | int | float | bool
HINTS = ("_product", "_service", "_category")
"""Keys by which an event states its log source; keywords do not search them."""

DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?\Z")


# --- fields --------------------------------------------------------------------------------------------------------


def lookup(event: Event, field: str) -> Iterator[Any]:
    """Yield what stands at a field: scalars and non-empty objects, members of arrays one by one, never None.

    A literal top-level key ends the search; otherwise the name is a path, which continues into every array member.
    """
    if isinstance(field, Call):
        return iter(called(event, field))
    if field in event:
        return _members(event[field])
    if "." not in field:
        return iter(())
    found: list[Any] = [event]
    for step in field.split("."):
        found = [
            inner[step] for outer in found for inner in _members(outer) if isinstance(inner, dict) and step in inner
        ]
    return (inner for outer in found for inner in _members(outer))


def _members(value: Any) -> Iterator[Any]:
    """Yield a value, or what its arrays hold; null, `{}` and `[]` are nothing."""
    if isinstance(value, list):
        for member in value:
            yield from _members(member)
    elif value is not None and value != {}:
        yield value


def called(event: Event, call: Call) -> list[Scalar]:
    """Return what a function makes of each value of its field; what it cannot work out is absent."""
    function = FUNCTIONS[call.function]
    field, *rest = call.arguments
    made = (function(value, *rest) for value in scalars(event, str(field)))
    return [value for value in made if value is not None]


def scalars(event: Event, field: str) -> list[Scalar]:
    """Return the values of a field: none, one, or several. An object is no value."""
    return [value for value in lookup(event, field) if not isinstance(value, dict)]


def everywhere(event: Event) -> list[Scalar]:
    """Return every value anywhere in an event, but for the hints of its log source."""
    found: list[Scalar] = []
    pending: list[Any] = [value for key, value in reversed(event.items()) if key not in HINTS]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            pending.extend(reversed(value.values()))
        elif isinstance(value, list):
            pending.extend(reversed(value))
        elif value is not None:
            found.append(value)
    return found


# --- text and case -------------------------------------------------------------------------------------------------


def text(value: Scalar | Decimal) -> str:
    """Return the text of a value: a string itself, `true` or `false`, a number's shortest decimal digits."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        if not isfinite(value):
            return repr(value)
        value = Decimal(repr(value))
    written = format(value, "f") if value else "0"
    return written.rstrip("0").rstrip(".") if "." in written else written


@cache
def folding() -> dict[int, int]:
    """Return the table of folds, code point to code point, as shipped: it does not change with Python's."""
    rows = (files("ruleengine") / "data" / "fold.txt").read_text("utf-8").split("\n")
    upper, lower = (row for row in rows if row and not row.startswith("#"))
    return str.maketrans(upper, lower)


def fold(string: str) -> str:
    """Return the string with every character folded: its lower case, if that is one character that rises back."""
    return string.lower() if string.isascii() else string.translate(folding())


@cache
def same_fold(character: str) -> str:
    """Return all characters that fold to what this one folds to, itself among them."""
    target = fold(character)
    others = _unfolding().get(target, "")
    return target + others


@cache
def _unfolding() -> dict[str, str]:
    table: dict[str, str] = {}
    for upper, lower in folding().items():
        table[chr(lower)] = table.get(chr(lower), "") + chr(upper)
    return table


# --- numbers -------------------------------------------------------------------------------------------------------


def number(value: Scalar) -> int | Decimal | None:
    """Return the exact number a value is, or wholly writes as a decimal; None for anything else, booleans too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return Decimal(repr(value)) if isfinite(value) else None
    return Decimal(value) if DECIMAL.match(value) else None


# --- patterns ------------------------------------------------------------------------------------------------------


@lru_cache(maxsize=1 << 17)
def pattern_test(pattern: Pattern, cased: bool) -> Callable[[str], bool]:
    """Return the test "is this text wholly of that pattern"; it runs in linear time for a fixed pattern.

    The text must have been folded by the caller unless the pattern is cased.
    """
    parts = pattern if cased else tuple(part if isinstance(part, Wild) else fold(part) for part in pattern)
    match parts:
        case ():
            return lambda given: given == ""
        case (str(whole),):
            return lambda given: given == whole
        case (Wild.MANY,):
            return lambda given: True
        case (Wild.MANY, str(tail)):
            return lambda given: given.endswith(tail)
        case (str(head), Wild.MANY):
            return lambda given: given.startswith(head)
        case (Wild.MANY, str(middle), Wild.MANY):
            return lambda given: middle in given
        case _:
            return _general_test(parts)


def _general_test(parts: Pattern) -> Callable[[str], bool]:
    """Cut a pattern at its `*`: the first piece begins the text, the last ends it, others stand as early as can be."""
    pieces: list[list[str | Wild]] = [[]]
    for part in parts:
        if part is Wild.MANY:
            pieces.append([])
        else:
            pieces[-1].append(part)
    tests = [re.compile("".join("." if part is Wild.ONE else re.escape(str(part)) for part in p), re.S) for p in pieces]
    widths = [sum(1 if part is Wild.ONE else len(str(part)) for part in piece) for piece in pieces]

    def holds(given: str) -> bool:
        if len(tests) == 1:
            return tests[0].fullmatch(given) is not None
        if len(given) < sum(widths) or not tests[0].match(given):
            return False
        position, last = widths[0], len(given) - widths[-1]
        for piece in tests[1:-1]:
            found = piece.search(given, position, last)
            if not found:
                return False
            position = found.end()
        return position <= last and tests[-1].match(given, last) is not None

    return holds


def like_text(pattern: Pattern) -> str:
    """Return a pattern as people write it, with `*` and `?`, and backslashes before literal ones."""
    written = (part.value if isinstance(part, Wild) else re.sub(r"[*?]", r"\\\g<0>", part) for part in pattern)
    return "".join(written)


# --- networks ------------------------------------------------------------------------------------------------------

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@lru_cache(maxsize=1 << 14)
def network(written: str) -> Network:
    """Return the network of a CIDR text or a single address; ValueError says what is wrong with it."""
    if "%" in written or not written.isascii() or written != written.strip():
        raise ValueError(f"{written!r} is not an IPv4 or IPv6 network")
    return ipaddress.ip_network(written)


@lru_cache(maxsize=1 << 14)
def is_network(written: str) -> bool:
    """Say whether a text writes a network."""
    try:
        network(written)
    except ValueError:
        return False
    return True


def address_in(given: str, block: Network) -> bool:
    """Say whether a strict IPv4 or IPv6 text lies in a network; an IPv4-mapped IPv6 address counts as IPv4, too."""
    if "%" in given:
        return False
    try:
        address = ipaddress.ip_address(given)
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and block.version == 4 and address.ipv4_mapped:
        return address.ipv4_mapped in block
    return address in block
