"""Functions of a field, as far as a regular expression over the field says the same: `len()` and `lower()`."""

from __future__ import annotations

from dataclasses import replace
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from ruleengine.ir import Atom, Call, Compare, Equals, Exists, Like, SameAs
from ruleengine.target import Limit
from ruleengine_logscale.said import NEVER, Matched, Said, bounded, refused

CONSTRUCT = "function"
LONGEST = 1000
"""The largest count of a repetition that engines agree to take."""


def inner(field: str) -> str:
    """Return the field that a function is of; any other field is itself."""
    return str(field.arguments[0]) if isinstance(field, Call) else field


def said_call(atom: Atom) -> Said:
    """Return what an atom over a function of a field becomes."""
    call = atom.field
    if not isinstance(call, Call) or isinstance(atom, SameAs):
        return refused(CONSTRUCT, "a function of a field cannot be compared with another field")
    match call.function, atom:
        case "len", Equals(value=int() | Decimal() as value) if not isinstance(value, bool):
            return _length(inner(call), _least(">=", value), _most("<=", value))
        case "len", Compare(operator=operator, value=value):
            return _length(inner(call), _least(operator, value), _most(operator, value))
        case "lower", Equals(value=str() as value, cased=cased):
            return _lowered(Like(inner(call), (value,) if value else (), cased))
        case "lower", Like(pattern=pattern, cased=cased):
            return _lowered(Like(inner(call), pattern, cased))
        case _, Exists() if call.function in ("len", "lower"):
            return Said(matched=Matched(inner(call), r"\A", "any"), limits=(_only_texts(inner(call)),))
        case _:
            return refused(CONSTRUCT, f"`{call}` has no counterpart here that is surely the same")


def _only_texts(field: str) -> Limit:
    return bounded(CONSTRUCT, "numbers and booleans are texts in LogScale", "only_texts", field)


# --- len -----------------------------------------------------------------------------------------------------------


def _least(operator: str, value: int | Decimal) -> int:
    """Return the smallest whole number that stands so to a number, from 0."""
    if operator.startswith("<"):
        return 0
    floor = int(Decimal(value).to_integral_value(ROUND_FLOOR))
    return max(0, floor if operator == ">=" and floor == value else floor + 1)


def _most(operator: str, value: int | Decimal) -> int | None:
    """Return the largest whole number that stands so to a number; None: there is none."""
    if operator.startswith(">"):
        return None
    ceiling = int(Decimal(value).to_integral_value(ROUND_CEILING))
    return ceiling if operator == "<=" and ceiling == value else ceiling - 1


def _length(field: str, least: int, most: int | None) -> Said:
    """Return "a text of so many characters"."""
    limits = (
        _only_texts(field),
        bounded(CONSTRUCT, "the target may count a character above U+FFFF as two", "basic_plane", field),
    )
    if most is not None and most < least:
        return Said(filter=NEVER, limits=limits)
    if max(least, most or 0) > LONGEST:
        return refused(CONSTRUCT, f"a regular expression counts to {LONGEST:,} at most")
    count = f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"
    return Said(matched=Matched(field, rf"\A.{count}\z", "any", dotall=True, begins=True, ends=True), limits=limits)


# --- lower ---------------------------------------------------------------------------------------------------------


def _lowered(like: Like) -> Said:
    """Return "the text in lower case is of this pattern": of any case, if the pattern itself is in lower case."""
    from ruleengine_logscale.atoms import said

    field = str(like.field)
    limits = (
        _only_texts(field),
        bounded(CONSTRUCT, "letters beyond ASCII have their own lower case", "ascii_text", field),
    )
    if like.cased and any(isinstance(part, str) and part != part.lower() for part in like.pattern):
        return Said(filter=NEVER, limits=limits)
    found = said(replace(like, cased=False))
    return replace(found, limits=(*found.limits, *limits))
