"""The engine says what the law says: on every lane of real events, on events made for each rule, on random rules.

In CI it is a sample; RULEENGINE_NIGHTLY=1 takes everything, for hours: each test by itself can be asked again (`-k`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.analysis.agree import probes
from ruleengine.analysis.witness import strategy
from ruleengine.analysis.witness.routing import routes
from ruleengine.engine import Engine
from ruleengine.events.complaints import Complaints
from ruleengine.ir import And, Equals, Expr, Like, LogSource, Not, Regex, Rule, Single, Wild
from ruleengine.load import Loaded
from ruleengine.lower import lower
from ruleengine.problem import Problem
from ruleengine.schema.logsources import DEFAULT, HintFields
from ruleengine.values import Event
from tests import corpora, strategies, test_python_target, written_rules
from tests.corpora import NIGHTLY
from tests.engine_cases import (
    Lane,
    Law,
    blocks,
    both,
    check,
    check_every_way,
    is_portable,
    lanes,
    lines_of,
    made,
    says,
    sigmahq,
    small_memos,
    ways,
)
from tests.engine_forms import FORMS, as_line, rewritten

EVENTS = 24
"""Events made for each rule: matches, near misses, and changes to them."""

EVERY = 1 if NIGHTLY else 200
"""One rule of so many has events made for it."""

FIRST = None if NIGHTLY else 10_000
"""Events of a lane of which some are asked."""

MANY = 3_000 if NIGHTLY else 25


# --- real events ---------------------------------------------------------------------------------------------------


def hints_of(lane: Lane) -> HintFields:
    return HintFields(*lane.hints) if lane.hints else DEFAULT


def agree(engine: Engine, law: Law, lines: Iterable[bytes]) -> tuple[int, int]:
    """Compare on all lines, block by block; return how many there were and how many matches."""
    given = hits = 0
    for block in blocks(lines):
        given += block.count(b"\n")
        hits += check(engine, law, block)
    return given, hits


def shares() -> list[Any]:
    """Return each lane, nightly in several parts, with a name by which it can be asked again."""
    found = []
    for lane in lanes():
        name = "-".join(
            (lane.events.replace("/", "-").partition(".")[0], *lane.hints[:1], *[lane.inner][: bool(lane.inner)])
        )
        parts = lane.parts if NIGHTLY else 1
        found += [pytest.param(lane, part, parts, id=f"{name}-{part}" if parts > 1 else name) for part in range(parts)]
    return found


@pytest.mark.parametrize(("lane", "part", "parts"), shares())
def test_lanes_routed(lane: Lane, part: int, parts: int) -> None:
    engine, law = both(hints=hints_of(lane))
    chosen = islice(lines_of(lane), part, FIRST, parts if NIGHTLY else lane.every)
    given, _ = agree(engine, law, chosen)
    assert given


@pytest.mark.parametrize("lane", [lane for lane in lanes() if not lane.hints], ids=lambda lane: lane.events)
def test_lanes_asked_by_all_rules(lane: Lane) -> None:
    engine, law = both(routed=False)
    every = lane.all_rules_every if NIGHTLY else lane.every * 2
    given, _ = agree(engine, law, islice(lines_of(lane), 0, FIRST, every))
    assert given


def test_the_lanes_match_often() -> None:
    """What is compared is not mostly silence."""
    engine, _ = both()
    lane = next(lane for lane in lanes() if lane.events == "sigma-regression/events.ndjson")
    found = [engine.found(json.loads(row)) for row in lines_of(lane)]
    assert sum(map(bool, found)) > len(found) * 0.9


# --- real events, written otherwise --------------------------------------------------------------------------------

HOT = ("sigma-regression/events.ndjson", "hayabusa-samples/events.ndjson", "cloud/cloudtrail.ndjson.zst")
MORE_HOT = ("windows-attack/events.ndjson.zst", "linux/events.ndjson", "web-crs/events.ndjson")


def hot_events() -> Iterator[Event]:
    """Yield events of which many match, and of the other lanes those that do."""
    for name in HOT:
        step = 1 if NIGHTLY else 40 if "cloud" in name else 5
        yield from islice(corpora.events(name), 0, None, step)
    if NIGHTLY:
        engine, _ = both()
        for name in MORE_HOT:
            matching = (event for event in corpora.events(name) if engine.found(event))
            yield from islice(matching, 0, 4_000, 2)


@pytest.mark.parametrize("form", [*FORMS, "rewritten"])
@pytest.mark.parametrize("routed", [True, False], ids=["routed", "all-rules"])
def test_other_ways_to_write_events(form: str, routed: bool) -> None:
    write, chance = FORMS.get(form, rewritten), Random(form)
    engine, law = both(routed)
    step = 1 if routed or NIGHTLY else 3
    given, hits = agree(engine, law, (write(event, chance) for event in islice(hot_events(), 0, None, step)))
    assert hits > given // 20


# --- events made for each rule -------------------------------------------------------------------------------------


def around(rules: Iterable[Loaded], chance: Random) -> Iterator[tuple[Event, Event]]:
    """Yield events around each rule, as they are and with what brings them to the rule."""
    for loaded in rules:
        assert loaded.expr is not None
        found = probes(loaded.expr, EVENTS)
        assert len(found) >= 20 or loaded.rule.id in FEW, (loaded.rule.label, loaded.rule.id, len(found))
        hints = {"_product": loaded.rule.logs.product, "_service": loaded.rule.logs.service}
        hints["_category"] = loaded.rule.logs.category
        ways = [dict(route) for route in routes(loaded.rule.logs)] + [{k: v for k, v in hints.items() if v}]
        for event in found:
            yield event, {**chance.choice(ways), **event}


FEW: frozenset[str] = frozenset()
"""Rules that no event can be made for."""

PARTS = 32 if NIGHTLY else 1


@pytest.mark.parametrize("part", range(PARTS))
def test_events_made_for_each_rule(part: int) -> None:
    chance = Random(part)
    rules = sigmahq()[part::PARTS]
    chosen = rules if NIGHTLY else chance.sample(rules, len(rules) // EVERY)
    pairs = list(around(chosen, chance))
    for routed, events in ((True, [event for _, event in pairs]), (False, [event for event, _ in pairs])):
        engine, law = both(routed)
        step = 1 if NIGHTLY or routed else 8
        given, hits = agree(engine, law, map(as_line, islice(events, 0, None, step)))
        assert hits > given // 8
        agree(engine, law, (rewritten(event, chance) for event in islice(events, 1, None, 2 * step)))


# --- random rules --------------------------------------------------------------------------------------------------

WHOLE = test_python_target.WHOLE
SOURCES = st.sampled_from([
    LogSource(),
    LogSource(),
    LogSource(product="windows"),
    LogSource(product="Windows", service="security"),
    LogSource(category="process_creation", product="windows"),
    LogSource(category="registry_event"),
    LogSource(product="linux", service="sshd"),
    LogSource(service="sysmon"),
])  # fmt: skip
ODD: st.SearchStrategy[Any] = st.sampled_from([
    None, "", "windows", "WINDOWS ", "security", ["windows"], ["process_creation", "registry_set"], {}, {"a": 1}, [],
    [1], 1, 1.0, True, "1", 4688, "4688", 4688.0, 4688.5, "04688", "Security", "Microsoft-Windows-Sysmon/Operational",
    -1, 2**70, "Microsoft-Windows-Sysmon", [["windows"]], [{}],
])  # fmt: skip
ROUTES = st.dictionaries(
    st.sampled_from(["Channel", "EventID", "Provider_Name", "_product", "_service", "_category"]), ODD, max_size=3
)
MORE_VALUES: st.SearchStrategy[Any] = st.sampled_from([
    1, 1.0, True, "1", "1.0", 0, -0.0, 0.0, False, "0", "-0", 2**70, 2.0**70, -(2**63), 5.0, "5.00", "05", "TRUE",
    "abc\0", "\0", "a/b", "x\\ab", "a" * 600, "\ufffd", "😀", [[1, [True]], 1.0], [[], {}], {"d": [1, {"d": "a"}]},
    "AB", "aB", "A B", "ABC", [["b", "ab"]],
])  # fmt: skip
MEETING = st.builds(
    lambda event, more, route: {**event, **more, **route},
    test_python_target.EVENTS,
    st.dictionaries(st.sampled_from(["a", "b", "c", "c.d", "other"]), MORE_VALUES, max_size=3),
    st.one_of(st.just({}), ROUTES),
)


def rules_of(exprs: list[Expr], data: st.DataObject) -> tuple[Loaded, ...]:
    return made(exprs, data.draw(st.lists(SOURCES, min_size=len(exprs), max_size=len(exprs))))


@settings(max_examples=MANY * 2)
@given(st.lists(WHOLE, min_size=1, max_size=8), st.lists(MEETING, min_size=1, max_size=10), st.data())
def test_random_rules_and_events(exprs: list[Expr], events: list[Event], data: st.DataObject) -> None:
    rules = rules_of(exprs, data)
    chance = Random(len(events))
    lines = [write(event, chance) for event in events for write in (lambda event, _: as_line(event), rewritten)]
    check_every_way(Engine.from_rules(rules), Law(rules), b"\n".join(lines))


@settings(max_examples=MANY)
@given(st.lists(strategies.rules(), min_size=1, max_size=6), st.data())
def test_random_rules_as_written_on_events_near_them(written: list[Rule], data: st.DataObject) -> None:
    problems: list[Problem] = []
    exprs = [expr for rule in written if (expr := lower(rule, problems.append)) is not None]
    assert problems == []
    rules = rules_of(exprs, data)
    near = data.draw(st.lists(st.one_of(*map(strategy, exprs)), min_size=1, max_size=8))
    routes = data.draw(st.lists(ROUTES, min_size=len(near), max_size=len(near)))
    events = [*near, *({**event, **route} for event, route in zip(near, routes, strict=True))]
    check_every_way(Engine.from_rules(rules), Law(rules), b"\n".join(map(as_line, events)))


@settings(max_examples=MANY)
@given(st.lists(written_rules.singles(sigma=False), min_size=1, max_size=4), st.data())
def test_rules_with_odd_names_and_texts(bodies: list[Single], data: st.DataObject) -> None:
    """Fields named `a.`, `` ` `` or ` a`, values of quotes, backslashes, NUL and blanks, chains of all modifiers."""
    lowered = (lower(Rule("odd", LogSource(), body), lambda _: None) for body in bodies)
    exprs = [expr for expr in lowered if expr is not None]
    rules = made(exprs)
    events = [event for expr in exprs for event in probes(expr, 8)] or [{}]
    chance = Random(len(events))
    lines = [write(event, chance) for event in events for write in (lambda event, _: as_line(event), rewritten)]
    check_every_way(Engine.from_rules(rules), Law(rules), b"\n".join(lines))


# --- random words, found at once -----------------------------------------------------------------------------------

PIECES = (
    "powershell",
    "shell",
    "\\cmd.exe",
    "/tmp/",
    "é",
    "K",
    "\u212a",
    '"',
    " ",
    "-enc",
    "true",
    "123",
    "e",
    "\n",
    "\\",
)
JOINED = st.lists(st.sampled_from(PIECES), min_size=1, max_size=4).map("".join)
PLAIN = st.builds(
    lambda field, text, cased, kind: {
        "contains": Like(field, (Wild.MANY, text, Wild.MANY), cased),
        "starts": Like(field, (text, Wild.MANY), cased),
        "ends": Like(field, (Wild.MANY, text), cased),
        "gap": Like(field, (text, Wild.ONE, text, Wild.MANY, "x"), cased),
        "is": Equals(field or "a", text, cased),
    }[kind],
    st.sampled_from(["a", "b", "c.d", None]),
    JOINED,
    st.booleans(),
    st.sampled_from(["contains", "starts", "ends", "gap", "is"]),
)


def wider(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    several = st.lists(inner, min_size=2, max_size=3)
    repeats = st.tuples(inner, st.sampled_from(["?", "*", "+", "{1,2}", "{0}", "{2}"]))
    return st.one_of(
        several.map("".join),
        several.map(lambda parts: f"(?:{'|'.join(parts)})"),
        repeats.map(lambda parts: f"(?:{parts[0]}){parts[1]}"),
    )


SMALLEST = [*map(re.escape, PIECES), ".*", "[a-z]", r"\d+", "^", "$", r"\b", "k", "[kK]", "S", "shell", "power"]
REGEXES = st.builds(
    Regex,
    st.sampled_from(["a", "b", "c.d", None]),
    st.recursive(st.sampled_from(SMALLEST), wider, max_leaves=6).filter(is_portable),
    st.sampled_from(["", "i", "s", "m"]),
)
LIKES: st.SearchStrategy[Expr] = st.one_of(PLAIN, PLAIN, REGEXES)
WORDS: st.SearchStrategy[Expr] = st.one_of(
    LIKES, st.builds(lambda one, other: And((one, Not(other))), LIKES, LIKES), st.builds(Not, LIKES)
)
HOLDING = st.one_of(JOINED, st.lists(JOINED, max_size=2), st.builds(lambda text: {"d": text}, JOINED), st.just(123e300))


@settings(max_examples=MANY * 4)
@given(
    st.lists(WORDS, min_size=1, max_size=12),
    st.lists(st.dictionaries(st.sampled_from(["a", "b", "c", "c.d", "\\cmd.exe"]), HOLDING, max_size=3), max_size=8),
    st.integers(0, 9),
)
def test_words_are_found_however_they_are_written(exprs: list[Expr], events: list[Event], seed: int) -> None:
    rules, chance = made(exprs), Random(seed)
    hands = [write(event, chance) for event in events for write in (FORMS["escaped"], FORMS["one_escape"], rewritten)]
    check_every_way(Engine.from_rules(rules), Law(rules), b"\n".join([*map(as_line, events), *hands]))


# --- what was asked before changes nothing -------------------------------------------------------------------------

WAYS = ("dictionary", "one line", "block", "matches")


def ask(engine: Engine, events: list[Event], way: str) -> list[tuple[int, ...]]:
    """Return what the engine says of events, asked in one of four ways."""
    positions = {id(loaded): index for index, loaded in enumerate(engine.rules)}
    match way:
        case "dictionary":
            return [engine.found(event) for event in events]
        case "matches":
            return [tuple(positions[id(loaded)] for loaded in engine.matches(event)) for event in events]
        case "one line":
            hits = [engine.match_ndjson(as_line(event)) for event in events]
            return [tuple(positions[id(loaded)] for hit in found for loaded in hit.rules) for found in hits]
        case _:
            data = b"\n".join(map(as_line, events))
            answer = engine.block(data, 1, Complaints("events", lambda _: None))
            found = {number: indices for number, _, indices in answer.hits}
            return [found.get(number, ()) for number in range(1, len(events) + 1)]


@settings(max_examples=MANY)
@given(
    st.lists(WHOLE, min_size=1, max_size=6),
    st.lists(MEETING, min_size=2, max_size=12),
    st.lists(st.tuples(st.sampled_from(WAYS), st.lists(st.integers(0, 99), min_size=1, max_size=8)), max_size=8),
    st.sampled_from([1, 2, 4, None]),
    st.data(),
)
def test_what_was_asked_before_changes_nothing(
    exprs: list[Expr], events: list[Event], asked: list[tuple[str, list[int]]], most: int | None, data: st.DataObject
) -> None:
    """The same events again, in other orders and ways, with memos of every size, also after many other values."""
    rules = rules_of(exprs, data)
    wanted = [says(rules, event) for event in events]

    def rounds(engine: Engine) -> None:
        for way, places in [("dictionary", list(range(len(events)))), *asked, ("block", list(range(len(events))))]:
            chosen = [place % len(events) for place in places]
            for one in ways(engine):
                assert ask(one, [events[place] for place in chosen], way) == [wanted[place] for place in chosen]

    if most is None:
        rounds(Engine.from_rules(rules))
        return
    with small_memos(most):
        engine = Engine.from_rules(rules)
        rounds(engine)
        others: list[Event] = [{"a": f"v{number}", f"k{number}": number, "b": number} for number in range(3 * most)]
        assert ask(engine, others, "block") == [says(rules, event) for event in others]
        rounds(engine)
