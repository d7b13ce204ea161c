"""One rule on its way through pipelines: what the steps have done so far, and whether a step is to be carried out."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from ruleengine.ir import And, Correlation, Expr, Item, NamedRef, Not, Or, Rule, Wild
from ruleengine.problem import Report
from ruleengine.sigma.pipelines.bodies import Tracked, field_name, items_of
from ruleengine.sigma.pipelines.model import Guard, Step, Test
from ruleengine.sigma.pipelines.patterns import compiled
from ruleengine.sigma.pipelines.views import is_number, shown, text_of
from ruleengine.span import Place, Span
from ruleengine.strings import pattern

LEVELS = ("informational", "low", "medium", "high", "critical")
STATUSES = ("unsupported", "deprecated", "experimental", "test", "stable")
OPERATORS: Mapping[str, Callable[[Any, Any], bool]] = {
    "eq": operator.eq,
    "ne": operator.ne,
    "gte": operator.ge,
    "gt": operator.gt,
    "lte": operator.le,
    "lt": operator.lt,
}


class Cannot(Exception):
    """A step cannot be carried out on a rule: a sentence, a place in the rule if there is one, a hint, a code."""

    def __init__(self, message: str, where: Span | None = None, hint: str = "", code: str = "RE916") -> None:
        super().__init__(message)
        self.message, self.where, self.hint, self.code = message, where, hint, code


@dataclass(slots=True)
class Run:
    """The state of one rule in pipelines."""

    rule: Rule
    report: Report
    variables: Mapping[str, tuple[str, ...]]
    parts: tuple[Run, ...] = ()
    """For a correlation: the rules about events that it is made of, on their own way through the same steps."""
    pipeline: str = ""
    state: dict[str, Any] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)
    """The ids of the steps that were carried out."""
    changed_by: dict[str, frozenset[str]] = field(default_factory=dict)
    """For names of fields that are not items': the ids of the steps that made them."""
    named: set[str] = field(default_factory=set)
    """The fields that some mapping names."""
    made: set[str] = field(default_factory=set)
    """The names that mappings made."""
    mapped_by: list[str] = field(default_factory=list)
    """The pipelines with a mapping for this log source that was carried out."""

    @property
    def place(self) -> Span | Place:
        """Return where to point for what is about the whole rule."""
        return self.rule.logs.span or self.rule.span or Place(self.rule.title)


# --- guards --------------------------------------------------------------------------------------------------------


def is_for_rule(step: Step, run: Run) -> bool:
    """Say whether the step is to be carried out on this rule."""
    return judged(step.for_rule, lambda test: _of_rule(test, run))


def is_for_item(step: Step, item: Item, run: Run) -> bool:
    """Say whether the step is to be carried out on this item: its values, and its field or a field it refers to."""
    references = [str(value) for value in item.values] if "fieldref" in item.modifiers else []

    def of_field(test: Test) -> bool:
        return _of_name(test, field_name(item.field), run, item) or any(
            _of_name(test, name, run, None) for name in references
        )

    return judged(step.for_item, lambda test: _of_item(test, item, run)) and judged(step.for_field, of_field)


def is_for_name(step: Step, name: str | None, run: Run, item: Item | None = None) -> bool:
    """Say whether the step is to be carried out on a name of a field."""
    return judged(step.for_field, lambda test: _of_name(test, name, run, item))


def judged(guard: Guard, verdict: Callable[[Test], bool]) -> bool:
    """Link the verdicts of a guard's tests as it says."""
    if not guard.tests:
        return True
    if guard.expression is not None:
        result = _linked(guard.expression, guard.tests, verdict)
    else:
        result = (any if guard.either else all)(verdict(test) for test in guard.tests.values())
    return result is not guard.negated


def _linked(expr: Expr, tests: Mapping[str, Test], verdict: Callable[[Test], bool]) -> bool:
    match expr:
        case And(items):
            return all(_linked(item, tests, verdict) for item in items)
        case Or(items):
            return any(_linked(item, tests, verdict) for item in items)
        case Not(item):
            return not _linked(item, tests, verdict)
        case NamedRef(name):
            return verdict(tests[name])
        case _:
            raise TypeError(f"{type(expr).__name__} does not link conditions of steps")


# --- tests of rules ------------------------------------------------------------------------------------------------


def _of_rule(test: Test, run: Run) -> bool:
    given = test.options
    match test.kind:
        case "logsource":
            return _is_of_source(run, given)
        case "contains_field":
            return any(field_name(item.field) == given["field"] for item in items_of(run.rule))
        case "contains_detection_item":
            items = (item for item in items_of(run.rule) if field_name(item.field) == given["field"])
            return any(_is_value(item, index, given["value"]) for item in items for index in range(len(item.values)))
        case "processing_item_applied":
            return given["processing_item_id"] in run.applied
        case "processing_state":
            return _in_state(given, run)
        case "is_sigma_rule":
            return not isinstance(run.rule.body, Correlation)
        case "is_sigma_correlation_rule":
            return isinstance(run.rule.body, Correlation)
        case "tag":
            return given["tag"] in run.rule.tags
        case _:
            return _has_attribute(run.rule, given["attribute"], given["op"], given["value"])


def _is_of_source(run: Run, wanted: Mapping[str, Any]) -> bool:
    """Say whether a rule has the log source; a correlation has those of the rules that it is made of."""
    if isinstance(run.rule.body, Correlation):
        return any(_is_of_source(part, wanted) for part in run.parts)
    return all(wanted[name] in (None, getattr(run.rule.logs, name)) for name in ("category", "product", "service"))


def _in_state(given: Mapping[str, Any], run: Run) -> bool:
    if given["key"] not in run.state:
        return False
    try:
        return OPERATORS[given["op"]](run.state[given["key"]], given["val"])
    except TypeError:
        raise Cannot(f"the state `{given['key']}` cannot be compared with `{given['val']}`") from None


def _has_attribute(rule: Rule, name: str, sign: str, wanted: Any) -> bool:
    """Compare something that is written beside the rule; what is not there compares as false."""
    if name in ("title", "id", "name", "level", "status"):
        value: Any = getattr(rule, name)
    else:
        value = list(rule.tags) if name == "tags" else dict(rule.meta).get(name)
    if value is None:
        return False
    if isinstance(value, list):
        return {"in": wanted in value, "not_in": wanted not in value}.get(sign, sign == "ne")
    if sign in ("in", "not_in"):
        raise Cannot(f"`{sign}` is for lists, and `{name}` of the rule is none")
    for ranked, ranks in (("level", LEVELS), ("status", STATUSES)):
        if name == ranked and value in ranks and wanted in ranks:
            return OPERATORS[sign](ranks.index(value), ranks.index(wanted))
    if name in ("date", "modified"):
        return OPERATORS[sign](str(value).replace("/", "-"), str(wanted).replace("/", "-"))
    if isinstance(value, int | Decimal) and isinstance(wanted, int | Decimal):
        return OPERATORS[sign](value, wanted)
    if sign not in ("eq", "ne"):
        raise Cannot(f"`{sign}` is for numbers, dates, levels and states, and `{name}` of the rule is `{value}`")
    return OPERATORS[sign](str(value), str(wanted))


# --- tests of items and fields -------------------------------------------------------------------------------------


def _of_item(test: Test, item: Item, run: Run) -> bool:
    given = test.options
    match test.kind:
        case "processing_item_applied":
            return isinstance(item, Tracked) and given["processing_item_id"] in item.applied
        case "processing_state":
            return _in_state(given, run)
    verdicts = (_of_value(test, item, index) for index in range(len(item.values)))
    return any(verdicts) if given["cond"] == "any" else all(verdicts)


def _of_value(test: Test, item: Item, index: int) -> bool:
    value = item.values[index]
    text = text_of(item, value)
    match test.kind:
        case "match_string":
            found = text is not None and compiled(test.options["pattern"]).match(shown(text)) is not None
            return found is not test.options["negate"]
        case "match_value":
            return _is_value(item, index, test.options["value"])
        case "contains_wildcard":
            return text is not None and any(isinstance(part, Wild) for part in text)
        case _:
            return value is None and not isinstance(text, tuple)


def _is_value(item: Item, index: int, wanted: Any) -> bool:
    """Say whether a value is wholly this one, texts compared with their wildcards and with case."""
    value = item.values[index]
    if isinstance(wanted, str):
        return text_of(item, value) == pattern(wanted)
    if isinstance(wanted, bool) or wanted is None:
        return value is wanted
    return is_number(item, value) and value == wanted


def _of_name(test: Test, name: str | None, run: Run, item: Item | None) -> bool:
    given = test.options
    match test.kind:
        case "include_fields" | "exclude_fields":
            return _is_listed(given, name) is (test.kind == "include_fields")
        case "processing_item_applied":
            if isinstance(item, Tracked):
                return given["processing_item_id"] in item.applied
            return given["processing_item_id"] in run.changed_by.get(name or "", frozenset())
        case _:
            return _in_state(given, run)


def _is_listed(given: Mapping[str, Any], name: str | None) -> bool:
    if name is None:
        return False
    if given["mode"] == "re":
        return any(compiled(pattern).match(name) for pattern in given["fields"])
    return name in given["fields"]
