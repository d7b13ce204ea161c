"""Going through everything of a rule that holds items or names of fields: conditions, windows, figures, alerts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from ruleengine.ir import (
    Aggregate,
    Alert,
    And,
    Arithmetic,
    Body,
    Call,
    Correlation,
    Expr,
    Filter,
    FirstSeen,
    Item,
    Measure,
    NamedRef,
    Not,
    Or,
    Quantified,
    Rule,
    Selection,
    Sequence,
    Single,
    Term,
    Window,
    Windowed,
)
from ruleengine.lower import selected
from ruleengine.span import Span

IN_BRACES = re.compile(r"\{([^{}]*)\}")
NAME_IN_BRACES = re.compile(r"(?:[\w]+\()?(?P<name>[^\s(){},]+)")
NOTHING = And(())
"""What is left of a selection or a condition when all of it was dropped."""


class NothingLeft(Exception):
    """All was dropped of what says which events a figure is about, so that it would be about others."""

    def __init__(self, where: Span | None) -> None:
        super().__init__()
        self.where = where


@dataclass(frozen=True, slots=True)
class Tracked(Item):
    """An item on its way through pipelines, with the ids of the steps that changed it."""

    applied: frozenset[str] = field(default=frozenset(), kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Change:
    """What to make of each item (None: it is dropped), and of each name of a field that is not an item's."""

    item: Callable[[Item], Expr | None] = lambda item: item
    name: Callable[[str, Span | None], str] = lambda name, _: name
    """Where one name is needed."""
    names: Callable[[str, Span | None], tuple[str, ...]] = lambda name, _: (name,)
    """Where there may be several."""
    lost: Callable[[Expr], None] = lambda expr: None
    """Told of a list of alternatives that has fewer now."""


def field_name(field: str | None) -> str | None:
    """Return the field itself of a field that is worked out, as `len(CommandLine)`."""
    return str(field.arguments[0]) if isinstance(field, Call) else field


def renamed(field: str, name: str) -> str:
    """Return a field under another name, still worked out the same way."""
    return Call(field.function, name, *field.arguments[1:]) if isinstance(field, Call) else name


def changed(rule: Rule, change: Change) -> Rule:
    """Return a rule, and the filters that it has, with everything in them changed."""
    filters = tuple(replace(each, body=_body(each.body, change)) for each in rule.filters)
    alert = _alert(rule.alert, change) if rule.alert is not None else None
    meta = tuple((key, _listed(value, change) if key == "fields" else value) for key, value in rule.meta)
    return replace(rule, body=_body(rule.body, change), filters=filters, alert=alert, meta=meta)


def _listed(value: Any, change: Change) -> Any:
    """Return the names under `fields`; what is no list of names is left as it is."""
    if not isinstance(value, list) or not all(isinstance(entry, str) for entry in value):
        return value
    return [name for entry in value for name in change.names(entry, None)]


def _alert(alert: Alert, change: Change) -> Alert:
    def inside(found: re.Match[str]) -> str:
        within = NAME_IN_BRACES.match(found[1])
        if within is None or found[1].rstrip().endswith("()"):
            return found[0]
        start, end = within.span("name")
        return f"{{{found[1][:start]}{change.name(within['name'], alert.span)}{found[1][end:]}}}"

    return replace(alert, text=IN_BRACES.sub(inside, alert.text)) if alert.text else alert


def _body(body: Body, change: Change) -> Body:
    match body:
        case Single():
            return _single(body, change)
        case Filter(_, inner):
            return replace(body, body=_single(inner, change))
        case Windowed(inner, window, having):
            keys = _keys(window, change)
            having = (_expr(having, change) or NOTHING) if having is not None else None
            return replace(body, body=_single(inner, change), window=replace(window, keys=keys), having=having)
        case Sequence(inner, steps, window):
            keys = _keys(window, change)
            made = tuple(
                replace(
                    step,
                    what=_expr(step.what, change) or NOTHING,
                    having=(_expr(step.having, change) or NOTHING) if step.having is not None else None,
                )
                for step in steps
            )
            return replace(body, body=_single(inner, change), steps=made, window=replace(window, keys=keys))
        case Correlation():
            return _correlation(body, change)


def _keys(window: Window, change: Change) -> tuple[str, ...]:
    """Return the keys of a window; one may only become several where each is looked at for itself."""
    if window.either:
        return tuple(made for name in window.keys for made in change.names(name, window.span))
    return tuple(change.name(name, window.span) for name in window.keys)


def _single(body: Single, change: Change) -> Single:
    selections = tuple(
        replace(selection, item=_expr(selection.item, change) or NOTHING) for selection in body.selections
    )
    conditions = tuple(_expr(condition, change) or NOTHING for condition in body.conditions)
    return replace(body, selections=selections, conditions=conditions)


def _correlation(body: Correlation, change: Change) -> Correlation:
    aliases = tuple(
        replace(alias, fields=tuple((rule, change.name(name, alias.span)) for rule, name in alias.fields))
        for alias in body.aliases
    )
    known = {alias.name for alias in body.aliases}
    group_by = tuple(name if name in known else change.name(name, body.span) for name in body.group_by)
    fields = tuple(change.name(name, body.span) for name in body.fields)
    return replace(body, aliases=aliases, group_by=group_by, fields=fields)


def _expr(expr: Expr, change: Change) -> Expr | None:
    """Return an expression with its items and names changed; None when nothing of it is left."""
    match expr:
        case And(items) | Or(items):
            if not items:
                return expr
            kept = tuple(made for item in items if (made := _expr(item, change)) is not None)
            if isinstance(expr, Or) and 0 < len(kept) < len(items):
                change.lost(expr)
            return _linked(expr, kept)
        case Not(item):
            inner = _expr(item, change)
            return replace(expr, item=inner) if inner is not None else None
        case Item():
            return change.item(expr)
        case Measure(left, _, right):
            return replace(expr, left=_term(left, change), right=_term(right, change))
        case FirstSeen(name):
            return replace(expr, field=change.name(name, expr.span))
        case _:
            return expr


def _linked(expr: And | Or, kept: tuple[Expr, ...]) -> Expr | None:
    """Return what is kept of linked expressions; one that is left alone needs no link."""
    return kept[0] if len(kept) == 1 < len(expr.items) else replace(expr, items=kept) if kept else None


def _term(term: Term, change: Change) -> Term:
    match term:
        case Arithmetic(_, left, right):
            return replace(term, left=_term(left, change), right=_term(right, change))
        case Aggregate(_, fields, where):
            names = tuple(change.name(name, term.span) for name in fields)
            where = (_expr(where, change) or NOTHING) if where is not None else None
            return replace(term, fields=names, where=where)
        case _:
            return term


# --- what stands in a rule -----------------------------------------------------------------------------------------


def items_of(rule: Rule) -> Iterator[Item]:
    """Yield the items of a rule and of its filters, in the order they were written."""
    found: list[Item] = []

    def seen(item: Item) -> Expr:
        found.append(item)
        return item

    changed(rule, Change(item=seen))
    return iter(found)


def names_of(rule: Rule) -> Iterator[tuple[str, Span | None]]:
    """Yield the names of fields that the rule's logic uses, with a place, each as often as it stands there."""
    found: list[tuple[str, Span | None]] = []

    def item(given: Item) -> Expr:
        if (name := field_name(given.field)) is not None:
            found.append((name, given.span))
        if "fieldref" in given.modifiers:
            spans = given.value_spans or (given.span,) * len(given.values)
            found.extend((str(value), span) for value, span in zip(given.values, spans, strict=True))
        return given

    def name(given: str, span: Span | None) -> str:
        found.append((given, span))
        return given

    logic = replace(rule, alert=None, meta=())
    changed(logic, Change(item, name, lambda given, span: (name(given, span),)))
    return iter(found)


# --- what was dropped ----------------------------------------------------------------------------------------------


def pruned(body: Single, emptied: list[Selection]) -> Single | None:
    """Return a body without the selections of which nothing is left, and without what its conditions say of them.

    Such selections are added to the list. None when no condition is left.
    """
    kept: list[Selection] = []
    for selection in body.selections:
        item = _without(selection.item, {gone.name for gone in emptied}, tuple(each.name for each in kept))
        if item is None:
            emptied.append(selection)
        else:
            kept.append(replace(selection, item=item))
    gone, names = {each.name for each in emptied}, tuple(each.name for each in kept)
    conditions = tuple(made for each in body.conditions if (made := _without(each, gone, names)) is not None)
    if body.conditions and not conditions:
        return None
    return replace(body, selections=tuple(kept), conditions=conditions)


def without(expr: Expr, emptied: list[Selection], names: tuple[str, ...]) -> Expr | None:
    """Return a condition without what it says of emptied selections; None when nothing is left of it."""
    return _without(expr, {each.name for each in emptied}, names)


def _without(expr: Expr, gone: set[str], names: tuple[str, ...]) -> Expr | None:
    match expr:
        case And(items) | Or(items):
            return _linked(expr, tuple(made for item in items if (made := _without(item, gone, names)) is not None))
        case Not(item):
            inner = _without(item, gone, names)
            return replace(expr, item=inner) if inner is not None else None
        case NamedRef(name):
            return None if name in gone else expr
        case Quantified(_, given):
            left = selected(given, names)
            return None if not left and selected(given, tuple(gone)) else expr
        case Measure(left_term, _, right_term):
            return replace(
                expr, left=_term_without(left_term, gone, names), right=_term_without(right_term, gone, names)
            )
        case _:
            return expr


def _term_without(term: Term, gone: set[str], names: tuple[str, ...]) -> Term:
    match term:
        case Arithmetic(_, left, right):
            return replace(term, left=_term_without(left, gone, names), right=_term_without(right, gone, names))
        case Aggregate(_, _, where) if where is not None:
            kept = _without(where, gone, names)
            if kept is None:
                raise NothingLeft(term.span)
            return replace(term, where=kept)
        case _:
            return term
