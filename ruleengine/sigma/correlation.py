"""Correlations and filters: the rules about other rules, from YAML to the IR."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, get_args

from ruleengine.ir import Alias, Bound, Correlation, CorrelationType, Filter, Reference
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma.detection import single, timespan_s
from ruleengine.sigma.yaml import Mapping, Sequence
from ruleengine.span import Span
from ruleengine.suggest import meant

TYPES: tuple[str, ...] = get_args(CorrelationType)
BOUNDS = ("gt", "gte", "lt", "lte", "eq", "neq")
KEYS = ("type", "rules", "group-by", "timespan", "condition", "aliases", "generate")
WITH_FIELD = ("value_count", "value_sum", "value_avg", "value_percentile", "value_median")


def correlation(given: Mapping, root: Mapping, report: Report) -> Correlation | None:
    """Return the body of a correlation; None after reporting everything that is wrong with it."""
    found: list[Problem] = []
    odd = [key for key in given if key not in KEYS]
    found += [problem("RE230", given.key_span(key), f"a correlation has no `{key}`", meant(key, KEYS)) for key in odd]
    missing = [key for key in ("type", "rules", "timespan") if key not in given]
    found += [problem("RE230", given.span, f"the correlation has no `{key}`") for key in missing]
    kind = _type(given, found.append)
    span_s = timespan_s(given["timespan"], given.value_span("timespan"), found.append) if "timespan" in given else 0
    rules = references(given, found.append) if "rules" in given else ()
    bounds, fields, percentile = _condition(given, kind, found.append)
    aliases = _aliases(given, found.append)
    generate = root.get("generate", given.get("generate", False))
    if not isinstance(generate, bool):
        holder = root if "generate" in root else given
        found.append(problem("RE230", holder.value_span("generate"), "`generate` is true or false"))
        generate = False
    for each in found:
        report(each)
    if kind is None or any(each.blocks for each in found):
        return None
    group_by = texts(given, "group-by", report)
    return Correlation(kind, rules, group_by, span_s, bounds, fields, percentile, aliases, generate, span=given.span)


def _type(given: Mapping, report: Report) -> Any:
    kind = given.get("type")
    if kind is None or kind in TYPES:
        return kind
    report(problem("RE230", given.value_span("type"), f"`{kind}` is no type of correlation", meant(str(kind), TYPES)))
    return None


def references(given: Mapping, report: Report) -> tuple[Reference, ...]:
    """Return the rules that `rules` names, by id or name, each with its place."""
    value, span = given["rules"], given.value_span("rules")
    entries = (
        [(value, span)]
        if not isinstance(value, Sequence)
        else [(each, value.item_span(i)) for i, each in enumerate(value)]
    )
    if not entries:
        report(problem("RE230", span, "`rules` names no rule"))
    out = []
    for key, place in entries:
        if isinstance(key, str) and key:
            out.append(Reference(key, span=place))
        else:
            report(problem("RE230", place, "a rule is named by its `id` or its `name`"))
    return tuple(out)


def texts(given: Mapping, key: str, report: Report) -> tuple[str, ...]:
    """Return a text, or a list of them, under a key; nothing when the key is absent."""
    value = given.get(key)
    entries = value if isinstance(value, Sequence) else [] if value is None else [value]
    if all(isinstance(entry, str) for entry in entries):
        return tuple(entries)
    report(problem("RE230", given.value_span(key), f"`{key}` is the name of a field, or a list of names"))
    return ()


Condition = tuple[tuple[Bound, ...], tuple[str, ...], int | Decimal | None]


def _condition(given: Mapping, kind: str | None, report: Report) -> Condition:
    value = given.get("condition")
    if value is None:
        if kind not in (None, "temporal", "temporal_ordered"):
            report(problem("RE232", given.span, f"a `{kind}` correlation needs a `condition`, as `gte: 10`"))
        return (), (), None
    where = given.value_span("condition")
    if not isinstance(value, Mapping):
        report(problem("RE232", where, "the condition of a correlation is a mapping, as `gte: 10`"))
        return (), (), None
    bounds = []
    for key, bound in value.items():
        if key in BOUNDS:
            if isinstance(bound, int | Decimal) and not isinstance(bound, bool):
                operator: Any = key
                bounds.append(Bound(operator, bound, span=value.key_span(key)))
            else:
                report(problem("RE232", value.value_span(key), f"`{key}` takes a number"))
        elif key not in {"field", "percentile"}:
            report(problem("RE232", value.key_span(key), f"a condition has no `{key}`", meant(key, (*BOUNDS, "field"))))
    if not bounds and kind not in (None, "temporal", "temporal_ordered"):
        report(problem("RE232", where, "the condition compares with nothing", f"add one of {', '.join(BOUNDS)}"))
    fields = texts(value, "field", report)
    if kind in WITH_FIELD and not fields:
        report(problem("RE232", where, f"a `{kind}` correlation needs `field` in its condition"))
    percentile = value.get("percentile")
    if percentile is not None and (not isinstance(percentile, int | Decimal) or not 0 <= percentile <= 100):
        report(problem("RE232", value.value_span("percentile"), "`percentile` is a number from 0 to 100"))
        percentile = None
    return tuple(bounds), fields, percentile


def _aliases(given: Mapping, report: Report) -> tuple[Alias, ...]:
    value = given.get("aliases")
    if value is None:
        return ()
    if not isinstance(value, Mapping):
        report(problem("RE230", given.value_span("aliases"), "`aliases` is a mapping of names"))
        return ()
    out = []
    for name, fields in value.items():
        place: Span = value.value_span(name)
        if not isinstance(fields, Mapping) or not all(isinstance(field, str) for field in fields.values()):
            report(problem("RE230", place, f"the alias `{name}` is a mapping of rule names to fields"))
            continue
        out.append(Alias(name, tuple(fields.items()), span=place))
    return tuple(out)


def filter_body(given: Mapping, report: Report) -> Filter | None:
    """Return the body of a filter; None after reporting why there is none."""
    body = single(given, report, skip=("rules",))
    if "rules" not in given:
        report(problem("RE233", given.span, "the filter does not say which `rules` it is for"))
        return None
    any_rule = given["rules"] == "any"
    rules = () if any_rule else references(given, report)
    if body is None or not (rules or any_rule):
        return None
    return Filter(rules, body, any_rule, span=given.span)
