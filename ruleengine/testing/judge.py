"""Judges a test: whether the rule says of its events what the test expects, and for the reason it expects."""

from __future__ import annotations

from collections.abc import Iterator

from ruleengine.analysis.explain import written
from ruleengine.analysis.flip import Pivots, hindrances, pivots
from ruleengine.ir import Expr, Leaf, Named
from ruleengine.meaning import holds
from ruleengine.problem import Problem, problem
from ruleengine.schema.logsources import conflict, event_source
from ruleengine.suggest import meant
from ruleengine.testing.model import Case, Given, Subject
from ruleengine.values import Event
from ruleengine.walk import leaves, walk

Verdict = tuple[Problem, Given] | None
"""What is wrong, and the event that shows it; None when nothing is."""

NAMED = 4
"""How many leaves a sentence names before the rest is counted."""


def matches(subject: Subject, event: Event) -> bool:
    """Say whether the rule is asked about an event, and matches it: as the engine says that runs over streams."""
    return bool(subject.engine.found(event))


def not_asked(subject: Subject, event: Event) -> str:
    """Return why a rule is never asked about an event: their log sources conflict. Empty when it is asked."""
    return conflict(subject.rule.logs, event_source(event)) or ""


def judge_match(case: Case, subject: Subject) -> Verdict:
    """Every event must match."""
    for given in case.events:
        if why := not_asked(subject, given.event):
            sentence = f"expected match, but the rule is not asked about the event: {why}"
            return problem("RE509", case.place, sentence), given
        if not matches(subject, given.event):
            return problem("RE506", case.place, "expected match, got no match"), given
    return None


def judge_todo(case: Case, subject: Subject) -> Verdict:
    """No event may match yet: a test that turns green is to become an ordinary one."""
    for given in case.events:
        if matches(subject, given.event):
            hint = "write `match` instead of `todo_match`"
            return problem("RE510", case.place, "the rule matches now what it was still to learn", hint), given
    return None


def judge_no_match(case: Case, subject: Subject) -> Verdict:
    """No event may match; what stopped each must be the branch named, or one leaf alone."""
    branches = branches_of(subject, case.because) if case.because else ()
    for given in case.events:
        if why := not_asked(subject, given.event):
            sentence = f"vacuous: the rule is not asked about the event at all: {why}"
            return problem("RE507", case.place, sentence), given
        found = pivots(subject.expr, given.event)
        if found.holds or matches(subject, given.event):
            return problem("RE506", case.place, "expected no match, got match"), given
        if case.because and not any(branch in found for branch in branches):
            return problem("RE508", case.place, _other_reason(case.because, branches, subject, given, found)), given
        if not case.because and not any(leaf in found for leaf in leaves(subject.expr)):
            return problem("RE507", case.place, _vacuous(subject.expr, given.event)), given
    return None


# --- branches ------------------------------------------------------------------------------------------------------


def selections(expr: Expr) -> Iterator[Named]:
    """Yield each selection that the condition of a rule uses, once."""
    found = {id(node): node for node in walk(expr) if isinstance(node, Named)}
    yield from found.values()


def branches_of(subject: Subject, name: str) -> tuple[Expr, ...]:
    """Return what a name means: selections of the rule or of its filters."""
    return tuple(node for node in selections(subject.expr) if node.name == name)


def unknown_branch(case: Case, subject: Subject) -> Problem | None:
    """Return the problem of a `because` that names no selection which the condition uses."""
    if not case.because or branches_of(subject, case.because):
        return None
    names = [node.name for node in selections(subject.expr)]
    sentence = f"the condition of the rule uses no selection `{case.because}`"
    hint = meant(case.because, names) or f"it uses {', '.join(names[:6])}"
    return problem("RE511", case.because_place, sentence, hint)


def _other_reason(name: str, branches: tuple[Expr, ...], subject: Subject, given: Given, found: Pivots) -> str:
    """Return the sentence for an event that something else stopped."""
    stopping = [node.name for node in selections(subject.expr) if node in found]
    true = [branch for branch in branches if holds(branch, given.event)]
    lead = f"no match, but not because of `{name}`, which is {'true' if true else 'false'} for the event"
    if stopping:
        return f"{lead}: `{stopping[0]}` is what stopped it"
    return f"{lead}: {_standing(hindrances(subject.expr, given.event))}"


def _vacuous(expr: Expr, event: Event) -> str:
    """Return the sentence for an event that is nowhere near a match."""
    return f"vacuous: more than one thing stands between this event and a match: {_standing(hindrances(expr, event))}"


def _standing(standing: tuple[Leaf, ...]) -> str:
    """Return the leaves that would have to change, in words."""
    if not standing:
        return "nothing in the event could make the rule match"
    shown = "; ".join(f"`{written(leaf.item)}`{_line(leaf)}" for leaf in standing[:NAMED])
    more = f"; and {len(standing) - NAMED} more" if len(standing) > NAMED else ""
    return f"{shown}{more} would have to turn"


def _line(leaf: Leaf) -> str:
    return f" (line {leaf.span.place.line})" if leaf.span else ""
