"""What the checks look at: the selections of a rule, and its leaves with what they were spelled out to."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.ir import Correlation, Expr, Filter, Item, Leaf, ParamRef, Rule, Sequence, Single, Windowed
from ruleengine.load import Loaded
from ruleengine.lower import conditions_of
from ruleengine.problem import Problem
from ruleengine.spell import spell
from ruleengine.walk import leaves, walk


def body(rule: Rule) -> Single | None:
    """Return the selections and conditions of a rule or a filter; None for a correlation."""
    match rule.body:
        case Single():
            return rule.body
        case Filter(_, inner) | Windowed(inner) | Sequence(inner):
            return inner
        case Correlation():
            return None


def items(rule: Rule) -> Iterator[Item]:
    """Yield every item of a rule or a filter, in order: of its selections, then of its conditions."""
    if single := body(rule):
        for selection in single.selections:
            yield from items_of(selection.item)
        for condition in conditions_of(rule.body):
            yield from items_of(condition)


def items_of(expr: Expr) -> Iterator[Item]:
    """Yield the items of a selection as written, in order."""
    return (node for node in walk(expr) if isinstance(node, Item))


def spelled(loaded: Loaded) -> Iterator[Leaf]:
    """Yield every item of a rule with what it says; those that cannot be spelled out are left out."""
    known = {id(leaf.item): leaf for leaf in leaves(loaded.expr)} if loaded.expr else {}
    for item in items(loaded.rule):
        if leaf := known.get(id(item)):
            yield leaf
            continue
        if "list" in item.modifiers or any(isinstance(value, ParamRef) for value in item.values):
            continue
        faults: list[Problem] = []
        test = spell(item, faults.append)
        if not faults:
            yield Leaf(item, test, span=item.span)
