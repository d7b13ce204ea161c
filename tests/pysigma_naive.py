"""Says what pySigma's own reading of a rule means for events: an opinion that shares no line with ruleengine.

Run as a program with the Python of an environment that has pySigma (1.5.1 or 2.0.1): each line of standard input is
`{"rule": PATH or YAML text, "events": [...]}`, each line of standard output `{"truth": [...], "shape": ...}` or
`{"error": "..."}`. Values are compared by their text and without case, as the Sigma specification says; wildcards and
linking are taken from pySigma's objects as they stand.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import re
import sys
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any

import yaml
from sigma.conditions import (
    ConditionAND,
    ConditionFieldEqualsValueExpression,
    ConditionIdentifier,
    ConditionNOT,
    ConditionOR,
    ConditionSelector,
    ConditionValueExpression,
)
from sigma.rule import SigmaRule
from sigma.types import (
    SigmaBool,
    SigmaCasedString,
    SigmaCIDRExpression,
    SigmaCompareExpression,
    SigmaExists,
    SigmaExpansion,
    SigmaFieldReference,
    SigmaNull,
    SigmaNumber,
    SigmaRegularExpression,
    SigmaRegularExpressionFlag,
    SigmaString,
    SigmaTimestampPart,
    SpecialChars,
)

Event = dict[str, Any]
HINTS = ("_product", "_service", "_category")
FLAGS = {
    SigmaRegularExpressionFlag.IGNORECASE: re.IGNORECASE,
    SigmaRegularExpressionFlag.MULTILINE: re.MULTILINE,
    SigmaRegularExpressionFlag.DOTALL: re.DOTALL,
}
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "LT": lambda a, b: a < b,
    "LTE": lambda a, b: a <= b,
    "GT": lambda a, b: a > b,
    "GTE": lambda a, b: a >= b,
    "NEQ": lambda a, b: a != b,
}
PARTS: dict[str, Callable[[datetime], int]] = {
    "MINUTE": lambda when: when.minute,
    "HOUR": lambda when: when.hour,
    "DAY": lambda when: when.day,
    "WEEK": lambda when: when.isocalendar().week,
    "MONTH": lambda when: when.month,
    "YEAR": lambda when: when.year,
}


# --- events --------------------------------------------------------------------------------------------------------


def below(value: Any) -> Iterator[Any]:
    """Yield a value, or the members of an array; null and empty things are nothing."""
    if isinstance(value, list):
        for member in value:
            yield from below(member)
    elif value is not None and value != {}:
        yield value


def at(event: Event, field: str) -> list[Any]:
    """Return what stands at a name: a key as it is written, else a dotted path."""
    if field in event:
        return list(below(event[field]))
    found: list[Any] = [event]
    for step in field.split("."):
        found = [inner[step] for one in found for inner in below(one) if isinstance(inner, dict) and step in inner]
    return [value for one in found for value in below(one)] if "." in field else []


def scalars(event: Event, field: str | None) -> list[Any]:
    values = at(event, field) if field is not None else anywhere({k: v for k, v in event.items() if k not in HINTS})
    return [value for value in values if not isinstance(value, dict)]


def anywhere(value: Any) -> list[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    return (
        [value]
        if not isinstance(value, list)
        else [found for member in value for found in anywhere(member) if found is not None]
    )


def text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# --- values --------------------------------------------------------------------------------------------------------


def tester(value: Any, field: str | None, whole: bool = True) -> Callable[[Event], bool]:
    """Return the test of one pySigma value on an event."""
    match value:
        case SigmaNull():
            return lambda event: not at(event, field or "")
        case SigmaExists():
            wanted = bool(value)
            return lambda event: bool(at(event, field or "")) is wanted
        case SigmaExpansion():
            tests = [tester(one, field, whole) for one in value.values]
            return lambda event: any(test(event) for test in tests)
        case SigmaFieldReference():
            return reference(value, field or "")
    holds = scalar_tester(value, whole and field is not None)
    return lambda event: any(holds(given) for given in scalars(event, field))


def scalar_tester(value: Any, whole: bool) -> Callable[[Any], bool]:
    match value:
        case SigmaString():
            cased = isinstance(value, SigmaCasedString)
            pattern = re.compile("".join(map(piece, value.s)), re.DOTALL | (re.NOFLAG if cased else re.IGNORECASE))
            find = pattern.fullmatch if whole else pattern.search
            return lambda given: find(text(given)) is not None
        case SigmaRegularExpression():
            found = str(value.regexp) if not hasattr(value.regexp, "s") else value.regexp.to_plain(True)
            flags = sum(FLAGS[flag] for flag in value.flags)
            search = re.compile(found, flags).search
            return lambda given: search(text(given)) is not None
        case SigmaCIDRExpression():
            return lambda given: inside(text(given), value.network)
        case SigmaCompareExpression():
            compare, bound = COMPARISONS[value.op.name], float(value.number.number)
            return lambda given: (number := numeric(given)) is not None and compare(number, bound)
        case SigmaTimestampPart():
            part, wanted = PARTS[value.timestamp_part.name], value.number
            return lambda given: (when := instant(given)) is not None and part(when) == wanted
        case SigmaNumber():
            written = str(value.number)
            return lambda given: text(given) == written if whole else written in text(given)
        case SigmaBool():
            told = str(value.boolean).lower()
            return lambda given: text(given).lower() == told
    raise NotImplementedError(type(value).__name__)


def piece(part: Any) -> str:
    if isinstance(part, str):
        return re.escape(part)
    if part is SpecialChars.WILDCARD_MULTI:
        return ".*"
    if part is SpecialChars.WILDCARD_SINGLE:
        return "."
    raise NotImplementedError("placeholder")


def inside(given: str, network: Any) -> bool:
    try:
        return ipaddress.ip_address(given) in network
    except ValueError:
        return False


def numeric(given: Any) -> float | None:
    try:
        return None if isinstance(given, bool) else float(given)
    except ValueError:
        return None


def instant(given: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(given))
    except ValueError:
        return None


def reference(value: Any, field: str) -> Callable[[Event], bool]:
    def same(left: str, right: str) -> bool:
        if value.starts_with and value.ends_with:
            return right in left
        if value.starts_with or value.ends_with:
            return left.startswith(right) if value.starts_with else left.endswith(right)
        return left == right

    return lambda event: any(
        same(text(left).lower(), text(right).lower())
        for left in scalars(event, field)
        for right in scalars(event, value.field)
    )


# --- conditions ----------------------------------------------------------------------------------------------------


def compiled(node: Any) -> Callable[[Event], bool]:
    """Return the test of pySigma's condition tree, plain and two-valued."""
    match node:
        case ConditionAND():
            parts = [compiled(arg) for arg in node.args]
            return lambda event: all(part(event) for part in parts)
        case ConditionOR():
            parts = [compiled(arg) for arg in node.args]
            return lambda event: any(part(event) for part in parts)
        case ConditionNOT():
            inner = compiled(node.args[0])
            return lambda event: not inner(event)
        case ConditionFieldEqualsValueExpression():
            return tester(node.value, node.field)
        case ConditionValueExpression():
            return tester(node.value, None)
    raise NotImplementedError(type(node).__name__)


def shape(node: Any) -> Any:
    """Return a parsed condition, before its names are looked up, as nested lists."""
    match node:
        case ConditionAND() | ConditionOR():
            kind = "and" if isinstance(node, ConditionAND) else "or"
            return [kind, *map(shape, node.args)]
        case ConditionNOT():
            return ["not", shape(node.args[0])]
        case ConditionSelector():
            return ["all" if node.cond_class is ConditionAND else "1", node.pattern]
        case ConditionIdentifier():
            return node.identifier
    return shape(node[0]) if len(node) == 1 else [type(node).__name__]  # pyparsing's own wrapping


def answer(rule: str, events: list[Event]) -> dict[str, Any]:
    """Return the truth of a rule for each event and the shapes of its conditions, or pySigma's error."""
    try:
        if "\n" not in rule:
            with open(rule, encoding="utf-8") as file:
                rule = file.read()
        read = SigmaRule.from_dict(yaml.load(rule, yaml.CSafeLoader), **TRUSTED)
        conditions = read.detection.parsed_condition
        shapes = [shape(condition.parse(False)) for condition in conditions]
        tests = [compiled(condition.parsed) for condition in conditions]
        return {"truth": [any(test(event) for test in tests) for event in events], "shape": shapes}
    except Exception as error:  # noqa: BLE001  # pySigma raises whatever it likes
        return {"error": f"{type(error).__name__}: {error}"}


def policy() -> dict[str, Any]:
    """Return what makes pySigma 2 read regular expressions with plain `re`, as 1.5 does."""
    try:
        return {"policy": importlib.import_module("sigma.policy.profiles").TrustedPolicy}
    except ImportError:
        return {}


TRUSTED = policy()


if __name__ == "__main__":
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)
