"""Selections and conditions: the `detection` of a rule and the `filter` of a filter, from YAML to the IR."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

from ruleengine.ir import And, Expr, Item, Or, Selection, Single, Value
from ruleengine.modifiers import faults
from ruleengine.problem import Report, problem
from ruleengine.scalar import inside
from ruleengine.sigma import condition as conditions
from ruleengine.sigma.yaml import Mapping, Sequence
from ruleengine.span import Span

TIMESPAN = re.compile(r"([0-9]{1,9})([smhd])\Z")
UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def single(given: Mapping, report: Report, skip: tuple[str, ...] = ()) -> Single | None:
    """Return the body of a detection; None after reporting why there is none. `skip`: keys that are no selections."""
    names = [key for key in given if key not in {"condition", "timeframe", *skip}]
    found: list[Any] = []
    selections = []
    for name in names:
        item = _selection(name, given[name], given.value_span(name), found.append)
        if item is not None:
            selections.append(Selection(name, item, span=given.key_span(name)))
    parsed = _conditions(given, found.append)
    timeframe = _timeframe(given, found.append)
    for each in found:
        report(each)
    if any(each.blocks for each in found):
        return None
    return Single(tuple(selections), parsed, timeframe)


def _conditions(given: Mapping, report: Report) -> tuple[Expr, ...]:
    """Return the condition, or each of a list of them."""
    if "condition" not in given:
        report(problem("RE221", given.span, "the detection has no `condition`", "add `condition: selection`"))
        return ()
    value, span = given["condition"], given.value_span("condition")
    entries = (
        [(value, span)]
        if not isinstance(value, Sequence)
        else [(each, value.item_span(i)) for i, each in enumerate(value)]
    )
    if not entries:
        report(problem("RE301", span, "the list of conditions is empty"))
    out = []
    for text, place in entries:
        if not isinstance(text, str):
            text = place.text if isinstance(text, int) else text
        if not isinstance(text, str):
            report(problem("RE301", place, "a condition is a text, as `selection and not filter`"))
            continue
        try:
            out.append(conditions.parse(text, place))
        except conditions.ConditionError as error:
            report(conditions.at(error, place))
    return tuple(out)


def _timeframe(given: Mapping, report: Report) -> int | None:
    if "timeframe" not in given:
        return None
    hint = "write a correlation rule with `timespan`"
    report(problem("RE225", given.key_span("timeframe"), "`timeframe` is Sigma 1 and has no effect in Sigma 2", hint))
    found = TIMESPAN.match(str(given["timeframe"]))
    return int(found[1]) * UNITS_S[found[2]] if found else None


def _selection(name: str, value: Any, span: Span, report: Report) -> Expr | None:
    """Return what one selection says as written; None after reporting why not."""
    match value:
        case Mapping():
            return _map(name, value, report)
        case Sequence():
            return _list(name, value, report)
        case None:
            report(problem("RE222", span, f"the selection `{name}` is empty"))
            return None
        case _:
            return _keywords((value,), (span,), span, listed=False)


def _map(name: str, value: Mapping, report: Report) -> Expr | None:
    if not value:
        report(problem("RE222", value.span, f"the selection `{name}` is empty"))
        return None
    items = tuple(_item(key, value, report) for key in value)
    return And(tuple(item for item in items if item is not None), span=value.span)


def _list(name: str, value: Sequence, report: Report) -> Expr | None:
    """A list holds maps, of which one must hold, or keywords; several keywords in a row are one item."""
    if not value:
        report(problem("RE222", value.span, f"the selection `{name}` is empty"))
        return None
    parts: list[Expr | None] = []
    words: list[int] = []

    def flush() -> None:
        if words:
            spans = tuple(value.item_span(index) for index in words)
            whole = Span(spans[0].source, spans[0].start, spans[-1].end)
            parts.append(_keywords(tuple(value[index] for index in words), spans, whole, listed=True))
            words.clear()

    for index, entry in enumerate(value):
        if isinstance(entry, Mapping):
            flush()
            parts.append(_map(name, entry, report))
        elif isinstance(entry, Sequence):
            report(problem("RE223", value.item_span(index), "a list cannot stand in a list of a selection"))
        else:
            words.append(index)
    keywords_only = len(words) == len(value)
    flush()
    kept = tuple(part for part in parts if part is not None)
    return kept[0] if keywords_only and kept else Or(kept, span=value.span)


def _keywords(values: tuple[Value, ...], spans: tuple[Span, ...], span: Span, *, listed: bool) -> Expr:
    return Item(None, (), values, listed, span=span, value_spans=spans)


def _item(key: str, parent: Mapping, report: Report) -> Item | None:
    """Return one `field|modifiers: values` line."""
    field, *chain = key.split("|")
    modifiers = tuple(chain)
    key_span = parent.key_span(key)
    value, span = parent[key], parent.value_span(key)
    wrong = faults(field or None, modifiers)
    for fault in wrong:
        start = len("|".join([field, *chain[: fault.at]])) + 1
        where = inside(key_span, start, start + len(chain[fault.at]))
        report(problem(fault.code, where, fault.message, fault.hint))
    values, spans, listed = _values(field, value, span, report)
    if wrong or not values:
        return None
    if "all" in modifiers and len(values) == 1:
        where = inside(key_span, key.index("|all") + 1, key.index("|all") + 4)
        report(problem("RE214", where, "`all` needs a list of several values, and here is one", "leave out `all`"))
    return Item(field or None, modifiers, values, listed, span=key_span, value_spans=spans)


def _values(field: str, value: Any, span: Span, report: Report) -> tuple[tuple[Value, ...], tuple[Span, ...], bool]:
    match value:
        case Mapping():
            inner = next(iter(value), "name")
            hint = f"write nested fields with a dot, as `{field}.{inner}`"
            report(problem("RE223", span, f"the value of `{field}` is a mapping, not a value or a list", hint))
            return (), (), False
        case Sequence() if not value:
            report(problem("RE224", span, f"the list of values of `{field}` is empty, so it can never match"))
            return (), (), True
        case Sequence():
            odd = [index for index, entry in enumerate(value) if isinstance(entry, Mapping | Sequence)]
            for index in odd:
                report(
                    problem("RE223", value.item_span(index), f"a value of `{field}` is a text, a number or a boolean")
                )
            if odd:
                return (), (), True
            return tuple(value), tuple(value.item_span(index) for index in range(len(value))), True
        case _:
            return (value,), (span,), False


def timespan_s(given: Any, span: Span, report: Report) -> int:
    """Return a correlation's `timespan` in seconds; 0 after reporting what is wrong with it."""
    found = TIMESPAN.match(given) if isinstance(given, str) else None
    if found and int(found[1]) > 0:
        return int(found[1]) * UNITS_S[found[2]]
    hint = ""
    if isinstance(given, int | Decimal) and not isinstance(given, bool):
        hint = f"say the unit: `{given}s`, `{given}m`, `{given}h` or `{given}d`"
    elif isinstance(given, str) and (weeks := re.match(r"([0-9]{1,6})w\Z", given)):
        hint = f"write `{int(weeks[1]) * 7}d`"
    elif isinstance(given, str) and re.match(r"[0-9]+[MyY]\Z", given):
        hint = "months and years differ in length: say it in days"
    report(problem("RE231", span, "`timespan` is a number and one of s, m, h, d, as `15m`", hint))
    return 0
