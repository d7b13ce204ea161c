"""From pySigma's rule, as its pipelines left it, to a rule of ours.

pySigma has applied the modifiers in its own way. What it started from is still there as long as no pipeline has changed
the values; then that is read, by the law. What a pipeline has changed is read as it stands.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sigma.conditions import ConditionAND
from sigma.exceptions import SigmaError
from sigma.modifiers import SigmaRegularExpressionModifier, reverse_modifier_mapping
from sigma.rule import SigmaDetection, SigmaDetectionItem, SigmaLogSource, SigmaRule
from sigma.rule.base import SigmaRuleBase
from sigma.types import SigmaExpansion, SigmaString, SigmaType

from ruleengine.ir import And, Expr, Item, LogSource, NamedRef, Not, Or, Quantified, Rule, Selection, Single
from ruleengine.lower import selected
from ruleengine.modifiers import ALIASES, BASE64, MODIFIERS, faults
from ruleengine.sigma import condition as conditions
from ruleengine.sigma.build import OWN
from ruleengine.sigma.detection import TIMESPAN
from ruleengine.sigma.pipelines.bodies import pruned
from ruleengine.span import Source, Span
from ruleengine.spell import VALUE_LIMIT
from ruleengine.target import SOURCE
from ruleengine_pysigma.values import PLAIN, NotSaid, item_of, plain

ADDED = re.compile(r"_cond_[a-z]{10}\Z")
FILTER = re.compile(r"(_filt_[a-z]{10})_(.+)\Z", re.S)
"""The names that pySigma makes up for what pipelines and filters add: random, and so another each time."""


def rule_of(given: SigmaRule, before: Collection[str]) -> Rule:
    """Return a rule of pySigma's as one of ours; NotSaid tells why it cannot be.

    `before` are the names of the selections that were there before the pipelines; others say where the events are.
    """
    path = str(given.source.path) if given.source else ""
    meta = {key: value for key, value in SigmaRuleBase.to_dict(given).items() if key not in OWN}
    return Rule(
        title=given.title or path,
        logs=log_source(given.logsource),
        body=_body(given, before),
        id=str(given.id) if given.id else None,
        name=given.name,
        level=str(given.level) if given.level else None,
        status=str(given.status) if given.status else None,
        tags=tuple(str(tag) for tag in given.tags),
        meta=tuple(meta.items()),
        span=Span(Source(path, ""), 0, 0),
    )


def log_source(given: SigmaLogSource) -> LogSource:
    """Return a log source of pySigma's as one of ours."""
    custom = tuple((str(key), str(value)) for key, value in (given.custom_attributes or {}).items())
    return LogSource(given.category, given.product, given.service, given.definition, custom)


# --- the detection -------------------------------------------------------------------------------------------------


def _body(given: SigmaRule, before: Collection[str]) -> Single:
    detections = {name: found for name, found in given.detection.detections.items() if not (_is_timeframe(name, found))}
    names = _names(detections, before)
    selections = tuple(Selection(names[name], _detection(found)) for name, found in detections.items())
    texts = [condition.condition for condition in given.detection.parsed_condition]
    condition = _gathered([_condition(text, names) for text in texts])
    body = pruned(Single(selections, (condition,)), [])
    if body is None:
        raise NotSaid("the pipelines have dropped everything that the rule asks for")
    return body


def _is_timeframe(name: str, given: SigmaDetection) -> bool:
    """Say whether pySigma took Sigma 1's `timeframe` for a selection with a keyword."""
    items = given.detection_items
    return (
        name == "timeframe" and len(items) == 1 and TIMESPAN.match(str(getattr(items[0], "value", [""])[0])) is not None
    )


def _names(detections: Collection[str], before: Collection[str]) -> dict[str, str]:
    """Return the names that selections have in our rule, by pySigma's; random ones are numbered instead."""
    out: dict[str, str] = {}
    filters: dict[str, int] = {}
    for name in detections:
        found = FILTER.match(name)
        if name not in before:
            number = sum(each.startswith(SOURCE) for each in out.values()) + 1
            out[name] = SOURCE + (str(number) if ADDED.match(name) else name)
        elif found:
            number = filters.setdefault(found[1], len(filters) + 1)
            out[name] = f"filter {number}: {found[2]}"
        else:
            out[name] = name
    return out


def _detection(given: SigmaDetection) -> Expr:
    parts = tuple(
        _detection(each) if isinstance(each, SigmaDetection) else _item(each) for each in given.detection_items
    )
    return And(parts) if given.item_linking is ConditionAND else Or(parts)


# --- conditions ----------------------------------------------------------------------------------------------------


def _condition(text: str, names: Mapping[str, str]) -> Expr:
    """Return what a condition says, its patterns resolved, under our names of the selections."""
    try:
        return _resolved(conditions.parse(text, Span(Source("", text), 0, len(text))), names)
    except conditions.ConditionError as error:
        raise NotSaid(f"{error.message}, in the condition `{text}`", error.hint) from None


def _resolved(expr: Expr, names: Mapping[str, str]) -> Expr:
    match expr:
        case And(items):
            return And(tuple(_resolved(item, names) for item in items))
        case Or(items):
            return Or(tuple(_resolved(item, names) for item in items))
        case Not(item):
            return Not(_resolved(item, names))
        case NamedRef(name):
            if name not in names:
                raise NotSaid(f"there is no selection `{name}`")
            return NamedRef(names[name])
        case Quantified(quantifier, pattern):
            # What filters and pipelines added is none of the rule's own patterns' business.
            own = tuple(name for name in names if names[name] == name or pattern.startswith("_"))
            chosen = tuple(NamedRef(names[name]) for name in selected(pattern, own))
            if not chosen:
                raise NotSaid(f"no selection is called `{pattern}`")
            return And(chosen) if quantifier == "all" else Or(chosen)
        case _:
            raise TypeError(f"{type(expr).__name__} does not stand in a condition")


def _gathered(given: Sequence[Expr]) -> Expr:
    """Return conditions as one, of which some one must hold; what pipelines put before all of them stands first."""
    parts = [_parted(expr) for expr in given]
    where = parts[0][0]
    if any(each[0] != where for each in parts):
        return Or(tuple(given))
    rest = parts[0][1] if len(parts) == 1 else Or(tuple(each for _, each in parts))
    return And((*where, rest)) if where else rest


def _parted(expr: Expr) -> tuple[tuple[Expr, ...], Expr]:
    """Part the selections that pipelines put before a condition, one around the other, from the condition."""
    where: list[Expr] = []
    while isinstance(expr, And) and isinstance(first := expr.items[0], NamedRef) and first.name.startswith(SOURCE):
        where.append(first)
        expr = expr.items[1] if len(expr.items) == 2 else And(expr.items[1:])
    return tuple(where), expr


# --- items ---------------------------------------------------------------------------------------------------------


def _item(given: SigmaDetectionItem) -> Expr:
    """Return what one line of a selection says."""
    if not given.value:
        raise NotSaid(f"the list of values of `{given.field}` is empty, so it can never match")
    if any(isinstance(value, SigmaExpansion) and len(value.values) > VALUE_LIMIT for value in given.value):
        raise NotSaid(f"a value of `{given.field}` spells out into more than {VALUE_LIMIT:,} others")
    chain = tuple(_modifier(each) for each in given.modifiers)
    if chain and (written := _as_written(given, chain)) is not None:
        return written
    if not chain and all(type(value) in PLAIN for value in given.value):
        return Item(given.field, (), tuple(plain(value) for value in given.value), len(given.value) > 1)
    if "utf16" in chain and BASE64 & set(chain):  # pySigma 1 encodes the mark in its own way, and it cannot be undone
        raise NotSaid("`utf16` before Base64 is not kept by pySigma's pipelines", "write `utf16le` if no mark is meant")
    parts = tuple(item_of(given.field, value, cased=bool(BASE64 & set(chain))) for value in given.value)
    both = And if given.value_linking is ConditionAND else Or
    expr = parts[0] if len(parts) == 1 else both(parts)
    return Not(expr) if given.negated else expr


def _modifier(given: type[Any]) -> str:
    """Return our name of a modifier of pySigma's."""
    name = reverse_modifier_mapping[given.__name__]
    return name if name in MODIFIERS else ALIASES.get(name, name)


def _as_written(given: SigmaDetectionItem, chain: tuple[str, ...]) -> Item | None:
    """Return an item with the values that stood in the rule; None when a pipeline has changed them.

    They are unchanged if pySigma, asked once more, makes the same of them.
    """
    if given.original_value is None or not all(type(value) in PLAIN for value in given.original_value):
        return None
    regex = SigmaRegularExpressionModifier in given.modifiers
    again = [_again(value, regex=regex) for value in given.original_value]
    try:
        made = SigmaDetectionItem(given.field, given.modifiers, list(again))
    except SigmaError:
        return None
    if repr(made.value) != repr(given.value):
        return None
    for fault in faults(given.field, chain):
        raise NotSaid(fault.message, fault.hint)
    values = tuple(value.original if isinstance(value, SigmaString) else plain(value) for value in again)
    return Item(given.field, chain, values, len(values) > 1)


def _again(value: SigmaType, *, regex: bool) -> SigmaType:
    if not isinstance(value, SigmaString):
        return value
    return SigmaString.from_str(value.original) if regex else SigmaString(value.original)
