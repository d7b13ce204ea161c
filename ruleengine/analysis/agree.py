"""Whether a query means what its rule means: both are asked about the same events, and every difference is kept.

An oracle is an interpreter of the target's language, written from the vendor's manuals and not from our compiler. What
is exact must agree on every event that keeps the ingest contract; what is bounded, within its bounds; what is wider may
only find more, what is narrower only less. An oracle that cannot read a query is a difference, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, Literal, Protocol

from ruleengine.analysis.witness import NotFound, near_misses, positives, stopped_by
from ruleengine.ir import Call, Expr, SameAs
from ruleengine.meaning import Seen, holds
from ruleengine.target import BOUNDS, Compiled, Contract, Limit, Ready, parted
from ruleengine.times import event_us
from ruleengine.values import Event
from ruleengine.walk import children, walk


class Oracle(Protocol):
    """An interpreter of a target's language."""

    refusals: tuple[type[Exception], ...]
    """What it raises when it does not know a query, or when no manual decides what comes of it."""

    def parse(self, query: str, /) -> Any:
        """Return the query ready to be asked; a refusal when it cannot be read."""

    def matches(self, query: Any, event: Event, us: int, /) -> bool:
        """Say whether an event of this time (microseconds since 1970) comes out of a query; a refusal if undecided."""
        ...


NOW_US = 1_767_225_600_000_000
"""When events arrive that say no time of their own: 2026-01-01, for the same answer every day."""


@dataclass(frozen=True, slots=True)
class Difference:
    """An event about which rule and query differ, or (no event) why the query cannot be asked."""

    kind: Literal["differs", "undecided", "unreadable"]
    event: Event | None
    expected: bool | None
    message: str


@dataclass(slots=True)
class Agreement:
    """What came of asking: events within contract and bounds, those outside, and what differed."""

    asked: int = 0
    outside: int = 0
    differences: list[Difference] = field(default_factory=list)
    shown: tuple[Limit, Event] | None = None
    """An event outside a bound on which rule and query do differ, to show that the bound is needed."""


def agreement(
    given: Ready, made: Compiled, contract: Contract | None, oracle: Oracle, events: Iterable[Event]
) -> Agreement:
    """Return whether a query and its rule agree on some events."""
    found = Agreement()
    try:
        query = oracle.parse(made.text)
    except oracle.refusals as error:
        found.differences.append(Difference("unreadable", None, None, _said(error)))
        return found
    _, said = parted(given.expr)
    fields = fields_of(said)
    bounded = [limit for limit in made.limits if limit.kind == "bounded"]
    for event in events:
        if contract is not None and not contract.fits(event, fields, given.arrays):
            found.outside += 1
            continue
        broken = [limit for limit in bounded if not BOUNDS[limit.bound].holds(event, limit.field)]
        if broken:
            found.outside += 1
            if found.shown is None and len(broken) == 1 and _differs(said, made, oracle, query, event) is not None:
                found.shown = (broken[0], event)
            continue
        found.asked += 1
        difference = _differs(said, made, oracle, query, event)
        if difference is not None:
            found.differences.append(difference)
    return found


def _differs(expr: Expr, made: Compiled, oracle: Oracle, query: Any, event: Event) -> Difference | None:
    true = holds(expr, Seen(event, NOW_US))
    us = event_us(event)
    try:
        said = oracle.matches(query, event, NOW_US if us is None else us)
    except oracle.refusals as error:
        return Difference("undecided", event, true, _said(error))
    allowed = {"wider": said or not true, "narrower": true or not said}.get(made.verdict, said == true)
    if allowed:
        return None
    return Difference("differs", event, true, "the query finds it" if said else "the query does not find it")


def _said(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def fields_of(expr: Expr) -> tuple[str, ...]:
    """Return the fields that an expression asks for, each once; a function's field stands for it."""
    found: dict[str, None] = {}
    for node in walk(expr):
        if children(node):
            continue
        for name in (getattr(node, "field", None), node.other if isinstance(node, SameAs) else None):
            if isinstance(name, Call):
                found[str(name.arguments[0])] = None
            elif isinstance(name, str):
                found[name] = None
    return tuple(found)


# --- events to ask about -------------------------------------------------------------------------------------------

ODD = (
    "",
    " ",
    "\n",
    "\u212a",
    "\u017f",
    "é",
    "É",
    "😀",
    "*",
    "?",
    "\\",
    '"',
    "0",
    "-1",
    "1e3",
    "007",
    "null",
    "192.0.2.1",
)
"""Texts that targets have taken for something else."""


def probes(expr: Expr, count: int, arrays: frozenset[str] = frozenset()) -> list[Event]:
    """Return up to `count` different events around an expression: matches, near misses, and changes to them.

    Fields that the schema calls arrays hold one.
    """
    seen: dict[str, Event] = {}
    for event in _around(expr, count):
        event = as_arrays(event, arrays)
        seen.setdefault(repr(event), event)
        if len(seen) >= count:
            break
    return list(seen.values())


def as_arrays(event: Event, arrays: frozenset[str]) -> Event:
    """Return an event whose fields of these names hold arrays."""
    wanted = [name for name in arrays if event.get(name) is not None and not isinstance(event[name], list)]
    return {**event, **{name: [event[name]] for name in wanted}} if wanted else event


def _around(expr: Expr, count: int) -> Iterator[Event]:
    """Yield events; those that are found slowly are few, and each is changed in many ways."""
    third = max(count // 3, 2)
    bases: list[Event] = []
    for event in (*positives(expr, None, min(third, 4)), *_near(expr, third)):
        bases.append(event)
        yield event
    changes = [altered(event, fields_of(expr)) for event in bases or [{}]]
    while changes:
        for one in list(changes):
            try:
                yield next(one)
            except StopIteration:
                changes.remove(one)


def _near(expr: Expr, most: int) -> Iterator[Event]:
    for near in islice(near_misses(expr), most):
        if not isinstance(near.found, NotFound):
            yield near.found
    for stopped in islice(stopped_by(expr), most):
        if not isinstance(stopped.found, NotFound):
            yield stopped.found


def altered(event: Event, fields: tuple[str, ...]) -> Iterator[Event]:
    """Yield an event with one field changed: gone, null, several, in other case, longer, or odd."""
    names = [name for name in fields if name in event] or list(event)
    for name in names:
        value = event[name]
        text = value if isinstance(value, str) else str(value)
        yield {key: each for key, each in event.items() if key != name}
        yield {**event, name: text.swapcase()}
        yield {**event, name: text + "\n"}
        yield {**event, name: text.replace("k", "\u212a").replace("s", "\u017f")}
        yield {**event, name: "x" + text + "x"}
        yield {**event, name: ["other", value]}
        yield {**event, name: None}
        yield from ({**event, name: odd} for odd in ODD)
        yield from ({**event, name: text + odd} for odd in ODD)
        yield from ({**event, name: number} for number in (0, 5, -3, 2.5, True, 2**60))
