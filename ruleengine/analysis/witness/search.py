"""The search for an event of which an expression is true.

What must hold is taken apart down to atoms, which are gathered by field; each field gets a value. Where there is a
choice, nothing is decided as long as the event made so far happens to satisfy it: most filters never ask for one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, count
from typing import NamedTuple

from ruleengine.analysis.witness.called import held
from ruleengine.analysis.witness.effort import Effort
from ruleengine.analysis.witness.fields import Value, fits, value_of
from ruleengine.ir import (
    And,
    Atom,
    Equals,
    Exists,
    Expr,
    FirstSeen,
    Item,
    Leaf,
    Like,
    Measure,
    Named,
    NamedRef,
    Not,
    Or,
    Quantified,
    SameAs,
    Wild,
)
from ruleengine.meaning import Seen, holds
from ruleengine.values import Event, text
from ruleengine.walk import children, walk

KEYWORD_HOSTS = ("Message", "message", "raw", "keywords")
"""Where a value goes that only has to be somewhere in the event; the first that the rule does not name."""

DEPTH = 2_000
"""How many decisions may stand on each other."""


class Goal(NamedTuple):
    """An expression and the truth value it is to have."""

    expr: Expr
    wanted: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a field: atoms that must hold, atoms that must not, and a value; None is absence."""

    musts: tuple[Atom, ...] = ()
    nots: tuple[Atom, ...] = ()
    value: Value | None = None


class State(NamedTuple):
    """How far the search is: the fields, the choices that must hold at the end, and the event made so far."""

    fields: dict[str | None, Known]
    choices: tuple[Goal, ...]
    event: Event
    agreed: dict[int, bool]
    """The truth that nodes of the rule must have, by identity: asked for both, a branch is given up at once."""


def find(expr: Expr, effort: Effort) -> Event | None:
    """Return an event of which a lowered expression is true; None after telling `effort` what stood in the way."""
    host, size = _surveyed(expr)
    state = _extended(State({}, (), {}, {}), (Goal(expr, True),), host, effort)
    pending: list[tuple[State, Iterator[tuple[Goal, ...]]]] = []
    while True:
        if state is not None:
            if not effort.spend(1 + size // 8):
                return None
            unmet = [goal for goal in state.choices if not _met(goal, state.event)]
            if not unmet and holds(expr, state.event):
                return state.event
            if unmet and len(pending) < DEPTH:
                goal = min(unmet, key=_breadth)
                pending.append((_decided(state, goal), iter(_options(goal, state, effort))))
            else:
                effort.give_up("the search went too deep")
        state = None
        while pending and state is None:
            base, options_left = pending[-1]
            option = next(options_left, None)
            if option is None:
                pending.pop()
            else:
                state = _extended(base, option, host, effort)
                if effort.steps < 0:
                    return None
        if state is None:
            return None


def _surveyed(expr: Expr) -> tuple[str, int]:
    """Return a field that an expression does not name, for keywords, and how many nodes it has."""
    named: set[str | None] = set()
    size = 0
    for node in walk(expr):
        size += 1
        match node:
            case And() | Or() | Not() | Named() | Leaf() | Item() | NamedRef() | Quantified() | Measure() | FirstSeen():
                pass
            case SameAs(field, other):
                named |= {held(field), held(other)}
            case _:
                named.add(node.field and held(node.field))
    spare = (f"any_{number}" for number in count(1))
    return next(name for name in chain(KEYWORD_HOSTS, spare) if name not in named), size


def _breadth(goal: Goal) -> int:
    return len(goal.expr.items) if isinstance(goal.expr, And | Or) else 3


def _met(goal: Goal, event: Event) -> bool:
    return holds(goal.expr, event) is goal.wanted


def _decided(state: State, goal: Goal) -> State:
    """Return the state without a choice that is about to be made; links stay, as no single step settles them."""
    if isinstance(goal.expr, SameAs):
        return state
    return state._replace(choices=tuple(each for each in state.choices if each is not goal))


def _extended(state: State, goals: Iterable[Goal], host: str, effort: Effort) -> State | None:
    """Return the state in which some goals are met as well, or None if they cannot be."""
    musts: dict[str | None, list[Atom]] = {}
    nots: dict[str | None, list[Atom]] = {}
    choices: list[Goal] = []
    agreed = dict(state.agreed)
    pending = list(goals)[::-1]
    while pending:
        expr, wanted = pending.pop()
        if children(expr) and agreed.setdefault(id(expr), wanted) is not wanted:
            effort.contradict("one part of the condition would have to be both true and false")
            return None
        match expr:
            case And(items) | Or(items):
                if isinstance(expr, And) is wanted or len(items) == 1:
                    pending.extend(Goal(item, wanted) for item in reversed(items))
                elif items:
                    choices.append(Goal(expr, wanted))
                else:
                    effort.contradict("the condition can never be true")
                    return None
            case Not(item):
                pending.append(Goal(item, not wanted))
            case Named(_, item) | Leaf(_, item):
                pending.append(Goal(item, wanted))
            case SameAs(field, other):
                choices.append(Goal(expr, wanted))
                if wanted:
                    musts.setdefault(held(field), []).append(Exists(field))
                    musts.setdefault(held(other), []).append(Exists(other))
            case Item() | NamedRef() | Quantified() | Measure() | FirstSeen():
                raise TypeError("lower the rule first: an expression as written has no events")
            case _:
                (musts if wanted else nots).setdefault(expr.field and held(expr.field), []).append(expr)
    return _with_values(state._replace(agreed=agreed), musts, nots, tuple(choices), host, effort)


def _with_values(
    state: State,
    musts: dict[str | None, list[Atom]],
    nots: dict[str | None, list[Atom]],
    choices: tuple[Goal, ...],
    host: str,
    effort: Effort,
) -> State | None:
    """Give every field that learned something a value that still fits."""
    fields = dict(state.fields)
    for field in dict.fromkeys((*musts, *nots)):
        known = fields.get(field, Known())
        more = [atom for atom in musts.get(field, ()) if atom not in known.musts[:50]]
        fields[field] = replace(known, musts=(*known.musts, *more), nots=(*known.nots, *nots.get(field, ())))
    nowhere = fields[None].nots if None in fields else ()
    touched = tuple(fields) if None in nots else tuple(dict.fromkeys((*musts, *nots)))
    for field in touched:
        known = fields[field]
        if not known.musts:
            continue
        value = _kept(field or host, known, nowhere, effort)
        if value is None:
            value = value_of(
                field or host, known.musts, known.nots if field is None else (*known.nots, *nowhere), effort
            )
        if value is None:
            return None
        fields[field] = replace(known, value=value)
    event = {field or host: known.value for field, known in fields.items() if known.value is not None}
    return State(fields, (*state.choices, *choices), event, state.agreed)


def _kept(field: str, known: Known, nowhere: tuple[Atom, ...], effort: Effort) -> Value | None:
    """Return the value a field had if it still fits."""
    if known.value is None or not effort.spend(1 + len(known.musts) + len(known.nots) // 4):
        return None
    return known.value if fits(field, known.value, known.musts, (*known.nots, *nowhere)) else None


# --- choices -------------------------------------------------------------------------------------------------------


def _options(goal: Goal, state: State, effort: Effort) -> list[tuple[Goal, ...]]:
    """Return the ways to meet a goal that the event does not meet: each is a list of goals."""
    match goal.expr:
        case And(items) | Or(items):
            turn = effort.seed % len(items) if goal.wanted else 0
            return [(Goal(item, goal.wanted),) for item in (*items[turn:], *items[:turn])]
        case SameAs():
            effort.give_up(f"no values for `{goal.expr.field}` and `{goal.expr.other}` were found together")
            return _linked(goal.expr, state) if goal.wanted else _unlinked(goal.expr, state)
        case _:
            raise AssertionError("only these are left open")


def _linked(atom: SameAs, state: State) -> list[tuple[Goal, ...]]:
    """Return ways to make one field's text part of another's: by either's value, by what both must be, or empty."""
    left, right = _texts(atom.field, state), _texts(atom.other, state)
    options: list[tuple[Goal, ...]] = [(Goal(_about(atom, atom.field, given), True),) for given in right]
    options += [(Goal(Equals(atom.other, given, atom.cased), True),) for given in left]
    both = [(atom.other, known) for known in _atoms(atom.field, state)] + [
        (atom.field, known) for known in _atoms(atom.other, state)
    ]
    shared = tuple(
        Goal(replace(known, field=field), True) for field, known in both if not isinstance(known, SameAs | Exists)
    )
    if shared and not all(goal.expr in _atoms(field, state) for goal, (field, _) in zip(shared, both, strict=False)):
        options.append(shared)
    if atom.how != "equals":
        options.append((Goal(Equals(atom.other, ""), True),))
    return options


def _unlinked(atom: SameAs, state: State) -> list[tuple[Goal, ...]]:
    left, right = _texts(atom.field, state), _texts(atom.other, state)
    apart: list[tuple[Goal, ...]] = [(Goal(_about(atom, atom.field, given), False),) for given in right]
    return apart + [(Goal(Equals(atom.other, given, atom.cased), False),) for given in left]


def _about(atom: SameAs, field: str, given: str) -> Atom:
    """Return what a link says of its left side when the right side's text is known."""
    literal = (given,) if given else ()
    match atom.how:
        case "startswith":
            return Like(field, (*literal, Wild.MANY), atom.cased)
        case "endswith":
            return Like(field, (Wild.MANY, *literal), atom.cased)
        case "contains":
            return Like(field, (Wild.MANY, *literal, Wild.MANY) if literal else (Wild.MANY,), atom.cased)
        case _:
            return Equals(field, given, atom.cased)


def _texts(field: str, state: State) -> tuple[str, ...]:
    return tuple(text(value) for value in Seen(state.event).values(field))


def _atoms(field: str, state: State) -> tuple[Atom, ...]:
    """Return what must hold of a field, or of what a function makes of it."""
    return tuple(atom for atom in state.fields.get(held(field), Known()).musts if atom.field == field)
