"""From a rule as written to what it says: references resolved, modifiers spelled out into atoms."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from ruleengine.ir import (
    And,
    Expr,
    Filter,
    Item,
    Leaf,
    LogSource,
    Named,
    NamedRef,
    Not,
    Or,
    Quantified,
    Rule,
    Single,
    Wild,
)
from ruleengine.problem import Problem, Report, problem
from ruleengine.span import Place
from ruleengine.spell import Placeholders, spell
from ruleengine.strings import joined
from ruleengine.suggest import meant
from ruleengine.values import pattern_test
from ruleengine.walk import children, walk

RULE_LIMIT = 100_000
"""How many atoms one rule may spell out into."""


@dataclass(slots=True)
class _Budget:
    """What the items of one rule are spelled out with, and how many atoms they may still become."""

    placeholders: Placeholders
    left: int = RULE_LIMIT
    hints: int = 20
    """So many slips are compared with every name; a condition of thousands of unknown names must not take minutes."""


# --- rules ---------------------------------------------------------------------------------------------------------


def lower(rule: Rule, report: Report, placeholders: Placeholders | None = None) -> Expr | None:
    """Return what a rule about one event says, its filters and-ed in; None after reporting why it cannot be said.

    Rules over time have no truth for one event: None, without a report. An unresolved placeholder is reported as RE212.
    """
    if not isinstance(rule.body, Single):
        return None
    found: list[Problem] = []
    budget = _Budget(placeholders or {})
    expr = _body(rule.body, rule, found.append, budget)
    if rule.filters:
        filters = (
            _body(each.body.body, each, found.append, budget) for each in rule.filters if isinstance(each.body, Filter)
        )
        expr = And((expr, *filters), span=rule.span)
    atoms = (node for node in walk(expr) if not children(node))
    if not found and (budget.left < 0 or sum(1 for _ in islice(atoms, RULE_LIMIT + 1)) > RULE_LIMIT):
        where = rule.span or Place(rule.title)
        found.append(problem("RE208", where, f"the rule spells out into more than {RULE_LIMIT:,} values"))
    for each in found:
        report(each)
    return None if found else expr


def _body(body: Single, rule: Rule, report: Report, budget: _Budget) -> Expr:
    named: dict[str, Named] = {}
    for selection in body.selections:
        spelled = _spelled(selection.item, report, budget)
        named[selection.name] = Named(selection.name, spelled, span=selection.span)
    conditions = tuple(_resolved(condition, named, report, budget) for condition in body.conditions)
    return conditions[0] if len(conditions) == 1 else Or(conditions, span=rule.span)


def _resolved(condition: Expr, named: Mapping[str, Named], report: Report, budget: _Budget) -> Expr:
    """Replace the names in a condition by what they name."""
    where = condition.span or Place("")
    match condition:
        case And(items) | Or(items):
            return replace(condition, items=tuple(_resolved(item, named, report, budget) for item in items))
        case Not(item):
            return replace(condition, item=_resolved(item, named, report, budget))
        case NamedRef(name):
            if name not in named:
                budget.hints -= 1
                hint = meant(name, named) if budget.hints >= 0 else ""
                report(problem("RE302", where, f"there is no selection `{name}`", hint))
                return condition
            return named[name]
        case Quantified(quantifier, given):
            chosen = tuple(named[name] for name in selected(given, tuple(named)))
            if not chosen:
                report(
                    problem(
                        "RE303",
                        where,
                        f"no selection is called `{given}`" if given != "them" else "there is no selection for `them`",
                    )
                )
            return And(chosen, span=condition.span) if quantifier == "all" else Or(chosen, span=condition.span)
        case _:
            raise TypeError(f"{type(condition).__name__} does not stand in a condition")


def selected(given: str, names: tuple[str, ...]) -> list[str]:
    """Return the names that a pattern of a condition selects; `them` is every name that does not begin with `_`."""
    if given == "them":
        return [name for name in names if not name.startswith("_")]
    pieces = [piece for part in given.split("*") for piece in (Wild.MANY, part)][1:]
    fits = pattern_test(joined(pieces), cased=True)
    return [name for name in names if fits(name)]


def _spelled(expr: Expr, report: Report, budget: _Budget) -> Expr:
    match expr:
        case And(items) | Or(items):
            return replace(expr, items=tuple(_spelled(item, report, budget) for item in items))
        case Item():
            test = spell(expr, report, budget.placeholders, limit=budget.left)
            budget.left -= sum(1 for node in walk(test) if not children(node))
            return Leaf(expr, test, span=expr.span)
        case _:
            return expr


# --- identity ------------------------------------------------------------------------------------------------------


def digest(expr: Expr, logs: LogSource, *more: str) -> str:
    """Return the identity of a meaning: the same for rules that differ in names, order, formatting or comments only.

    `more` is what else the meaning depends on: the pipeline, for example.
    """
    source = [logs.category, logs.product, logs.service, *sorted(map(str, logs.custom))]
    return hashlib.sha256(
        "\0".join([_canonical(expr), repr(source), *more]).encode("utf-8", "surrogatepass")
    ).hexdigest()


def _canonical(expr: Expr) -> str:
    match expr:
        case Leaf(_, inner) | Named(_, inner):
            return _canonical(inner)
        case And(items) | Or(items):
            kind = type(expr)
            parts = sorted({part for item in items for part in _flat(item, kind)})
            return parts[0] if len(parts) == 1 else f"{kind.__name__}({','.join(parts)})"
        case Not(item):
            return f"Not({_canonical(item)})"
        case _:
            return repr(expr)


def _flat(expr: Expr, kind: type[And | Or]) -> Iterator[str]:
    """Yield the canonical parts of a node inside another of the same kind."""
    while isinstance(expr, Leaf | Named):
        expr = expr.test if isinstance(expr, Leaf) else expr.item
    if isinstance(expr, kind):
        for item in expr.items:
            yield from _flat(item, kind)
    else:
        yield _canonical(expr)
