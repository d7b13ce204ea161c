"""Terms: what must be so in an event for a rule to match, as far as it can be looked up at once for all rules.

A rule becomes a few terms, of which one must hold if the rule matches. A term may hold where the rule does not: what it
leaves is asked exactly. It may never fail where the rule matches (law 1 of the engine).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import reduce

from msgspec import Struct, structs

from ruleengine.engine import literals
from ruleengine.engine.literals import Literals, noise_of
from ruleengine.ir import (
    And,
    Atom,
    Call,
    Compare,
    Equals,
    Exists,
    Expr,
    InList,
    InNetwork,
    Leaf,
    Like,
    Named,
    Not,
    Or,
    Regex,
    SameAs,
    TimePart,
    Wild,
)
from ruleengine.regex import parse
from ruleengine.values import fold, text
from ruleengine.walk import atom_of

MOST = 8
"""Terms of one rule; beyond, alternatives are joined into one that says less."""

MOST_VALUES = 20_000
"""Values of one field in one term."""


class Term(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """Everything that must be so together; a term of nothing is always so."""

    literals: Literals | None = None
    """One of these stands in the line of the event."""
    anywhere: bool = False
    """The literals are (also) of leaves without a field."""
    values: dict[str, frozenset[str]] = {}
    """Some value of the field is one of these texts, folded, or a number of which one of these is the shortest text."""
    tails: dict[str, frozenset[str]] = {}
    """The folded text of some value of the field has one of these from its last `\\` or `/` on."""
    needs: frozenset[str] = frozenset()
    """The fields have values, or something in them."""

    @property
    def is_free(self) -> bool:
        return not (self.literals or self.values or self.tails or self.needs)


ALWAYS = Term()

QUIET = 0.4
"""Literals that are expected more often than so are not looked for where values of a field are known."""


def terms_of(expr: Expr) -> tuple[Term, ...]:
    """Return the terms of a lowered expression; none when it is never true."""
    return tuple(_settled(term) for term in _terms(expr, True))


def _settled(term: Term) -> Term:
    known = term.values or term.tails
    if known and term.literals and noise_of(term.literals) > QUIET:
        return structs.replace(term, literals=None, anywhere=False)
    return term


def _terms(expr: Expr, positive: bool) -> list[Term]:
    match expr:
        case Leaf(_, test):
            found = _terms(test, positive)
            return [joined(found)] if len(found) > 1 else found
        case Named(_, item):
            return _terms(item, positive)
        case Not(item):
            return _terms(item, not positive)
        case And(items) | Or(items):
            parts = (_terms(item, positive) for item in items)
            return _all(parts) if isinstance(expr, And) == positive else _any(parts)
        case _:
            return [_of_atom(atom_of(expr))] if positive else [ALWAYS]


def _all(parts: Iterable[list[Term]]) -> list[Term]:
    """Return the terms of "each of these": one of the one with one of the other, joined where they get too many."""
    out = [ALWAYS]
    for found in parts:
        if len(found) * len(out) > MOST and found:
            found = [joined(found)]
        if len(found) * len(out) > MOST:
            out = [joined(out)]
        out = [_both(one, other) for one in out for other in found]
    return out


def _any(parts: Iterable[list[Term]]) -> list[Term]:
    out: list[Term] = []
    for found in parts:
        out += found
        if any(term.is_free for term in found):
            return [ALWAYS]
    return out if len(out) <= MOST else [joined(out)]


def _both(one: Term, other: Term) -> Term:
    """Return what both say, as far as a term can; of two sets for one thing it keeps the one that says more."""
    if one.is_free or other.is_free:
        return other if one.is_free else one
    sides = [term for term in (one, other) if term.literals]
    best = min(sides, key=lambda term: noise_of(term.literals or frozenset()), default=ALWAYS)
    return Term(
        best.literals,
        best.anywhere,
        _fewer(one.values, other.values),
        _fewer(one.tails, other.tails),
        one.needs | other.needs,
    )


def _fewer(one: dict[str, frozenset[str]], other: dict[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    return one | {name: min(one.get(name, found), found, key=len) for name, found in other.items()}


def joined(terms: list[Term]) -> Term:
    """Return what each of some terms says: it holds wherever one of them does."""
    union = literals.either([term.literals for term in terms])
    values = _common(terms, lambda term, name: term.values.get(name))
    tails = _common(terms, _tails)
    return Term(
        union,
        union is not None and any(term.anywhere for term in terms),
        values,
        {name: found for name, found in tails.items() if name not in values},
        reduce(frozenset.intersection, (term.needs for term in terms)),
    )


def _common(terms: list[Term], of: Callable[[Term, str], frozenset[str] | None]) -> dict[str, frozenset[str]]:
    """Return for each field that all terms say something of what one of them says of it."""
    out = {}
    for name in (*terms[0].values, *terms[0].tails):
        sets = [of(term, name) for term in terms]
        if all(found is not None for found in sets):
            union = frozenset().union(*(found or () for found in sets))
            if len(union) <= MOST_VALUES:
                out[name] = union
    return out


def _tails(term: Term, name: str) -> frozenset[str] | None:
    """Return the tails that a field must have, also where whole values are known; None when something has no tail."""
    known = term.tails.get(name)
    if known is None and name in term.values:
        cut = [tail(value) for value in term.values[name]]
        known = frozenset(one for one in cut if one) if all(cut) else None
    return known


def tail(folded: str) -> str:
    """Return a text from its last `\\` or `/` on; empty when there is none."""
    last = max(folded.rfind("\\"), folded.rfind("/"))
    return folded[last:] if last >= 0 else ""


# --- atoms ---------------------------------------------------------------------------------------------------------


def _of_atom(atom: Atom) -> Term:
    """Return what must be so for an atom to be true."""
    match atom:
        case Like(None, pattern):
            return Term(literals.of_pattern(pattern), anywhere=True)
        case Regex(None, source, flags):
            return Term(literals.of_regex(parse(source, flags).tree), anywhere=True)
        case SameAs(field, other):
            return Term(needs=frozenset(name for name in (field, other) if not isinstance(name, Call)))
        case _ if isinstance(atom.field, Call) or atom.field is None:
            return ALWAYS
        case Like(field, pattern):
            return _like(str(field), pattern)
        case Equals(field, value):
            return _one_of(field, [value if isinstance(value, str) else text(value)])
        case InList(field, _, entries) if not any("/" in entry for entry, _ in entries):
            return _one_of(field, [entry for entry, _ in entries])
        case Regex(field, source, flags):
            return Term(literals.of_regex(parse(source, flags).tree), needs=frozenset((str(field),)))
        case Compare() | InNetwork() | Exists() | TimePart() | InList():
            return Term(needs=frozenset((atom.field,)))
        case _:
            return ALWAYS


def _like(name: str, pattern: tuple[str | Wild, ...]) -> Term:
    found = literals.of_pattern(pattern)
    needs = frozenset((name,))
    match pattern:
        case ():
            return _one_of(name, [""])
        case (str(whole),):
            return _one_of(name, [whole])
        case (Wild.MANY, str(end)) if "." not in name and (last := tail(fold(end))):
            return Term(found, tails={name: frozenset((last,))}, needs=needs)
        case _:
            return Term(found, needs=needs)


def _one_of(name: str, texts: list[str]) -> Term:
    """Return the term of a field that has one of these values; a path through objects is not looked up by value."""
    folded = frozenset(map(fold, texts))
    needs = frozenset((name,))
    union = literals.either([literals.of_value(value) for value in folded])
    if "." in name or len(folded) > MOST_VALUES:
        return Term(union, needs=needs)
    return Term(union, values={name: folded}, needs=needs)
