"""What pipelines add to a rule to say where its events are kept: an index, a source type, a repository.

It belongs in front of a query, and events on their own do not have it: it is parted from what the rule says of them.
"""

from __future__ import annotations

from dataclasses import replace

from ruleengine.ir import And, Expr, Item, Named, NamedRef, Not, Or, Rule, Selection, Single
from ruleengine.sigma.pipelines import is_added
from ruleengine.target import SOURCE
from ruleengine.walk import walk

PLACES = frozenset({"index", "source", "sourcetype", "host", "eventtype", "tag", "splunk_server"})
"""Fields of Splunk that say where an event is kept; in LogScale those are tags, whose names begin with `#`."""


def says_where(selection: Selection) -> bool:
    """Say whether a selection was added by a pipeline and speaks only of where events are kept."""
    named = [node.field for node in walk(selection.item) if isinstance(node, Item)]
    return is_added(selection) and all(name is not None and (name in PLACES or name.startswith("#")) for name in named)


def with_places_first(rule: Rule, expr: Expr) -> Expr:
    """Return what a rule says with what says where first, as `target.parted` takes it apart."""
    places, rest = _apart(expr, _names(rule))
    named = tuple(replace(place, name=SOURCE + place.name) for place in places)
    return And((*named, rest), span=expr.span) if named else expr


def without_places(rule: Rule) -> Rule:
    """Return a rule that speaks of its events alone."""
    names, body = _names(rule), rule.body
    if not names or not isinstance(body, Single):
        return rule
    left = tuple(selection for selection in body.selections if selection.name not in names)
    conditions = tuple(_bare(condition, names) for condition in body.conditions)
    return replace(rule, body=replace(body, selections=left, conditions=conditions))


def _bare(condition: Expr, names: frozenset[str]) -> Expr:
    """Return a condition without what `add_condition` put in front of it."""
    if not isinstance(condition, And):
        return condition
    kept = [each for each in condition.items if not _is_place(each, names)]
    items = tuple(_bare(each, names) for each in kept)
    return items[0] if len(items) < len(condition.items) == 2 else replace(condition, items=items)


def _is_place(expr: Expr, names: frozenset[str]) -> bool:
    inner = expr.item if isinstance(expr, Not) else expr
    return isinstance(inner, NamedRef) and inner.name in names


def _names(rule: Rule) -> frozenset[str]:
    selections = rule.body.selections if isinstance(rule.body, Single) else ()
    return frozenset(selection.name for selection in selections if says_where(selection))


def _apart(expr: Expr, names: frozenset[str]) -> tuple[tuple[Named, ...], Expr]:
    """Return the places that an expression begins with, and the rest; of alternatives, when all have the same."""
    if not names:
        return (), expr
    match expr:
        case And(items):
            own = [item for item in items if isinstance(item, Named) and item.name in names]
            inner: list[Named] = []  # what was added first stands innermost
            kept: list[Expr] = []
            for item in items:
                if not (isinstance(item, Named) and item.name in names):
                    places, rest = _apart(item, names)
                    inner += places
                    kept.append(rest)
            return (*inner, *own), kept[0] if len(kept) == 1 else And(tuple(kept), span=expr.span)
        case Or(items) if items:
            parts = [_apart(item, names) for item in items]
            if all(part[0] == parts[0][0] for part in parts):
                return parts[0][0], Or(tuple(part[1] for part in parts), span=expr.span)
    return (), expr
