"""Numbers, addresses and instants near the bounds that a rule sets: candidates, to be checked by whoever uses them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from ruleengine.ir import Compare, InNetwork, TimePart
from ruleengine.meaning import COMPARISONS
from ruleengine.values import Network, Scalar, network

YEAR = 2025
"""The year of an instant that may be of any year."""


def numbers(wanted: Sequence[Compare], skipped: int) -> Iterator[Scalar]:
    """Yield numbers at, beside and between the bounds; `skipped` is how many may be forbidden one by one."""
    bounds = sorted({bound.value for bound in wanted})
    for bound in bounds:
        whole = int(bound)
        for step in range(skipped + 2):
            yield whole + step
            yield whole - step
        yield _plain(bound)
    for low, high in pairwise(bounds):
        middle = (Decimal(low) + Decimal(high)) / 2
        yield _plain(middle)
    for bound in bounds:
        for step in range(1, skipped + 2):
            yield _plain(Decimal(bound) + Decimal(step) / 8)
            yield _plain(Decimal(bound) - Decimal(step) / 8)


def _plain(value: int | Decimal) -> Scalar:
    """Return a number as events carry it; a decimal that a float would round is written as text."""
    if isinstance(value, int):
        return value
    as_float = float(value)
    return as_float if Decimal(repr(as_float)) == value else format(value, "f")


def addresses(inside: Sequence[InNetwork], outside: Iterable[InNetwork]) -> Iterator[str]:
    """Yield addresses in the smallest network, and at the edges of those to be avoided in it."""
    blocks = [network(atom.network) for atom in inside]
    block = max(blocks, key=lambda each: each.prefixlen)
    first, last = int(block.network_address), int(block.broadcast_address)
    avoided = [network(atom.network) for atom in outside]
    edges = [
        edge
        for other in avoided
        if other.version == block.version
        for edge in (int(other.network_address) - 1, int(other.broadcast_address) + 1)
    ]
    for number in dict.fromkeys([first + 10, first + 1, first, last, last - 1, (first + last) // 2, *edges]):
        if first <= number <= last:
            yield from _written(block, number)


def _written(block: Network, number: int) -> Iterator[str]:
    if block.version == 4:
        address = ipaddress.IPv4Address(number)
        yield str(address)
        yield f"::ffff:{address}"
    else:
        yield str(ipaddress.IPv6Address(number))


def instants(wanted: Sequence[TimePart]) -> Iterator[str]:
    """Yield instants whose parts are as wanted, the earliest of a year first."""
    clock = [
        [value for value in range(below) if _fits(wanted, part, value)]
        for part, below in (("hour", 24), ("minute", 60))
    ]
    if not all(clock):
        return
    years = {YEAR, *(atom.value + step for atom in wanted if atom.part == "year" for step in (0, 1, -1))}
    around = sorted(years | {YEAR - 1, YEAR - 5, YEAR - 9}, key=lambda year: abs(year - YEAR))
    for year in around:  # a leap year and one of 53 weeks are among them
        if not (1 <= year <= 9999 and _fits(wanted, "year", year)):
            continue
        first = date(year, 1, 1)
        for number in range(366 if _leaps(year) else 365):
            day = first + timedelta(days=number)
            parts = (("month", day.month), ("day", day.day), ("week", day.isocalendar().week))
            if all(_fits(wanted, part, value) for part, value in parts):
                yield f"{day.isoformat()}T{clock[0][0]:02}:{clock[1][0]:02}:00Z"
                yield f"{day.isoformat()}T{clock[0][-1]:02}:{clock[1][-1]:02}:00Z"


def _leaps(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def _fits(wanted: Sequence[TimePart], part: str, value: int) -> bool:
    return all(COMPARISONS[atom.operator](value, atom.value) for atom in wanted if atom.part == part)
