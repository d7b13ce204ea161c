"""Events for a rule: some that match it, some that miss it by one leaf, some that one filter alone stops.

Everything returned was checked by `ruleengine.meaning`. The same expression gives the same events. A search is bounded,
so that a hostile rule ends in `NotFound` and not in a hang.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from ruleengine.analysis.flip import holds_flipped
from ruleengine.analysis.witness.altered import closer
from ruleengine.analysis.witness.effort import STEPS, Effort
from ruleengine.analysis.witness.formulas import FALSE, filters, hanging_on, parts_of
from ruleengine.analysis.witness.routing import refused, routed, routes
from ruleengine.analysis.witness.search import find
from ruleengine.analysis.witness.strategy import strategy
from ruleengine.ir import And, Equals, Expr, Leaf, LogSource, Named
from ruleengine.meaning import holds
from ruleengine.values import Event

__all__ = ["NearMiss", "NotFound", "Stopped", "near_misses", "positive", "positives", "stopped_by", "strategy"]


@dataclass(frozen=True, slots=True)
class NotFound:
    """Why there is no event; `impossible` when it is proved that there can be none."""

    reason: str
    impossible: bool


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An event that does not match, and would if this leaf alone had its other truth value; or why there is none."""

    leaf: Leaf
    found: Event | NotFound


@dataclass(frozen=True, slots=True)
class Stopped:
    """An event that does not match, and would if this negated selection alone were false; or why there is none."""

    filter: Named
    found: Event | NotFound


def positive(expr: Expr, logs: LogSource | None = None, seed: int = 0) -> Event | NotFound:
    """Return an event that a lowered expression is true of; other seeds give other events, where there are any.

    With a log source, the event carries what is needed for rules of that log source to be asked about it.
    """
    return _answer(expr, logs, seed, None)


def positives(expr: Expr, logs: LogSource | None = None, count: int = 1) -> Iterator[Event]:
    """Yield up to `count` different events that an expression is true of."""
    seen: set[str] = set()
    for seed in range(4 * count):
        found = positive(expr, logs, seed)
        if isinstance(found, NotFound):
            return
        if repr(found) not in seen:
            seen.add(repr(found))
            yield found
        if len(seen) == count:
            return


def near_misses(expr: Expr, logs: LogSource | None = None) -> Iterator[NearMiss]:
    """Yield for each leaf as written an event for which it alone decides that the rule does not match."""
    base = positive(expr, logs)
    for leaf in parts_of(expr):
        yield NearMiss(leaf, _hanging(expr, leaf, logs, None if isinstance(base, NotFound) else base))


def stopped_by(expr: Expr, logs: LogSource | None = None) -> Iterator[Stopped]:
    """Yield for each negated selection an event that it alone stops."""
    base = positive(expr, logs)
    for negated in filters(expr):
        yield Stopped(negated, _hanging(expr, negated, logs, None if isinstance(base, NotFound) else base))


def _hanging(expr: Expr, part: Leaf | Named, logs: LogSource | None, base: Event | None) -> Event | NotFound:
    formula = hanging_on(expr, part)
    if formula == FALSE:
        return NotFound("the rest of the condition decides without it", True)
    near = closer(base, formula, part) if base is not None else ()
    found = next((event for event in near if _asked(event, logs)), None) or _answer(formula, logs, 0, part)
    if isinstance(found, NotFound) or (not holds(expr, found) and holds_flipped(expr, found, part)):
        return found
    return NotFound("what was found does not hang on it", False)


def _asked(event: Event, logs: LogSource | None) -> bool:
    return logs is None or refused(logs, event) is None


def _answer(formula: Expr, logs: LogSource | None, seed: int, part: Expr | None) -> Event | NotFound:
    """Return an event of which a formula is true, with the fields that bring it to its rule."""
    effort = Effort()
    found = None
    for arrays in (False, True):
        if found is None:
            effort = Effort(steps=STEPS, seed=seed, arrays=arrays)
            found = find(formula, effort)
    if found is None:
        return NotFound(effort.conflict, effort.complete)
    if part is not None:
        found = next(closer(found, formula, part), found)
    return found if logs is None else _brought(found, formula, logs, seed)


def _brought(event: Event, formula: Expr, logs: LogSource, seed: int) -> Event | NotFound:
    ways = routes(logs)
    for found in _with_routes(event, formula, logs, seed):
        if refused(logs, found) is None and holds(formula, found):
            return found
    why = refused(logs, routed(event, ways[0])) or "what would say so contradicts the condition"
    return NotFound(f"an event of this log source cannot match: {why}", False)


def _with_routes(event: Event, formula: Expr, logs: LogSource, seed: int) -> Iterable[Event]:
    """Yield the event with each route added, then events that were searched for with the route as a condition."""
    for route in routes(logs):
        yield routed(event, route)
    for route in routes(logs):
        fixed = tuple(Equals(name, value) for name, value in route)
        found = find(And((*fixed, formula)), Effort(steps=STEPS // 8, seed=seed)) if fixed else None
        if found is not None:
            yield found
