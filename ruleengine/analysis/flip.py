"""What an event hangs on: the parts of a rule whose other truth value, alone, would change the answer."""

from __future__ import annotations

from dataclasses import dataclass

from ruleengine.ir import And, Expr, Item, Leaf, Named, NamedRef, Not, Or, Quantified
from ruleengine.meaning import Seen, holds
from ruleengine.values import Event
from ruleengine.walk import leaves

Parts = frozenset[int]
"""Nodes by identity: a selection or leaf that is used in several places is one part of the rule, written once."""

NONE: Parts = frozenset()


@dataclass(frozen=True, slots=True)
class Pivots:
    """Whether a rule holds, and the parts that would change that if they alone had the other truth value."""

    holds: bool
    parts: Parts

    def __contains__(self, node: Expr) -> bool:
        return id(node) in self.parts


def pivots(expr: Expr, event: Event | Seen) -> Pivots:
    """Return what the answer of a lowered expression hangs on; exact also where a selection is used twice."""
    seen = event if isinstance(event, Seen) else Seen(event)
    return _pivots(expr, seen, {})


def _pivots(expr: Expr, seen: Seen, memo: dict[int, Pivots]) -> Pivots:
    known = memo.get(id(expr))
    if known is not None:
        return known
    match expr:
        case And(items):
            found = _all([_pivots(item, seen, memo) for item in items])
        case Or(items):  # some hold: not all fail to hold
            found = _turned(_all([_turned(_pivots(item, seen, memo)) for item in items]))
        case Not(item):
            found = _turned(_pivots(item, seen, memo))
        case Named(_, item):
            found = _pivots(item, seen, memo)
        case Leaf(_, test):
            found = Pivots(holds(test, seen), NONE)
        case Item() | NamedRef() | Quantified():
            raise TypeError("lower the rule first: an expression as written has no truth of its own")
        case _:
            found = Pivots(holds(expr, seen), NONE)
    found = Pivots(found.holds, found.parts | {id(expr)})
    memo[id(expr)] = found
    return found


def _turned(found: Pivots) -> Pivots:
    return Pivots(not found.holds, found.parts)


def _all(items: list[Pivots]) -> Pivots:
    """Combine the parts of a conjunction: it changes if all that fail turn and none that holds turns with them."""
    false = [item.parts for item in items if not item.holds]
    true = [item.parts for item in items if item.holds]
    if not false:
        return Pivots(True, frozenset().union(*true))
    return Pivots(False, frozenset.intersection(*false).difference(*true))


def holds_flipped(expr: Expr, event: Event | Seen, leaf: Expr) -> bool:
    """Say whether an expression would hold if one leaf, or one selection, had the other truth value."""
    found = pivots(expr, event)
    return found.holds != (leaf in found)


def near(expr: Expr, event: Event | Seen) -> bool:
    """Say whether an event that does not match is within one predicate of matching: one leaf, as written, decides."""
    found = pivots(expr, event)
    return not found.holds and any(leaf in found for leaf in leaves(expr))


def hindrances(expr: Expr, event: Event | Seen) -> tuple[Leaf, ...]:
    """Return the leaves, as few as there may be, that would all need the other value for an event to match.

    Empty when it matches, and when no leaf could help. Where a selection is used twice it may name one too many.
    """
    seen = event if isinstance(event, Seen) else Seen(event)
    needed = _needed(expr, seen, True, {})
    return tuple({id(leaf): leaf for leaf in needed or ()}.values())


Needed = tuple[Leaf, ...] | None


def _needed(expr: Expr, seen: Seen, wanted: bool, memo: dict[tuple[int, bool], Needed]) -> Needed:
    """Return the fewest leaves to turn so that an expression has the truth value wanted; None if it cannot."""
    key = (id(expr), wanted)
    if key not in memo:
        memo[key] = _least(expr, seen, wanted, memo)
    return memo[key]


def _least(expr: Expr, seen: Seen, wanted: bool, memo: dict[tuple[int, bool], Needed]) -> Needed:
    match expr:
        case And(items) | Or(items):
            each = [_needed(item, seen, wanted, memo) for item in items]
            if isinstance(expr, And) is wanted:
                possible = [one for one in each if one is not None]
                return tuple(leaf for one in possible for leaf in one) if len(possible) == len(each) else None
            return min((one for one in each if one is not None), key=len, default=None)
        case Not(item):
            return _needed(item, seen, not wanted, memo)
        case Named(_, item):
            return _needed(item, seen, wanted, memo)
        case Leaf(_, test):
            return () if holds(test, seen) is wanted else (expr,)
        case _:
            return () if holds(expr, seen) is wanted else None
