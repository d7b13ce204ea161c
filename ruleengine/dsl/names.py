"""Names in a rule of the language that nothing has: told for all statements at once, even when some are broken."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from ruleengine.dsl import text, words
from ruleengine.dsl.cut import Statement
from ruleengine.dsl.parts import Parts
from ruleengine.ir import (
    Aggregate,
    And,
    Arithmetic,
    Expr,
    Item,
    Measure,
    NamedRef,
    Not,
    Number,
    Or,
    ParamRef,
    Quantified,
    Term,
)
from ruleengine.lower import selected
from ruleengine.problem import Problem, problem
from ruleengine.span import Span
from ruleengine.suggest import meant
from ruleengine.walk import walk

NAME = r"([A-Za-z_@][\w@.-]*|`(?:``|[^`\n])*`)"
DEFINES = re.compile(rf"^[ \t]*(?:(let|param):?\s+{NAME}|\w+\s+{NAME}\s*=(?!=))", re.M)
"""A definition, even one in a statement that could not be read: `lett x = …`, or a `let` indented too deep."""

LIMIT = 20
"""So many slips are compared with every name: thousands must not take minutes."""


def unknown(parts: Parts, below: list[Statement]) -> Iterator[Problem]:
    """Yield each name of a condition that no `let` above has, and each parameter that no `param` has.

    A `let` or `param` that could not be read counts: its name is not wrong.
    """
    if parts.kind == "rule" and (parts.rules or parts.any_rule):
        return  # its names are those of other rules
    lets = {let.name: -1 for let in parts.lets if let.module is not None}
    params = {param.name for param in parts.params}
    for each in below:
        for found in DEFINES.finditer(each.span.text):
            if found[1] != "param":
                lets.setdefault(text.name(found[2] or found[3]), each.span.start + found.start())
            if found[1] != "let":
                params.add(found[2] or found[3])
    told = 0
    for use, before in _uses(parts):
        if use.span is None or (isinstance(use, NamedRef) and lets.get(use.name, before) < before):
            continue
        if isinstance(use, Number) and str(use.value) in params:
            continue
        told += 1
        yield _reference(use, use.span, lets, told) if isinstance(use, NamedRef) else _figure(use, use.span, params)
    for condition in _conditions(parts):
        yield from _quantified(condition, tuple(lets))
    for item in (node for expr in _conditions(parts) for node in walk(expr) if isinstance(node, Item)):
        for value, where in zip(item.values, item.value_spans, strict=False):
            if isinstance(value, ParamRef) and str(value) not in params:
                told += 1
                yield _value(str(value), where, params if told <= LIMIT else (), lets)


def _reference(use: NamedRef, where: Span, lets: dict[str, int], told: int) -> Problem:
    if use.name in lets:
        sentence = f"`{use.name}` is defined further down, and a `let` knows only those above it"
        return problem("RE302", where, sentence, "move its `let` up")
    hint = meant(use.name, lets) if told <= LIMIT else ""
    return problem("RE302", where, f"no `let` is called `{use.name}`", hint)


def _figure(use: Number, where: Span, params: Collection[str]) -> Problem:
    name = str(use.value)
    if name == "count":
        return problem("RE805", where, "`count` has brackets, as every aggregate", "write `count()`")
    if name in words.AGGREGATES:
        return problem("RE805", where, f"`{name}` needs a field in brackets", f"for example `{name}(user.id)`")
    return problem("RE812", where, f"there is no parameter `{name}`", meant(name, params))


def _quantified(expr: Expr, names: tuple[str, ...]) -> Iterator[Problem]:
    for node in walk(expr):
        if isinstance(node, Quantified) and node.span is not None and not selected(node.pattern, names):
            told = "there is no `let` for `them`" if node.pattern == "them" else f"no `let` is called `{node.pattern}`"
            yield problem("RE303", node.span, told)


def _value(name: str, where: Span, params: Collection[str], lets: Collection[str]) -> Problem:
    known = {"none": "null", "nil": "null", "null": "null", "true": "true", "false": "false"}.get(name.lower())
    if known:
        return problem("RE820", where, f"`{name}` is `{known}` in this language", f"write `{known}`")
    if name in lets:
        return problem("RE812", where, f"`{name}` names a condition here, not a value", "a value is named by `param`")
    hint = meant(name, params) or f"write `'{name}'`"
    if hint.startswith("write"):
        return problem("RE812", where, f"`{name}` needs quotes, as every text that is no `param`", hint)
    return problem("RE812", where, f"there is no parameter `{name}`", hint)


END = 1 << 60
"""Beyond every `let`."""


def _uses(parts: Parts) -> Iterator[tuple[NamedRef | Number, int]]:
    """Yield each use of a name, and the offset that its `let` must stand before."""
    for let in parts.lets:
        if let.module is None and let.span is not None:
            yield from ((use, let.span.start) for use in _in(let.item))
    for condition in (*parts.matches, *_of_steps(parts)):
        yield from ((use, END) for use in _in(condition))


def _of_steps(parts: Parts) -> Iterator[Expr]:
    given = [*(part for step in parts.steps for part in (step.what, step.having)), parts.having]
    return (each for each in given if each is not None)


def _conditions(parts: Parts) -> Iterator[Expr]:
    """Yield every condition of a rule."""
    yield from (let.item for let in parts.lets if let.module is None)
    yield from parts.matches
    yield from _of_steps(parts)


def _in(expr: Expr) -> Iterator[NamedRef | Number]:
    match expr:
        case And(items) | Or(items):
            for item in items:
                yield from _in(item)
        case Not(item):
            yield from _in(item)
        case NamedRef():
            yield expr
        case Measure(left, _, right):
            yield from _in_term(left)
            yield from _in_term(right)
        case _:
            return


def _in_term(term: Term) -> Iterator[NamedRef | Number]:
    match term:
        case Number(ParamRef()):
            yield term
        case Arithmetic(_, left, right):
            yield from _in_term(left)
            yield from _in_term(right)
        case Aggregate(_, _, where) if where is not None:
            yield from _in(where)
        case _:
            return
