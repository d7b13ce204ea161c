"""Values of a field of which functions are asked: `len(f)`, `lower(f)`, `domain(f)`, `net(f, 24)` solved backwards.

What is yielded are candidates, to be checked by whoever uses them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import islice
from typing import Any

from ruleengine.analysis.witness.scalars import addresses
from ruleengine.ir import Atom, Call, Compare, Equals, InNetwork, Like, SameAs, Wild
from ruleengine.ir.expressions import Operator
from ruleengine.meaning import Seen, atom_holds
from ruleengine.values import is_network, text

LONGEST = 20_000
"""Characters of a text that is made for `len`; a rule that asks for more gets none."""

RESULTS = 8
"""How many results of one function are tried."""

PLACES = 12
"""At how many places a text is filled up to a length."""

ADDRESSES = ("192.0.2.10", "198.51.100.10", "203.0.113.10", "2001:db8::10", "10.1.2.3")
"""For a network that only has to be there, or another one."""

OPPOSITES: dict[str, Operator] = {"<": ">=", "<=": ">", ">": "<=", ">=": "<"}

Candidates = Callable[[Sequence[Atom], Sequence[Atom]], Iterator[Any]]
"""Yields values that may satisfy some atoms and none of others, when no function is asked for."""


def held(field: str) -> str:
    """Return the field of the event that a field is, or is worked out from."""
    return str(field.arguments[0]) if isinstance(field, Call) else field


def is_called(atoms: Sequence[Atom]) -> bool:
    """Say whether some atom asks about what a function makes of its field."""
    return any(isinstance(atom.field, Call) for atom in atoms)


def solved(field: str, musts: Sequence[Atom], nots: Sequence[Atom], candidates: Candidates) -> Iterator[Any]:
    """Yield values of a field that may satisfy all `musts` and no `nots`, whatever functions they ask about."""
    own, own_not = [*_plain(musts, ""), *_plain(musts, "lower")], [*_plain(nots, ""), *_plain(nots, "lower")]
    lengths = list(_lengths(_plain(musts, "len"), _plain(nots, "len"), candidates))
    if _plain(musts, "net"):
        yield from ADDRESSES
        yield from _in_networks(field, own, own_not, _plain(musts, "net"), candidates)
    if domains := _plain(musts, "domain"):
        for name in _results(domains, _plain(nots, "domain"), candidates):
            for form in _forms(field, text(name)):
                yield from _sized(candidates([*own, form], own_not), lengths)
    yield from _sized(candidates(own, own_not), lengths)


def _plain(atoms: Sequence[Atom], function: str) -> list[Atom]:
    """Return what is asked of a function's results (of the field itself: ""), as if they were the field's own values.

    Of a text in lower case, case is left open: the field may have any.
    """
    found: list[Atom] = []
    for atom in atoms:
        if isinstance(atom, SameAs) or (atom.field.function if isinstance(atom.field, Call) else "") != function:
            continue
        plain = replace(atom, field=held(atom.field)) if atom.field is not None else atom
        found.append(replace(plain, cased=False) if function == "lower" and isinstance(plain, Equals | Like) else plain)
    return found


def _results(musts: Sequence[Atom], nots: Sequence[Atom], candidates: Candidates) -> Iterator[Any]:
    """Yield a few values that are surely right for the result of a function."""
    tried: dict[str, Any] = {}
    for value in islice(candidates(musts, nots), 200):
        fitting = all(_right(atom, value) for atom in musts) and not any(_right(atom, value) for atom in nots)
        if fitting and repr(value) not in tried:
            tried[repr(value)] = value
            yield value
        if len(tried) == RESULTS:
            return


def _right(atom: Atom, value: Any) -> bool:
    return atom_holds(atom, Seen({atom.field or "": value}))


# --- lengths -------------------------------------------------------------------------------------------------------


def _lengths(musts: list[Atom], nots: list[Atom], candidates: Candidates) -> Iterator[int]:
    """Yield lengths that a text may have; none when nothing is asked."""
    flipped: list[Atom] = [
        replace(atom, operator=OPPOSITES[atom.operator]) for atom in nots if isinstance(atom, Compare)
    ]
    for value in _results([*musts, *flipped], nots, candidates) if musts or flipped else ():
        number = Decimal(text(value)) if text(value).replace(".", "", 1).isdecimal() else Decimal(-1)
        if number == int(number) and 0 <= number <= LONGEST:
            yield int(number)


def _sized(values: Iterator[Any], lengths: Sequence[int]) -> Iterator[Any]:
    """Yield values as texts, which is all that functions take, and made as long as they must be."""
    for value in islice(values, None if not lengths else 2 * RESULTS):
        yield value
        if isinstance(value, dict):
            continue
        if not isinstance(value, str):
            yield text(value)
        for length in lengths:
            yield from _stretched(text(value), length)


def _stretched(value: str, length: int) -> Iterator[str]:
    """Yield texts of a length: cut off at either end, or filled up at the ends and in between."""
    missing = length - len(value)
    if missing <= 0:
        yield value[:length]
        yield value[len(value) - length :]
        return
    for at in (len(value), *range(min(len(value), PLACES))):
        for filling in dict.fromkeys(("x", value[at - 1 : at], value[at : at + 1], "1")):
            if filling:
                yield value[:at] + filling * missing + value[at:]


# --- domains and networks ------------------------------------------------------------------------------------------


def _forms(field: str, name: str) -> Iterator[Like]:
    """Yield patterns of texts with a domain: an address of the web, of mail, the name alone."""
    for host in (f"www{name}", name) if name.startswith(".") else (name,):
        web = (f"https://{host}/", Wild.MANY)
        mail = (f"ada@{host}",), (Wild.MANY, f"@{host}")
        other = (host,), (Wild.MANY, f"://{host}"), (Wild.MANY, f"://{host}/", Wild.MANY)
        for pattern in (*mail, web, *other) if "mail" in field.lower() else (web, *mail, *other):
            yield Like(field, pattern)


def _in_networks(
    field: str, own: Sequence[Atom], own_not: Sequence[Atom], wanted: Sequence[Atom], candidates: Candidates
) -> Iterator[str]:
    """Yield addresses in a network that is wanted as a text, and in those that the field itself must be in."""
    inside = [atom for atom in own if isinstance(atom, InNetwork)]
    outside = [atom for atom in own_not if isinstance(atom, InNetwork)]
    begun = (_begun(atom.pattern[0]) for atom in wanted if isinstance(atom, Like) and isinstance(atom.pattern[0], str))
    for value in (*islice(candidates(wanted, ()), 200), *begun):
        if isinstance(value, str) and is_network(value):
            yield from addresses([*inside, InNetwork(field, value)], outside)


def _begun(start: str) -> str:
    """Return an address, as a network, that begins as a pattern does."""
    octets = [octet for octet in start.partition("/")[0].split(".") if octet]
    return ".".join((*octets, "0", "0", "0", "0")[:4])
