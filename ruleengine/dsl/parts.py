"""The parts of a rule, gathered statement by statement."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from lark import Token, Tree

from ruleengine.dsl import text
from ruleengine.dsl.build import Builder
from ruleengine.dsl.cut import Statement
from ruleengine.dsl.over_time import seconds, steps, wanted
from ruleengine.ir import (
    Alert,
    Alias,
    And,
    Expr,
    InlineTest,
    Item,
    LogSource,
    Or,
    Param,
    Reference,
    Selection,
    Step,
    Window,
)
from ruleengine.problem import problem
from ruleengine.sigma.yaml import plain
from ruleengine.span import Span

LISTS = frozenset({"tags", "references", "falsepositives", "fields", "scope"})
"""Metadata that is a list even when it has one entry."""


@dataclass(slots=True)
class Parts:
    """What the statements of one rule said so far."""

    span: Span
    kind: str = "rule"
    name: str | None = None
    title: str = ""
    meta: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Span] = field(default_factory=dict)
    logs: LogSource | None = None
    lets: list[Selection] = field(default_factory=list)
    matches: list[Expr] = field(default_factory=list)
    rules: tuple[Reference, ...] = ()
    in_order: bool = False
    any_rule: bool = False
    window: Window | None = None
    aliases: tuple[Alias, ...] = ()
    having: Expr | None = None
    having_all: bool = False
    steps: tuple[Step, ...] = ()
    alert: Alert | None = None
    params: list[Param] = field(default_factory=list)
    tests: list[InlineTest] = field(default_factory=list)
    timeframe_s: int | None = None
    generate: bool = False

    def add(self, start: str, tree: Any, builder: Builder, statement: Statement) -> None:
        """Take in one statement; what may stand only once is reported the second time."""
        once = str(tree.children[0]) if start == "meta" else start
        if start not in ("let", "match", "param", "test", "use"):
            if once in self.places:
                line = self.places[once].place.line
                sentence = f"`{statement.word}` is here for the second time; the first is in line {line}"
                builder.report(problem("RE802", statement.word_span, sentence))
                return
            self.places[once] = statement.word_span
        READERS[start](self, tree, builder)


# --- statements ----------------------------------------------------------------------------------------------------


def _head(parts: Parts, tree: Any, builder: Builder) -> None:
    kind, name, title = tree.children
    parts.kind = str(kind)
    parts.name = text.name(str(name)) if name is not None else None
    parts.title = (
        builder.text(title.children[0]) if isinstance(title, Tree) and isinstance(title.children[0], Token) else ""
    )


def _meta(parts: Parts, tree: Any, builder: Builder) -> None:
    key = text.name(str(tree.children[0]))
    values = [datum(each, builder) for each in tree.children[1:]]
    if key in LISTS and len(values) == 1 and isinstance(values[0], list):
        values = values[0]  # the brackets of the list itself
    parts.meta[key] = values if key in LISTS or len(values) > 1 else values[0] if values else None


def datum(node: Any, builder: Builder) -> Any:
    """Return a piece of metadata: what is bare is read as YAML reads it."""
    inner = node.children[0]
    match inner.data:
        case "scalar":
            value = inner.children[0]
            return plain(str(value)) if isinstance(value, Token) else builder.text(value.children[0])
        case "sequence":
            return [datum(each, builder) for each in inner.children]
        case _:
            return _mapping(inner, builder)


def _mapping(tree: Any, builder: Builder) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for pair in tree.children:
        key = _key(pair.children[0], builder)
        if key in out:
            builder.report(problem("RE802", builder.span(pair.children[0]), f"`{key}` is here for the second time"))
        out[key] = datum(pair.children[1], builder)
    return out


def _key(node: Any, builder: Builder) -> str:
    return text.name(str(node)) if isinstance(node, Token) else builder.text(node.children[0])


def _logs(parts: Parts, tree: Any, builder: Builder) -> None:
    *sources, definition = tree.children
    values: dict[str, str] = {}
    custom: list[tuple[str, str]] = []
    for source in sources:
        if source.data == "pair_of":
            product, category = source.children
            values["product"] = str(product)
            if category is not None:
                values["category"] = str(category)
            continue
        key = str(source.children[0])[:-1]
        given = source.children[1]
        value = str(given) if isinstance(given, Token) else builder.text(given.children[0])
        if key in {"product", "category", "service"}:
            values[key] = value
        else:
            custom.append((key, value))
    if definition is not None:
        values["definition"] = builder.text(definition.children[0])
    parts.logs = LogSource(**values, custom=tuple(custom), span=builder.span(tree))


def _let(parts: Parts, tree: Any, builder: Builder) -> None:
    token, condition = tree.children
    name = text.name(str(token))
    if any(known.name == name for known in parts.lets):
        builder.report(problem("RE802", builder.span(token), f"the name `{name}` is defined for the second time"))
    parts.lets.append(Selection(name, as_selection(builder.expr(condition)), span=builder.span(token)))


def as_selection(expr: Expr) -> Expr:
    """Return a condition as Sigma has it in a selection: one leaf on a field is a map with one entry."""
    match expr:
        case Item(field, modifiers) if field is not None or modifiers:
            return And((expr,), span=expr.span)
        case Or(items):
            return Or(tuple(as_selection(item) for item in items), span=expr.span)
        case _:
            return expr


def _match(parts: Parts, tree: Any, builder: Builder) -> None:
    parts.matches.append(builder.expr(tree.children[0]))


def _rules(parts: Parts, tree: Any, builder: Builder) -> None:
    *named, order = tree.children
    parts.in_order = order is not None
    parts.any_rule = [str(name) for name in named] == ["any"]
    parts.rules = () if parts.any_rule else tuple(Reference(str(name), span=builder.span(name)) for name in named)


def _window(parts: Parts, tree: Any, builder: Builder) -> None:
    kind, length, *given = tree.children
    keys: list[str] = []
    aliases: list[Alias] = []
    for key in given:
        if not isinstance(key, Tree):
            continue
        name, *fields = key.children
        keys.append(text.name(str(name)))
        pairs = [each for each in fields if each is not None]
        if pairs:
            named = tuple((str(pair.children[0]), text.name(str(pair.children[1]))) for pair in pairs)
            aliases.append(Alias(keys[-1], named, span=builder.span(key)))
    either = any(isinstance(each, Token) and each == "or" for each in given)
    form: Any = str(kind)
    parts.window = Window(form, seconds(str(length)), tuple(keys), either, span=builder.span(tree))
    parts.aliases = tuple(aliases)


def _having(parts: Parts, tree: Any, builder: Builder) -> None:
    first = tree.children[0]
    if isinstance(first, Token):
        parts.having_all = True
    else:
        parts.having = wanted(first, builder)


def _sequence(parts: Parts, tree: Any, builder: Builder) -> None:
    parts.steps = steps(tree, builder)


def _alert(parts: Parts, tree: Any, builder: Builder) -> None:
    given = tree.children[0]
    off = isinstance(given, Token)
    told = None if off else builder.text(given.children[0])
    parts.alert = replace(parts.alert or Alert(), text=told, off=off)


def _suppress(parts: Parts, tree: Any, _: Builder) -> None:
    parts.alert = replace(parts.alert or Alert(), suppress_s=seconds(str(tree.children[0])))


def _every(parts: Parts, _tree: Any, _: Builder) -> None:
    parts.alert = replace(parts.alert or Alert(), every_event=True)


def _param(parts: Parts, tree: Any, builder: Builder) -> None:
    token, given = tree.children
    name = str(token)
    if any(known.name == name for known in parts.params):
        builder.report(problem("RE802", builder.span(token), f"the parameter `{name}` is here for the second time"))
    value: Any = str(given) == "true" if isinstance(given, Token) else builder.value(given, verbatim=True)[0]
    parts.params.append(Param(name, value, span=builder.span(token)))


def _test(parts: Parts, tree: Any, builder: Builder) -> None:
    named, *cases = tree.children
    out = []
    for case in cases:
        kind, event, because = case.children
        out.append((str(kind), _mapping(event, builder), text.name(str(because)) if because is not None else None))
    places = tuple(builder.span(case) for case in cases)
    parts.tests.append(
        InlineTest(builder.text(named.children[0]), tuple(out), span=builder.span(tree), case_spans=places)
    )


def _timeframe(parts: Parts, tree: Any, _: Builder) -> None:
    parts.timeframe_s = seconds(str(tree.children[0]))


def _generate(parts: Parts, _tree: Any, _: Builder) -> None:
    parts.generate = True


READERS = {
    "head": _head,
    "meta": _meta,
    "logs": _logs,
    "let": _let,
    "match": _match,
    "rules": _rules,
    "window": _window,
    "having": _having,
    "sequence": _sequence,
    "alert": _alert,
    "suppress": _suppress,
    "every": _every,
    "param": _param,
    "test": _test,
    "timeframe": _timeframe,
    "generate": _generate,
}
"""What takes in each kind of statement."""
