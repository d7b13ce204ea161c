"""Why a rule matches an event or does not: every part of it, evaluated without stopping early, as a tree."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from ruleengine.analysis.nearly import nearest_miss
from ruleengine.ir import And, Call, Expr, Item, Leaf, Named, Not, Or, ParamRef, Value
from ruleengine.meaning import Seen, holds
from ruleengine.modifiers import COMPARISONS
from ruleengine.redact import HIDDEN
from ruleengine.span import Span
from ruleengine.values import Event, lookup, text

SHOWN = 3
"""How many values of a list, or of a field, are shown before the rest is counted."""

WORDS = {**COMPARISONS, "neq": "not", "list": "in list"}
"""What stands for a modifier in an explanation, where its own name reads badly."""

QUANTIFIED = re.compile(r"(1|all) of \S+\Z")

WIDEST = 100
"""Characters of one value that are shown."""


@dataclass(frozen=True, slots=True)
class Step:
    """One part of a rule and whether it holds: what it says, where it stands, what the event has, what is near."""

    holds: bool
    label: str
    span: Span | None
    parts: tuple[Step, ...] = ()
    actual: tuple[str, ...] = ()
    near: str = ""
    selection: str = ""
    """The name of the selection this is, for those who look for a branch."""
    absent: bool = False
    """Whether the event has nothing at the field of this leaf."""


def explain(expr: Expr, event: Event, shown: Event | None = None) -> Step:
    """Return the tree of a lowered expression over an event; `shown` is the event with sensitive values hidden."""
    return _step(expr, Seen(event), Seen(event if shown is None else shown))


def _step(expr: Expr, seen: Seen, shown: Seen) -> Step:
    match expr:
        case And((item,)) | Or((item,)):
            return _step(item, seen, shown)
        case And(items) | Or(items):
            parts = tuple(_step(item, seen, shown) for item in items)
            true = all(part.holds for part in parts) if isinstance(expr, And) else any(part.holds for part in parts)
            return Step(true, _group(expr), expr.span, parts)
        case Not(item):
            part = _step(item, seen, shown)
            return Step(not part.holds, "not", expr.span, (part,))
        case Named(name, item):
            part = _step(item, seen, shown)
            several = isinstance(item, And | Or) and len(item.items) > 1
            kind = " (any of these)" if several and isinstance(item, Or) else ""
            return Step(part.holds, name + kind, expr.span, part.parts if several else (part,), selection=name)
        case Leaf(item, test):
            true = holds(test, seen)
            near = (
                _by(item, test, seen) if true else "" if _hides(shown, item.field) else nearest_miss(item, test, seen)
            )
            absent = item.field is not None and not any(True for _ in lookup(seen.event, item.field))
            return Step(true, written(item), expr.span, (), _actual(item, test, shown, true), near, absent=absent)
        case _:
            return Step(holds(expr, seen), type(expr).__name__, expr.span)


def _by(item: Item, test: Expr, seen: Seen) -> str:
    """Name the value of a list that made a leaf true."""
    if not isinstance(test, Or) or len(test.items) != len(item.values):
        return ""
    found = [value for value, one in zip(item.values, test.items, strict=True) if holds(one, seen)]
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    return f"by {value_text(found[0])}{more}"


def _group(expr: And | Or) -> str:
    """Name a group as it was written, when it was written in one place; else by what it asks for."""
    own = "all of these" if isinstance(expr, And) else "any of these"
    written_as = " ".join(expr.span.text.split()) if expr.span else ""
    return written_as if QUANTIFIED.match(written_as) else own


def _hides(shown: Seen, field: str | None) -> bool:
    return field is None or HIDDEN in shown.texts(field, cased=True)


def written(item: Item) -> str:
    """Return an item in one line, in words: `CommandLine contains any of ' -all', ' /all'`."""
    words = [WORDS.get(name, name) for name in item.modifiers if name != "all"]
    verb = " ".join(words) if words else "=" if item.field is not None else "contains"
    values = [value_text(value) for value in item.values[:SHOWN]]
    more = f", … {len(item.values) - SHOWN} more" if len(item.values) > SHOWN else ""
    many = "" if len(item.values) == 1 else "all of " if "all" in item.modifiers else "any of "
    return f"{item.field or 'the event'} {verb} {many}{', '.join(values)}{more}"


def value_text(value: Value) -> str:
    """Return a value as a rule shows it: text in quotes, cut when it is long."""
    if value is None:
        return "null"
    if isinstance(value, ParamRef):
        return str(value)
    if not isinstance(value, str):
        return text(value) if isinstance(value, bool | int) else str(value)
    return "'" + (value if len(value) <= WIDEST else value[: WIDEST - 1] + "…") + "'"


def _actual(item: Item, test: Expr, shown: Seen, true: bool) -> tuple[str, ...]:
    """Return what the event has where the leaf looks: the values of its field, or the value a keyword was found in."""
    if isinstance(item.field, Call) and HIDDEN in shown.texts(str(item.field.arguments[0]), cased=True):
        return (value_text(HIDDEN),)
    values = shown.values(item.field)
    if item.field is None:
        values = [value for value in values if holds(test, {"value": value})] if true else []
    texts = [value_text(value) if isinstance(value, str) else text(value) for value in values[:SHOWN]]
    if len(values) > SHOWN:
        texts.append(f"… {len(values) - SHOWN} more")
    return tuple(texts)


# --- drawing -------------------------------------------------------------------------------------------------------

MARKS = {True: "✓", False: "✗"}


def draw_tree(
    step: Step,
    depth: int = 0,
    mark: Callable[[str, bool], str] | None = None,
    shown: Callable[[str], str] = str,
) -> list[str]:
    """Return the tree as lines: mark, what is said, place, what the event has, what is near.

    `mark(sign, holds)` may colour the mark; `shown` makes text of rules and events safe to print.
    """
    rows = [(indent, shown(row.label), row) for indent, row in _rows(step, depth)]
    width = min(max(len(indent) + len(label) for indent, label, _ in rows), 76)
    lines = []
    for indent, label, row in rows:
        sign = MARKS[row.holds] if mark is None else mark(MARKS[row.holds], row.holds)
        place = f":{row.span.place.line}" if row.span else ""
        gap = " " * max(width - len(indent) - len(label), 0)
        lines.append(f"{indent}{sign} {label}{gap}  {place:<6}{shown(_tail(row))}".rstrip())
    return lines


def _rows(step: Step, depth: int) -> Iterator[tuple[str, Step]]:
    yield "  " * depth, step
    for part in step.parts:
        yield from _rows(part, depth + 1)


def _tail(step: Step) -> str:
    actual = f"= {', '.join(step.actual)}" if step.actual else ""
    absent = "(absent)" if step.absent else ""
    near = f" ← {step.near}" if step.near else ""
    return f"{actual or absent}{near}"


def as_json(step: Step) -> dict[str, Any]:
    """Return the tree as JSON: `holds`, `says`, `line`, `column`, `actual`, `absent`, `near`, `parts`."""
    place = step.span.place if step.span else None
    out: dict[str, Any] = {"holds": step.holds, "says": step.label}
    if place:
        out |= {"line": place.line, "column": place.column}
    if step.actual:
        out["actual"] = list(step.actual)
    if step.absent:
        out["absent"] = True
    if step.near:
        out["near"] = step.near
    if step.parts:
        out["parts"] = [as_json(part) for part in step.parts]
    return out
