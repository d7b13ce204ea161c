"""What the tests of the engine share: what the law says of events, the engine asked in every way, SigmaHQ's rules."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import pytest
import yaml

from ruleengine.engine import Engine
from ruleengine.engine.memory import ENTRY, Memory
from ruleengine.engine.native import SWITCH, accelerated
from ruleengine.events import ANNOTATION, read
from ruleengine.events.complaints import Complaints
from ruleengine.events.stream import open_stream
from ruleengine.ir import Call, Expr, InList, LogSource, Rule, SameAs, Single
from ruleengine.load import Loaded, load
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.regex import NotPortable, parse
from ruleengine.schema.logsources import DEFAULT, EventSource, HintFields, conflict, event_source
from ruleengine.values import Event, lookup
from ruleengine.walk import children, walk
from tests.conftest import CASES
from tests.corpora import shared
from tests.engine_forms import as_line

FOLDER = CASES / "engine"
NOWHERE = "\0"  # no field has this name
Indices = tuple[int, ...]
"""Positions of the rules that match, ascending."""


class Lane(NamedTuple):
    """A file of events: in CI one of `every` is asked; with `inner`, its events are what stands under that name."""

    events: str
    every: int
    all_rules_every: int = 1
    parts: int = 1
    inner: str = ""
    hints: tuple[str, ...] = ()


@cache
def lanes() -> tuple[Lane, ...]:
    """Return the lanes of tests/cases/engine/lanes.yml."""
    rows = yaml.safe_load((FOLDER / "lanes.yml").read_text("utf-8"))
    return tuple(Lane(**{**row, "hints": tuple(row.get("hints", ()))}) for row in rows)


def lines_of(lane: Lane) -> Iterator[bytes]:
    """Yield the lines of a lane as they stand in its file, or the objects that stand in them."""
    stream = open_stream(str(shared(lane.events)), None)
    try:
        rest = b""
        for piece in stream.pieces:
            *whole, rest = (rest + piece).split(b"\n")
            yield from (_inner(row, lane.inner) for row in whole)
        if rest:
            yield _inner(rest, lane.inner)
    finally:
        stream.close()


def _inner(row: bytes, name: str) -> bytes:
    return as_line(json.loads(row)[name]) if name else row


# --- the law -------------------------------------------------------------------------------------------------------


def says(rules: Sequence[Loaded], event: Event, hints: HintFields = DEFAULT) -> Indices:
    """Return the rules that match an event, as the law has it: asked about its log source, and true of it."""
    source, seen = event_source(event, hints), Seen(event)
    return tuple(
        index
        for index, loaded in enumerate(rules)
        if conflict(loaded.rule.logs, source) is None and holds(_expr(loaded), seen)
    )


def _expr(loaded: Loaded) -> Expr:
    assert loaded.expr is not None
    return loaded.expr


@dataclass(slots=True)
class _Group:
    """Rules that ask about the same fields, with what `holds` said for each combination of their values."""

    fields: tuple[str, ...] | None
    rules: list[int]
    known: dict[tuple[str, ...], Indices] = field(default_factory=dict)


class Law:
    """`says` for many events: what `holds` says of a rule depends on the values of its fields alone and is remembered.

    Values are told apart by their spelling in Python, so that 1, 1.0, True and "1" are four. Keywords, and lists whose
    entries may expire, are asked about each event. `test_engine.py` compares this with `says`.
    """

    MOST = 200_000
    """Combinations that are remembered."""

    def __init__(self, rules: Sequence[Loaded], hints: HintFields = DEFAULT) -> None:
        self.rules, self.hints = tuple(rules), hints
        self._fields = [_fields(_expr(loaded)) for loaded in self.rules]
        self._groups: dict[EventSource, list[_Group]] = {}
        self._known = 0

    def says(self, event: Event) -> Indices:
        seen = Seen(event)
        shown: dict[str, str] = {}
        found: list[int] = []
        for group in self._asked(event_source(event, self.hints)):
            if group.fields is None:
                found.extend(self._true(group, seen))
                continue
            for name in group.fields:
                if name not in shown:
                    shown[name] = repr(list(lookup(event, name))) if name in event or "." in name else "[]"
            key = tuple([shown[name] for name in group.fields])
            known = group.known.get(key)
            if known is None:
                known = group.known[key] = self._true(group, seen)
                self._known += 1
            found.extend(known)
        if self._known > self.MOST:
            self._groups.clear()
            self._known = 0
        return tuple(sorted(found))

    def _true(self, group: _Group, seen: Seen) -> Indices:
        return tuple(index for index in group.rules if holds(_expr(self.rules[index]), seen))

    def _asked(self, source: EventSource) -> list[_Group]:
        groups = self._groups.get(source)
        if groups is None:
            by_fields: dict[tuple[str, ...] | None, _Group] = {}
            for index, loaded in enumerate(self.rules):
                if conflict(loaded.rule.logs, source) is None:
                    fields = self._fields[index]
                    by_fields.setdefault(fields, _Group(fields, [])).rules.append(index)
            groups = self._groups[source] = list(by_fields.values())
        return groups


def _fields(expr: Expr) -> tuple[str, ...] | None:
    """Return the fields on which the truth of an expression depends; None when it may depend on the whole event."""
    found: set[str] = set()
    for node in walk(expr):
        if children(node):
            continue
        if isinstance(node, InList):
            return None
        for name in (getattr(node, "field", NOWHERE), node.other if isinstance(node, SameAs) else NOWHERE):
            if name is None:
                return None
            found.add(str(name.arguments[0]) if isinstance(name, Call) else name)
    return tuple(sorted(found - {NOWHERE}))


# --- the engine ----------------------------------------------------------------------------------------------------


@pytest.fixture(params=["sieve", "python"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run a test with engines that have a sieve, and again with engines that have none; `check` alone does both."""
    if request.param == "python":
        monkeypatch.setenv(SWITCH, "0")
    elif (said := accelerated()) != "yes":
        pytest.skip(f"a sieve? {said}")


def ways(engine: Engine) -> tuple[Engine, ...]:
    """Return an engine as it is, and if it has a sieve the same without it: what they remember they share."""
    if engine._sifter is None:
        return (engine,)
    other = copy.copy(engine)
    other._sifter = None
    return engine, other


def made(exprs: Iterable[Expr], logs: Iterable[LogSource] | None = None) -> tuple[Loaded, ...]:
    """Return expressions as rules, each with a log source or all for any."""
    exprs = list(exprs)
    sources = list(logs) if logs is not None else [LogSource()] * len(exprs)
    pairs = enumerate(zip(exprs, sources, strict=True))
    return tuple(Loaded(Rule(f"made up {number}", of, Single((), ())), expr) for number, (expr, of) in pairs)


def is_portable(source: str) -> bool:
    """Say whether an expression is one that rules may have."""
    try:
        parse(source)
    except NotPortable:
        return False
    return True


class Reading(NamedTuple):
    """What `ruleengine.events.read` makes of some bytes of NDJSON: events with their lines, and problems."""

    events: list[tuple[int, Event]]
    problems: list[Problem]


def reading(data: bytes) -> Reading:
    """Return the events of some bytes, as every other part of ruleengine reads them, without remarks for tests."""
    problems: list[Problem] = []
    with TemporaryDirectory() as folder:
        path = Path(folder) / "events.ndjson"
        path.write_bytes(data)
        events = [(record.line, record.event) for record in read([str(path)], problems.append, format="ndjson")]
    for _, event in events:
        event.pop(ANNOTATION, None)
    return Reading(events, problems)


def no_complaints() -> Complaints:
    """Return where problems are reported of which there must be none."""

    def tell(found: Problem) -> None:
        pytest.fail(f"{found.place}: {found.message}")

    return Complaints("events.ndjson", tell)


def check(engine: Engine, law: Law, data: bytes) -> int:
    """Compare what the engine finds in bytes, and in their events as dictionaries, with the law; return the matches."""
    given, problems = reading(data)
    wanted = [(line, event, law.says(event)) for line, event in given]
    hits = [row for row in wanted if row[2]]
    for one in ways(engine):
        how = "block, with the sieve" if one._sifter else "block"
        told: list[Problem] = []
        complaints = Complaints("events.ndjson", told.append)
        answer = one.block(data, 1, complaints)
        complaints.finish()
        _same(engine, how, [tuple(hit) for hit in answer.hits], hits)
        assert answer.events == len(given), how
        assert [_plain(found, "") for found in told] == [_plain(found, "") for found in problems], how
    _same(engine, "found", [(line, event, engine.found(event)) for line, event, _ in wanted], wanted)
    return sum(len(indices) for _, _, indices in hits)


def check_every_way(engine: Engine, law: Law, data: bytes) -> int:
    """As check, and by `match_ndjson` and `matches`, which give rules and not their indices."""
    given, problems = reading(data)
    rules = engine.rules
    wanted = [(line, event, law.says(event)) for line, event in given]
    for line, event, indices in wanted:
        _same(engine, "matches", [(line, event, _indices(engine, engine.matches(event)))], [(line, event, indices)])
    for one in ways(engine):
        if any(found.blocks for found in problems):
            first = next(found for found in problems if found.blocks)
            with pytest.raises(ValueError, match=rf"\b{first.place.line}\b"):
                one.match_ndjson(data)
        else:
            hits = [(hit.line, hit.event, _indices(one, hit.rules)) for hit in one.match_ndjson(data)]
            _same(one, "match_ndjson", hits, [row for row in wanted if row[2]])
    assert len(rules) == len(law.rules)
    return check(engine, law, data)


def _plain(found: Problem, path: str) -> Problem:
    return replace(found, place=replace(found.place, path=path))


def _indices(engine: Engine, rules: Iterable[Loaded]) -> Indices:
    """Return where rules stand in the engine: the very objects, not their like."""
    positions = {id(loaded): index for index, loaded in enumerate(engine.rules)}
    return tuple(positions[id(loaded)] for loaded in rules)


Row = tuple[int, Event, Indices]


def _same(engine: Engine, way: str, found: Sequence[tuple[Any, ...]], wanted: Sequence[Row]) -> None:
    """Fail with the first difference, as short as it can be said: the line, the event, and the rules."""
    if [(line, indices, repr(event)) for line, event, indices in found] == [
        (line, indices, repr(event)) for line, event, indices in wanted
    ]:
        return
    answers = {line: (indices, event) for line, event, indices in found}
    for line, event, indices in wanted:
        got, its = answers.pop(line, ((), event))
        if got != indices:
            missing = [f"#{i} {engine.rules[i].rule.label}" for i in sorted(set(indices) - set(got))]
            extra = [f"#{i} {engine.rules[i].rule.label}" for i in sorted(set(got) - set(indices))]
            exprs = [repr(engine.rules[i].expr)[:1500] for i in sorted(set(indices) ^ set(got))[:2]]
            told = f"missing {missing[:9]}, too much {extra[:9]}, order {got[:9]} {indices[:9]}"
            pytest.fail(f"{way}: line {line}: {told}\n{event!r:.3000}\n{exprs}")
        assert repr(its) == repr(event), f"{way}: line {line}: another event"
    assert not answers, f"{way}: lines that should have no hit: {list(answers.items())[:3]!r:.2000}"
    assert [line for line, *_ in found] == [line for line, *_ in wanted], f"{way}: the order of the lines"


BOUNDS = (
    ("ruleengine.engine.engine", "CANDIDATES"),
    ("ruleengine.engine.plans", "SHAPES"),
    ("ruleengine.engine.plans", "PLANS"),
    ("ruleengine.engine.plans", "KEYS"),
    ("ruleengine.schema.logsources", "_MEMO"),
)
"""Module and name of every constant that bounds how many things are remembered; that of values is in bytes."""


@contextmanager
def small_memos(most: int = 4) -> Iterator[None]:
    """Make everything that an engine remembers so small that it is full at once; engines must be made inside."""
    with pytest.MonkeyPatch.context() as patch:
        for module, name in BOUNDS:
            patch.setattr(import_module(module), name, most)
        patch.setattr(Memory.__init__, "__defaults__", (most * ENTRY,))
        yield


# --- small rules ---------------------------------------------------------------------------------------------------


@cache
def small() -> tuple[Loaded, ...]:
    """Return the rules of tests/cases/engine/rules.yml."""
    problems: list[Problem] = []
    found = load([str(FOLDER / "rules.yml")], problems.append).rules
    assert problems == []
    return found


def small_engine(routed: bool = True) -> Engine:
    return _small_engine(routed, os.environ.get(SWITCH))


@cache
def _small_engine(routed: bool, _switch: str | None) -> Engine:
    return Engine.from_rules(small() if routed else for_any(small()))


def lines() -> list[bytes]:
    """Return the lines of tests/cases/engine/lines.ndjson."""
    return (FOLDER / "lines.ndjson").read_bytes().splitlines()


def ask(data: bytes) -> int:
    """Ask the small rules of some bytes in every way, routed and not; return the matches."""
    engines = small_engine(), small_engine(routed=False)
    return sum(check_every_way(engine, Law(engine.rules), data) for engine in engines)


# --- rules of SigmaHQ ----------------------------------------------------------------------------------------------


@cache
def sigmahq() -> tuple[Loaded, ...]:
    """Return the rules of SigmaHQ from all folders, loaded once in a process."""
    folders = sorted(str(path) for path in shared("sigmahq").glob("rules*"))
    problems: list[Problem] = []
    found = load(folders, problems.append).events
    assert {problem.code for problem in problems} <= {"RE213"}, problems
    assert len(found) > 3_700
    return found


def for_any(rules: Iterable[Loaded]) -> tuple[Loaded, ...]:
    """Return rules that are asked about events of any log source."""
    return tuple(Loaded(replace(loaded.rule, logs=LogSource()), loaded.expr) for loaded in rules)


@lru_cache(maxsize=4)
def both(routed: bool = True, hints: HintFields = DEFAULT) -> tuple[Engine, Law]:
    """Return the engine and the law for all rules of SigmaHQ, routed by their log sources or asked about everything."""
    rules = sigmahq() if routed else for_any(sigmahq())
    return Engine.from_rules(rules, hints), Law(rules, hints)


def blocks(lines: Iterable[bytes], size: int = 1 << 18) -> Iterator[bytes]:
    """Yield lines joined to blocks of about a size, as a file is read."""
    kept, total = list[bytes](), 0
    for line in lines:
        kept.append(line)
        total += len(line) + 1
        if total >= size:
            yield b"\n".join(kept) + b"\n"
            kept, total = [], 0
    if kept:
        yield b"\n".join(kept) + b"\n"
