"""What the sieve says of an event is what is said without it, and what the law says: of any rule, however much it has
learned, whoever asks at the same time.

How it reads lines is tested in test_sieve_text.py, what it takes for a program in test_sieve_programs.py.
"""

from __future__ import annotations

import gc
import json
import sys
import weakref
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import chain, product
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.engine import Engine
from ruleengine.engine import native as native_module
from ruleengine.engine.bundle import bundle_of, bundle_rule
from ruleengine.engine.native import SWITCH, accelerated
from ruleengine.ir import And, Atom, Compare, Equals, Exists, Expr, Like, LogSource, Not, Or, Regex, SameAs, Wild
from ruleengine.load import load
from ruleengine.values import Event
from tests.conftest import ROOT
from tests.corpora import NIGHTLY
from tests.engine_cases import FOLDER, Law, check, check_every_way, made, no_complaints, says, small
from tests.engine_forms import Hand, as_line
from tests.test_engine_agrees import ROUTES, rules_of
from tests.test_python_target import WHOLE

if accelerated() != "yes":
    pytest.skip(f"a sieve? {accelerated()}", allow_module_level=True)


KEYS, PLANS, RARE = 1 << 14, 1 << 12, 1 << 14  # what it learns, as in _sieve_base.h
MANY = 3_000 if NIGHTLY else 60

# --- any rule, any event -------------------------------------------------------------------------------------------

FIELDS = ("a", "b", "c.d", "a.b", "", "EventID", "_product", "é", "a b", None)
TEXTS = (
    *("04624", "4624", "1.0", "1", "-0", "0", "-5", "5.50", "1e5", "true", "TRUE", "null", "None", "", " "),
    *("a", "A", "ab", "aB", "é", "É", "eé", "K", "\u212a", "\u017f", "S", "\ufffd", "😀", "ß", "İ", "a\u0301"),
    *(
        "\0",
        "a\0",
        "\n",
        "\b",
        "\f",
        "\r",
        "a\tb",
        "\x1f",
        "\x7f",
        '"',
        "\\",
        "\\\\",
        "/",
        "\\cmd.exe",
        "C:\\x\\cmd.exe",
        "/bin/sh",
        "a/b",
    ),
    *("powershell -enc", "x" * 511, "x" * 513, "é" * 300, "[1]", '{"a":"b"}', "\\u0041", "\\n"),
)
NUMBERS = (0, 1, 5, -5, 4624, 10**18, -(10**18), 2**63, 2**64, 2**70)
KINDS: tuple[Callable[[str], tuple[str | Wild, ...]], ...] = (
    lambda text: (text,),
    lambda text: (text, Wild.MANY),
    lambda text: (Wild.MANY, text),
    lambda text: (Wild.MANY, text, Wild.MANY),
    lambda text: (Wild.MANY, text, Wild.ONE, Wild.MANY),
    lambda text: (text, Wild.ONE, text),
)
REGEXES = ("^a", "k", "K$", "\u212a", "[0-9]+", "^$", r"\.0$", "(?:cmd|sh)", "é", r"\\cmd\.exe$", ".", r"\x00")


def atoms(field: str | None) -> st.SearchStrategy[Atom]:
    on, cased = st.just(field), st.booleans()
    texts = st.sampled_from(TEXTS)
    likes = st.builds(
        lambda kind, text, cased: Like(field, kind(text) if text else (), cased), st.sampled_from(KINDS), texts, cased
    )
    regexes = st.builds(Regex, on, st.sampled_from(REGEXES), st.sampled_from(["", "i", "s"]))
    if field is None:
        return st.one_of(likes, likes, regexes)
    scalars: tuple[Any, ...] = (*NUMBERS, True, False, Decimal("1.0"), Decimal("5.5"), Decimal("1E+2"))
    return st.one_of(
        likes,
        likes,
        regexes,
        st.builds(Equals, on, st.one_of(texts, st.sampled_from(scalars)), cased),
        st.builds(Exists, on),
        st.builds(Compare, on, st.sampled_from(["<", ">="]), st.sampled_from([0, 5, Decimal("1.0")])),
        st.builds(SameAs, on, st.sampled_from(["a", "b", "c.d"]), st.sampled_from(["equals", "endswith"]), cased),
    )


def wider(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
    several = st.lists(inner, max_size=4).map(tuple)
    return st.one_of(several.map(And), several.map(Or), inner.map(Not))


EXPRS = st.recursive(st.one_of(*map(atoms, FIELDS)), wider, max_leaves=6)
SCALARS = st.one_of(
    st.sampled_from(TEXTS),
    st.sampled_from([*NUMBERS, True, False, None, 1.0, -0.0, 0.5, 5.5, 1e5, 1e22, 1e-7, 4624.0, 123456789.125]),
    st.text(max_size=4),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
)
NESTING = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(["d", "b", "a"]), inner, max_size=2)
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(["a", "b", "c", "c.d", "a.b", "", "é", "a b", "other", "EventID", "_product", "_category"])
EVENTS = st.builds(
    lambda event, route: {**event, **route},
    st.dictionaries(NAMES, st.one_of(SCALARS, SCALARS, NESTING), max_size=6),
    st.one_of(st.just({}), ROUTES),
)


def written(events: Iterable[Event], seed: int) -> Iterator[bytes]:
    """Yield lines: as they are mostly written, in UTF-8, with blanks, and with some letters as escapes."""
    for event in events:
        yield as_line(event)
        yield json.dumps(event, ensure_ascii=False).encode()
        yield Hand(Random(seed), escapes=0.05, blanks=0.3).value(event).encode()


@settings(max_examples=2 * MANY)
@given(st.lists(EXPRS, min_size=1, max_size=12), st.lists(EVENTS, min_size=1, max_size=12), st.data())
def test_any_rule_says_of_any_event_what_the_law_says(
    exprs: list[Expr], events: list[Event], data: st.DataObject
) -> None:
    rules = rules_of(exprs, data)
    check_every_way(Engine.from_rules(rules), Law(rules), b"\n".join(written(events, len(exprs))))


@settings(max_examples=MANY // 3)
@given(st.lists(WHOLE, min_size=1, max_size=8), st.lists(EVENTS, min_size=1, max_size=12))
def test_rules_of_every_kind_of_test(exprs: list[Expr], events: list[Event]) -> None:
    rules = made(exprs)
    check(Engine.from_rules(rules), Law(rules), b"\n".join(written(events, len(exprs))))


def test_each_text_against_each() -> None:
    """Each way to look at a text, of one field and anywhere, negated too, at each value alone, cased and not."""
    sought = [
        Like(field, kind(text), cased)
        for field, kind, text, cased in product(("a", None), KINDS[:4], filter(None, TEXTS), (True, False))
    ]
    compared: tuple[str | int, ...] = (*TEXTS, *NUMBERS, True, False)
    equal = [Equals("a", value, cased) for value, cased in product(compared, (True, False))]
    tests: list[Expr] = [*sought, *equal, *map(Not, equal[::3])]
    rules = made(tests)
    values: tuple[Any, ...] = (*compared, None, 1.0, 4624.0, 5.5, -0.0, {}, [], [[]], {"a": "a"}, ["a", 5])
    events: list[Event] = [{"a": value} for value in values] + [{"b": value, "a": "x"} for value in values]
    assert check(Engine.from_rules(rules), Law(rules), b"\n".join(written(events, 1))) > 5_000


def test_paths_and_keys_of_their_names() -> None:
    exprs: list[Expr] = [
        Exists("c.d"),
        Equals("c.d", "x"),
        Not(Equals("c.d", "x")),
        Like("c.d.e", (Wild.MANY, "y")),
        SameAs("c.d", "a"),
        Equals("c.", "x"),
        Equals(".d", "x"),
    ]
    inner: tuple[Any, ...] = (
        {"d": "x"},
        {"d": {"e": "xy"}},
        [{"d": "q"}, {"d": ["x"]}],
        {"": "x"},
        "x",
        None,
        [],
        {},
        {"d": None},
    )
    keys: tuple[Any, ...] = ("x", None, [], {}, ["q", "x"], {"e": "y"}, 5)
    events: list[Event] = [{"a": "x", "c": value} for value in inner]
    events += [
        {name: value, **more}
        for name, value, more in product(("c.d", "c.", ".d", "c.d.e"), keys, ({}, {"c": {"d": "x"}}, {"": {"d": "x"}}))
    ]
    rules = made(exprs)
    assert check(Engine.from_rules(rules), Law(rules), b"\n".join(map(as_line, events)))


def test_a_rule_that_is_too_large_or_too_deep_for_a_program_is_asked_all_the_same() -> None:
    deep: Expr = Equals("a", "x")
    for number in range(200):
        deep = Not(deep) if number % 2 else And((deep, Exists("a")))
    long = Or(tuple(Equals("a", f"value number {number}") for number in range(5_000)))
    fields = Or(tuple(Equals(f"f{number}", "x") for number in range(3_000)))
    rules = made([deep, long, fields, Not(long), Equals("b", "y" * 9_000), And((Not(fields), Not(deep)))])
    events: list[Event] = [{"a": "x"}, {"a": "value number 4999", "f2999": "x"}, {"b": "y" * 9_000}, {"a": "y"}, {}]
    assert check(Engine.from_rules(rules), Law(rules), b"\n".join(map(as_line, events))) > 10


def test_rules_with_names_that_are_no_text_and_more_fields_than_it_learns_of_events() -> None:
    several = [
        Or(tuple(Equals(f"g{number}", "x") for number in range(at, at + 500))) for at in range(0, KEYS + 500, 500)
    ]
    rules = made([Exists("\ud800"), Equals("a\udfff", "x"), Equals("a", "\ud800"), *several, Exists("h" * 5_000)])
    events: list[Event] = [{"g16400": "x", "a": 1}, {"h" * 5_000: 1}, {"new": "x", "g0": "x"}, {}]
    assert check(Engine.from_rules(rules), Law(rules), b"\n".join(map(as_line, events))) == 3


def test_nothing_holds_an_engine_that_nobody_uses() -> None:
    engine = Engine.from_rules(small())
    engine.match_ndjson((FOLDER / "lines.ndjson").read_bytes())
    gone = weakref.ref(engine._planner)
    del engine
    gc.collect()
    assert gone() is None


def test_the_variable_turns_the_sieve_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Engine.from_rules(small())._sifter is not None
    monkeypatch.setenv(SWITCH, "0")
    assert Engine.from_rules(small())._sifter is None and accelerated() == f"no: {SWITCH}=0"


def test_most_real_events_are_read_by_the_sieve() -> None:
    """Else these tests would compare the Python path with itself."""
    engine = Engine.from_rules(load([str(ROOT / "rules")], lambda _: None).events)
    lines = [line for path in sorted((ROOT / "fixtures").rglob("*.ndjson")) for line in path.read_bytes().splitlines()]
    assert engine._sifter is not None and len(lines) > 100
    assert engine._sifter.left(b"\n".join(lines))[0] > 0.9 * len(lines)


# --- more than it can learn ----------------------------------------------------------------------------------------


def stream(kind: str, count: int) -> Iterator[bytes]:
    """Yield lines each of which has something that none before had; one in seven matches."""
    for number in range(count):
        word = "mimikatz" if number % 7 == 0 else "other"
        match kind:
            case "keys":
                yield as_line({f"k{number}": number, "a": word})
            case "wide":
                yield as_line({f"k{number * 40 + place}": "x" for place in range(40)} | {"a": word})
            case "sources":
                yield as_line({"EventID": number, "Channel": "Security", "a": word})
            case "shapes":
                yield as_line({name: word for place, name in enumerate("abcdefghijklmnop") if number + 1 >> place & 1})
            case "foreign":
                yield b'{"a":"%b%d","b":1}' % (f"é{word}".encode(), number)
            case _:
                yield as_line({"a": [word, number], "b": number / 8})


SOUGHT: tuple[Expr, ...] = (
    *(
        Equals("a", "mimikatz"),
        Like("a", (Wild.MANY, "mimikatz", Wild.MANY)),
        Like(None, (Wild.MANY, "mimikatz", Wild.MANY)),
    ),
    *(Like("a", ("émimi", Wild.MANY)), Equals("b", "0.875"), Equals("a", 70), Not(Exists("a")), Exists("k16390")),
)
STREAMS = {
    "keys": KEYS + 900,
    "wide": 700,
    "sources": PLANS + 900,
    "shapes": PLANS + 900,
    "foreign": RARE + 900,
    "lists": RARE + 900,
}


@pytest.mark.parametrize("patience", [1 << 17, 3_000])
@pytest.mark.parametrize("kind", STREAMS)
def test_a_stream_of_more_than_it_can_learn(kind: str, patience: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Full it goes on with what it knows, or is made anew; what it says stays the same, also of what it saw before."""
    monkeypatch.setattr(native_module, "PATIENCE", patience)
    engine = Engine.from_rules(made(SOUGHT, [LogSource()] * 7 + [LogSource(product="windows")]))
    law, sifter = Law(engine.rules), engine._sifter
    assert sifter is not None
    first, lines = sifter._sieve, list(stream(kind, STREAMS[kind]))
    for start in range(0, len(lines), 2_500):
        assert check(engine, law, b"\n".join(lines[start : start + 2_500]))
    assert first.full, "the stream is long enough"
    check(engine, law, b"\n".join(chain(lines[:500], lines[-500:])))
    assert (sifter._sieve is first) == (patience > len(lines))
    plain, _ = sifter.left(b"\n".join(lines[:20]))
    assert plain == 20, "what came first is known, or is known again"


# --- several threads -----------------------------------------------------------------------------------------------


def test_two_threads_use_one_engine() -> None:
    engine = Engine.from_rules(made(SOUGHT))
    streams = [[*stream(kind, 1_500)] for kind in ("keys", "foreign", "sources", "lists")]
    wanted = [
        [(number, found) for number, line in enumerate(lines) if (found := says(engine.rules, json.loads(line)))]
        for lines in streams
    ]
    interval = sys.getswitchinterval()

    def run(which: int) -> bool:
        lines, hits = streams[which], list[tuple[int, tuple[int, ...]]]()
        for start in range(0, len(lines), 50):
            answer = engine.block(b"\n".join(lines[start : start + 50]), start, no_complaints())
            assert answer.events == 50
            hits += [(number, found) for number, _, found in answer.hits]
        return hits == wanted[which]

    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(2) as pool:
            assert all(pool.map(run, [0, 1, 2, 3] * 3))
    finally:
        sys.setswitchinterval(interval)


# --- blocks --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2_047, 2_048, 2_049, 4_097])
def test_odd_lines_around_the_lines_that_are_read_together(count: int) -> None:
    engine = Engine.from_rules(made([Equals("a", "x"), Like("a", (Wild.MANY, "words", Wild.MANY)), Exists("b")]))
    law, kinds = Law(engine.rules), (b'{"a":"x"}', b'{"a":"some words"}', b'{"b":1}', b'{"c":1}')
    for odd in (0, 2_045, 2_046, 2_047, count - 2):
        lines = [kinds[number % len(kinds)] for number in range(count)]
        lines[odd : odd + 2] = [b'{"a":"\\u0078"}', b"broken"]
        assert check(engine, law, b"\n".join(lines))
    check(engine, law, b"\n" * count)
    assert check(engine, law, b'{"a":"\\u0078"}\n' * count) == count


@pytest.mark.parametrize("size", [(1 << 20) - 1, 1 << 20, (1 << 20) + 1])
def test_a_line_that_is_hardly_too_long(size: int) -> None:
    engine = Engine.from_rules(made([Like("a", (Wild.MANY, "mimikatz")), Exists("b"), Not(Exists("a"))]))
    long = b'{"a":"' + b"x" * (size - 16) + b'mimikatz"}'
    for data in (long, long + b"\n", long + b'\n{"b":1}\n' + long):
        assert check(engine, Law(engine.rules), data)


@pytest.mark.parametrize("count", [299, 300, 301, 302])
def test_a_line_of_hardly_too_many_names(count: int) -> None:
    engine = Engine.from_rules(made([Like(None, ("x",)), Exists("k0"), Equals(f"k{count - 1}", count - 1)]))
    event: Event = {f"k{number}": number for number in range(count)} | {"a": "x"}
    assert check(engine, Law(engine.rules), b"\n".join([as_line(event)] * 2)) == 6


def test_who_has_no_use_for_events_gets_the_same_rules() -> None:
    engine = Engine.from_rules(small())
    data = (FOLDER / "lines.ndjson").read_bytes()
    whole, brief = (engine.block(data, 1, no_complaints(), events=events) for events in (True, False))
    assert [(line, rules) for line, _, rules in brief.hits] == [(line, rules) for line, _, rules in whole.hits]
    assert brief.events == whole.events and len(brief.hits) > 20


# --- limits of what is around it -----------------------------------------------------------------------------------


@pytest.mark.parametrize("length", [1_100, 70_000])
def test_a_text_may_be_longer_than_any_literal(length: int) -> None:
    """Hyperscan refuses expressions of 16,000 bytes; a bundle must take what we wrote into it."""
    text = "y" * length
    rules = made([Like("b", (Wild.MANY, text, Wild.MANY)), Equals("b", text)])
    data = b"\n".join(as_line({"b": value}) for value in (text, f"-{text}-", text[1:], text.upper()))
    assert check(Engine.from_rules(rules), Law(rules), data) == 5
    assert check(Engine.from_bundle(bundle_of(map(bundle_rule, rules))), Law(rules), data) == 5


def test_a_sieve_of_another_source_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native_module, "FORMAT", native_module.FORMAT + 1)
    assert accelerated() == "no: it was built from another source"
    assert Engine.from_rules(small())._sifter is None
