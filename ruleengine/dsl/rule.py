"""From the parts that the statements gave to the rule that they make."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ruleengine.dsl.parts import Parts
from ruleengine.ir import (
    Aggregate,
    And,
    Body,
    Bound,
    Correlation,
    Expr,
    Filter,
    LogSource,
    Measure,
    Number,
    ParamRef,
    Rule,
    Sequence,
    Single,
    Windowed,
)
from ruleengine.problem import Report, problem
from ruleengine.span import Span

OWN = ("id", "name", "level", "status", "tags")

AGGREGATES = {
    "count": "event_count",
    "distinct": "value_count",
    "sum": "value_sum",
    "avg": "value_avg",
    "percentile": "value_percentile",
    "median": "value_median",
    "seen": "temporal",
}
"""The type of a Sigma correlation by the figure that it compares."""

SIGNS = {"==": "eq", "!=": "neq", "<": "lt", "<=": "lte", ">": "gt", ">=": "gte"}


def rule_of(parts: Parts, report: Report) -> Rule | None:
    """Return the rule that the parts make; None after reporting what is missing."""
    body = _body(parts, report)
    if body is None:
        return None
    for word, where in _idle(parts, body):
        report(problem("RE817", where, f"`{word}` has no effect in {KINDS[type(body)]}"))
    own = {key: _text(parts.meta.get(key)) for key in OWN}
    tags = parts.meta.get("tags") or ()
    return Rule(
        title=parts.title or str(parts.meta.get("title") or parts.name or ""),
        logs=parts.logs or LogSource(),
        body=body,
        id=own["id"],
        name=parts.name,
        level=own["level"],
        status=own["status"],
        tags=tuple(tag for tag in tags if isinstance(tag, str)),
        meta=tuple((key, value) for key, value in parts.meta.items() if key not in (*OWN, "title")),
        params=tuple(parts.params),
        alert=parts.alert,
        tests=tuple(parts.tests),
        span=parts.span,
    )


KINDS: dict[type[Body], str] = {
    Single: "a rule about one event",
    Filter: "a filter",
    Correlation: "a rule over `rules`",
    Windowed: "a rule over a window",
    Sequence: "a rule with a `sequence`",
}
IDLE: dict[type[Body], tuple[str, ...]] = {
    Single: ("generate",),
    Filter: ("window", "having", "sequence", "alert", "suppress", "every", "generate"),
    Correlation: ("sequence", "timeframe"),
    Windowed: ("generate",),
    Sequence: ("having", "generate"),
}
"""The statements that say nothing in a kind of rule; said all the same, they are a slip."""


def _idle(parts: Parts, body: Body) -> Iterator[tuple[str, Span]]:
    """Yield the statements that have no effect in a rule of this kind, by their first word."""
    for word in IDLE[type(body)]:
        if word in parts.places:
            yield parts.places[word].text, parts.places[word]
    if isinstance(body, Correlation):
        yield from (("let", let.span) for let in parts.lets if let.module is None and let.span)
        yield from (("match", condition.span) for condition in parts.matches if condition.span)
        yield from (("param", param.span) for param in parts.params if param.span)
    if isinstance(body, Windowed) and parts.having_all:
        yield "having all", parts.places["having"]


def _text(value: Any) -> str | None:
    """Return a single value as text; the checks tell of those that were to be texts and are none."""
    return None if value is None or isinstance(value, list | dict) else str(value)


def _body(parts: Parts, report: Report) -> Body | None:
    if parts.kind == "rule" and (parts.rules or parts.any_rule):
        return _correlation(parts, report)
    single = Single(tuple(parts.lets), tuple(parts.matches), parts.timeframe_s)
    if parts.steps:
        if parts.window is None:
            report(problem("RE804", parts.span, "the sequence has no `within`", "add `within 1h by user.id`"))
            return None
        return Sequence(single, parts.steps, parts.window)
    if not parts.matches:
        report(problem("RE804", parts.span, "the rule has no `match`", "add `match` with a condition"))
        return None
    if parts.kind == "filter":
        return Filter(parts.rules, single, parts.any_rule)
    if parts.window is None:
        if parts.having is not None or parts.having_all:
            where = parts.places.get("having", parts.span)
            report(problem("RE804", where, "`having` needs a window", "add `within 10m by source.ip`"))
            return None
        return single
    return Windowed(single, parts.window, parts.having)


# --- Sigma's correlations ------------------------------------------------------------------------------------------


def _correlation(parts: Parts, report: Report) -> Correlation | None:
    """Return a rule over other rules, which is Sigma's correlation."""
    if parts.window is None:
        report(problem("RE804", parts.span, "a rule over `rules` needs a window", "add `within 10m by user.name`"))
        return None
    compared = _compared(parts.having)
    if compared is None:
        where = parts.having.span if parts.having and parts.having.span else parts.span
        sentence = "a rule over `rules` compares one figure with numbers, as `count() >= 10 and count() < 20`"
        report(problem("RE803", where, sentence))
        return None
    figure, bounds = compared
    kind: Any = "temporal_ordered" if parts.in_order else AGGREGATES[figure.function if figure else "seen"]
    return Correlation(
        kind,
        parts.rules,
        parts.window.keys,
        parts.window.length_s,
        bounds,
        figure.fields if figure else (),
        figure.rank if figure else None,
        parts.aliases,
        parts.generate,
    )


def _compared(having: Expr | None) -> tuple[Aggregate | None, tuple[Bound, ...]] | None:
    """Return the one figure that is compared, and its bounds; None if there is more to it."""
    measures = having.items if isinstance(having, And) else () if having is None else (having,)
    figures: list[Aggregate] = []
    bounds: list[Bound] = []
    for each in measures:
        match each:
            case Measure(Aggregate(_, _, None, None) as figure, sign, Number(value)) if not isinstance(value, ParamRef):
                figures.append(figure)
                operator: Any = SIGNS[sign]
                bounds.append(Bound(operator, value, span=each.span))
            case _:
                return None
    if any(figure != figures[0] for figure in figures) or any(figure.function not in AGGREGATES for figure in figures):
        return None
    return (figures[0] if figures else None), tuple(bounds)
