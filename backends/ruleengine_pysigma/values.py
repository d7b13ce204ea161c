"""pySigma's values as values of an item as it is written in a rule."""

from __future__ import annotations

import re
from decimal import Decimal

from sigma.types import (
    Placeholder,
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaQueryExpression,
    SigmaRegularExpression,
    SigmaString,
    SigmaTimestampPart,
    SigmaType,
    SpecialChars,
)

from ruleengine.ir import Expr, Item, Not, Or, Value
from ruleengine_pysigma.document import EXACT

PLAIN = frozenset({SigmaString, SigmaNumber, SigmaBool, SigmaNull})
"""The kinds of values that stand in a rule as they are, without a modifier."""


class NotSaid(Exception):
    """What a rule of pySigma's holds that has no meaning of ours: a sentence and a hint."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def plain(given: SigmaType) -> Value:
    """Return a value of one of the plain kinds as it would be written."""
    match given:
        case SigmaNull():
            return None
        case SigmaBool():
            return given.boolean
        case SigmaString():
            return written(given)
        case SigmaNumber():
            return number(given)
        case _:
            raise NotSaid(f"a value of pySigma's kind {type(given).__name__} cannot stand here")


def number(given: SigmaNumber) -> int | Decimal:
    """Return a number with the digits that were written; NotSaid when pySigma has lost them."""
    if isinstance(given.number, int):
        return given.number
    if abs(given.number) >= EXACT:
        raise NotSaid(f"pySigma has rounded a whole number beyond 2^53 to {given.number}", "put quotes around it")
    return Decimal(repr(given.number))


def written(given: SigmaString) -> str:
    """Return a text as Sigma writes it: `*` and `?` are wildcards, others have a backslash before them."""
    return "".join(_part(part) for part in given.s)


def _part(part: str | SpecialChars | Placeholder) -> str:
    match part:
        case str():
            return re.sub(r"[\\*?]", r"\\\g<0>", part)
        case Placeholder(name):
            raise NotSaid(
                f"the placeholder `%{name}%` has no values", "a pipeline with `value_placeholders` gives some"
            )
        case _:
            return "*" if part is SpecialChars.WILDCARD_MULTI else "?"


def item_of(field: str | None, given: SigmaType, *, cased: bool = False) -> Expr:
    """Return what a field with one value of pySigma's says; NotSaid when there are no words for it."""
    match given:
        case SigmaExpansion(values):
            return Or(tuple(item_of(field, each, cased=cased) for each in values))
        case SigmaString():
            strict = cased or isinstance(given, SigmaCasedString)
            return Item(field, ("cased",) if strict else (), (written(given),))
        case SigmaRegularExpression():
            return _regex(field, given)
        case SigmaCIDRExpression():
            return Item(field, ("cidr",), (str(given.network),))
        case SigmaCompareExpression():
            return _compare(field, given)
        case SigmaTimestampPart():
            return Item(field, (given.timestamp_part.name.lower(),), (number(given),))
        case SigmaFieldReference():
            return _reference(field, given)
        case SigmaExists():
            return Item(field, ("exists",), (given.exists,))
        case SigmaQueryExpression():
            sentence = f"a pipeline puts `{given.expr}` into the query as it is, and what that means is not known"
            raise NotSaid(sentence, "`value_placeholders` gives values instead")
        case _:
            return Item(field, (), (plain(given),))


def _regex(field: str | None, given: SigmaRegularExpression) -> Item:
    if given.contains_placeholder():
        raise NotSaid(f"a placeholder in the regular expression `{given.regexp}` has no values")
    source = given.regexp if isinstance(given.regexp, str) else given.regexp.to_plain(regex=True)
    flags = sorted(given.sigma_to_re_flag[flag] for flag in given.flags)
    return Item(field, ("re", *flags), (source,))


def _compare(field: str | None, given: SigmaCompareExpression) -> Expr:
    """Return a comparison; pySigma keeps the part of a time in the number."""
    name = given.op.name.lower()
    part = (given.number.timestamp_part.name.lower(),) if isinstance(given.number, SigmaTimestampPart) else ()
    if name == "neq":
        return Not(Item(field, part, (number(given.number),)))
    return Item(field, (*part, name), (number(given.number),))


def _reference(field: str | None, given: SigmaFieldReference) -> Item:
    how = {(True, True): "contains", (True, False): "startswith", (False, True): "endswith"}
    chosen = how.get((given.starts_with, given.ends_with))
    return Item(field, ("fieldref", chosen) if chosen else ("fieldref",), (given.field,))
