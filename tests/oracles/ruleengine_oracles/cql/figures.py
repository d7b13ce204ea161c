"""Which texts are numbers: some surely, some surely not, and some in one reading only."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation

from ruleengine_oracles.cql.problems import Undocumented

PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
EXACT = 2**53
"""Above it a double does not hold every whole number."""


@dataclass(frozen=True)
class Figure:
    """A text as a number: `value` is None if it is none in any reading, `sure` if every reading agrees."""

    value: Decimal | None
    sure: bool


def read(text: str) -> Figure:
    """Return a text as a number. Hexadecimal, 1e3, spaces, signs and the like are one in some readings [§3]."""
    if PLAIN.fullmatch(text):
        return Figure(Decimal(text), True)
    loose = text.strip().replace("_", "").replace(",", "").rstrip("dDfFlL%")
    try:
        if re.fullmatch(r"[+-]?0[xXoObB][0-9a-fA-F]+", text.strip()):
            return Figure(Decimal(int(text.strip(), 0)), False)
        return Figure(Decimal(loose), False)
    except (InvalidOperation, ValueError):
        return Figure(None, True)


def compared(operator: str, one: Decimal, other: Decimal) -> bool:
    """Return `one < other` and the like; raise Undocumented where doubles and exact numbers differ."""
    if not (one.is_finite() and other.is_finite()):
        raise Undocumented("NaN and infinities as numbers")
    exact, rounded = ordered(operator, one, other), ordered(operator, float(one), float(other))
    if exact != rounded:
        raise Undocumented(f"{one} {operator} {other} depends on how the numbers are rounded")
    return exact


def ordered(operator: str, one: Decimal | float, other: Decimal | float) -> bool:
    """Return `one < other` and the like."""
    less, same = one < other, one == other
    return {"<": less, "<=": less or same, ">": not less and not same, ">=": not less}[operator]
