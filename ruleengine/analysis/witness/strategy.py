"""A Hypothesis strategy of events around a rule: matches, misses, near misses, and small changes to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ruleengine.analysis.witness.altered import changed
from ruleengine.analysis.witness.effort import Effort
from ruleengine.analysis.witness.formulas import hanging_on, parts_of
from ruleengine.analysis.witness.search import find
from ruleengine.ir import Expr, Not
from ruleengine.values import Event

if TYPE_CHECKING:
    from hypothesis.strategies import SearchStrategy

STEPS = 5_000
SEEDS = 8


def strategy(expr: Expr) -> SearchStrategy[Event]:
    """Return a strategy that yields varied events that a lowered expression is true of, nearly true, or false.

    It needs the package hypothesis, which only those who test have; ImportError without it.
    """
    from hypothesis import strategies

    formulas = [expr, Not(expr), *(hanging_on(expr, leaf) for leaf in parts_of(expr))]
    wanted = strategies.sampled_from(formulas)
    seeds = strategies.integers(0, SEEDS - 1)
    arrays = strategies.booleans()
    changes = strategies.lists(
        strategies.tuples(strategies.integers(0, 50), strategies.integers(0, len(CHANGES) - 1)), max_size=3
    )
    return strategies.builds(_made, wanted, seeds, arrays, changes)


def _made(formula: Expr, seed: int, arrays: bool, changes: list[tuple[int, int]]) -> Event:
    event = find(formula, Effort(steps=STEPS, seed=seed, arrays=arrays)) or {}
    for place, kind in changes:
        if event:
            field = list(event)[place % len(event)]
            event = CHANGES[kind](event, field)
    return event


def _less(event: Event, field: str) -> Event:
    return {name: value for name, value in event.items() if name != field}


def _nearly(event: Event, field: str) -> Event:
    return {**event, field: next(changed(event[field]), None)}


def _several(event: Event, field: str) -> Event:
    return {**event, field: ["other", event[field]]}


def _none(event: Event, field: str) -> Event:
    return {**event, field: None}


def _other_type(event: Event, field: str) -> Event:
    value: Any = event[field]
    return {
        **event,
        field: str(value)
        if not isinstance(value, str)
        else int(value)
        if value.isascii() and value.isdigit()
        else True,
    }


def _nested(event: Event, field: str) -> Event:
    """Move a field with a dot in its name to where the name leads as a path."""
    outer, dot, inner = field.partition(".")
    if not dot or outer in event:
        return event
    return {
        **_less(event, field),
        outer: [{inner: event[field]}, "other"] if "." not in inner else {inner: event[field]},
    }


def _upper(event: Event, field: str) -> Event:
    value = event[field]
    return {**event, field: value.upper() if isinstance(value, str) else value}


CHANGES = (_less, _nearly, _several, _none, _other_type, _nested, _upper)
"""Each takes an event and one of its fields and returns another event."""
