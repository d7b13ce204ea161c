"""Small changes to an event, so that a near miss looks like a match but for one thing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruleengine.analysis.witness.called import held
from ruleengine.analysis.witness.effort import STEPS, Effort
from ruleengine.analysis.witness.search import find
from ruleengine.ir import And, Expr, Leaf
from ruleengine.meaning import holds
from ruleengine.values import Event


def closer(event: Event, formula: Expr, part: Expr) -> Iterator[Event]:
    """Yield events that differ from this one in the field of a leaf only, and of which the formula is true.

    A changed value comes before a missing one; nothing is yielded for a selection.
    """
    if not isinstance(part, Leaf) or part.item.field is None:
        return
    field = held(part.item.field)
    if field in event and holds(formula, event):
        return
    given = event.get(field)
    if given is None:
        alone = find(And((part,)), Effort(steps=STEPS // 10)) or {}
        given = alone.get(field)
    for value in changed(given):
        if holds(formula, other := {**event, field: value}):
            yield other
    if holds(formula, without := {name: value for name, value in event.items() if name != field}):
        yield without


def changed(value: Any) -> Iterator[Any]:
    """Yield values that are nearly this one."""
    match value:
        case bool():
            yield not value
        case int():
            yield from (value + 1, value - 1)
        case float():
            yield from (value + 1.0, value - 1.0)
        case str() if value:
            yield from (value[:-1], value[1:], f"{value}x", f"x{value}", value[: len(value) // 2], "other")
            yield from (value.swapcase(), "")
        case list() if value:
            for index in range(min(len(value), 20)):
                rest = value[:index] + value[index + 1 :]
                yield rest[0] if len(rest) == 1 else rest
        case _:
            yield "other"
