"""Windows, figures and sequences: from their trees to the IR, and to text."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from lark import Token, Tree

from ruleengine.dsl import text
from ruleengine.dsl.build import Builder
from ruleengine.ir import (
    Aggregate,
    And,
    Arithmetic,
    Expr,
    FirstSeen,
    Item,
    Measure,
    NamedRef,
    Not,
    Number,
    Or,
    ParamRef,
    Quantified,
    Step,
    Term,
    Window,
)

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def seconds(written: str) -> int:
    """Return a duration as `10m` in seconds."""
    return int(written[:-1]) * UNITS_S[written[-1]]


def duration(length_s: int) -> str:
    """Return a number of seconds in the largest unit that fits."""
    unit = next(unit for unit in "dhms" if length_s % UNITS_S[unit] == 0)
    return f"{length_s // UNITS_S[unit]}{unit}"


# --- from trees ----------------------------------------------------------------------------------------------------


def wanted(tree: Any, builder: Builder) -> Expr:
    """Return the condition of a `having`."""
    place = builder.span(tree)
    match tree.data:
        case "disjunction" | "conjunction":
            items = tuple(wanted(child, builder) for child in tree.children if isinstance(child, Tree))
            if len(items) == 1:
                return items[0]
            return Or(items, span=place) if tree.data == "disjunction" else And(items, span=place)
        case "negated":
            return Not(wanted(tree.children[-1], builder), span=place)
        case "measure":
            left, sign, right = tree.children
            return Measure(_term(left, builder), _sign(sign), _term(right, builder), span=place)
        case "first_seen":
            _, name, within = tree.children
            return FirstSeen(text.name(str(name)), seconds(str(within)) if within is not None else None, span=place)
        case _:
            return builder.expr(tree)


def _sign(token: Token) -> Any:
    return str(token)


def _term(tree: Any, builder: Builder) -> Term:
    place = builder.span(tree)
    match tree.data:
        case "number":
            return Number(text.number(str(tree.children[0])), span=place)
        case "percent":
            return Number(Decimal(str(tree.children[0])[:-1]) / 100, percent=True, span=place)
        case "parameter":
            return Number(ParamRef(str(tree.children[0])), span=place)
        case "aggregate":
            return _aggregate(tree, builder)
        case _:
            left = _term(tree.children[0], builder)
            for sign, right in zip(tree.children[1::2], tree.children[2::2], strict=True):
                left = Arithmetic(_sign(sign), left, _term(right, builder), span=place)
            return left


def _aggregate(tree: Any, builder: Builder) -> Aggregate:
    function: Any = str(tree.children[0])
    *names, where, within, rank = tree.children[1:]
    fields = tuple(text.name(str(name)) for name in names if name is not None)
    condition = builder.expr(where) if where is not None else None
    if function == "count" and fields:  # `count(refused)` counts the events of a condition
        condition, fields = NamedRef(fields[0], span=builder.span(names[0])), ()
    within_s = seconds(str(within)) if within is not None else None
    ranked = text.number(str(rank.children[0])) if rank is not None else None
    return Aggregate(function, fields, condition, within_s, ranked, span=builder.span(tree))


def steps(tree: Any, builder: Builder) -> tuple[Step, ...]:
    """Return the steps of a sequence."""
    return tuple(_step(child, builder) for child in tree.children)


def _step(tree: Any, builder: Builder) -> Step:
    within, absent, count, what, having = tree.children
    named = NamedRef(text.name(str(what)), span=builder.span(what)) if isinstance(what, Token) else builder.expr(what)
    return Step(
        named,
        int(count) if count is not None else None,
        absent is not None,
        wanted(having, builder) if having is not None else None,
        seconds(str(within)) if within is not None else None,
        span=builder.span(tree),
    )


# --- to text -------------------------------------------------------------------------------------------------------

Condition = Callable[[Expr], str]
"""How a condition over one event is written."""


def show_window(window: Window) -> str:
    """Return the statement of a window."""
    keys = (" or " if window.either else ", ").join(map(text.quoted_name, window.keys))
    return f"{window.kind} {duration(window.length_s)}" + (f" by {keys}" if keys else "")


def show_wanted(expr: Expr, condition: Condition) -> str:
    """Return the condition of a `having`."""
    match expr:
        case And(items) | Or(items):
            word = " and " if isinstance(expr, And) else " or "
            return word.join(_bracketed(item, condition) for item in items)
        case Not(item):
            return f"not {_bracketed(item, condition)}"
        case Measure(left, sign, right):
            return f"{_show_term(left, condition)} {sign} {_show_term(right, condition)}"
        case FirstSeen(field, within_s):
            within = f" within {duration(within_s)}" if within_s is not None else ""
            return f"first_seen({text.quoted_name(field)}{within})"
        case NamedRef() | Quantified() | Item():
            return condition(expr)
        case _:
            raise TypeError(f"{type(expr).__name__} does not stand in `having`")


def _bracketed(expr: Expr, condition: Condition) -> str:
    written = show_wanted(expr, condition)
    return f"({written})" if isinstance(expr, And | Or) else written


def _show_term(term: Term, condition: Condition) -> str:
    match term:
        case Number(value, percent):
            return f"{(value * 100).normalize():f}%" if percent and isinstance(value, Decimal) else str(value)
        case Arithmetic(sign, left, right):
            return f"{_show_term(left, condition)} {sign} {_show_term(right, condition)}"
        case Aggregate(function, fields, where, within_s, rank):
            parts = [", ".join(map(text.quoted_name, fields))] if fields else []
            if function == "count" and isinstance(where, NamedRef):
                parts.append(text.quoted_name(where.name))
            elif where is not None:
                parts.append(f"where {condition(where)}")
            if within_s is not None:
                parts.append(f"within {duration(within_s)}")
            return f"{function}({' '.join(parts)}{f', {rank}' if rank is not None else ''})"


def show_steps(given: tuple[Step, ...], condition: Condition) -> list[str]:
    """Return the steps of a sequence, each as it stands after `sequence` or `then`."""
    return [_show_step(step, condition) for step in given]


def _show_step(step: Step, condition: Condition) -> str:
    within = f"within {duration(step.within_s)} " if step.within_s is not None else ""
    absent = "not " if step.absent else ""
    count = f"{step.count} " if step.count is not None else ""
    what = condition(step.what) if isinstance(step.what, NamedRef) else f"({condition(step.what)})"
    having = f" [{show_wanted(step.having, condition)}]" if step.having is not None else ""
    return f"{within}{absent}{count}{what}{having}"
