"""What must hold of an event for a bounded translation to mean the same: each bound is a sentence and its code.

`verify` keeps inside the bounds of a query, and shows an event outside one that makes a difference. `{field}` in a
sentence is the field of the limit.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from ruleengine.target.letters import oddities
from ruleengine.times import TIME_FIELDS, instant_us
from ruleengine.values import Event, Scalar, everywhere, lookup, number, scalars, text


@dataclass(frozen=True, slots=True)
class Bound:
    """A predicate over an event and a field (None: everything in the event), and what it says."""

    says: str
    holds: Callable[[Event, str | None], bool]


def _values(event: Event, field: str | None) -> list[Scalar]:
    return everywhere(event) if field is None else scalars(event, field)


def _no_text(test: Callable[[str], bool]) -> Callable[[Event, str | None], bool]:
    """Return the predicate "no text of the field is such"."""
    return lambda event, field: not any(test(text(value)) for value in _values(event, field))


def _one_value(event: Event, field: str | None) -> bool:
    return field is None or len(list(lookup(event, field))) <= 1


EXACT_DIGITS = 15
"""Significant decimal digits that every double keeps."""


def _small_numbers(event: Event, field: str | None) -> bool:
    return all(_is_small(found) for value in _values(event, field) if (found := number(value)) is not None)


def _is_small(value: int | Decimal) -> bool:
    exact = Decimal(value)
    whole = exact == exact.to_integral_value()
    return abs(exact) <= 2**53 and (whole or len(exact.normalize().as_tuple().digits) <= EXACT_DIGITS)


def _canonical_v6(written: str) -> bool:
    """Say whether a text is no IPv6 address at all, or the one usual way to write it (RFC 5952)."""
    if ":" not in written:
        return True
    try:
        return str(ipaddress.IPv6Address(written)) == written
    except ValueError:
        return re.fullmatch(r"[0-9A-Fa-f:.%/\[\]]*", written) is None


def _usual_numbers(event: Event, field: str | None) -> bool:
    """Say whether every number of a field is written without needless zeros."""
    found = ((value, number(value)) for value in _values(event, field))
    return all(text(value) == text(exact) for value, exact in found if exact is not None)


MAPPED = re.compile(r"::ffff:[0-9.]+", re.IGNORECASE)


def _mapped_v4(written: str) -> bool:
    """Say whether a text is an IPv4 address within IPv6 that is not written as `::ffff:192.0.2.1`."""
    try:
        return ipaddress.IPv6Address(written).ipv4_mapped is not None and MAPPED.fullmatch(written) is None
    except ValueError:
        return False


def _no_gaps(event: Event, _field: str | None) -> bool:
    """Say whether no array anywhere in the event has a member that becomes no field."""
    pending: list[Any] = [event]
    while pending:
        value = pending.pop()
        if isinstance(value, list) and any(member is None or member in ({}, []) for member in value):
            return False
        pending.extend(value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
    return True


def _event_time(event: Event, field: str | None) -> bool:
    """Say whether a field is the first of those that say when an event was, and can be read."""
    readable = (name for name in TIME_FIELDS if any(instant_us(value) is not None for value in scalars(event, name)))
    return next(readable, None) == field


BOUNDS: dict[str, Bound] = {
    "usual_letters": Bound(
        "no value of {field} holds a letter that SIEMs fold in their own way, such as the Kelvin sign or the long s",
        _no_text(lambda given: not given.isascii() and not oddities().isdisjoint(given)),
    ),
    "one_value": Bound("{field} has at most one value", _one_value),
    "no_empty_text": Bound("no value of {field} is the empty text", _no_text(lambda given: not given)),
    "small_numbers": Bound(
        f"numbers in {{field}} lie between -2^53 and 2^53; those with a fraction have at most {EXACT_DIGITS} digits",
        _small_numbers,
    ),
    "usual_ipv6": Bound(
        "IPv6 addresses in {field} are written the usual way (RFC 5952)",
        _no_text(lambda given: not _canonical_v6(given)),
    ),
    "ascii_text": Bound("the text of {field} is ASCII", _no_text(lambda given: not given.isascii())),
    "basic_plane": Bound(
        "no value of {field} holds a character above U+FFFF, as emoji are",
        _no_text(lambda given: any(character > "\uffff" for character in given)),
    ),
    "no_line_ends": Bound(
        "no value of {field} holds a line end",
        _no_text(lambda given: any(character in given for character in "\n\r\u2028\u2029\x85\x0b\x0c")),
    ),
    "usual_numbers": Bound(
        "numbers in {field} are written without needless zeros, as `4688` and not `04688` or `4688.0`", _usual_numbers
    ),
    "mapped_ipv4": Bound(
        "IPv4 addresses within IPv6 are written in {field} as `::ffff:192.0.2.1`", _no_text(_mapped_v4)
    ),
    "no_object": Bound(
        "{field} is not an object",
        lambda event, field: field is None or not any(isinstance(value, dict) for value in lookup(event, field)),
    ),
    "only_texts": Bound(
        "{field} holds texts, no numbers and no booleans",
        lambda event, field: all(isinstance(value, str) for value in _values(event, field)),
    ),
    "no_gaps": Bound("no array holds `null`, `{{}}` or `[]` among its members", _no_gaps),
    "tagged": Bound(
        "the event has {field}, as LogScale gives each event its tags",
        lambda event, field: field is None or bool(scalars(event, field)),
    ),
    "own_field": Bound(
        "what the rule means by {field} is the field that the SIEM itself gives every event",
        lambda _event, _field: False,
    ),
    "event_time": Bound("{field} is the field that the SIEM took the time of the event from", _event_time),
    "as_compiled": Bound("the list is as it was when the query was written", lambda _event, _field: True),
}


def holds(names: Iterable[tuple[str, str | None]], event: Event) -> bool:
    """Say whether an event is within every one of these bounds, given as pairs of a bound's name and a field."""
    return all(BOUNDS[name].holds(event, field) for name, field in names)
