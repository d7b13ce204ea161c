"""A rule as a Sigma document that pySigma reads as the rule means it, or a problem where it would not."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from importlib.metadata import version
from typing import Any

from ruleengine.ir import (
    OVER_TIME,
    And,
    Expr,
    Filter,
    Item,
    NamedRef,
    Or,
    ParamRef,
    Quantified,
    Rule,
    Selection,
    Single,
    Value,
)
from ruleengine.lower import Surroundings, selected
from ruleengine.modifiers import BASE64, COMPARISONS, TIME_PARTS
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma import export
from ruleengine.span import Place
from ruleengine.walk import rebuild, walk

EXACT = 2**53
"""From here on pySigma rounds whole numbers to doubles."""

FITS = re.compile(r"(?!(?:not|(?:and|or|of|them|all|any|1)\Z))[A-Za-z0-9_-]+\Z", re.I)
"""Names of selections that every pySigma reads as names; 1.5 takes `notepad` for `not epad`."""


def document_of(rule: Rule, report: Report, around: Surroundings | None = None) -> dict[str, Any] | None:
    """Return the document of a rule about one event, its filters and-ed in; None after reporting why there is none.

    Parameters have the values that the surroundings set, or the rule's own.
    """
    where = rule.span or Place(rule.title)
    if isinstance(rule.body, OVER_TIME):
        sentence = "a rule over time is not handed to pySigma yet: a later version will"
        report(problem("RE923", where, sentence))
        return None
    if isinstance(rule.body, Filter):
        return None  # it is part of the rules that it names
    given = {param.name: param.value for param in rule.params} | dict((around or Surroundings()).params(rule))
    # Tests and the words of alerts are no part of what a rule finds.
    rule = replace(rule, body=_merged(rule, given), filters=(), params=(), tests=(), alert=None)
    lost = list(lost_by_pysigma(rule))
    for each in lost:
        report(each)
    made = export.document(rule, report) if not lost else None
    if made is None:
        return None
    return {key: _native(value) for key, value in made.items()}


def _native(value: Any) -> Any:
    """Return plain data as pySigma takes it: doubles for decimals, its own names of modifiers."""
    match value:
        case Mapping():
            return {_key(key): _native(each) for key, each in value.items()}
        case str():
            return str(value)
        case Sequence():
            return [_native(each) for each in value]
        case Decimal():
            return float(value)
        case _:
            return value


def _key(written: str) -> str:
    """Return `field|modifiers` with `wide` for what pySigma does not know as `utf16le`."""
    head, *chain = written.split("|")
    return "|".join([head, *("wide" if name == "utf16le" else name for name in chain)])


# --- one body ------------------------------------------------------------------------------------------------------


def _merged(rule: Rule, given: Mapping[str, Value]) -> Single:
    """Return the body of a rule with those of its filters, without patterns of names, under names that fit."""
    bodies = [rule.body, *(each.body.body for each in rule.filters if isinstance(each.body, Filter))]
    taken: set[str] = set()
    selections: list[Selection] = []
    conditions: list[tuple[Expr, ...]] = []
    for body in bodies:
        assert isinstance(body, Single)
        names = {selection.name: _free(selection.name, taken) for selection in body.selections}
        change = _changing(names, given)
        selections += [
            Selection(names[each.name], rebuild(each.item, change), span=each.span) for each in body.selections
        ]
        conditions.append(tuple(rebuild(condition, change) for condition in body.conditions))
    own, *filters = conditions
    if filters:
        added = tuple(each[0] if len(each) == 1 else Or(each) for each in filters)
        own = tuple(And((condition, *added)) for condition in own)
    return Single(tuple(selections), own)


def _free(name: str, taken: set[str]) -> str:
    """Return a name for a selection that fits and is not taken, its own if it can be, and take it."""
    head = re.sub(r"[^A-Za-z0-9_-]", "_", name)
    head = head if FITS.match(head) else f"selection_{head}"
    numbered = (head if number == 1 else f"{head}_{number}" for number in range(1, len(taken) + 2))
    found = next(each for each in numbered if each not in taken)
    taken.add(found)
    return found


def _changing(names: Mapping[str, str], given: Mapping[str, Value]) -> Callable[[Expr], Expr]:
    """Return what rebuilds a condition under new names and with the values of parameters."""

    def value(written: Value) -> Value:
        return given.get(str(written), written) if isinstance(written, ParamRef) else written

    def change(expr: Expr) -> Expr:
        match expr:
            case NamedRef(name):
                return replace(expr, name=names.get(name, name))
            case Quantified(quantifier, pattern):
                refs = tuple(NamedRef(names[name]) for name in selected(pattern, tuple(names)))
                return And(refs, span=expr.span) if quantifier == "all" else Or(refs, span=expr.span)
            case Item() if any(isinstance(each, ParamRef) for each in expr.values):
                return replace(expr, values=tuple(map(value, expr.values)))
            case _:
                return expr

    return change


# --- what pySigma would lose or read otherwise ---------------------------------------------------------------------


def items_of(rule: Rule) -> Iterator[Item]:
    """Yield the items of a rule about one event."""
    if isinstance(rule.body, Single):
        for expr in (*(selection.item for selection in rule.body.selections), *rule.body.conditions):
            yield from (node for node in walk(expr) if isinstance(node, Item))


def lost_by_pysigma(rule: Rule) -> Iterator[Problem]:
    """Yield what of a rule pySigma does not keep, whatever the backend."""
    for item in items_of(rule):
        where = item.span or rule.span or Place(rule.title)
        chain = set(item.modifiers)
        if chain & TIME_PARTS.keys() and chain & COMPARISONS.keys():
            part = min(chain & TIME_PARTS.keys())
            yield problem("RE923", where, f"pySigma forgets `{part}` when a comparison follows it")
        if "utf16" in chain and chain & BASE64 and version("pysigma").startswith("1."):
            yield problem("RE923", where, "pySigma 1 encodes the mark of `utf16` as UTF-8", "pySigma 2 does not")
        for value in item.values:
            if isinstance(value, int | Decimal) and not _is_kept(value):
                hint = "put quotes around it: as a text it is compared digit by digit"
                yield problem("RE923", where, f"pySigma rounds the number {value}", hint)
            if (
                isinstance(value, str)
                and "expand" in chain
                and r"\%" in value
                and not version("pysigma").startswith("1.")
            ):
                yield problem("RE923", where, r"pySigma 2 does not read `\%` as a percent sign")


def _is_kept(value: int | Decimal) -> bool:
    """Say whether a number is the same after pySigma has held it as a double."""
    if isinstance(value, int):
        return abs(value) <= EXACT or int(float(value)) == value if abs(value) < 10**300 else False
    return Decimal(repr(float(value))) == value
