"""Questions about a rule as expressions: what is true of an event that hangs on one leaf, or on one filter."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ruleengine.ir import And, Expr, Leaf, Named, Not, Or

TRUE, FALSE = And(()), Or(())


def hanging_on(expr: Expr, part: Expr, wanted: bool = True) -> Expr:
    """Return what is true of events that fail to make `expr` as wanted, and would if `part` had its other truth value.

    A part is found by identity, as a selection that is used twice is one object; all its places count.
    """
    if expr is part:
        return Not(part) if wanted else part
    match expr:
        case And(items) | Or(items):
            holders = [item for item in items if has(item, part)]
            if len(holders) == 1:
                rest = tuple(item for item in items if item is not holders[0])
                undecided = rest if isinstance(expr, And) else tuple(Not(item) for item in rest)
                return And((hanging_on(holders[0], part, wanted), *undecided))
            return Or(tuple(_between(expr, part, wanted))) if holders else FALSE
        case Not(item):
            return hanging_on(item, part, not wanted)
        case Named(_, item):
            return hanging_on(item, part, wanted)
        case _:
            return FALSE


def _between(expr: Expr, part: Expr, wanted: bool) -> Iterator[Expr]:
    """Yield the two ways in which a part that stands in several places can decide."""
    with_it, without_it = given(expr, part, TRUE), given(expr, part, FALSE)
    for reached, missed, is_so in ((with_it, without_it, Not(part)), (without_it, with_it, part)):
        good, bad = (reached, missed) if wanted else (missed, reached)
        if good != FALSE and bad != TRUE:
            yield And((good, is_so, Not(bad)))


def has(expr: Expr, part: Expr) -> bool:
    """Say whether a part stands somewhere in an expression."""
    pending = [expr]
    while pending:
        node = pending.pop()
        if node is part:
            return True
        match node:
            case And(items) | Or(items):
                pending.extend(items)
            case Not(item) | Named(_, item):
                pending.append(item)
            case _:
                pass
    return False


def given(expr: Expr, part: Expr, constant: Expr) -> Expr:
    """Return the expression with TRUE or FALSE in place of a part, and what follows from that worked out."""
    if expr is part:
        return constant
    match expr:
        case And(items):
            return _gathered(expr, [given(item, part, constant) for item in items], FALSE)
        case Or(items):
            return _gathered(expr, [given(item, part, constant) for item in items], TRUE)
        case Not(item):
            inner = given(item, part, constant)
            if inner in (TRUE, FALSE):
                return FALSE if inner == TRUE else TRUE
            return expr if inner is item else replace(expr, item=inner)
        case Named(_, item):
            inner = given(item, part, constant)
            return expr if inner is item else inner
        case _:
            return expr


def _gathered(expr: And | Or, items: list[Expr], decides: Expr) -> Expr:
    """Put changed items back into an `and` or `or`; one that decides is all that is left."""
    if all(new is old for new, old in zip(items, expr.items, strict=True)):
        return expr
    if decides in items:
        return decides
    neutral = TRUE if decides == FALSE else FALSE
    kept = tuple(item for item in items if item != neutral)
    return kept[0] if len(kept) == 1 else replace(expr, items=kept)


def filters(expr: Expr) -> tuple[Named, ...]:
    """Return the selections that stand under a `not`, each once, in the order they are written in the condition."""
    found: dict[int, Named] = {}
    pending = [(expr, False)]
    while pending:
        node, negated = pending.pop()
        match node:
            case And(items) | Or(items):
                pending.extend((item, negated) for item in reversed(items))
            case Not(item):
                pending.append((item, not negated))
            case Named() if negated:
                found.setdefault(id(node), node)
            case _:
                pass
    return tuple(found.values())


def parts_of(expr: Expr) -> Iterator[Leaf]:
    """Yield each leaf once, in the order written, though its selection may be used twice."""
    seen: set[int] = set()
    pending = [expr]
    while pending:
        node = pending.pop()
        match node:
            case And(items) | Or(items):
                pending.extend(reversed(items))
            case Not(item) | Named(_, item):
                pending.append(item)
            case Leaf():
                if id(node) not in seen:
                    seen.add(id(node))
                    yield node
            case _:
                pass
