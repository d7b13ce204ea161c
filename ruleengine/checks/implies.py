"""What follows from what: a little logic that proves one test wider than another and claims nothing it cannot prove.

A field may have several values, so two different values never exclude each other (meaning.md, section 1). Only these
steps are taken: a test implies itself and whatever is wider; `and` implies its parts; a part implies its `or`; every
test of a field implies that the field exists.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

from ruleengine.ir import (
    And,
    Compare,
    Equals,
    Exists,
    Expr,
    InNetwork,
    Leaf,
    Like,
    Named,
    Not,
    Or,
    Pattern,
    SameAs,
    Wild,
)
from ruleengine.meaning import COMPARISONS
from ruleengine.values import fold, network, pattern_test
from ruleengine.walk import children

MAX_STEPS = 100_000
"""After so many steps nothing more is proved of a rule; no honest rule comes near."""
ONE, MANY = "\ue000", "\ue001"
"""Private characters that stand for the wildcards of a pattern which another pattern is held against."""

Fields = frozenset[str | None]
Kind = Literal["all", "any", "atom"]


class Signed(NamedTuple):
    """An expression, or (false) its negation."""

    expr: Expr
    true: bool = True

    @property
    def negated(self) -> Signed:
        return Signed(self.expr, not self.true)


class Proofs:
    """The proofs about one rule, whose nodes must outlive it: answers are remembered, and the steps are counted."""

    __slots__ = ("_fields", "_known", "_parts", "_steps")

    def __init__(self) -> None:
        self._known: dict[tuple[int, bool, int, bool], bool] = {}
        self._fields: dict[int, Fields] = {}
        self._parts: dict[tuple[int, bool], tuple[Kind, Sequence[Signed]]] = {}
        self._steps = 0

    def follows(self, given: Sequence[Signed], wanted: Signed) -> bool:
        """Say whether it is proved that something holds wherever all the given parts do."""
        about = self.fields(wanted.expr)
        given = [part for part in given if not about.isdisjoint(self.fields(part.expr))]
        kind, pieces = self.parts(wanted)
        if kind == "all":
            within = frozenset[str | None]().union(*[self.fields(part.expr) for part in given])
            if any(within.isdisjoint(self.fields(piece.expr)) for piece in pieces):
                return False  # settled for nearly all rules: a filter looks at a field that the selection does not
            return all(self.follows(given, piece) for piece in pieces)
        if any(self.implies(part, wanted) for part in given):
            return True
        return kind == "any" and any(self.follows(given, piece) for piece in pieces if self.parts(piece)[0] == "all")

    def implies(self, one: Signed, other: Signed) -> bool:
        """Say whether it is proved that the other holds wherever the one does."""
        key = (id(one.expr), one.true, id(other.expr), other.true)
        known = self._known.get(key)
        if known is None:
            self._steps += 1
            if self._steps > MAX_STEPS or self.fields(one.expr).isdisjoint(self.fields(other.expr)):
                return False
            known = self._known[key] = self._implies(one, other)
        return known

    def _implies(self, one: Signed, other: Signed) -> bool:
        left, ones = self.parts(one)
        right, others = self.parts(other)
        if left == right == "atom":
            (narrow, true), (wide, true_2) = ones[0], others[0]
            return true == true_2 and (atom_implies(narrow, wide) if true else atom_implies(wide, narrow))
        if bare(one).expr is bare(other).expr and bare(one).true == bare(other).true:
            return True
        if left == "any":
            return all(self.implies(part, other) for part in ones)
        if right == "all":
            return all(self.implies(one, part) for part in others)
        if left == "all" and any(self.implies(part, other) for part in ones):
            return True
        return right == "any" and any(self.implies(one, part) for part in others)

    def parts(self, signed: Signed) -> tuple[Kind, Sequence[Signed]]:
        """Return whether all or any of which parts must hold; an atom is its own only part."""
        key = id(signed.expr), signed.true
        known = self._parts.get(key)
        if known is None:
            known = self._parts[key] = _parts(bare(signed))
        return known

    def fields(self, expr: Expr) -> Fields:
        """Return the fields that an expression is about; two without a common one prove nothing of each other."""
        known = self._fields.get(id(expr))
        if known is None:
            match expr:
                case SameAs(field, other):
                    known = frozenset((field, other))
                case Leaf(item) if "fieldref" not in item.modifiers:
                    known = frozenset((item.field,))
                case And() | Or() | Not() | Named() | Leaf():
                    known = frozenset().union(*map(self.fields, children(expr)))
                case _:
                    known = frozenset((getattr(expr, "field", None),))
            self._fields[id(expr)] = known
        return known


def bare(signed: Signed) -> Signed:
    """Return what a named selection, a leaf or a negation says."""
    expr, true = signed
    while True:
        if isinstance(expr, Leaf):
            expr = expr.test
        elif isinstance(expr, Named):
            expr = expr.item
        elif isinstance(expr, And | Or) and len(expr.items) == 1:
            expr = expr.items[0]
        elif isinstance(expr, Not):
            expr, true = expr.item, not true
        else:
            return Signed(expr, true)


def _parts(signed: Signed) -> tuple[Kind, Sequence[Signed]]:
    expr, true = signed
    if isinstance(expr, And | Or):
        return "all" if isinstance(expr, And) == true else "any", [Signed(item, true) for item in expr.items]
    return "atom", (signed,)


# --- atoms ---------------------------------------------------------------------------------------------------------


def atom_implies(one: Expr, other: Expr) -> bool:
    """Say whether an atom is surely true wherever another is."""
    match one, other:
        case SameAs(left, right), Exists(field):
            return field in (left, right)
        case _, Exists(field):
            return field == getattr(one, "field", None)
    if getattr(one, "field", None) != getattr(other, "field", None):
        return False
    match one, other:
        case ((Equals() | Like()), (Equals() | Like())) if one != other:
            wide, narrow = as_pattern(other), as_pattern(one)
            if wide is None or narrow is None or (cased(other) and not cased(one)):
                return False
            return covers(wide, narrow) if cased(other) else covers(folded(wide), folded(narrow))
        case Equals(value=int() as value), Compare() if not isinstance(value, bool):
            return bool(COMPARISONS[other.operator](value, other.value))
        case InNetwork(), InNetwork():
            inner, outer = network(one.network), network(other.network)
            return inner.version == outer.version and inner.subnet_of(outer)  # type: ignore[arg-type]  # one version
        case Equals(value=value), Equals(value=value_2) if isinstance(value, bool) != isinstance(value_2, bool):
            return False  # 1 == True in Python, and not in a rule
        case _:
            return one == other


def cased(test: Expr) -> bool:
    """Say whether letter case counts in a test of text."""
    return isinstance(test, Equals | Like) and test.cased


def as_pattern(test: Expr) -> Pattern | None:
    """Return a test of text as a pattern; None for another test."""
    match test:
        case Equals(value=str(value)):
            return (value,)
        case Like(pattern=pattern):
            return pattern
        case _:
            return None


def folded(pattern: Pattern) -> Pattern:
    """Return the pattern with its letters folded."""
    return tuple([fold(part) if isinstance(part, str) else part for part in pattern])


def as_text(pattern: Pattern) -> str:
    """Return a pattern as one text in which private characters stand for the wildcards."""
    return "".join([part if isinstance(part, str) else ONE if part is Wild.ONE else MANY for part in pattern])


def covers(wide: Pattern, narrow: Pattern) -> bool:
    """Say whether every text of the narrow pattern is surely of the wide one; both are folded alike."""
    return covering(wide)(as_text(narrow))


def covering(wide: Pattern) -> Callable[[str], bool]:
    """Return the test whether a pattern, given `as_text`, is covered: a wildcard is a character that only `*` takes."""
    test = pattern_test(wide, True)
    if Wild.ONE not in wide:
        return test
    return lambda text: MANY not in text and test(text)  # a `?` would take the character of a `*`
