"""What a rule means: the reference evaluator, short and slow, by which everything else is judged.

`docs/meaning.md` is the law in words; this is the same law as code, for rules about one event. A field has no value,
one, or several. A leaf is true when some value satisfies it and false when there is none. Logic is two-valued: `not`
is plain negation, so the negation of a leaf over an absent field is true.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from time import time_ns
from typing import Any, assert_never

from ruleengine.ir import (
    And,
    Atom,
    Compare,
    Equals,
    Exists,
    Expr,
    FirstSeen,
    InList,
    InNetwork,
    Item,
    Leaf,
    Like,
    Measure,
    Named,
    NamedRef,
    Not,
    Or,
    Quantified,
    Regex,
    SameAs,
    TimePart,
)
from ruleengine.regex import regex_test
from ruleengine.times import event_us, instant_us, moment
from ruleengine.values import (
    Event,
    Scalar,
    address_in,
    everywhere,
    fold,
    is_network,
    lookup,
    network,
    number,
    pattern_test,
    scalars,
    text,
)

COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Seen:
    """One event and what has been looked up in it: every rule that is asked about the event shares this."""

    __slots__ = ("_folded", "_moment_us", "_texts", "_values", "event")

    def __init__(self, event: Event, now_us: int | None = None) -> None:
        self.event = event
        self._moment_us = now_us
        self._values: dict[str | None, list[Scalar]] = {}
        self._texts: dict[str | None, list[str]] = {}
        self._folded: dict[str | None, list[str]] = {}

    def values(self, field: str | None) -> list[Scalar]:
        """Return the values of a field; with no field, every value anywhere in the event."""
        found = self._values.get(field)
        if found is None:
            found = everywhere(self.event) if field is None else scalars(self.event, field)
            self._values[field] = found
        return found

    @property
    def moment_us(self) -> int:
        """The instant by which entries of lists expire: the event's own, else the one given, else now."""
        if self._moment_us is None:
            self._moment_us = time_ns() // 1000
        own = event_us(self.event)
        return self._moment_us if own is None else own

    def texts(self, field: str | None, cased: bool) -> list[str]:
        """Return the texts of the values of a field, folded unless case counts."""
        cache = self._texts if cased else self._folded
        found = cache.get(field)
        if found is None:
            found = [text(value) if cased else fold(text(value)) for value in self.values(field)]
            cache[field] = found
        return found


def holds(expr: Expr, event: Event | Seen) -> bool:
    """Say whether a lowered expression is true of an event."""
    seen = event if isinstance(event, Seen) else Seen(event)
    return _holds(expr, seen)


def _holds(expr: Expr, seen: Seen) -> bool:
    match expr:
        case Leaf():
            return _holds(expr.test, seen)
        case And():
            for item in expr.items:
                if not _holds(item, seen):
                    return False
            return True
        case Or():
            for item in expr.items:
                if _holds(item, seen):
                    return True
            return False
        case Named():
            return _holds(expr.item, seen)
        case Not():
            return not _holds(expr.item, seen)
        case Item() | NamedRef() | Quantified() | Measure() | FirstSeen():
            raise TypeError("an expression as written, or over a window, has no truth for one event")
        case _:
            return atom_holds(expr, seen)


def atom_holds(atom: Atom, seen: Seen) -> bool:
    """Say whether one atom is true: whether some value of its field satisfies it."""
    match atom:
        case Like(field, pattern, cased):
            test = pattern_test(pattern, cased)
            return any(test(given) for given in seen.texts(field, cased))
        case Equals(field, value, cased):
            return any(equals(given, value, cased) for given in seen.values(field))
        case Regex(field, source, flags):
            test = regex_test(source, flags)
            return any(test(given) for given in seen.texts(field, cased=True))
        case Compare(field, sign, bound):
            compare = COMPARISONS[sign]
            numbers = (number(given) for given in seen.values(field))
            return any(compare(given, bound) for given in numbers if given is not None)
        case InNetwork(field, written):
            block = network(written)
            return any(address_in(given, block) for given in seen.texts(field, cased=True))
        case Exists(field):
            return any(True for _ in lookup(seen.event, field))
        case SameAs(field, other, how, cased):
            rights = seen.texts(other, cased)
            return any(same(left, right, how) for left in seen.texts(field, cased) for right in rights)
        case InList(field, _, entries):
            live = [entry for entry, expires_us in entries if expires_us is None or expires_us > seen.moment_us]
            return any(listed(given, entry) for given in seen.texts(field, cased=True) for entry in live)
        case TimePart(field, part, sign, bound):
            compare = COMPARISONS[sign]
            parts = (time_part(given, part) for given in seen.values(field))
            return any(compare(given, bound) for given in parts if given is not None)
        case _:
            assert_never(atom)


def equals(given: Scalar, written: Any, cased: bool = False) -> bool:
    """Say whether a value of an event equals a value of a rule.

    A string sees the text of the value. A number equals a number of the same value, or a text that is wholly a decimal
    number of that value. A boolean equals itself or its text.
    """
    if isinstance(written, bool):
        written = text(written)
    if isinstance(written, str):
        return text(given) == written if cased else fold(text(given)) == fold(written)
    return bool(number(given) == written)


def listed(given: str, entry: str) -> bool:
    """Say whether a text is an entry of a list: as strings are equal, or in the network that the entry writes."""
    return fold(given) == fold(entry) or ("/" in entry and is_network(entry) and address_in(given, network(entry)))


def same(left: str, right: str, how: str) -> bool:
    """Compare two texts of one event; an empty right side starts, ends and is contained in every text."""
    match how:
        case "startswith":
            return left.startswith(right)
        case "endswith":
            return left.endswith(right)
        case "contains":
            return right in left
        case _:
            return left == right


def time_part(given: Scalar, part: str) -> int | None:
    """Return a part (minute … year; weeks as in ISO 8601) of the instant a value says, in UTC; None if it says none."""
    us = instant_us(given)
    when = moment(us) if us is not None else None
    if when is None:
        return None
    if part == "week":
        return when.isocalendar().week
    return int(getattr(when, part))
