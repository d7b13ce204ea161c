"""From a rule as written to what it says: references resolved, modifiers spelled out into atoms."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice

from ruleengine.ir import (
    Aggregate,
    And,
    Arithmetic,
    Body,
    Correlation,
    Expr,
    Filter,
    FirstSeen,
    InList,
    Item,
    Leaf,
    LogSource,
    Measure,
    Named,
    NamedRef,
    Not,
    Number,
    Or,
    ParamRef,
    Quantified,
    Rule,
    Sequence,
    Single,
    Term,
    Value,
    Wild,
    Windowed,
)
from ruleengine.problem import Problem, Report, problem
from ruleengine.span import Place
from ruleengine.spell import Placeholders, spell
from ruleengine.strings import joined
from ruleengine.suggest import meant
from ruleengine.values import pattern_test
from ruleengine.walk import children, walk

RULE_LIMIT = 100_000
"""How many atoms one rule may spell out into."""


Entries = tuple[tuple[str, int | None], ...]
"""The entries of a list: texts, and the instants (in microseconds) at which they expire, if ever."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a rule's meaning depends on beside its text: values of placeholders and parameters, and lists."""

    placeholders: Placeholders = field(default_factory=dict)
    params: Callable[[Rule], Mapping[str, Value]] = lambda _rule: {}
    """What a project sets otherwise than the rule does, by the names of its parameters."""
    entries: Callable[[Rule, str], Entries | None] = lambda _rule, _name: None
    """The entries of a list that a rule names; None when there is no such list."""


@dataclass(slots=True)
class _Work:
    """The lowering of one rule: its surroundings, what is named in it, and how many atoms it may still become."""

    rule: Rule
    around: Surroundings
    report: Report
    params: Mapping[str, Value]
    left: int = RULE_LIMIT
    references: int = 0
    hints: int = 20
    """So many slips are compared with every name; a condition of thousands of unknown names must not take minutes."""


# --- rules ---------------------------------------------------------------------------------------------------------


def lower(rule: Rule, report: Report, around: Surroundings | None = None) -> Expr | None:
    """Return what a rule about one event says, its filters and-ed in; None after reporting why it cannot be said.

    Rules over time have no truth for one event: None, and only what cannot be said is reported. An unresolved
    placeholder is reported as RE212.
    """
    around = around or Surroundings()
    found: list[Problem] = []
    given = {param.name: param.value for param in rule.params}
    work = _Work(rule, around, found.append, {**given, **around.params(rule)})
    expr = _lowered(rule, work)
    if not found and expr is not None and _too_large(expr, work):
        where = rule.span or Place(rule.title)
        found.append(problem("RE208", where, f"the rule spells out into more than {RULE_LIMIT:,} values"))
    for each in found:
        report(each)
    return None if found or not isinstance(rule.body, Single) else expr


def _too_large(expr: Expr, work: _Work) -> bool:
    """Say whether a rule has become more atoms than it may; a selection counts wherever it is named."""
    spelled = RULE_LIMIT - work.left
    if spelled * max(1, work.references) <= RULE_LIMIT:
        return False
    atoms = (node for node in walk(expr) if not children(node))
    return work.left < 0 or sum(1 for _ in islice(atoms, RULE_LIMIT + 1)) > RULE_LIMIT


def _lowered(rule: Rule, work: _Work) -> Expr | None:
    match rule.body:
        case Single() as body:
            pass
        case Windowed(body) | Sequence(body):
            _known_params(rule.body, work)
        case _:
            return None
    expr = _body(body, work, conditions_of(rule.body))
    filters = [
        _body(each.body.body, work, each.body.body.conditions) for each in rule.filters if isinstance(each.body, Filter)
    ]
    return And((expr, *filters), span=rule.span) if filters else expr


def conditions_of(body: Body) -> tuple[Expr, ...]:
    """Return every condition over one event that a rule states, those inside figures and steps too."""
    match body:
        case Single(_, conditions):
            return conditions
        case Filter(_, inner):
            return inner.conditions
        case Windowed(inner, _, having):
            return (*inner.conditions, *_said(having))
        case Sequence(inner, steps):
            said = (part for step in steps for part in (step.what, *_said(step.having)))
            return (*inner.conditions, *said)
        case Correlation():
            return ()


def havings_of(body: Body) -> Iterator[Expr]:
    """Yield the parts of what a rule over time asks of its figures: comparisons and whether a value is new."""
    havings: tuple[Expr | None, ...] = ()
    match body:
        case Windowed(_, _, having):
            havings = (having,)
        case Sequence(_, steps):
            havings = tuple(step.having for step in steps)
    for having in havings:
        if having is not None:
            yield from walk(having)


def terms_of(body: Body) -> Iterator[Number | Aggregate]:
    """Yield the numbers and figures that a rule over time compares."""
    pending: list[Term] = []
    for node in havings_of(body):
        if isinstance(node, Measure):
            pending = [node.right, node.left]
        while pending:
            term = pending.pop()
            if isinstance(term, Arithmetic):
                pending += [term.right, term.left]
            else:
                yield term


def _known_params(body: Body, work: _Work) -> None:
    for term in terms_of(body):
        name = term.value if isinstance(term, Number) else None
        if isinstance(name, ParamRef) and str(name) not in work.params:
            hint = meant(str(name), work.params) or f"declare it with `param {name} = 10`"
            where = term.span or Place("")
            work.report(problem("RE812", where, f"there is no parameter `{name}`", hint))


def _said(having: Expr | None) -> Iterator[Expr]:
    """Yield the conditions over one event that stand in a `having`."""
    match having:
        case And(items) | Or(items):
            for item in items:
                yield from _said(item)
        case Not(item):
            yield from _said(item)
        case Measure(left, _, right):
            yield from _asked(left)
            yield from _asked(right)
        case None | FirstSeen():
            return
        case _:
            yield having


def _asked(term: Term) -> Iterator[Expr]:
    match term:
        case Arithmetic(_, left, right):
            yield from _asked(left)
            yield from _asked(right)
        case Aggregate(_, _, where) if where is not None:
            yield where
        case _:
            return


def _body(body: Single, work: _Work, conditions: tuple[Expr, ...]) -> Expr:
    named: dict[str, Named] = {}
    for selection in body.selections:
        # A `let` may name those above it; Sigma's selections hold no names.
        spelled = _resolved(selection.item, named, work)
        named[selection.name] = Named(selection.name, spelled, span=selection.span)
    resolved = tuple(_resolved(condition, named, work) for condition in conditions)
    return resolved[0] if len(resolved) == 1 else Or(resolved, span=work.rule.span)


def _resolved(condition: Expr, named: Mapping[str, Named], work: _Work) -> Expr:
    """Replace the names in a condition by what they name, and its items by what they say."""
    where = condition.span or Place("")
    match condition:
        case And(items) | Or(items):
            return replace(condition, items=tuple(_resolved(item, named, work) for item in items))
        case Not(item):
            return replace(condition, item=_resolved(item, named, work))
        case Item():
            return Leaf(condition, _spelled(condition, work), span=condition.span)
        case NamedRef(name):
            if name in named:
                work.references += 1
                return named[name]
            work.hints -= 1
            hint = meant(name, named) if work.hints >= 0 else ""
            work.report(problem("RE302", where, f"there is no selection `{name}`", hint))
            return condition
        case Quantified(quantifier, given):
            chosen = tuple(named[name] for name in selected(given, tuple(named)))
            work.references += len(chosen)
            if not chosen:
                sentence = (
                    "there is no selection for `them`" if given == "them" else f"no selection is called `{given}`"
                )
                work.report(problem("RE303", where, sentence))
            return And(chosen, span=condition.span) if quantifier == "all" else Or(chosen, span=condition.span)
        case _:
            raise TypeError(f"{type(condition).__name__} does not stand in a condition")


def _spelled(item: Item, work: _Work) -> Expr:
    """Return what an item says, its parameters put in."""
    if any(isinstance(value, ParamRef) for value in item.values):
        item = replace(item, values=tuple(_param(item, index, work) for index in range(len(item.values))))
    if "list" in item.modifiers:
        return _in_list(item, work)
    test = spell(item, work.report, work.around.placeholders, limit=work.left)
    work.left -= _size(test)
    return test


def _size(test: Expr) -> int:
    """Return how many atoms an item became: one for each value, or several for a value that was spelled out."""
    match test:
        case Not(item):
            return _size(item)
        case And(items) | Or(items):
            return sum(len(item.items) if isinstance(item, Or) else 1 for item in items)
        case _:
            return 1


def _param(item: Item, index: int, work: _Work) -> Value:
    value = item.values[index]
    if not isinstance(value, ParamRef):
        return value
    if str(value) in work.params:
        return work.params[str(value)]
    where = item.value_spans[index] if item.value_spans else item.span or Place("")
    hint = meant(str(value), work.params) or f"put quotes around it if the text is meant: '{value}'"
    work.report(problem("RE812", where, f"there is no parameter `{value}`", hint))
    return str(value)


def _in_list(item: Item, work: _Work) -> Expr:
    name = str(item.values[0])
    entries = work.around.entries(work.rule, name)
    if entries is None:
        where = item.value_spans[0] if item.value_spans else item.span or Place("")
        hint = f"put it into `lists/{name}.txt`, one value a line"
        work.report(problem("RE814", where, f"there is no list `{name}`", hint))
    test = InList(item.field or "", name, entries or ())
    return Not(test) if "neq" in item.modifiers else test


def selected(given: str, names: tuple[str, ...]) -> list[str]:
    """Return the names that a pattern of a condition selects; `them` is every name that does not begin with `_`."""
    if given == "them":
        return [name for name in names if not name.startswith("_")]
    pieces = [piece for part in given.split("*") for piece in (Wild.MANY, part)][1:]
    fits = pattern_test(joined(pieces), cased=True)
    return [name for name in names if fits(name)]


# --- identity ------------------------------------------------------------------------------------------------------


def digest(expr: Expr, logs: LogSource, *more: str) -> str:
    """Return the identity of a meaning: the same for rules that differ in names, order, formatting or comments only.

    `more` is what else the meaning depends on: the pipeline, for example.
    """
    source = [logs.category, logs.product, logs.service, *sorted(map(str, logs.custom))]
    return hashlib.sha256(
        "\0".join([_canonical(expr), repr(source), *more]).encode("utf-8", "surrogatepass")
    ).hexdigest()


def _canonical(expr: Expr) -> str:
    match expr:
        case Leaf(_, inner) | Named(_, inner):
            return _canonical(inner)
        case And(items) | Or(items):
            kind = type(expr)
            parts = sorted({part for item in items for part in _flat(item, kind)})
            return parts[0] if len(parts) == 1 else f"{kind.__name__}({','.join(parts)})"
        case Not(item):
            return f"Not({_canonical(item)})"
        case _:
            return repr(expr)


def _flat(expr: Expr, kind: type[And | Or]) -> Iterator[str]:
    """Yield the canonical parts of a node inside another of the same kind."""
    match expr:
        case Leaf(_, inner) | Named(_, inner) | And((inner,)) | Or((inner,)):
            yield from _flat(inner, kind)
            return
    if isinstance(expr, kind):
        for item in expr.items:
            yield from _flat(item, kind)
    else:
        yield _canonical(expr)
