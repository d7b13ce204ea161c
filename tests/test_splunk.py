"""The Splunk target: what it writes means the rule, by an interpreter of SPL that shares no line with it."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ruleengine.analysis.agree import NOW_US, fields_of, probes
from ruleengine.ir import (
    And,
    Call,
    Compare,
    Equals,
    Exists,
    Expr,
    InList,
    InNetwork,
    Like,
    LogSource,
    Named,
    Not,
    Or,
    Regex,
    Rule,
    SameAs,
    Single,
    TimePart,
    Wild,
)
from ruleengine.load import Loaded, load
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.strings import joined
from ruleengine.target import SOURCE, Compiled, Limit, Ready
from ruleengine.target.bounds import holds as within
from ruleengine.times import event_us
from ruleengine.values import Event
from ruleengine_oracles import spl
from ruleengine_splunk import TARGET
from ruleengine_splunk.layout import WIDTH
from ruleengine_splunk.lists import INLINE, tables
from ruleengine_splunk.query import ALTERNATION
from tests import strategies
from tests.conftest import CASES
from tests.corpora import NIGHTLY, shared
from tests.written_rules import TEXTS

FOLDER = CASES / "splunk"
TABLE = {(row.construct.partition(":")[0], row.bound, row.kind == "unsupported") for row in TARGET.capabilities}
"""What the documentation says of limits: each has its row."""
RULE = Rule("made up", LogSource(), Single((), ()))
EXAMPLES = 1_000 if NIGHTLY else 40


def ready(expr: Expr, arrays: Iterable[str] = ()) -> Ready:
    return Ready(RULE, expr, "0" * 64, frozenset(arrays))


def asked(query: str | spl.Query, expr: Expr, event: Event, *, empty_survives: bool = True) -> bool:
    """Return what the interpreter says of an event."""
    us = event_us(event)
    rows = {name: list(csv.DictReader(io.StringIO(data.decode()))) for name, data in tables(expr).items()}
    time = (NOW_US if us is None else us) / 1_000_000
    return spl.matches(query, event, time=time, empty_survives=empty_survives, lookups=rows)


def is_within(compiled: Compiled, expr: Expr, event: Event, arrays: Iterable[str] = ()) -> bool:
    """Say whether an event keeps the contract and is within the bounds of a query."""
    assert TARGET.contract is not None
    bounds = [(limit.bound, limit.field) for limit in compiled.limits if limit.bound]
    return TARGET.contract.fits(event, fields_of(expr), frozenset(arrays)) and within(bounds, event)


def check(expr: Expr, events: Iterable[Event], arrays: Iterable[str] = ()) -> str:
    """Check that a query means what the expression does, and that its first stage finds no less; return its verdict."""
    compiled = TARGET.compile(ready(expr, arrays))
    for limit in compiled.limits:
        assert (limit.construct, limit.bound, limit.kind == "unsupported") in TABLE, limit
    if not compiled.text:
        assert compiled.verdict == "unsupported"
        return "unsupported"
    query, prefix = spl.parse(compiled.text), spl.parse(compiled.text.split("\n| ", 1)[0])
    for event in events:
        if not is_within(compiled, expr, event, arrays):
            continue
        for survives in (True, False):
            meant = holds(expr, Seen(event, NOW_US))
            found = asked(query, expr, event, empty_survives=survives)
            right = {"wider": found or not meant, "narrower": meant or not found}.get(compiled.verdict, meant == found)
            assert right, f"{compiled.verdict}: the rule says {meant}, the query {found}\n{compiled.text}\n{event}"
            if meant and compiled.verdict != "narrower":
                assert asked(prefix, expr, event, empty_survives=survives), (
                    f"left out first by\n{compiled.text}\n{event}"
                )
    return compiled.verdict


# --- cases -----------------------------------------------------------------------------------------------------------


def loaded(case: dict[str, Any], folder: Path) -> Loaded:
    """Return the rule of a case."""
    path = folder / "rule.yml"
    path.write_text(yaml.safe_dump({"title": "x", "logsource": {}, "detection": case["detection"]}, sort_keys=False))
    found: list[Problem] = []
    (rule,) = load([str(path)], found.append).rules
    assert not found
    return rule


def shown(why: str, compiled: Compiled) -> str:
    limits = dict.fromkeys(_shown(limit) for limit in compiled.limits)
    return f"== {why}: {compiled.verdict}\n{compiled.text or '(no query)'}\n" + "".join(limits)


def _shown(limit: Limit) -> str:
    return (
        f"  {limit.kind}: {limit.construct}: {limit.bound or limit.reason}{f' {limit.field}' if limit.field else ''}\n"
    )


@pytest.mark.parametrize("name", ["defects", "traps"])
def test_what_is_easily_wrong(name: str, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    out = []
    for case in yaml.safe_load((FOLDER / f"{name}.yml").read_text("utf-8")):
        expr = loaded(case, tmp_path).expr
        assert expr is not None
        arrays = case.get("arrays", ())
        compiled = TARGET.compile(ready(expr, arrays))
        out.append(shown(case["why"], compiled))
        for wanted, event in case["events"]:
            assert holds(expr, event) is wanted, (case["why"], event)
        check(expr, [event for _, event in case["events"]], arrays)
    golden(FOLDER / f"{name}.spl", "\n".join(out))


# --- random rules and events ----------------------------------------------------------------------------------------

FIELDS = st.sampled_from(["a", "b", "c d", "e-f.g", "NOT", "earliest", "ü", "5min", "x(=)"])
PATTERNS = st.lists(st.one_of(TEXTS, st.sampled_from(Wild)), max_size=4).map(joined)
PARTS = st.tuples(st.booleans(), TEXTS, st.booleans()).map(
    lambda given: joined((*([Wild.MANY] if given[0] else []), given[1], *([Wild.MANY] if given[2] else [])))
)
NUMBERS = st.one_of(st.integers(-(10**6), 10**6), st.decimals(-(10**6), 10**6, places=3))
NETWORKS = ("10.0.0.0/8", "0.0.0.0/0", "192.0.2.1", "2001:db8::/32", "::ffff:0:0/96", "::/0")
ENTRIES = st.lists(
    st.tuples(st.one_of(TEXTS, st.sampled_from(NETWORKS)), st.sampled_from([None, 0, NOW_US - 1, NOW_US + 1_000_123])),
    max_size=4,
).map(tuple)
SIGNS = st.sampled_from(["<", "<=", ">", ">="])


def atoms() -> SearchStrategy[Expr]:
    """Atoms of every kind that SPL can say, over odd fields and odd texts."""
    lengths = FIELDS.map(lambda field: Call("len", field))
    return st.one_of(
        st.builds(Equals, FIELDS, st.one_of(TEXTS, NUMBERS, st.booleans()), st.booleans()),
        st.builds(Like, FIELDS, st.one_of(PATTERNS, PARTS), st.booleans()),
        TEXTS.map(lambda text: Like(None, joined((Wild.MANY, text, Wild.MANY)))),
        st.builds(Compare, FIELDS, SIGNS, NUMBERS),
        st.builds(Equals, lengths, st.integers(0, 9)),
        st.builds(Compare, lengths, SIGNS, st.integers(0, 9)),
        st.builds(lambda field, text: Equals(Call("lower", field), text, True), FIELDS, TEXTS),
        st.builds(SameAs, FIELDS, FIELDS, st.sampled_from(["equals", "startswith", "endswith"]), st.booleans()),
        st.builds(InNetwork, FIELDS, st.sampled_from(NETWORKS)),
        st.builds(InList, FIELDS, st.just("list"), ENTRIES),
        st.builds(Exists, FIELDS),
    )


def _wider(inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
    several = st.lists(inner, min_size=1, max_size=3).map(tuple)
    return st.one_of(several.map(And), several.map(Or), inner.map(Not))


@settings(max_examples=EXAMPLES)
@given(st.recursive(atoms(), _wider, max_leaves=5), st.sets(st.sampled_from(["a", "b", "c d"])))
def test_a_query_of_odd_texts_means_the_rule(expr: Expr, arrays: set[str]) -> None:
    check(expr, probes(expr, 20), arrays)


@settings(max_examples=EXAMPLES)
@given(
    strategies.expressions(), st.lists(strategies.events(), max_size=10), st.sets(st.sampled_from(["a", "b", "c.d"]))
)
def test_a_query_means_the_rule(expr: Expr, events: list[Event], arrays: set[str]) -> None:
    check(expr, events, arrays)


@pytest.mark.parametrize(
    ("expr", "event"),
    [
        (Equals("a", 5), {"a": "05"}),
        (Equals("a", ""), {"a": ""}),
        (Exists("a"), {"a": {"b": 1}}),
        (Equals("a", "kill"), {"a": "\u212aill"}),
        (InNetwork("a", "192.0.2.0/24"), {"a": "::ffff:c000:201"}),
        (InNetwork("a", "2001:db8::/32"), {"a": "2001:db8::1:2:3:4:5:6:7"}),
        (Compare("a", ">", 2**53), {"a": str(2**53 + 1)}),
        (Compare(Call("len", "a"), ">", 0), {"a": 5}),
        (SameAs("a", "b"), {"a": "É", "b": "é"}),
        (Equals("host", "x"), {"host": "x"}),
        (Regex("source", "^y"), {"source": "y"}),
    ],
    ids=str,
)
def test_a_bound_is_needed(expr: Expr, event: Event) -> None:
    """Outside its bound an event is found otherwise, or no manual decides whether it is."""
    compiled = TARGET.compile(ready(expr))
    assert compiled.verdict == "bounded"
    assert not is_within(compiled, expr, event)
    with contextlib.suppress(spl.Undecided, spl.Undocumented):
        assert asked(compiled.text, expr, event, empty_survives=False) is not holds(expr, event)


# --- the form of queries ----------------------------------------------------------------------------------------------


def text_of(expr: Expr, arrays: Iterable[str] = ()) -> str:
    return TARGET.compile(ready(expr, arrays)).text


def test_where_the_events_are_comes_first() -> None:
    place = Named(f"{SOURCE}index", And((Equals("index", "windows"), Equals("sourcetype", "kills"))))
    compiled = TARGET.compile(ready(And((Equals("a", "b"), place))))
    assert compiled.text == 'index="windows" AND sourcetype="kills" AND a="b"'
    assert not any(limit.field == "sourcetype" for limit in compiled.limits)


def test_the_same_rule_gives_the_same_query_whatever_was_written_before() -> None:
    one, refused, other = Regex("a", "x"), SameAs("a", "b", "contains"), Or((Regex("a", "y"), Equals("b", "z")))
    first = [text_of(each) for each in (one, other)]
    assert text_of(refused) == ""
    assert [text_of(each) for each in (one, other)] == first


def test_long_lists_are_parted_and_lines_are_short() -> None:
    names = tuple(f"name{number:05}" for number in range(2_500))
    in_search = text_of(Or(tuple(Like("a", (Wild.MANY, name)) for name in names)))
    assert in_search.count(" IN (") == 3
    assert max(map(len, in_search.splitlines())) <= WIDTH + 20
    in_where = text_of(Or(tuple(Equals("a", name, cased=True) for name in names)))
    where = in_where.split("| where", 1)[1]
    assert where.count("isnotnull") > 10
    assert max(map(len, where.splitlines())) < ALTERNATION + 200
    check(
        Or(tuple(Equals("a", name, cased=True) for name in names)), [{"a": "name00007"}, {"a": "name02499"}, {"a": "x"}]
    )


@pytest.mark.parametrize(
    ("source", "flags", "needed"),
    [
        ("^abc.*defgh", "", "*defgh*"),
        (r"(?i)powerSHELL\.exe$", "", "*powershell.exe*"),
        ("ab+cde", "", "*bcde*"),
        ("(abc)(def)?", "", "*abc*"),
        ("x(yz|w)q{3}r", "s", "*qqqr*"),
        (r"a\bkkkkk\b", "i", "*akkkkk*"),
    ],
)
def test_the_search_looks_for_what_a_regular_expression_needs(source: str, flags: str, needed: str) -> None:
    expr = Regex("a", source, flags)
    assert text_of(expr).startswith(f'a="{needed}"\n')
    check(expr, probes(expr, 20))


@pytest.mark.parametrize("source", ["abc|def", "(abc)?", "(abc){0,2}", "[a\u212a]bc", "[abc]{5}", ".*", "a"])
def test_the_search_looks_for_nothing_that_may_be_missing(source: str) -> None:
    assert text_of(Regex("a", source)).startswith("*\n")


def test_a_pattern_too_long_for_pcre_is_refused() -> None:
    compiled = TARGET.compile(ready(Equals("a", "x" * 9_000, cased=True)))
    assert (compiled.text, compiled.verdict) == ("", "unsupported")
    assert TARGET.compile(ready(Equals("a", "x" * 9_000))).verdict == "exact"


@pytest.mark.parametrize(
    "expr",
    [
        TimePart("timestamp", "week", "==", 1),
        TimePart("a", "hour", "==", 1),
        Equals(Call("domain", "a"), "example.com"),
        Regex("it's", "x"),
        Equals("a", "\ud800"),
        Compare("a", ">", Decimal("1e300")),
        Regex(None, "^a"),
    ],
)
def test_what_cannot_be_said_has_a_reason(expr: Expr) -> None:
    compiled = TARGET.compile(ready(expr))
    assert compiled.text == ""
    assert any(limit.kind == "unsupported" and limit.reason for limit in compiled.limits)


# --- lists ------------------------------------------------------------------------------------------------------------


@given(
    st.sampled_from(["w0000", "W0042", f"w{INLINE:04}", "é1", "É1", "x 1", "10.0.0.9", "late", "soon", "none", ""]),
    st.booleans(),
)
def test_a_long_list_becomes_a_lookup_file(value: str, negated: bool) -> None:
    many = [(f"W{number:04}", None) for number in range(INLINE + 1)]
    odd = [("é1", None), ("10.0.0.0/29", None), ("late", NOW_US - 5_000_000), ("Soon", NOW_US + 5), ("soon", 0)]
    atom = InList("a", "bad things", (*many, *odd))
    ((name, data),) = tables(atom).items()
    assert name.startswith("ruleengine_bad_things_") and data.startswith(b"value,expires\n")
    expr = And((Exists("b"), Not(atom) if negated else atom))
    assert f"| lookup {name} " in text_of(expr)
    assert check(expr, [{"a": value, "b": 1}, {"a": value}, {"b": 1}]) == "bounded"


# --- SigmaHQ ----------------------------------------------------------------------------------------------------------


def test_all_of_sigmahq_compiles() -> None:
    """Rules without keywords are exact or bounded, 99 of 100 at least; every query can be read."""
    rules = load([str(shared("sigmahq"))], lambda _problem: None).events
    made = [(rule, TARGET.compile(Ready(rule.rule, rule.expr, "0" * 64))) for rule in rules if rule.expr is not None]
    assert len(made) > 3_700
    plain = [
        compiled.verdict for _, compiled in made if not any("keyword" in each.construct for each in compiled.limits)
    ]
    assert sum(verdict in ("exact", "bounded") for verdict in plain) >= 0.99 * len(plain)
    step = 1 if NIGHTLY else 250
    for rule, compiled in made[::step]:
        if compiled.text:
            spl.parse(compiled.text)
        assert rule.expr is not None
        check(rule.expr, probes(rule.expr, 9))
