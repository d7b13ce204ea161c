"""Plans: which terms can hold in an event of these fields and this log source, and which fields must be looked at."""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from ruleengine.engine.fields import FieldIndex
from ruleengine.engine.memory import Memory
from ruleengine.engine.terms import Term
from ruleengine.events import ANNOTATION
from ruleengine.ir import LogSource
from ruleengine.schema.logsources import EventSource, HintFields, conflict, may_be_remembered, source_reader
from ruleengine.values import Event

UNFINISHED = frozenset(("Event", ANNOTATION))
"""Fields of events that are not yet as rules see them: nested as Windows writes them, or with a remark for tests."""

SHAPES = 1 << 10
"""How many sets of fields are remembered."""

WIDEST = 300
"""Fields of the widest event whose shape is remembered."""

PLANS = 1 << 12
"""How many plans are remembered, for all shapes together."""

KEYS = 1 << 15
"""How many combinations of values that decide a log source are remembered, for all shapes together."""


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """What is left to ask of events of one shape and log source."""

    alive: int
    """The terms that can hold."""
    free: int
    """Those of them that ask for no literal."""
    wanted: tuple[int, ...]
    """The automata that look for literals of terms that can hold."""
    checks: tuple[tuple[str, FieldIndex, dict[Any, int], int], ...]
    """Fields to look at: name, index, its memory, and the terms that ask for certain values."""


@dataclass(slots=True)
class Shape:
    """The fields of an event: how to look at it."""

    indices: tuple[FieldIndex, ...]
    key: Callable[[Event], Any]
    plans: dict[Any, Plan]
    """By the values that decide the log source."""
    by_terms: dict[int, Plan]
    """By the terms that can hold: few log sources differ in those."""


class Planner:
    """Makes plans from the terms of all rules; it remembers them, within bounds."""

    def __init__(
        self,
        terms: Sequence[Term],
        logs: Sequence[LogSource],
        decided: Mapping[str, int],
        sought: Sequence[int],
        hints: HintFields,
        memory: Memory,
    ) -> None:
        """Take the terms with the log sources of their rules, the terms that each field can decide alone, and the terms
        whose literals each automaton looks for.
        """
        every = (1 << len(terms)) - 1
        self.source = source_reader(hints)
        self._groups: dict[LogSource, int] = {}
        self._needing: dict[str, int] = {}
        self.free = self._keys = self._plans = 0
        self._sought = sought
        asked: dict[str, list[tuple[int, Term]]] = {}
        for bit, (term, log) in enumerate(zip(terms, logs, strict=True)):
            one = 1 << bit
            self._groups[log] = self._groups.get(log, 0) | one
            for name in term.needs:
                self._needing[name] = self._needing.get(name, 0) | one
            for name in {*term.values, *term.tails}:
                asked.setdefault(name, []).append((bit, term))
            if not term.literals:
                self.free |= one
        self.indices = {
            name: FieldIndex(name, asked.get(name, ()), decided.get(name, 0), every, memory)
            for name in {**asked, **decided}
        }
        self._roots = {name: name.partition(".")[0] for name in self._needing if "." in name}
        self.hints = tuple(dict.fromkeys(("Channel", "EventID", "Provider_Name", *_names(hints))))
        self.by_keys = not any("." in name for name in _names(hints))
        """Whether values of keys at the top of an event decide its log source, and none on a path."""
        self.shapes: dict[tuple[str, ...], Shape] = {}
        """By the names of the fields, in their order."""
        self._asked: dict[EventSource, int] = {}
        self._needed: dict[EventSource, list[tuple[str, str, int]]] = {}
        """By log source the fields that its rules need: name, first name on the path, and the terms."""

    def plan(self, event: Event) -> Plan:
        """Return the plan for an event."""
        names = tuple(event)
        shape = self.shapes.get(names)
        if shape is None:
            shape = self._shape(names)
        try:
            key = shape.key(event)
            plan = shape.plans.get(key)
        except TypeError:  # a list or an object states the log source
            return self._plan(shape, event)
        return plan or self._remembered(shape, key, event)

    def alive(self, names: Container[str], source: EventSource) -> int:
        """Return the terms that can hold in an event with these keys, of this log source."""
        asked = self.asked(source)
        needing = self._needed.get(source)
        if needing is None:
            if len(self._needed) >= SHAPES:
                self._needed.clear()
            of_source = [(name, self._roots.get(name, name), mask & asked) for name, mask in self._needing.items()]
            needing = self._needed[source] = [each for each in of_source if each[2]]
        # Without its key at the top a field may still be found on a path, but then no term asks for certain values.
        for name, root, mask in needing:
            if name not in names and root not in names:
                asked &= ~mask
        return asked

    def _shape(self, names: tuple[str, ...]) -> Shape:
        indices = tuple(self.indices[name] for name in names if name in self.indices)
        shape = Shape(indices, self._key(frozenset(names)), {}, {})
        if len(names) <= WIDEST and UNFINISHED.isdisjoint(names):
            if len(self.shapes) >= SHAPES:
                self._forget()
            self.shapes[names] = shape
        return shape

    def _key(self, present: frozenset[str]) -> Callable[[Event], Any]:
        """Return what reads the values that decide the log source of an event of these fields."""
        if not self.by_keys:
            return self.source
        decisive = [name for name in self.hints if name in present]
        return itemgetter(*decisive) if decisive else lambda event: None

    def _remembered(self, shape: Shape, key: Any, event: Event) -> Plan:
        plan = self._plan(shape, event)
        self._keys += 1
        if self._keys > KEYS or self._plans > PLANS:
            self._forget()
        parts = key if isinstance(key, tuple) else (key,)
        if all(map(may_be_remembered, parts)):
            shape.plans[key] = plan
        return plan

    def _forget(self) -> None:
        self.shapes.clear()
        self._keys = self._plans = 0

    def _plan(self, shape: Shape, event: Event) -> Plan:
        alive = self.alive(event, self.source(event))
        known = shape.by_terms.get(alive)
        if known is None:
            self._plans += 1
            known = shape.by_terms[alive] = self._plan_of(shape, alive)
        return known

    def _plan_of(self, shape: Shape, alive: int) -> Plan:
        asking = ((index, index.constrained & alive) for index in shape.indices)
        checks = sorted(asking, key=lambda pair: -pair[1].bit_count())
        return Plan(
            alive,
            alive & self.free,
            tuple(number for number, mask in enumerate(self._sought) if mask & alive),
            tuple(
                (index.name, index, index.memo, either)
                for index, mask in checks
                if (either := mask | index.decided & alive)
            ),
        )

    def asked(self, source: EventSource) -> int:
        """Return the terms of the rules that are asked about events of a log source."""
        known = self._asked.get(source)
        if known is None:
            if len(self._asked) >= SHAPES:
                self._asked.clear()
            known = 0
            for log, mask in self._groups.items():
                if conflict(log, source) is None:
                    known |= mask
            self._asked[source] = known
        return known


def _names(hints: HintFields) -> Iterable[str]:
    return hints.product, hints.service, hints.category
