"""Conditions that are constant, and rules that are true of an event that has nothing."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.checks.implies import Proofs, Signed, bare
from ruleengine.checks.written import document
from ruleengine.ir import And, Expr, Leaf, Named, Not, Or, SameAs
from ruleengine.load import Loaded
from ruleengine.meaning import holds
from ruleengine.problem import Problem, problem
from ruleengine.span import Span
from ruleengine.walk import children, walk


def constant(loaded: Loaded) -> Iterator[Problem]:
    """Yield where `and` joins what excludes each other, and where `or` leaves nothing out."""
    if loaded.expr is None:
        return
    proofs = Proofs()
    pending: list[Expr] = [loaded.expr]
    while pending:
        node = pending.pop()
        found = _constant(loaded, node, proofs) if isinstance(node, And | Or) else None
        if found:
            yield found
        elif not isinstance(node, Leaf):
            pending.extend(reversed(children(node)))


def _constant(loaded: Loaded, node: And | Or, proofs: Proofs) -> Problem | None:
    """Return the problem of a node of which one part contradicts the rest (of an `or`: the negations do)."""
    flat = _flat(Signed(node, isinstance(node, And)))
    negative = [_negative(part) for part in flat]
    if all(negative) or not any(negative):
        return None  # what asks only for presence, or only for absence, can always be had
    for index, part in enumerate(flat):
        if negative[index] and proofs.follows(flat[:index] + flat[index + 1 :], part.negated):
            return _said(loaded, node, part)
    return None


def _said(loaded: Loaded, node: And | Or, part: Signed) -> Problem:
    where, holds_too = _where(loaded, node), _called(loaded, part.expr)
    if isinstance(node, Or):
        return problem("RE312", where, f"this is always true: where the rest does not hold, {holds_too}")
    return problem("RE311", where, f"this can never be true: where the rest holds, {holds_too}, and must not")


def _flat(signed: Signed) -> list[Signed]:
    """Return what must all hold for a conjunction to hold, down to leaves."""
    expr, true = signed
    match expr:
        case Not(item):
            return _flat(Signed(item, not true))
        case Named(_, And() as item) if true:
            return _flat(Signed(item))
        case And(items) if true:
            return [each for item in items for each in _flat(Signed(item))]
        case Or(items) if not true:
            return [each for item in items for each in _flat(Signed(item, False))]
        case _:
            return [signed]


def _negative(part: Signed) -> bool:
    """Say whether a part asks for an absence."""
    expr, true = bare(part)
    return not true or (isinstance(expr, Or) and any(_negative(Signed(item)) for item in expr.items))


def _called(loaded: Loaded, expr: Expr) -> str:
    """Return in the analyst's words that a part holds; of a part that wants an absence, that there is a presence."""
    match expr:
        case Not(item):
            return _called(loaded, item)
        case Named(name, span=span):
            filters = [given.title for given in loaded.rule.filters if _within(span, given.span)]
            return f"`{name}` of the filter `{filters[0]}` does" if filters else f"`{name}` does"
        case Leaf(item) if item.field:
            absent = item.values == (None,) or "exists" in item.modifiers
            return f"`{item.field}` has {'a value' if absent else 'such a value'}"
        case _:
            return f"`{expr.span.text}` does" if expr.span and len(expr.span.text) < 60 else "one part does"


def _within(inner: Span | None, outer: Span | None) -> bool:
    if inner is None or outer is None or inner.source is not outer.source:
        return False
    return outer.start <= inner.start < outer.end


def _where(loaded: Loaded, node: Expr) -> Span:
    """Return where to point: at the node, unless it was joined from a rule and a filter in another file."""
    span = node.span
    if span is not None and span != loaded.rule.span:
        return span
    root = document(loaded.rule)
    assert root is not None, "what is checked was read from a file"
    return root.key_span("detection")


# --- an event with nothing -----------------------------------------------------------------------------------------


def fires_on_nothing(loaded: Loaded) -> Iterator[Problem]:
    """Yield a rule that is true of an event with none of its fields."""
    if loaded.expr is None or not holds(loaded.expr, {}) or loaded.rule.span is None:
        return
    fields = list(dict.fromkeys(field for node in walk(loaded.expr) for field in _fields(node)))
    match [f"`{field}`" for field in fields]:
        case []:
            lacks = "its keywords"
        case [*some, last] if len(some) < 3:
            lacks = f"{', '.join(some)} and {last}" if some else last
        case every:
            lacks = f"all of its {len(every)} fields"
    sentence = f"the rule fires on every event of its log source that lacks {lacks}"
    root = document(loaded.rule)
    assert root is not None, "what is checked was read from a file"
    detection = root["detection"]
    where = detection.value_span("condition") if "condition" in detection else root.key_span("detection")
    yield problem("RE313", where, sentence, "add something that must be there")


def _fields(node: Expr) -> tuple[str, ...]:
    match node:
        case Leaf(item):
            return (item.field,) if item.field else ()
        case SameAs(_, other):
            return (other,)
        case _:
            return ()
