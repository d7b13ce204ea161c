"""Asks an engine about events and puts the matches into the forms of output, in whatever process that happens."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any, NamedTuple

from ruleengine.engine import Answer, Engine
from ruleengine.events import ANNOTATION, Block, Record, records
from ruleengine.events.complaints import Complaints
from ruleengine.formats import SCHEMA_VERSION
from ruleengine.load import Loaded
from ruleengine.problem import Problem
from ruleengine.redact import hidden_fields, redacted
from ruleengine.schema.logsources import EventSource, HintFields
from ruleengine.shelf import Store
from ruleengine.values import Event

Hit = tuple[int, Event, tuple[int, ...]]
"""A line, its event, and the indices of the rules that match it."""

Place = tuple[str, int]
"""The path of a file, and the 1-based number of a line in it."""

_json = json.JSONEncoder(ensure_ascii=False).encode
"""The same text as `formats.compact`, without making an encoder each time."""

_hidden = lru_cache(1 << 12)(hidden_fields)


class Shown(NamedTuple):
    """What is said of a match beside its place."""

    include_event: bool
    detail: bool
    show_sensitive: bool


class Rows(NamedTuple):
    """The matches of some events for the table: how many of each rule, and the first of each that is new here.

    The first is the rule, its line, and the lines that say why it matches, when they were asked for.
    """

    counts: Counter[int]
    first: list[tuple[int, int, list[str]]]


class Found(NamedTuple):
    """What some events hold: a text or rows for each output, and sources and problems (see `Complaints.join`)."""

    events: int
    hits: int
    forms: list[str | Rows]
    sources: Counter[EventSource]
    problems: list[Problem]
    counts: Counter[str]


class Asking:
    """What each process does with some lines: it asks the rules, and puts what matches into each form.

    As a pickle it is the rules; the engine is made anew.
    """

    def __init__(
        self,
        rules: Sequence[Loaded],
        hints: HintFields,
        forms: Sequence[str],
        shown: Shown,
        sources: bool,
        store: Store | None = None,
    ) -> None:
        self._made_of = (rules, hints, forms, shown, sources)
        self.engine = engine = Engine.from_rules(rules, hints, store)
        self._sources = sources
        self._events = shown.include_event or shown.detail
        self._forms = [
            _Table(engine, shown) if form == "text" else _Objects(engine, shown, array=form == "json") for form in forms
        ]

    def __reduce__(self) -> tuple[Any, ...]:
        return Asking, self._made_of

    def lines(self, first: Place, data: bytes) -> Found:
        """Return what some lines of NDJSON hold, the first of which stands at this place."""
        path, first_line = first
        problems: list[Problem] = []
        complaints = Complaints(path, problems.append)
        sources: Counter[EventSource] = Counter()
        if self._sources:  # the engine itself looks no closer at events that no rule can match
            answer = self._one_by_one(records(Block(path, first_line, data, complaints)), sources)
        else:
            answer = self.engine.block(data, first_line, complaints, events=self._events)
        return self._found(path, answer, sources, problems, complaints.counts)

    def record(self, record: Record) -> Found:
        """Return what an event holds that was read by itself."""
        sources: Counter[EventSource] = Counter()
        answer = self._one_by_one((record,), sources)
        return self._found(record.path, answer, sources, [], Counter())

    def _one_by_one(self, given: Iterable[Record], sources: Counter[EventSource]) -> Answer:
        answer = Answer(0, [])
        for record in given:
            event = record.event
            event.pop(ANNOTATION, None)  # a remark for tests, no part of the event
            answer.events += 1
            if self._sources:
                sources[self.engine.source(event)] += 1
            if found := self.engine.found(event):
                answer.hits.append((record.line, event, found))
        return answer

    def _found(
        self,
        path: str,
        answer: Answer,
        sources: Counter[EventSource],
        problems: list[Problem],
        counts: Counter[str],
    ) -> Found:
        forms = [form.put(path, answer.hits) for form in self._forms]
        matches = sum([len(rules) for _, _, rules in answer.hits])
        return Found(answer.events, matches, forms, sources, problems, counts)


class _Objects:
    """One JSON object a match, each on its line; for an array with a comma between two."""

    def __init__(self, engine: Engine, shown: Shown, *, array: bool) -> None:
        self._engine, self._shown, self._array = engine, shown, array
        self._heads = _Heads(engine.rules, "")

    def put(self, path: str, hits: Sequence[Hit]) -> str:
        """Return the objects of some matches in one file."""
        if self._heads.path != path:
            self._heads = _Heads(self._engine.rules, path)
        heads = self._heads
        end = "},\n" if self._array else "}\n"
        if self._shown.include_event or self._shown.detail:
            parts = []
            for line, event, rules in hits:
                source = self._engine.source(event)
                parts += [f"{heads[rule]}{line}{self._more(rule, event, source)}{end}" for rule in rules]
        else:
            parts = [f"{heads[rule]}{line}{end}" for line, _, rules in hits for rule in rules]
        text = "".join(parts)
        return text[:-2] if self._array else text

    def _more(self, rule: int, event: Event, source: EventSource) -> str:
        """Return what is said of a match beside its place, as the end of its object."""
        loaded = self._engine.rules[rule]
        shown = _safe(self._shown, loaded, event, source)
        text = f', "event": {_json(shown)}' if self._shown.include_event else ""
        if self._shown.detail and loaded.expr is not None:
            from ruleengine.analysis.explain import as_json, explain

            text += f', "detail": {_json(as_json(explain(loaded.expr, event, shown)))}'
        return text


class _Heads(dict[int, str]):
    """How the object of a match in one file begins, for each rule: everything before the number of the line."""

    def __init__(self, rules: Sequence[Loaded], path: str) -> None:
        super().__init__()
        self.path, self._rules = path, rules

    def __missing__(self, index: int) -> str:
        rule = self._rules[index].rule
        row = {
            "schema_version": SCHEMA_VERSION,
            "rule": rule.label,
            "title": rule.title,
            "level": rule.level,
            "source": self.path,
        }
        head = self[index] = f'{_json(row)[:-1]}, "line": '
        return head


class _Table:
    """How often each rule matches, and its first match; that is worked out once in each process."""

    def __init__(self, engine: Engine, shown: Shown) -> None:
        self._engine, self._shown = engine, shown
        self._known: set[int] = set()

    def put(self, _: str, hits: Sequence[Hit]) -> Rows:
        """Return the rows of some matches in one file."""
        rows = Rows(Counter(chain.from_iterable([rules for _, _, rules in hits])), [])
        if not self._known.issuperset(rows.counts):
            for line, event, rules in hits:
                rows.first.extend((rule, line, self._why(rule, event)) for rule in rules if rule not in self._known)
                self._known.update(rules)
        return rows

    def _why(self, rule: int, event: Event) -> list[str]:
        loaded = self._engine.rules[rule]
        if not self._shown.detail or loaded.expr is None:
            return []
        from ruleengine.analysis.explain import draw_tree, explain

        return draw_tree(explain(loaded.expr, event, _safe(self._shown, loaded, event, self._engine.source(event))))


def _safe(shown: Shown, loaded: Loaded, event: Event, source: EventSource) -> Event:
    """Return the event without what schemas mark as sensitive, unless that is to be shown."""
    return event if shown.show_sensitive else redacted(event, _hidden(loaded.rule.logs, source))
