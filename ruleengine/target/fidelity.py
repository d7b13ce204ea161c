"""How faithful a translation is: what keeps each construct from being exact, composed over a whole rule.

`docs/meaning.md`, section 6, is the law. A target states for every atom what limits it; `composed` carries that up
through the logic of the rule, where a negation turns what is too wide into what is too narrow.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from ruleengine.ir import And, Atom, Expr, Leaf, Named, Not, Or
from ruleengine.span import Span
from ruleengine.walk import atom_of

Kind = Literal["exact", "bounded", "unproved", "wider", "narrower", "unsupported"]
"""exact: the same for every event. bounded: the same wherever a named predicate holds. wider: it also finds events
that the rule does not. narrower: it misses some. unsupported: it cannot be said, or it is both at once. unproved:
somebody else's compiler wrote it."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What keeps one construct from being exact: how, why (a sentence), and what must hold for it to be the same."""

    kind: Kind
    construct: str
    """Its row in the target's table of capabilities, as `keyword`."""
    reason: str
    bound: str = ""
    """The name of a predicate of `bounds.BOUNDS`, for what is bounded."""
    field: str | None = None
    """The field that the bound is about, as the rule calls it; None: every value of the event."""
    span: Span | None = dataclasses.field(default=None, kw_only=True, compare=False, repr=False)


OPPOSITE: dict[Kind, Kind] = {"wider": "narrower", "narrower": "wider"}


def composed(expr: Expr, limits: Callable[[Atom], Sequence[Limit]]) -> tuple[Limit, ...]:
    """Return the limits of a whole expression, each once, those of its atoms turned round under each negation."""
    found: dict[Limit, Limit] = {}
    known: dict[tuple[int, bool], Sequence[Limit]] = {}  # many atoms have the same ones
    pending: list[tuple[Expr, bool, Span | None]] = [(expr, False, expr.span)]
    while pending:
        node, negated, span = pending.pop()
        span = node.span or span
        match node:
            case And(items) | Or(items):
                pending.extend((item, negated, span) for item in reversed(items))
            case Not(item):
                pending.append((item, not negated, span))
            case Leaf(_, item) | Named(_, item):
                pending.append((item, negated, span))
            case _:
                given = limits(atom_of(node))
                if (id(given), negated) in known:
                    continue
                known[id(given), negated] = given
                for limit in given:
                    turned = OPPOSITE.get(limit.kind) if negated else None
                    key = limit if turned is None else replace(limit, kind=turned)
                    if key not in found:
                        found[key] = key if key.span else replace(key, span=span)
    return tuple(found.values())


def verdict(limits: Iterable[Limit]) -> Kind:
    """Return how faithful a whole translation is, given all its limits."""
    kinds = {limit.kind for limit in limits}
    if "unsupported" in kinds or {"wider", "narrower"} <= kinds:
        return "unsupported"
    for kind in ORDER:
        if kind in kinds:
            return kind
    return "exact"


ORDER: tuple[Kind, ...] = ("wider", "narrower", "unproved", "bounded")
