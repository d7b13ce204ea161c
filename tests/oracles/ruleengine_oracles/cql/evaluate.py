"""What a query does to one event: steps, filters and filter functions."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TypeVar, cast

from ruleengine_oracles.cql.events import UNSEARCHED, Stored
from ruleengine_oracles.cql.expressions import text_of, value_of
from ruleengine_oracles.cql.figures import compared, read
from ruleengine_oracles.cql.networks import in_subnets
from ruleengine_oracles.cql.nodes import (
    And,
    Assign,
    Call,
    Case,
    Compare,
    Constant,
    Expression,
    Filter,
    FreeText,
    Not,
    Or,
    Pipeline,
    Run,
    Step,
    Where,
)
from ruleengine_oracles.cql.patterns import equals, folded, globbed, same
from ruleengine_oracles.cql.problems import Undocumented
from ruleengine_oracles.cql.regex_read import Regex
from ruleengine_oracles.cql.regex_run import found, from_wildcards
from ruleengine_oracles.cql.tables import included, matching, rows_of
from ruleengine_oracles.cql.times import default_field

Thing = TypeVar("Thing")
Files = Mapping[str, Sequence[Mapping[str, Any]]]


@dataclass(frozen=True)
class Scope:
    """The event, the lookup files, and whether what is asked stands under a negation."""

    event: Stored
    files: Files
    negated: bool = False

    def flipped(self) -> Scope:
        """Return this scope below one more negation; once below one, what is an error stays in doubt."""
        return replace(self, negated=True)


# --- steps ---------------------------------------------------------------------------------------------------------


def passes(pipeline: Pipeline, scope: Scope) -> bool:
    """Return whether an event comes out of a pipeline; its fields are changed on the way."""
    return all(stepped(step, scope) for step in pipeline.steps)


def stepped(step: Step, scope: Scope) -> bool:
    """Return whether an event comes out of one step."""
    match step:
        case Where(filter):
            return holds(filter, scope)
        case Assign(field, expression):
            assign(field, text_of(evaluated(expression, scope)), scope)
            return True
        case Case(branches):
            return any(branched(branch, scope) for branch in branches)
        case Run(call, negated):
            return ran(call, scope.flipped() if negated else scope) != negated


def assign(field: str, value: str | None, scope: Scope) -> None:
    """Set a field; without a result it stays as it was [D eval()]."""
    if value is not None:
        scope.event.set(field, value)


def branched(branch: Pipeline, scope: Scope) -> bool:
    """Return whether a branch of `case` lets the event through; only then its changes count for sure."""
    event, copy = scope.event, scope.event.copy()
    through = passes(branch, replace(scope, event=copy))
    if through:
        event.fields, event.doubtful = copy.fields, copy.doubtful
    else:
        changed = dict(copy.fields.items() ^ event.fields.items())
        event.doubtful.update(changed, copy.doubtful)
    return through


def ran(call: Call, scope: Scope) -> bool:
    """Return whether an event comes out of a function that is a step."""
    given, event = call.arguments, scope.event
    match call.name:
        case "match":
            return matched(call, scope)
        case "if":
            assign(str(given.get("as", "_if")), text_of(evaluated(call, scope)), scope)
        case "rename":
            value = event.get(str(given["field"]))
            if value is not None:
                del event.fields[str(given["field"])]
                event.set(str(given["as"]), value)
        case "select" | "table":
            kept = cast(tuple[str, ...], given["fields"])
            event.fields = {name: value for name in kept if (value := event.get(name)) is not None}
        case "array:eval" | "objectArray:eval":
            mapped(call, scope)
        case "drop":
            for name in cast(tuple[str, ...], given["fields"]):
                event.fields.pop(name, None)
                event.doubtful.discard(name)
        case name if name.startswith("time:"):
            assign(str(given.get("as", default_field(name))), text_of(evaluated(call, scope)), scope)
        case _:
            return truth(call, scope)
    return True


def matched(call: Call, scope: Scope) -> bool:
    """Return whether `match()` lets an event through: strict, which it is by default, drops what has no row [D]."""
    given, column = call.arguments, str(call.arguments["column"])
    strict = given.get("strict", True)
    if scope.negated and not strict:
        raise Undocumented("!match(strict=false)")
    value = scope.event.get(str(given["field"]))
    rows = rows_of(scope.files, str(given["file"]))
    mode, ignore_case = str(given.get("mode", "string")), bool(given.get("ignoreCase", False))
    hits = [] if value is None else matching(rows, column, value, mode, ignore_case)
    if hits and not scope.negated:
        names = cast("tuple[str, ...] | None", given.get("include"))
        for name, cell in included(hits, column, names).items():
            scope.event.set(name, cell)
        if names is None and column != given["field"]:
            scope.event.doubtful.add(column)
    return bool(hits) or not strict


def some(question: Callable[[Thing], bool], things: Iterable[Thing]) -> bool:
    """Return whether the answer for one thing is yes; a doubt about another matters only if none is."""
    doubts: list[Undocumented] = []
    for thing in things:
        try:
            if question(thing):
                return True
        except Undocumented as doubt:
            doubts.append(doubt)
    if doubts:
        raise doubts[0]
    return False


# --- filters -------------------------------------------------------------------------------------------------------


def holds(filter: Filter, scope: Scope) -> bool:
    """Return whether a filter lets an event through."""
    match filter:
        case And(filters):
            return all(holds(each, scope) for each in filters)
        case Or(filters):
            return any(holds(each, scope) for each in filters)
        case Not(below):
            return not holds(below, scope.flipped())
        case Constant(value):
            return value
        case FreeText(pattern):
            return anywhere(pattern, scope.event.original)
        case Compare():
            return comparison(filter, scope)


def anywhere(pattern: str | Regex, original: dict[str, str]) -> bool:
    """Return whether some field, as it was at the start, has a text somewhere in it, with its case [D L3]."""
    if isinstance(pattern, str) and not pattern.strip("*"):
        return True
    values = [value for name, value in original.items() if name not in UNSEARCHED and not name.startswith("#")]
    if isinstance(pattern, str):
        return any(globbed(f"*{pattern}*", value) for value in values)
    return some(lambda value: found(pattern, value), values)


def comparison(asked: Compare, scope: Scope) -> bool:
    """Return whether a comparison is true: with a field that is missing only `!=` is [D L2, L3]."""
    if asked.field.startswith("#") and asked.field not in scope.event.fields:
        if scope.negated:
            raise Undocumented(f"the tag {asked.field}, of which the event says nothing, under a negation")
        return True  # where the event is stored is the environment's, not the event's
    value = scope.event.get(asked.field)
    negative = asked.operator == "!="
    if value is None:
        return negative
    if isinstance(asked.value, Decimal):
        return ordered(asked.operator, value, asked.value, scope.negated)
    if isinstance(asked.value, Regex):
        return found(asked.value, value) != negative
    if asked.operator == "like":  # [D L2] `like "x"` contains, `like "a*b"` begins and ends
        return globbed(asked.value if "*" in asked.value else f"*{asked.value}*", value)
    return equals(value, asked.value) != negative


def ordered(operator: str, value: str, bound: Decimal, negated: bool) -> bool:
    """Return `value < bound` and the like; what is no number drops the event, under NOT nobody says what [D L2, L4]."""
    figure = read(value)
    if negated and (not figure.sure or figure.value is None):
        raise Undocumented(f"{value!r} {operator} {bound} under a negation")
    if figure.value is None:
        return False
    result = compared(operator, figure.value, bound)
    if result and not figure.sure:
        raise Undocumented(f"{value!r} as a number")
    return result


# --- functions that are true or false ------------------------------------------------------------------------------


def evaluated(expression: Expression, scope: Scope) -> str | Decimal | bool | None:
    """Return an expression's value."""
    return value_of(
        expression, scope.event, scope.negated, lambda call, negated: truth(call, replace(scope, negated=negated))
    )


def truth(call: Call, scope: Scope) -> bool:
    """Return whether a filter function is true."""
    given = call.arguments
    match call.name:
        case "test":
            return tested(cast(Expression, given["expression"]), scope)
        case "array:contains" | "array:regex" | "array:exists" | "objectArray:exists":
            return in_array(call, scope)
        case name if name.startswith("text:"):
            return in_text(call, scope)
    value = scope.event.get(str(given["field"]))
    if value is None:  # [D L6, L7] missing is false, and so its negation is true
        return False
    match call.name:
        case "in":
            wanted = cast(tuple[str, ...], given["values"])
            fits = folded if given.get("ignoreCase", False) else lambda pattern, text: equals(text, pattern)
            return some(lambda pattern: fits(pattern, value), wanted)
        case "cidr":
            return in_subnets(value, cast(tuple[str, ...], given["subnet"]))
        case "wildcard":
            return found(from_wildcards(str(given["pattern"]), bool(given.get("ignoreCase", False))), value)
        case _:
            return regex_function(call, value, default="m")


def tested(expression: Expression, scope: Scope) -> bool:
    """Return whether `test()` lets an event through; without a result it does not [D L4, L5]."""
    value = evaluated(expression, scope)
    if value in (None, "false") or value is False:
        return False
    if value is True or value == "true":
        return True
    raise Undocumented(f"test() of {value!r}, which is neither true nor false")


def regex_function(call: Call, value: str, default: str) -> bool:
    """Return whether a function's regex is found. `regex()` has m on [D L14], whether also beside other flags [?]."""
    regex = cast(Regex, call.arguments["regex"])
    with_lines, without = replace(regex, flags=regex.flags | {"m"}), regex
    if default == "m" and "flags" not in call.arguments:
        return found(with_lines, value)
    if "m" not in regex.flags and found(with_lines, value) != found(without, value):
        raise Undocumented(f"{call.name}() with its own flag m, or without")
    return found(without, value)


def in_text(call: Call, scope: Scope) -> bool:
    """Return whether a text has another: literally, with its case [D L9]."""
    string, part_of = (
        text_of(evaluated(cast(Expression, call.arguments[name]), scope)) for name in ("string", "substring")
    )
    if string is None or part_of is None:
        if scope.negated:
            raise Undocumented(f"!{call.name}() without one of its texts")
        return False
    if not part_of:
        raise Undocumented(f"{call.name}() of the empty text")
    if call.name == "text:startsWith":
        return string.startswith(part_of)
    return string.endswith(part_of) if call.name == "text:endsWith" else part_of in string


# --- arrays --------------------------------------------------------------------------------------------------------


def in_array(call: Call, scope: Scope) -> bool:
    """Return whether a member of an array is as wanted."""
    below, sure = members(call, scope.event)
    if some(lambda each: member(call, each, scope), below):
        return True
    if not sure:
        raise Undocumented(f"{call.name}() and the members after an index that is missing")
    return False


def members(call: Call, event: Stored) -> tuple[list[dict[str, str]], bool]:
    """Return the members of an array, each as its fields by what follows the index: "" itself, `.b` below it.

    An array is nothing but fields whose names end so: functions run up to the first index that is missing [D]. Flat
    functions see `a[0]` only; of those for objects one example of the manual goes on after a gap: then not `sure`.
    """
    name, deep = str(call.arguments["array"]), call.name.startswith("objectArray:")
    found: dict[int, dict[str, str]] = {}
    for field, value in event.fields.items():
        hit = re.fullmatch(re.escape(name) + r"\[(0|[1-9][0-9]*)\](|[.\[].*)", field, re.DOTALL)
        if hit and (deep or not hit[2]):
            found.setdefault(int(hit[1]), {})[hit[2]] = value
    unbroken = [found[index] for index in sorted(found) if all(before in found for before in range(index))]
    return unbroken, not deep or len(unbroken) == len(found)


def member(call: Call, below: dict[str, str], scope: Scope) -> bool:
    """Return whether one member of an array is as wanted."""
    if call.name == "array:contains":
        return same(below[""], str(call.arguments["value"]))
    if call.name == "array:regex":
        return regex_function(call, below[""], default="")
    return passes(cast(Pipeline, call.arguments["condition"]), replace(scope, event=beside(call, below, scope.event)))


def beside(call: Call, below: dict[str, str], event: Stored) -> Stored:
    """Return an event that has a member of an array too, under the name of the variable."""
    variable = str(call.arguments["var"])
    if any(name == variable or name.startswith((f"{variable}.", f"{variable}[")) for name in event.fields):
        raise Undocumented(f"the variable {variable}, which is also a field of the event")
    copy = event.copy()
    for rest, value in below.items():
        copy.set(variable + rest, value)
    return copy


def mapped(call: Call, scope: Scope) -> None:
    """Make an array of what a function writes for each member, compacted; it replaces an array of its name [D]."""
    target, event = str(call.arguments["asArray"]), scope.event
    below, sure = members(call, event)
    if not sure or target in event.fields:
        raise Undocumented(f"{call.name}() with a gap in its array, or a field {target} already")
    results: list[str] = []
    for each in below:
        copy = beside(call, each, event)
        if not passes(cast(Pipeline, call.arguments["function"]), replace(scope, event=copy)):
            raise Undocumented(f"{call.name}() with a function that drops a member")
        if (result := copy.get(target)) is not None:
            results.append(result)
    for name in [name for name in event.fields if name.startswith(f"{target}[")]:
        del event.fields[name]
    for index, result in enumerate(results):
        event.set(f"{target}[{index}]", result)
