"""From a rule to a query: a plain `search` where that says everything, else a search that finds enough and a `where`.

The parts of a condition that must all hold are looked at one by one. What a search can say, it says. The rest is said
by `where`; before it, the search leaves out as much as it soundly can.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from ruleengine.ir import And, Atom, Expr, InList, InNetwork, Leaf, Named, Not, Or
from ruleengine.target import Compiled, Limit, Ready, composed, parted, verdict
from ruleengine.walk import atom_of, walk
from ruleengine_splunk import conditions, lists
from ruleengine_splunk.layout import Doc, Joined, Text, any_of, joined, opposite, stage
from ruleengine_splunk.reasons import ASCII, LISTED, SEVERAL, bounded
from ruleengine_splunk.terms import term, wider_term

ALTERNATION = 2_000
"""Characters of one regular expression of alternatives; more of them are parted."""

Fields = frozenset[str]

OTHERS = (And, Or, Not, InList, lists.Before)
"""What a plain expression holds beside atoms about the text or the value of a field."""


# --- what a rule says, without its names ---------------------------------------------------------------------------


def conjuncts(expr: Expr) -> Iterator[Expr]:
    """Yield the parts of a condition that must all hold, with the names and places they had."""
    match expr:
        case And(items):
            for item in items:
                yield from conjuncts(item)
        case Named(_, And() as inner) | Leaf(_, And() as inner):
            for item in conjuncts(inner):
                yield _within(expr, item)
        case Named(_, Leaf() | Named() as inner):
            yield from conjuncts(inner)
        case Not(Or(items)):
            yield from (Not(item, span=expr.span) for item in items)
        case _:
            yield expr


def _within(outer: Named | Leaf, item: Expr) -> Expr:
    return replace(outer, item=item) if isinstance(outer, Named) else replace(outer, test=item)


def plain(expr: Expr) -> Expr:
    """Return an expression of And, Or, Not and atoms alone; lists have become their entries."""
    match expr:
        case Leaf(_, inner) | Named(_, inner):
            return plain(inner)
        case And(items):
            return And(tuple(map(plain, items)))
        case Or(items):
            return Or(tuple(map(plain, items)))
        case Not(item):
            return Not(plain(item))
        case InList():
            return lists.inline(expr)
        case _:
            return expr


# --- the search ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """What a search can say of an expression: something that holds wherever it does, and something wherever not.

    None where it can say nothing. Where it can say just the same, that is both.
    """

    wider: Doc | None
    narrower: Doc | None

    @property
    def exact(self) -> Doc | None:
        return self.wider if self.wider is self.narrower else None


def searched(expr: Expr, arrays: Fields) -> Found:
    """Return what a search can say of a plain expression."""
    match expr:
        case And(items) if items:
            found = [searched(item, arrays) for item in items]
            exact = _all([each.exact for each in found])
            if exact is not None:
                both = joined("AND", exact)
                return Found(both, both)
            some = [each.wider for each in found if each.wider is not None]
            narrower = _all([each.narrower for each in found])
            return Found(joined("AND", some) if some else None, joined("AND", narrower) if narrower else None)
        case Or(items) if items:
            found = [searched(item, arrays) for item in items]
            exact = _all([each.exact for each in found])
            if exact is not None:
                either = any_of(exact)
                return Found(either, either)
            some = [each.narrower for each in found if each.narrower is not None]
            wider = _all([each.wider for each in found])
            return Found(any_of(wider) if wider else None, any_of(some) if some else None)
        case Not(item):
            inner = searched(item, arrays)
            if inner.exact is not None:
                turned = opposite(inner.exact)
                return Found(turned, turned)
            return Found(
                opposite(inner.narrower) if inner.narrower is not None else None,
                opposite(inner.wider) if inner.wider is not None else None,
            )
        case And() | Or() | InList() | lists.Before():
            return Found(None, None)
        case _:
            atom = atom_of(expr)
            said = term(atom, arrays)
            if said is not None:
                return Found(said[0], said[0])
            return Found(wider_term(atom, arrays), None)


def _all(docs: Sequence[Doc | None]) -> list[Doc] | None:
    """Return the docs if none of them is missing."""
    some = [doc for doc in docs if doc is not None]
    return some if len(some) == len(docs) else None


# --- the conditions of `where` -------------------------------------------------------------------------------------


def conditioned(expr: Expr, arrays: Fields) -> Doc:
    """Return a plain expression as a condition of `where`."""
    match expr:
        case And(()):
            return Text("1=1")
        case Or(()):
            return Text("1=0")
        case And(items):
            return joined("AND", [conditioned(item, arrays) for item in items])
        case Or():
            return joined("OR", list(_either(_flat(expr), arrays)))
        case Not(item):
            return opposite(conditioned(item, arrays))
        case InList():
            return Text(lists.condition(expr))
        case lists.Before():
            return Text(expr.condition)
        case _:
            return Text(conditions.condition(atom_of(expr), arrays))


def _flat(expr: Or) -> Iterator[Expr]:
    for item in expr.items:
        if isinstance(item, Or) and item.items:
            yield from _flat(item)
        else:
            yield item


def _either(items: Iterable[Expr], arrays: Fields) -> Iterator[Doc]:
    """Yield alternatives; regular expressions over one field become one, and so do networks."""
    regexes: dict[tuple[str | None, str], list[str]] = {}
    networks: dict[str, list[str]] = {}
    order: dict[tuple[str | None, str] | str | int, Expr | None] = {}
    for at, item in enumerate(items):
        atom = atom_of(item) if not isinstance(item, OTHERS) else None
        written = conditions.regex_of(atom) if atom is not None else None
        if atom is not None and written is not None and written.text:
            key = (atom.field, conditions.flags_of(written))
            regexes.setdefault(key, []).append(written.text)
            order[key] = None
        elif isinstance(item, InNetwork):
            networks.setdefault(item.field, []).append(item.network)
            order[item.field] = None
        else:
            order[at] = item
    for name, other in order.items():
        if isinstance(name, tuple):
            for texts in _portions(list(dict.fromkeys(regexes[name]))):
                yield Text(conditions.found(name[0], texts, name[1], arrays))
        elif isinstance(name, str):
            yield from map(Text, conditions.in_networks(name, networks[name], arrays))
        elif other is not None:
            yield conditioned(other, arrays)


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """Yield texts in portions of at most `ALTERNATION` characters, unless one alone is longer."""
    portion: list[str] = []
    size = 0
    for text in texts:
        if portion and size + len(text) > ALTERNATION:
            yield portion
            portion, size = [], 0
        portion.append(text)
        size += len(text) + 1
    yield portion


# --- the query -----------------------------------------------------------------------------------------------------


def compiled(ready: Ready) -> Compiled:
    """Return the query of a rule, with everything that keeps it from being exact."""
    places, rest = parted(ready.expr)
    search: list[Doc] = []
    where: list[Doc] = []
    limits: dict[Limit, None] = {}
    for expr, ours in [
        *((each, False) for place in places for each in conjuncts(place)),
        *((c, True) for c in conjuncts(rest)),
    ]:
        bare = plain(expr)
        found = searched(bare, ready.arrays)
        fidelity = _limits(expr, ready.arrays, found)
        limits.update(dict.fromkeys(limit for limit in fidelity if ours or limit.kind == "unsupported"))
        if found.wider is not None:
            search.extend(
                found.wider.parts if isinstance(found.wider, Joined) and found.wider.word == "AND" else [found.wider]
            )
        if found.exact is None and verdict(fidelity) != "unsupported":
            where.append(conditioned(bare, ready.arrays))
    if verdict(limits) == "unsupported":
        return Compiled("", tuple(limits))
    text = stage(list(dict.fromkeys(search))) if search else "*"
    for each in dict.fromkeys(node for node in walk(rest) if isinstance(node, InList) and lists.is_long(node)):
        text += "\n" + "\n".join(lists.stages(each, conditions.operand(each.field, ready.arrays)))
    if where:
        text += f"\n| where {stage(list(dict.fromkeys(where)))}"
    return Compiled(text, tuple(limits))


def _limits(expr: Expr, arrays: Fields, found: Found) -> tuple[Limit, ...]:
    """Return what limits a part of a condition: in the search if that says it, else in both stages."""

    def of_atom(atom: Atom) -> list[Limit]:
        if isinstance(atom, InList):
            inner = [limit for tests, _ in lists.said(atom) for test in tests for limit in of_atom(test)]
            return [*_list_limits(atom, arrays), *inner]
        said = term(atom, arrays) if found.wider is not None else None
        in_search = list(said[1]) if said is not None else []
        return in_search if found.exact is not None else [*conditions.limits(atom, arrays), *in_search]

    return composed(expr, of_atom)


def _list_limits(atom: InList, arrays: Fields) -> list[Limit]:
    found = [bounded("list", "as_compiled", LISTED, atom.field)]
    if lists.is_long(atom):
        found += conditions.field_limits(atom.field, arrays)
        found.append(bounded("list", "ascii_text", ASCII, atom.field))
        if atom.field in arrays:
            found.append(bounded("several values", "one_value", SEVERAL, atom.field))
    return found
