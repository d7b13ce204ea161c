"""From what a rule says to a query: a pipeline of filters, and of functions where they are not under OR or NOT."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from ruleengine.ir import And, Atom, Expr, InNetwork, Leaf, Named, Not, Or, SameAs
from ruleengine.target import Compiled, Limit, Ready, composed, parted, verdict
from ruleengine.walk import atom_of, children, walk
from ruleengine_logscale.atoms import said
from ruleengine_logscale.calls import inner
from ruleengine_logscale.merging import filters
from ruleengine_logscale.networks import said_networks
from ruleengine_logscale.said import ALWAYS, NEVER, NEW, Matched, Said, Ways, bounded

HELPERS = ("_r", "_t", "_f", "_g")
"""What the names of helper fields begin with; a number follows."""
FLAG = re.compile("_r[0-9]+=1")
"""The filter that a helper is set: it is 1 or 0. A field of the rule is never asked for so."""
TAGS = "a name that begins with `#` is a tag: LogScale gives it to an event"
WIDTH = 100
"""Columns that a `case` may take on one line."""


@dataclass(slots=True)
class _Work:
    """The writing of one query."""

    arrays: frozenset[str]
    expr: Expr
    """What the rule says: no helper may have the name of one of its fields."""
    helpers: dict[Ways, str] = field(default_factory=dict)
    """The numbers of the helper fields that have been set, by what they were set from."""
    steps: list[str] = field(default_factory=list)
    """What must stand in front of the filter that is being written."""
    flagged: bool = False
    """Whether that filter asks for what a step sets, so that it must stand behind it."""
    numbered: int = 0


def compiled(ready: Ready) -> Compiled:
    """Return a rule as a query; without a query where something cannot be said."""
    where, rest = parted(ready.expr)
    sources = composed(And(where), lambda atom: _said(atom, ready.arrays).limits)
    limits = tuple(dict.fromkeys((*sources, *composed(rest, lambda atom: _limits(atom, ready.arrays)))))
    if verdict(limits) == "unsupported":
        return Compiled("", limits)
    return Compiled(_query(ready), limits)


def _query(ready: Ready) -> str:
    where, rest = parted(ready.expr)
    work = _Work(ready.arrays, ready.expr)
    filters: list[str] = []
    functions: list[str] = []
    for part in _conjuncts(And((*where, rest))):
        steps = _step(part, work)
        (functions if work.flagged or len(steps) > 1 else filters).extend((*work.steps, *steps))
        work.steps.clear()
        work.flagged = False
    kept = [step for step in dict.fromkeys((*filters, *functions)) if step != ALWAYS]
    return "\n| ".join(kept) or ALWAYS


def _limits(atom: Atom, arrays: frozenset[str]) -> tuple[Limit, ...]:
    """Return what keeps an atom of the rule itself from being exact; a pipeline that adds a tag knows that it is."""
    tags = [bounded("tag", TAGS, "tagged", name) for name in _fields(atom) if name.startswith("#")]
    limits = _said(atom, arrays).limits
    return (*tags, *limits) if tags else limits


def _said(atom: Atom, arrays: frozenset[str]) -> Said:
    return said(atom, bool(arrays) and not arrays.isdisjoint(_fields(atom)))


def _fields(atom: Expr) -> tuple[str, ...]:
    """Return the fields that an atom names."""
    if isinstance(atom, SameAs):
        return inner(atom.field), inner(atom.other)
    name = getattr(atom, "field", None)
    return () if name is None else (inner(name),)


def _conjuncts(expr: Expr) -> Iterator[Expr]:
    """Yield what must all hold, in order."""
    match expr:
        case And(items):
            for item in items:
                yield from _conjuncts(item)
        case Named(_, item) | Leaf(_, item) | Or((item,)):
            yield from _conjuncts(item)
        case _:
            yield expr


# --- steps ---------------------------------------------------------------------------------------------------------


def _step(expr: Expr, work: _Work) -> tuple[str, ...]:
    """Return the steps of a pipeline that an event passes if an expression holds."""
    ways: Ways = ()
    if isinstance(expr, Or):
        ways = _networks(expr, work)
    elif not isinstance(expr, And | Not):
        ways = _said(atom_of(expr), work.arrays).ways
    if not ways:
        return (_filter(expr, work),)
    numbered = _numbered(ways, work)
    return numbered[0] if len(numbered) == 1 else (_case([" | ".join(way) for way in numbered]),)


def _numbered(ways: Ways, work: _Work) -> Ways:
    """Return ways with new names for their helpers."""
    if not any(NEW in step for way in ways for step in way):
        return ways
    number = _number(work)
    return tuple(tuple(step.replace(NEW, number) for step in way) for way in ways)


def _number(work: _Work) -> str:
    """Return a number that makes no helper a field of the rule."""
    fields = {str(name) for node in walk(work.expr) if not children(node) for name in _fields(node)}
    while any(f"{helper}{work.numbered}" in fields for helper in HELPERS):
        work.numbered += 1
    work.numbered += 1
    return str(work.numbered - 1)


def _case(branches: Sequence[str]) -> str:
    short = f"case {{ {' ; '.join(branches)} }}"
    return short if len(short) <= WIDTH else "case {\n    " + ";\n    ".join(branches) + "\n  }"


# --- filters -------------------------------------------------------------------------------------------------------


def _filter(expr: Expr, work: _Work) -> str:
    """Return an expression as a filter; functions have become steps before it that set a field."""
    match expr:
        case Named(_, item) | Leaf(_, item):
            return _filter(item, work)
        case Not(Not(item)):
            return _filter(item, work)
        case Not(item):
            inner = _filter(item, work)
            if FLAG.fullmatch(inner):
                return f"{inner[:-1]}0"
            return {ALWAYS: NEVER, NEVER: ALWAYS}.get(inner) or f"(NOT {inner})"
        case And():
            return _joined("AND", [_filter(item, work) for item in _conjuncts(expr)])
        case Or():
            return _joined("OR", _alternatives(expr, work))
        case _:
            return _atom(_said(atom_of(expr), work.arrays), work)


def _joined(operator: str, texts: Sequence[str]) -> str:
    """Return filters joined, in brackets: which of AND and OR binds more is not what other languages say."""
    neutral, absorbing = (ALWAYS, NEVER) if operator == "AND" else (NEVER, ALWAYS)
    kept = [text for text in dict.fromkeys(texts) if text != neutral]
    if absorbing in kept:
        return absorbing
    if not kept:
        return neutral
    return kept[0] if len(kept) == 1 else f"({f' {operator} '.join(kept)})"


def _atom(found: Said, work: _Work) -> str:
    if found.before:
        return _prepared(found, work)
    if found.filter:
        return found.filter
    if found.matched is not None:
        return filters([found.matched])[0]
    return _flag(found.ways, work)


def _prepared(found: Said, work: _Work) -> str:
    """Return a filter, having put in front what sets the field that it asks for."""
    work.flagged = True
    key = (found.before,)
    if key not in work.helpers:
        work.helpers[key] = _number(work)
        work.steps.extend(step.replace(NEW, work.helpers[key]) for step in found.before)
    return found.filter.replace(NEW, work.helpers[key])


def _flag(ways: Ways, work: _Work) -> str:
    """Return the filter "one of these ways holds", having put in front what sets the field that it asks for."""
    work.flagged = True
    number = work.helpers.get(ways)
    helper = f"_r{number}"
    if number is None:
        number = work.helpers[ways] = _number(work)
        helper = f"_r{number}"
        branches = [" | ".join((*way, f"{helper} := 1")).replace(NEW, number) for way in ways]
        work.steps.append(_case([*branches, f"* | {helper} := 0"]))
    return f"{helper}=1"


def _alternatives(expr: Or, work: _Work) -> list[str]:
    """Return the filters of which one must hold; regular expressions and networks over one field become one."""
    texts: dict[str, list[str]] = {}
    matched: dict[str, list[Matched]] = {}
    networks: dict[str, list[str]] = {}
    for item in _disjuncts(expr):
        found = None if isinstance(item, And | Or | Not) else _said(atom_of(item), work.arrays)
        if isinstance(item, InNetwork) and item.field not in work.arrays:
            networks.setdefault(item.field, []).append(item.network)
            texts.setdefault(f"network {item.field}", [])
        elif found is not None and found.matched is not None and not found.filter and not found.ways:
            matched.setdefault(found.matched.field, []).append(found.matched)
            texts.setdefault(f"matched {found.matched.field}", [])
        else:
            texts.setdefault("", []).append(_filter(item, work))
    for name, group in matched.items():
        texts[f"matched {name}"] = filters(group)
    for name, blocks in networks.items():
        texts[f"network {name}"] = [_flag(said_networks(name, tuple(blocks)).ways, work)]
    return [text for found in texts.values() for text in found]


def _disjuncts(expr: Expr) -> Iterator[Expr]:
    """Yield that of which one must hold, in order."""
    match expr:
        case Or(items):
            for item in items:
                yield from _disjuncts(item)
        case Named(_, item) | Leaf(_, item) | And((item,)):
            yield from _disjuncts(item)
        case _:
            yield expr


def _networks(expr: Or, work: _Work) -> Ways:
    """Return how to ask for networks of one field, where an expression asks for nothing else."""
    if not isinstance(next(_disjuncts(expr), None), InNetwork):
        return ()
    items = list(_disjuncts(expr))
    fields = {getattr(item, "field", None) for item in items if isinstance(item, InNetwork)}
    if len(fields) != 1 or not fields.isdisjoint(work.arrays) or not all(isinstance(item, InNetwork) for item in items):
        return ()
    return said_networks(str(fields.pop()), tuple(item.network for item in items if isinstance(item, InNetwork))).ways
