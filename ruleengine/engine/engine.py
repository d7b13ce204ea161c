"""The engine: an event, or a block of lines, goes in, and the rules that match come out."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from os import PathLike
from typing import Any, NamedTuple

import msgspec

from ruleengine.engine.automaton import ESCAPED
from ruleengine.engine.literals import escaped
from ruleengine.engine.memory import Memory
from ruleengine.engine.native import sifter_of
from ruleengine.engine.plans import Plan, Planner
from ruleengine.engine.sketches import Sketch, sketches
from ruleengine.engine.sought import sought_of
from ruleengine.engine.steps import Step, step
from ruleengine.engine.verify import Asked, Pair, Part, paired, parts_of
from ruleengine.events.complaints import Complaints
from ruleengine.load import Loaded
from ruleengine.problem import Problem
from ruleengine.schema.logsources import DEFAULT, HintFields
from ruleengine.shelf import Store
from ruleengine.values import Event

_decode = msgspec.json.Decoder().decode

CANDIDATES = 1 << 12
"""How many sets of remaining terms are remembered with the rules that they belong to."""

STEP = 1 << 15
"""Bytes of a block that are looked at in one go: what was decoded is still near when it is asked."""


LONGEST_LINE = 1 << 20
"""Bytes of the longest line of which it matters where a literal stands: in a key, or in a value."""


class Hit(NamedTuple):
    """An event that some rules match, and the 1-based line it stands in."""

    line: int
    event: Event
    rules: tuple[Loaded, ...]


@dataclass(slots=True)
class Answer:
    """What a block says: how many events it holds; line, event and rules (their indices) of those that match."""

    events: int
    hits: list[tuple[int, Event, tuple[int, ...]]]


class Engine:
    """Some rules about one event, ready to be asked all at once."""

    def __init__(
        self, rules: Sequence[Loaded], sketches: Sequence[Sketch], hints: HintFields, store: Store | None = None
    ) -> None:
        """Take rules about one event with their sketches; `from_rules` is how an engine is made."""
        self.rules = tuple(rules)
        owned = [(index, term) for index, sketch in enumerate(sketches) for term in sketch.terms]
        # Most events have no literal at all: masks without those terms are short where these come last.
        owned.sort(key=lambda pair: bool(pair[1].literals))
        self._owner = [index for index, _ in owned]
        terms = [term for _, term in owned]
        self._bits = [0] * len(self.rules)
        for bit, index in enumerate(self._owner):
            self._bits[index] |= 1 << bit
        decided: dict[str, int] = {}
        for index, sketch in enumerate(sketches):
            for name in sketch.decided:
                decided[name] = decided.get(name, 0) | self._bits[index]
        self._memory = Memory()
        logs = [self.rules[index].rule.logs for index in self._owner]
        self._sought = sought_of(terms, logs, store)
        self._planner = Planner(terms, logs, decided, [sought.every for sought in self._sought], hints, self._memory)
        self.source = self._planner.source
        self._parts: list[tuple[Part, ...] | None] = [None] * len(self.rules)
        self._candidates: dict[int, tuple[int, ...]] = {}
        self._sifter = sifter_of(self._planner, self._sought, self._owner, sketches)

    @classmethod
    def from_rules(cls, rules: Iterable[Loaded], hints: HintFields = DEFAULT, store: Store | None = None) -> Engine:
        """Return the engine of those of the rules that can be asked about one event; they keep their order.

        `hints` are the fields that state the log source of an event. With a store, as `open_cache` returns it, only
        what is new since the last time is worked out.
        """
        asked = [loaded for loaded in rules if loaded.askable]
        return cls(asked, sketches(asked, store), hints, store)

    @classmethod
    def from_bundle(
        cls, source: str | PathLike[str] | bytes, hints: HintFields = DEFAULT, store: Store | None = None
    ) -> Engine:
        """Return the engine of the rules in a bundle, given its path or its content, as `compile --fast` writes it.

        BundleError, a ValueError, says why a bundle cannot be used; OSError why it cannot be read.
        """
        from ruleengine.engine.bundle import read_bundle  # those who read rules have no use for it

        return cls.from_rules(read_bundle(source).rules, hints, store)

    # --- one event ------------------------------------------------------------------------------------------------

    def matches(self, event: Event) -> list[Loaded]:
        """Return the rules that an event matches, in their order."""
        return [self.rules[index] for index in self.found(event)]

    def found(self, event: Event) -> tuple[int, ...]:
        """Return the indices of the rules that an event matches, in their order."""
        plan = self._planner.plan(event)
        mask = plan.free
        if plan.wanted:
            mask |= self._standing(plan, event)
        return self._verified(plan, mask, event) if mask else ()

    def _standing(self, plan: Plan, event: Event) -> int:
        """Return the terms that can hold and of which a literal stands in the texts of an event."""
        texts = '"' + '"\n"'.join(map(escaped, _strings(event))) + '"'
        try:
            data = texts.encode()
        except UnicodeEncodeError:  # halves of surrogate pairs, which regular expressions read as U+FFFD
            data = texts.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()
        mask = 0
        for wanted in plan.wanted:
            sought = self._sought[wanted]
            numbers = set[int]()
            sought.automaton.tell(data, lambda number, *_, seen=numbers: seen.add(number))
            for number in numbers:
                mask |= sought.mask(number)
        return mask & plan.alive

    def _verified(self, plan: Plan, mask: int, event: Event) -> tuple[int, ...]:
        """Return the rules that match, of those whose terms are in the mask."""
        for name, index, memo, asking in plan.checks:
            if mask & asking:
                value = event[name]
                kind = type(value)
                known = memo.get(value) if kind is str or kind is int else None
                mask &= index.mask(value) if known is None else known
                if not mask:
                    return ()
        return self._asked(self._candidates.get(mask) or self._owners(mask), event)

    def _asked(self, rules: Iterable[int], event: Event) -> tuple[int, ...]:
        """Return those of some rules that match, asked exactly."""
        found = []
        asked = None
        pairs: dict[str, Pair] = {}
        struck: dict[str, int] = {}
        for rule in rules:
            for part in self._parts[rule] or self._parts_of(rule):
                field = part.field
                if field is not None and type(value := event.get(field)) is str:
                    pair = pairs.get(field)
                    if pair is None:
                        pair = pairs[field] = paired(value)
                    if not part.of_pair(pair):
                        struck[field] = struck.get(field, 0) | self._bits[rule]
                        break
                else:
                    if asked is None:
                        asked = Asked(event)
                    if not part.of_event(asked):
                        break
            else:
                found.append(rule)
        for field, terms in struck.items():
            self._planner.indices[field].strike(event[field], terms)
        return tuple(found)

    def _owners(self, mask: int) -> tuple[int, ...]:
        """Return the rules of the terms in a mask, in their order."""
        rules = set()
        left = mask
        while left:
            last = left & -left
            rules.add(self._owner[last.bit_length() - 1])
            left ^= last
        if len(self._candidates) >= CANDIDATES:
            self._candidates.clear()
        found = self._candidates[mask] = tuple(sorted(rules))
        return found

    def _parts_of(self, rule: int) -> tuple[Part, ...]:
        """Return the exact parts of a rule, made when it is first asked: most rules never are."""
        expr = self.rules[rule].expr
        assert expr is not None
        made = self._parts[rule] = parts_of(expr, self._memory)
        return made

    # --- lines ----------------------------------------------------------------------------------------------------

    def match_ndjson(self, data: bytes) -> list[Hit]:
        """Return the events that match out of some lines of JSON, in their order; ValueError says what is broken."""
        problems: list[Problem] = []
        answer = self.block(data, 1, Complaints("<bytes>", problems.append))
        for found in problems:
            if found.blocks:
                raise ValueError(f"line {found.place.line}: {found.message}")
        return [Hit(line, event, tuple(self.rules[index] for index in rules)) for line, event, rules in answer.hits]

    def block(self, data: bytes, first_line: int, complaints: Complaints, *, events: bool = True) -> Answer:
        """Return what some whole lines of JSON say, the first of which has this number; what is broken is told.

        `events=False` says that the events of the hits are of no use: they may then be empty.
        """
        answer = Answer(0, [])
        if self._sifter:
            self._sifted(data, first_line, complaints, answer, events=events)
        else:
            self._stepped(data, first_line, complaints, answer)
        return answer

    def _sifted(self, data: bytes, first: int, complaints: Complaints, answer: Answer, *, events: bool) -> None:
        """Add to the answer what some lines say, as the sieve says it; lines that are odd are looked at without it."""
        assert self._sifter is not None
        plain, left = self._sifter.left(data)
        answer.events += plain
        for number, start, end, rules, to_ask in left:
            if rules is None:
                self._stepped(data[start:end], first + number, complaints, answer)
                continue
            event = _decode(data[start:end]) if events or to_ask else {}
            if to_ask:
                rules = tuple(sorted((*rules, *self._asked(to_ask, event))))
            if rules:
                answer.hits.append((first + number, event, rules))

    def _stepped(self, data: bytes, first_line: int, complaints: Complaints, answer: Answer) -> None:
        """Add to the answer what some lines say."""
        start, line = 0, first_line
        while start < len(data):
            end = data.rfind(b"\n", start, start + STEP) + 1 or data.find(b"\n", start) + 1 or len(data)
            count, events = step(data[start:end], line, self._planner, complaints)
            self._ask(events, answer)
            start, line = end, line + count

    def _ask(self, step: Step, answer: Answer) -> None:
        """Look for the literals of all rules in some lines, and ask the rules that are left."""
        plans, events = step.plans, step.events
        answer.events += len(events)
        masks = self._masks(step)
        for place in range(len(plans)) if any(plan.free for plan in set(plans)) else sorted(masks):
            plan = plans[place]
            mask = plan.free | masks[place] if place in masks else plan.free
            if mask:
                found = self._verified(plan, mask, events[place])
                if found:
                    answer.hits.append((step.numbers[place], events[place], found))

    def _masks(self, step: Step) -> dict[int, int]:
        """Return for each place the terms that can hold and of which a literal stands in the line."""
        masks: dict[int, int] = {}
        given = step.lines
        if len(given) == 1 and len(given[0] or b"") > LONGEST_LINE:
            given = [None]  # millions of hits would have to be held
        again = {place for place, line in enumerate(given) if line is None} if None in given else set()
        kinds = set(step.plans)
        for wanted, sought in enumerate(self._sought):
            wanting = {plan for plan in kinds if wanted in plan.wanted}
            if not wanting:
                continue
            places: Sequence[int] = range(len(step.plans))
            if len(wanting) < len(kinds):
                places = [place for place in places if step.plans[place] in wanting]
            lines = [given[place] or b"" for place in places]
            data = b"\n".join(lines)
            found = sought.automaton.scan(data)
            ends = list(accumulate(len(line) + 1 for line in lines)) if found else []
            quote = -1
            for number, end in found:
                place = places[bisect_left(ends, end)]
                terms = sought.mask(number) & step.plans[place].alive
                if number == ESCAPED:
                    again.add(place)
                    continue
                if terms and not sought.values_only[number]:
                    if quote < end:  # the next one: those behind it come later
                        quote = data.find(b'"', end)
                    terms = 0 if ends_key(data, quote) else terms
                if terms:
                    masks[place] = masks.get(place, 0) | terms
        for place in again:
            masks[place] = self._standing(step.plans[place], step.events[place])
        return masks


def ends_key(data: bytes, quote: int) -> bool:
    """Say whether a quote, the first one behind something, surely ends the key of an object: a colon follows."""
    return data[quote + 1 : quote + 2] == b":" and data[quote - 1 : quote] != b"\\"


def _strings(event: Event) -> list[str]:
    """Return every string in an event, at any depth."""
    found: list[str] = []
    pending: list[Any] = list(event.values())
    while pending:
        value = pending.pop()
        if isinstance(value, str):
            found.append(value)
        elif isinstance(value, dict):
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)
    return found
