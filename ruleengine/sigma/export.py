"""From a rule of the IR back to Sigma: the document as data, and its YAML."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, assert_never

from ruleengine.ir import (
    And,
    Call,
    Correlation,
    Expr,
    Filter,
    Item,
    LogSource,
    NamedRef,
    Not,
    Or,
    ParamRef,
    Quantified,
    Rule,
    Sequence,
    Single,
    Windowed,
)
from ruleengine.lower import selected
from ruleengine.problem import Problem, Report, problem
from ruleengine.sigma.detection import UNITS_S
from ruleengine.sigma.yaml import plain
from ruleengine.span import Place, Span
from ruleengine.walk import walk

ORDER = (
    "title",
    "id",
    "name",
    "related",
    "taxonomy",
    "status",
    "description",
    "license",
    "references",
    "author",
    "date",
    "modified",
    "tags",
    "logsource",
    "detection",
    "correlation",
    "filter",
    "fields",
    "falsepositives",
    "level",
    "scope",
)
"""The order in which the Sigma specification lists the keys; others follow at the end, in their own order."""


def document(rule: Rule, report: Report) -> dict[str, Any] | None:
    """Return the Sigma document of a rule; None after reporting what Sigma cannot say."""
    found = list(unsayable(rule))
    for each in found:
        report(each)
    if found:
        return None
    out: dict[str, Any] = {"title": rule.title}
    for key in ("id", "name", "status", "level"):
        if (value := getattr(rule, key)) is not None:
            out[key] = value
    if rule.tags:
        out["tags"] = list(rule.tags)
    out |= dict(rule.meta)
    if logs := log_source(rule.logs):
        out["logsource"] = logs
    match rule.body:
        case Single():
            out["detection"] = detection(rule.body)
        case Filter(rules, body, any_rule):
            named = "any" if any_rule else [reference.key for reference in rules]
            out["filter"] = {"rules": named, **detection(body)}
        case Correlation():
            out["correlation"] = correlation(rule.body)
            if rule.body.generate:
                out["generate"] = True
        case Windowed() | Sequence():
            raise TypeError("unsayable() has reported it")
        case _:
            assert_never(rule.body)
    rank = {key: index for index, key in enumerate(ORDER)}
    return dict(sorted(out.items(), key=lambda pair: rank.get(pair[0], len(ORDER))))


def unsayable(rule: Rule) -> Iterator[Problem]:
    """Yield what of a rule Sigma has no words for."""
    where = rule.span or Place(rule.title)
    for param in rule.params:
        hint = "write its value where it is used"
        yield problem("RE806", param.span or where, f"Sigma has no parameters, as `{param.name}`", hint)
    if rule.alert is not None:
        yield problem("RE806", rule.alert.span or where, "Sigma has no words for how an alert is told")
    for test in rule.tests:
        hint = "move it into a `.test.yml` beside the rule"
        yield problem("RE806", test.span or where, f"Sigma has no tests inside rules, as {test.name!r}", hint)
    match rule.body:
        case Windowed() | Sequence():
            what = "a window over its own events" if isinstance(rule.body, Windowed) else "a sequence of its own steps"
            hint = "in Sigma a correlation is a rule of its own, which names other rules"
            yield problem("RE806", rule.body.span or where, f"Sigma has no words for a rule with {what}", hint)
        case Single() | Filter():
            body = rule.body.body if isinstance(rule.body, Filter) else rule.body
            exprs = (*(selection.item for selection in body.selections), *body.conditions)
            for item in (node for expr in exprs for node in walk(expr) if isinstance(node, Item)):
                yield from _unsayable(item, where)
        case Correlation():
            pass
        case _:
            assert_never(rule.body)


def _unsayable(item: Item, where: Span | Place) -> Iterator[Problem]:
    place = item.span or where
    if isinstance(item.field, Call):
        yield problem("RE806", place, f"Sigma has no functions of fields, as `{item.field}`")
    if "list" in item.modifiers:
        yield problem(
            "RE806", place, f"Sigma has no lists in files, as `list({item.values[0]!r})`", "write the values out"
        )
    for value in item.values:
        if isinstance(value, ParamRef):
            yield problem("RE806", place, f"Sigma has no parameters, as `{value}`", "write its value here")


def log_source(logs: LogSource) -> dict[str, str]:
    """Return a log source as a mapping."""
    named = {"category": logs.category, "product": logs.product, "service": logs.service, "definition": logs.definition}
    return {**{key: value for key, value in named.items() if value is not None}, **dict(logs.custom)}


# --- detections ----------------------------------------------------------------------------------------------------


def detection(body: Single) -> dict[str, Any]:
    """Return selections and condition as Sigma has them.

    What is not of a selection's shape is written out in the condition, leaf by leaf, under new names that no pattern
    of the condition selects.
    """
    shaped = {selection.name: _selection(selection.item) for selection in body.selections}
    inline = {selection.name: selection.item for selection in body.selections if shaped[selection.name] is None}
    named = {name: shape for name, shape in shaped.items() if shape is not None}
    exprs = (*body.conditions, *inline.values())
    patterns = {node.pattern for expr in exprs for node in walk(expr) if isinstance(node, Quantified)}
    state = _Detection(named, inline, tuple(shaped), patterns)
    texts = [state.condition(condition) for condition in body.conditions]
    out = dict(state.named)
    if body.timeframe_s is not None:
        out["timeframe"] = timespan(body.timeframe_s)
    out["condition"] = texts[0] if len(texts) == 1 else texts
    return out


@dataclass(slots=True)
class _Detection:
    """The selections of a detection so far, to which leaves that stand in a condition are added."""

    named: dict[str, Any]
    inline: dict[str, Expr]
    names: tuple[str, ...]
    patterns: set[str]

    def add(self, item: Item) -> str:
        """Return the name of a new selection that holds a leaf."""
        taken = {*self.named, *self.names}
        numbers = range(1, len(taken) + 2)
        names = (f"{head}_{number}" for head in ("selection", "leaf", "_leaf") for number in numbers)
        free = (name for name in names if name not in taken)
        fits = (name for name in free if not any(selected(pattern, (name,)) for pattern in self.patterns))
        name = next(fits, f"leaf_{len(taken) + 2}")
        self.named[name] = _selection(item)
        return name

    def condition(self, expr: Expr) -> str:
        """Return a condition as Sigma writes it."""
        match expr:
            case And(items) | Or(items):
                word = " and " if isinstance(expr, And) else " or "
                return word.join(self.bracketed(item) for item in items)
            case Not(item):
                return f"not {self.bracketed(item)}"
            case NamedRef(name):
                return self.bracketed(self.inline[name]) if name in self.inline else name
            case Quantified(quantifier, pattern):
                names = selected(pattern, self.names)
                if self.inline.keys().isdisjoint(names):
                    return f"{quantifier} of {pattern}"
                refs = tuple(NamedRef(name) for name in names)
                return self.bracketed(And(refs) if quantifier == "all" else Or(refs))
            case Item():
                return self.add(expr)
            case _:
                raise TypeError(f"{type(expr).__name__} is not written by people")

    def bracketed(self, expr: Expr) -> str:
        """Return a part of a condition, in brackets where they are needed."""
        written = self.condition(expr)
        return f"({written})" if isinstance(expr, And | Or) and len(expr.items) > 1 else written


def _selection(expr: Expr) -> Any:
    """Return what stands under the name of a selection; None when it is not of a selection's shape."""
    match expr:
        case Item(None, ()):
            return list(expr.values) if expr.listed else expr.values[0]
        case Item():
            return _map((expr,))
        case And(items):
            leaves = tuple(item for item in items if isinstance(item, Item) and (item.field or item.modifiers))
            return _map(leaves) if len(leaves) == len(items) else None
        case Or(items):
            return _either(items)
        case _:
            return None


def _either(items: tuple[Expr, ...]) -> Any:
    out: list[Any] = []
    for item in items:
        shaped = _selection(item)
        if isinstance(item, Item) and item.field is None and not item.modifiers:
            out.extend(item.values)
        elif isinstance(shaped, dict):
            out.append(shaped)
        else:
            return None
    return out


def _map(items: tuple[Item, ...]) -> dict[str, Any] | None:
    """Return leaves as a mapping, which has each key once; None when one is needed twice."""
    keys = ["|".join([item.field or "", *item.modifiers]) for item in items]
    values = (list(item.values) if item.listed else item.values[0] for item in items)
    return dict(zip(keys, values, strict=True)) if len(set(keys)) == len(keys) else None


# --- correlations --------------------------------------------------------------------------------------------------


def correlation(body: Correlation) -> dict[str, Any]:
    """Return a correlation as a mapping."""
    out: dict[str, Any] = {"type": body.type, "rules": [reference.key for reference in body.rules]}
    if body.group_by:
        out["group-by"] = list(body.group_by)
    out["timespan"] = timespan(body.timespan_s)
    condition: dict[str, Any] = {bound.operator: bound.value for bound in body.bounds}
    if body.fields:
        condition["field"] = body.fields[0] if len(body.fields) == 1 else list(body.fields)
    if body.percentile is not None:
        condition["percentile"] = body.percentile
    if condition:
        out["condition"] = condition
    if body.aliases:
        out["aliases"] = {alias.name: dict(alias.fields) for alias in body.aliases}
    return out


def timespan(seconds: int) -> str:
    """Return a number of seconds in the largest unit that fits."""
    unit = next(unit for unit in "dhms" if seconds % UNITS_S[unit] == 0)
    return f"{seconds // UNITS_S[unit]}{unit}"


# --- YAML ----------------------------------------------------------------------------------------------------------


STEP = 4
WORDS_OF_YAML_1_1 = re.compile(
    r"(?:y|yes|n|no|on|off|[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?|[-+.0-9_][0-9_.,:]*)\Z", re.I
)
"""What is a text for YAML 1.2, Sigma's own, and something else for older readers."""
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\Z")
INDICATORS = re.compile(r"[-?:](?:\s|\Z)|[,\[\]{}#&*!|>'\"%@`]|---|\.\.\.")


def text(given: dict[str, Any]) -> str:
    """Return a document as YAML, in SigmaHQ's style."""
    return "".join(line + "\n" for line in _mapping(given, 0))


def _mapping(given: dict[str, Any], column: int) -> Iterator[str]:
    for key, value in given.items():
        yield from _entry(f"{' ' * column}{scalar(key, key=True)}:", value, column, STEP, dates=not column)


def _sequence(given: list[Any], column: int) -> Iterator[str]:
    for entry in given:
        if isinstance(entry, dict) and entry:
            first, *rest = _mapping(entry, column + 2)
            yield f"{' ' * column}- {first[column + 2 :]}"
            yield from rest
        else:
            yield from _entry(f"{' ' * column}-", entry, column, 2)


def _entry(lead: str, value: Any, column: int, inner: int, *, dates: bool = False) -> Iterator[str]:
    """Yield what a key or a dash and its value are written as."""
    match value:
        case dict() if value:
            yield lead
            yield from _mapping(value, column + inner)
        case list() if value:
            yield lead
            yield from _sequence(value, column + inner)
        case str() if "\n" in value and _as_block(value):
            yield f"{lead} |{'' if value.endswith(chr(10)) else '-'}"
            rows = value.removesuffix("\n").split("\n")
            yield from (" " * (column + inner) + row if row else "" for row in rows)
        case str() if dates and DATE.match(value):
            yield f"{lead} {value}"
        case _:
            yield f"{lead} {scalar(value)}"


def _as_block(value: str) -> bool:
    """Say whether a text comes back the same as a block of lines."""
    body = value.removesuffix("\n")
    return bool(body.strip("\n ")) and body[0] not in " \n" and body[-1] != "\n" and _printable(body.replace("\n", ""))


def _printable(value: str) -> bool:
    return all(" " <= each <= "~" or "\xa0" <= each <= "\ud7ff" or "\ue000" <= each <= "\ufffd" for each in value) and (
        not any(each in value for each in "\u2028\u2029\ufeff")
    )


def scalar(value: Any, *, key: bool = False) -> str:
    """Return a value on one line, in quotes where a reader, also one of YAML 1.1, could take it for something else."""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case dict():
            return "{}"
        case list():
            return "[]"
    written = str(value)
    if _bare(written, key=key):
        return written
    if _printable(written):
        return "'" + written.replace("'", "''") + "'"
    return '"' + "".join(_escaped(each) for each in written) + '"'


def _bare(written: str, *, key: bool) -> bool:
    """Say whether a text needs no quotes; values with wildcards and backslashes have them, as SigmaHQ writes them."""
    return (
        _printable(written)
        and plain(written) == written
        and not WORDS_OF_YAML_1_1.match(written)
        and not DATE.match(written)
        and not INDICATORS.match(written)
        and written == written.strip()
        and not any(mark in written for mark in (": ", " #"))
        and not written.endswith(":")
        and (key or not any(mark in written for mark in "\\*?%'\""))
    )


ESCAPES = {"\n": "\\n", "\t": "\\t", "\r": "\\r", '"': '\\"', "\\": "\\\\"}


def _escaped(character: str) -> str:
    if character in ESCAPES:
        return ESCAPES[character]
    if _printable(character):
        return character
    code = ord(character)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
