"""Writes a rule of the IR in the language: the inverse of parse, and the one style of the formatter."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from ruleengine.dsl import leaf, text, words
from ruleengine.dsl.hints import unknown_statement
from ruleengine.dsl.mask import masked
from ruleengine.dsl.over_time import duration, show_steps, show_wanted, show_window
from ruleengine.dsl.parts import LISTS
from ruleengine.dsl.rule import AGGREGATES, SIGNS
from ruleengine.ir import (
    Alert,
    And,
    Correlation,
    Expr,
    Filter,
    Item,
    LogSource,
    NamedRef,
    Not,
    Or,
    Quantified,
    Rule,
    Sequence,
    Single,
    Windowed,
)
from ruleengine.sigma.yaml import plain

INDENT = "  "
WIDTH = 100
BARE = re.compile(r"""(?![:=<>!/])[^\s,\[\]{}()"'#`][^\s,\[\]{}()"'`]*\Z""")
WORD = re.compile(r"[\w.*%+-]+\Z")
PATTERN = re.compile(r"them\Z|[\w.*-]*\*[\w.*-]*\Z")


def show(rule: Rule) -> str:
    """Return the text of a rule."""
    return "".join(line + "\n" for line in _lines(rule))


def _lines(rule: Rule) -> Iterator[str]:
    kind = "filter" if isinstance(rule.body, Filter) else "rule"
    name = f" {text.quoted_name(rule.name)}" if rule.name is not None else ""
    yield f"{kind}{name} {text.quoted(rule.title)}"
    own = {"id": rule.id, "status": rule.status, "level": rule.level, "tags": list(rule.tags) or None}
    for key, value in (*own.items(), *rule.meta):
        if value is not None or key not in own:
            yield from _meta(key, value)
    if logs := _logs(rule.logs):
        yield INDENT + logs
    for param in rule.params:
        value = text.quoted(param.value) if isinstance(param.value, str) else text.value(param.value)
        yield f"{INDENT}param {param.name} = {value}"
    match rule.body:
        case Single():
            yield from _single(rule.body)
        case Filter(rules, body, any_rule):
            yield f"{INDENT}rules {'any' if any_rule else ', '.join(reference.key for reference in rules)}"
            yield from _single(body)
        case Correlation():
            yield from _correlation(rule.body)
        case Windowed(body, window, having):
            yield from _single(body)
            yield INDENT + show_window(window)
            if having is not None:
                yield from _having(having)
        case Sequence(body, steps, window):
            yield from _single(body)
            yield from _sequence(show_steps(steps, condition))
            yield INDENT + show_window(window)
    yield from _alert(rule.alert)
    for test in rule.tests:
        yield f"{INDENT}test {text.quoted(test.name)}"
        for kind, event, because in test.cases:
            why = f" because {text.quoted_name(because)}" if because is not None else ""
            yield f"{INDENT * 2}{kind} {_datum(event)}{why}"


# --- metadata ------------------------------------------------------------------------------------------------------


def _meta(key: str, value: Any) -> Iterator[str]:
    head = f"{INDENT}{_meta_key(key)}"
    if isinstance(value, list) and key in LISTS and value and not (len(value) == 1 and isinstance(value[0], list)):
        entries = [_datum(entry) for entry in value]
        line = f"{head} {', '.join(entries)}".rstrip()
        if (len(line) <= WIDTH and key == "tags") or (len(entries) == 1 and len(line) <= WIDTH):
            yield line
        else:
            yield head
            yield from (f"{INDENT * 2}{entry}" for entry in entries)
    elif isinstance(value, str) and "\n" in value and _blockable(value):
        yield f"{head} " + text.as_block(value, INDENT * 2)
    else:
        yield f"{head} {_datum(value)}"


def _meta_key(key: str) -> str:
    """Return a key of metadata: in backticks when it could be taken for something else."""
    plainly = re.match(r"[A-Za-z_][\w-]*\Z", key) and key not in words.STATEMENTS
    known = (*words.STATEMENTS, *words.METADATA)
    kept = key in words.LATER_STATEMENTS
    fits = key in words.METADATA or key.startswith("x-") or not (kept or unknown_statement(key, known))
    return key if plainly and fits else text.quoted_name(key, always=True)


def _blockable(value: str) -> bool:
    """Say whether a text can be written as lines: it ends with one, and holds no odd characters."""
    return (
        value.endswith("\n")
        and all(character >= " " or character == "\n" for character in value)
        and "\x7f" not in value
    )


def _datum(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() | Decimal():
            return str(value)
        case dict():
            return "{" + ", ".join(f"{_key(key)}: {_datum(entry)}" for key, entry in value.items()) + "}"
        case list():
            return "[" + ", ".join(_datum(entry) for entry in value) + "]"
        case _:
            written = str(value)
            return written if _bare(written) else text.quoted(written)


def _bare(written: str) -> bool:
    """Say whether a text stands without quotes: it is one word, and nobody could take it for something else."""
    odd = words.CHARACTERS
    return bool(BARE.match(written)) and plain(written) == written and written[0] not in odd and written[-1] not in odd


def _key(key: str) -> str:
    return key if re.match(r"[A-Za-z_@][\w@-]*(\.[\w@-]+)*\Z", key) else text.quoted(key)


def _logs(logs: LogSource) -> str:
    parts = []
    if logs.product and WORD.match(logs.product) and (logs.category is None or WORD.match(logs.category)):
        parts.append(logs.product + (f"/{logs.category}" if logs.category is not None else ""))
        named = {"service": logs.service}
    else:
        named = {"product": logs.product, "category": logs.category, "service": logs.service}
    pairs = [*named.items(), *logs.custom]
    parts += [
        f"{key}:{value if WORD.match(value) else text.quoted(value)}" for key, value in pairs if value is not None
    ]
    if logs.definition is not None:
        parts.append(text.quoted(logs.definition))
    return f"logs {' '.join(parts)}" if parts else ""


# --- bodies --------------------------------------------------------------------------------------------------------


def _single(body: Single) -> Iterator[str]:
    if body.timeframe_s is not None:
        yield f"{INDENT}timeframe {duration(body.timeframe_s)}"
    for selection in body.selections:
        if selection.module is not None:
            continue
        head = f"{INDENT}let {text.quoted_name(selection.name)} = "
        yield from _wrapped(head, selection.item)
    for condition in body.conditions:
        yield from _wrapped(f"{INDENT}match ", condition)


def _having(having: Expr) -> Iterator[str]:
    """Yield a `having`, its parts on lines of their own when it is long."""
    line = f"{INDENT}having {show_wanted(having, condition)}"
    if len(line) <= WIDTH or not isinstance(having, And | Or):
        yield line
        return
    word = "and" if isinstance(having, And) else "or"
    for index, item in enumerate(having.items):
        shown = show_wanted(item, condition)
        shown = f"({shown})" if isinstance(item, And | Or) else shown
        yield f"{INDENT}having {shown}" if index == 0 else f"{INDENT * 2}{word} {shown}"


def _sequence(steps: list[str]) -> Iterator[str]:
    line = f"{INDENT}sequence {' then '.join(steps)}"
    if len(line) <= WIDTH:
        yield line
    else:
        yield f"{INDENT}sequence {steps[0]}"
        yield from (f"{INDENT * 2}then {step}" for step in steps[1:])


def _alert(alert: Alert | None) -> Iterator[str]:
    if alert is None:
        return
    if alert.off:
        yield f"{INDENT}alert off"
    elif alert.text is not None:
        yield f"{INDENT}alert {text.quoted(alert.text)}"
    if alert.suppress_s is not None:
        yield f"{INDENT}suppress {duration(alert.suppress_s)}"
    if alert.every_event:
        yield f"{INDENT}every event"


def _correlation(body: Correlation) -> Iterator[str]:
    order = " in order" if body.type == "temporal_ordered" else ""
    yield f"{INDENT}rules {', '.join(reference.key for reference in body.rules)}{order}"
    aliases = {alias.name: alias.fields for alias in body.aliases}
    keys = []
    for name in body.group_by:
        fields = ", ".join(f"{rule}: {text.quoted_name(field)}" for rule, field in aliases.get(name, ()))
        keys.append(text.quoted_name(name) + (f" = {{{fields}}}" if fields else ""))
    yield f"{INDENT}within {duration(body.timespan_s)}" + (f" by {', '.join(keys)}" if keys else "")
    aggregate = (
        next(name for name, kind in AGGREGATES.items() if kind == body.type)
        if body.type != "temporal_ordered"
        else "seen"
    )
    given = [text.quoted_name(name) for name in body.fields]
    if body.percentile is not None:
        given.append(str(body.percentile))
    signs = {name: sign for sign, name in SIGNS.items()}
    bounds = [f"{aggregate}({', '.join(given)}) {signs[bound.operator]} {bound.value}" for bound in body.bounds]
    if bounds:
        yield f"{INDENT}having {' and '.join(bounds)}"
    if body.generate:
        yield f"{INDENT}generate"


# --- conditions ----------------------------------------------------------------------------------------------------


def _wrapped(head: str, expr: Expr) -> Iterator[str]:
    """Yield a statement on one line, or with one part, and then one value, a line."""
    line = head + condition(expr)
    if len(line) <= WIDTH and "\n" not in line:
        yield line
        return
    deeper = INDENT * 2
    match expr:
        case And(items) | Or(items) if len(items) > 1:
            word = "and" if isinstance(expr, And) else "or"
            for index, item in enumerate(items):
                lead = head if index == 0 else f"{deeper}{word} "
                yield from _long(lead, _inner(item), item)
        case And((item,)):
            yield from _long(head, condition(item), item)
        case _:
            yield from _long(head, condition(expr), expr)


def _long(lead: str, written: str, expr: Expr) -> Iterator[str]:
    """Yield one part; a list that does not fit stands one value a line."""
    item = expr.items[0] if isinstance(expr, And) and len(expr.items) == 1 else expr
    if len(lead) + len(written) <= WIDTH or not isinstance(item, Item) or len(item.values) < 2 or "[" not in written:
        yield lead + written
        return
    mask = masked(written)  # a field in backticks may hold brackets
    opening, closing = mask.index("["), mask.rindex("]")
    yield lead + written[: opening + 1]
    for value in leaf.shown_values(item, written[opening + 1 : closing]):
        yield f"{INDENT * 3}{value},"
    yield INDENT * 2 + written[closing:]


def condition(expr: Expr) -> str:
    """Return a condition in one line."""
    match expr:
        case And((item,)) if isinstance(item, Item) and (item.field is not None or item.modifiers):
            return leaf.show(item)
        case And(items) if len(items) > 1:
            return " and ".join(_inner(item) for item in items)
        case Or(items) if len(items) > 1:
            return " or ".join(_inner(item) for item in items)
        case And((item,)):
            return f"all ({condition(item)})"
        case Or((item,)):
            return f"any ({condition(item)})"
        case Not(item):
            return f"not {_inner(item)}"
        case NamedRef(name):
            return text.quoted_name(name)
        case Quantified(quantifier, pattern):
            return f"{quantifier} of {pattern if PATTERN.match(pattern) else text.quoted_name(pattern)}"
        case Item():
            return leaf.show(expr)
        case _:
            raise TypeError(f"{type(expr).__name__} is not written by people")


def _inner(item: Expr) -> str:
    """Return a part of a condition, in brackets where they are needed to come back the same."""
    written = condition(item)
    several = isinstance(item, And | Or) and len(item.items) > 1
    return f"({written})" if several else written
