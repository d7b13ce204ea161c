"""Lists that a rule asks: short ones become part of the query, long ones lookup files beside it.

An entry that expires counts for events before that: the time of the event decides, not when the query was written.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from ruleengine.ir import And, Atom, Equals, Expr, InList, InNetwork, Or
from ruleengine.values import is_network, text
from ruleengine.walk import walk

INLINE = 1_000
"""Entries of a list that stand in the query itself; of a longer one, those of plain ASCII stand in a lookup file."""

NEVER = "99999999999"
"""When an entry of a lookup file expires that does not: in the year 5138."""


@dataclass(frozen=True, slots=True)
class Before:
    """The event was before this instant, in microseconds since 1970."""

    us: int

    @property
    def condition(self) -> str:
        """The condition of `where`."""
        return f"_time < {seconds(self.us)}"


def seconds(us: int) -> str:
    """Return an instant in seconds, as Splunk counts time."""
    return text(Decimal(us) / 1_000_000)


def is_long(atom: InList) -> bool:
    """Say whether a list is written into a lookup file."""
    return len(atom.entries) > INLINE


def said(atom: InList) -> tuple[tuple[tuple[Atom, ...], Before | None], ...]:
    """Return what those entries of a list say that stand in the query, by when they expire."""
    groups: dict[int | None, list[Atom]] = {}
    long = is_long(atom)
    for entry, expires_us in atom.entries:
        tests = groups.setdefault(expires_us, [])
        if not long or not entry.isascii():
            tests.append(Equals(atom.field, entry))
        if "/" in entry and is_network(entry):
            tests.append(InNetwork(atom.field, entry))
    found = ((tuple(tests), us) for us, tests in groups.items() if tests)
    return tuple((tests, Before(us) if us is not None else None) for tests, us in found)


def inline(atom: InList) -> Expr:
    """Return what those entries of a list say that stand in the query, as an expression."""
    items: list[Expr] = [atom] if is_long(atom) else []
    for tests, before in said(atom):
        items.append(Or(tests) if before is None else And((Or(tests), before)))  # type: ignore[arg-type]  # a test of ours
    return Or(tuple(items))


@lru_cache(maxsize=64)
def table(atom: InList) -> tuple[str, bytes]:
    """Return the name of the lookup file of a long list, which changes with the list, and its text."""
    lasting: dict[str, int | None] = {}
    for entry, expires_us in atom.entries:
        if entry.isascii():
            other = lasting.get(entry.lower(), 0)
            lasting[entry.lower()] = None if expires_us is None or other is None else max(expires_us, other)
    out = io.StringIO(newline="")
    rows = csv.writer(out, lineterminator="\n")
    rows.writerow(("value", "expires"))
    rows.writerows((entry, NEVER if us is None else seconds(us)) for entry, us in sorted(lasting.items()))
    data = out.getvalue().encode()
    plain = re.sub(r"[^A-Za-z0-9]+", "_", atom.name).strip("_") or "list"
    return f"ruleengine_{plain}_{hashlib.sha256(data).hexdigest()[:8]}.csv", data


def mark(atom: InList) -> str:
    """Return the field that says until when a long list holds a value of the atom's field."""
    name, _ = table(atom)
    return f"re_in_{hashlib.sha256(f'{name} {atom.field}'.encode()).hexdigest()[:8]}"


def condition(atom: InList) -> str:
    """Return the condition that a long list holds a value of the atom's field at the time of the event."""
    name = f"'{mark(atom)}'"
    return f"if(isnotnull({name}),if(_time < tonumber({name}),1,0),0)=1"


def tables(expr: Expr) -> dict[str, bytes]:
    """Return the lookup files of the long lists of an expression."""
    return dict(table(node) for node in walk(expr) if isinstance(node, InList) and is_long(node))


def stages(atom: InList, operand: str) -> tuple[str, str]:
    """Return the two stages of a query that look a field up in a long list."""
    name, _ = table(atom)
    key = f"{mark(atom)}_key"
    return f"| eval {key}=lower({operand})", f"| lookup {name} value AS {key} OUTPUT expires AS {mark(atom)}"
