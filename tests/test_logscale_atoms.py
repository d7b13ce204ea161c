"""LogScale, atom by atom: random rules and events, and each kind of atom on values that query languages misread."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from ipaddress import IPv4Address, ip_network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

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
    Not,
    Or,
    Pattern,
    Regex,
    SameAs,
    TimePart,
    Wild,
)
from ruleengine.meaning import equals, holds
from ruleengine.strings import joined
from ruleengine.values import Event
from ruleengine_logscale import TARGET
from ruleengine_logscale.networks import said_networks
from ruleengine_logscale.written import equal_number
from ruleengine_oracles import cql
from tests.strategies import atoms, keywords
from tests.test_logscale import NOW_US, asked, check, is_within, ready

FIELDS = ("a", "c.d", "my field", "user-agent", "and", 'a"b\\c', "_r0", "#tag", "é")
VALUES: tuple[Any, ...] = (
    *("", "a", "A", "ab", "b/a", "a*b", "a?b", 'q"\\', "x\ny", "x\n", "é", "É", "ſ", "K", "🙂", "true", "TRUE"),
    *("5", "5.0", "05", "-3", "5e0", "0x5", "+5", " 5", "1_0", "²", "NaN", "10.0.0.7", "010.0.0.7", "::ffff:10.0.0.7"),
    *(
        "::FFFF:10.0.0.7",
        "::ffff:a00:7",
        "2001:db8::1",
        "2001:DB8::1",
        "10.0.0.7:80",
        "10.0.0.8/29",
        "256.0.0.1",
        "::ffff:300.0.0.1",
        "::ffff:01.0.0.1",
    ),
    *(0, 5, -3, 7.5, 1e3, 0.1, 2**53, 2**53 + 1, True, False, None, {}, [], {"inner": "a"}),
)
TIMES = ("2025-01-06T09:05:00Z", "2024-12-30T23:59:00Z", "2020-02-29 12:00:00", 1_735_689_600)
TEXTS = (
    "a",
    "A",
    "b/",
    "a*b",
    'q"\\',
    "x\n",
    "é",
    "É",
    "s",
    "ſ",
    "K",
    "🙂",
    "5",
    "5.0",
    "true",
    "",
    "C:\\x",
    "nan",
    "-a",
)
LISTED = ("a", "É", "5", "", "10.0.0.0/8", "2001:db8::/32", "10.0.0.8/29", 'q"\\', "ſ")


def patterns() -> SearchStrategy[Pattern]:
    parts: list[str | Wild] = [*TEXTS[:13], Wild.ONE, Wild.ONE, Wild.MANY, Wild.MANY, Wild.MANY]
    return st.lists(st.sampled_from(parts), max_size=4).map(_joined)


def _joined(parts: list[str | Wild]) -> Pattern:
    return joined(parts)


def our_atoms() -> SearchStrategy[Expr]:
    """Atoms over names and values that a query language reads in its own way."""
    on, texts = st.sampled_from(FIELDS), st.sampled_from(TEXTS)
    expiries = st.sampled_from([None, NOW_US - 1_000_000, NOW_US + 1_000_000])
    entries = st.lists(st.tuples(st.sampled_from(LISTED), expiries), max_size=4).map(tuple)
    hows = st.sampled_from(["equals", "startswith", "endswith", "contains"])
    parts = st.sampled_from([("hour", 9), ("minute", 5), ("day", 6), ("week", 1), ("month", 12), ("year", 2025)])
    signs = st.sampled_from(["==", "<", ">="])
    return st.one_of(
        st.builds(Equals, on, texts, st.booleans()),
        st.builds(Like, on, patterns(), st.booleans()),
        st.builds(
            Regex, on, st.sampled_from(["a/b", "/", "", "(a|)", "[/\\]-]", r"\x07|\t", "é", "[^é]"]), st.just("i")
        ),
        st.builds(InList, on, st.just("l"), entries),
        st.builds(SameAs, on, on, hows, st.booleans()),
        st.builds(lambda part, sign: TimePart("ts", part[0], sign, part[1]), parts, signs),
        st.sampled_from(FIELDS).flatmap(atoms),
        keywords(),
    )


def expressions() -> SearchStrategy[Expr]:
    """Expressions that put atoms, above all those that need functions, under AND, OR and NOT."""

    def wider(inner: SearchStrategy[Expr]) -> SearchStrategy[Expr]:
        several = st.lists(inner, max_size=3).map(tuple)
        return st.one_of(several.map(And), several.map(Or), inner.map(Not))

    return st.recursive(our_atoms(), wider, max_leaves=5)


def events() -> SearchStrategy[Event]:
    values = {field: st.sampled_from(VALUES) for field in (*FIELDS, "other")}
    return st.fixed_dictionaries({}, optional={**values, "ts": st.sampled_from(TIMES)})


@given(expressions(), st.lists(events(), min_size=1, max_size=4))
@settings(max_examples=400)
def test_a_query_means_what_the_rule_means(expr: Expr, given: list[Event]) -> None:
    for event in given:
        check(expr, event)


F = "my field"
MANY, ONE = Wild.MANY, Wild.ONE
EACH: tuple[Expr, ...] = (
    *(Equals(F, text, cased) for text in (*TEXTS, True, 5, -3, 0, Decimal("7.5")) for cased in (True, False)),
    *(
        Like(F, pattern)
        for pattern in ((MANY,), (), ("a", MANY, "b"), ("a", ONE, "b"), (MANY, "/"), ("x", ONE), (ONE,))
    ),
    *(
        Regex(F, source, flags)
        for source in ("^.$", "a/b", "[^é]", r"\bb\b", "^$", "x$")
        for flags in ("", "i", "s", "m")
    ),
    *(Compare(F, sign, value) for sign in ("<", ">=") for value in (5, 0, -3, Decimal("7.5"), 2**53)),
    *(
        InNetwork(F, block)
        for block in ("10.0.0.0/29", "::ffff:10.0.0.0/124", "0.0.0.0/0", "2001:db8::/32", "10.0.0.7")
    ),
    Exists(F),
    *(
        SameAs(F, "a", how, cased)
        for how in ("equals", "startswith", "endswith", "contains")
        for cased in (True, False)
    ),
    InList(
        F, "l", (("A", None), ("10.0.0.0/30", None), ("10.0.0.8/29", None), ("é", NOW_US + 1), ("5", NOW_US - 1000))
    ),
    *(Like(None, (MANY, *parts, MANY)) for parts in (('"\\',), ("é",), ("x", ONE, "y"), ("\n",), ("🙂",), ("a/",))),
    *(Regex(None, source, "") for source in (r"^x\sy$", r"b\b", '"', "[^a]{2}", "(é|🙂)$")),
)


@pytest.mark.parametrize("expr", EACH, ids=repr)
def test_each_kind_of_atom_is_right_for_each_odd_value(expr: Expr) -> None:
    for value in VALUES:
        for event in ({F: value, "a": "a"}, {F: value, "a": ""}) if isinstance(expr, SameAs) else ({F: value},):
            check(expr, event)
            check(Or((Not(expr), Equals("b", "c"))), event)


@given(st.data(), st.lists(st.sampled_from(VALUES), max_size=4), st.sampled_from(["a", "c.d", "my field"]))
@settings(max_examples=150)
def test_an_array_is_asked_member_by_member(data: st.DataObject, members: list[Any], field: str) -> None:
    texts = st.sampled_from(TEXTS)
    atom = data.draw(
        st.one_of(
            st.builds(Equals, st.just(field), st.one_of(texts, st.sampled_from([5, True])), st.booleans()),
            st.builds(Like, st.just(field), patterns(), st.booleans()),
            st.builds(Regex, st.just(field), st.sampled_from(['a/b"', r"^a\\", "é"]), st.sampled_from(["", "i", "m"])),
            st.builds(Exists, st.just(field)),
        )
    )
    expr = data.draw(st.sampled_from([atom, Not(atom), Or((atom, Exists("other")))]))
    for event in ({field: members}, {field: members[0]} if members else {}):
        check(expr, event, [field])


@given(
    st.sampled_from(["len", "lower"]),
    st.one_of(
        st.builds(
            Equals, st.just("f"), st.one_of(st.integers(-1, 4), st.sampled_from(["ab", "Ab", "a*"])), st.booleans()
        ),
        st.builds(
            Compare,
            st.just("f"),
            st.sampled_from(["<", "<=", ">", ">="]),
            st.sampled_from([-1, 0, 2, Decimal("2.5"), 10**9]),
        ),
        st.builds(Like, st.just("f"), patterns(), st.booleans()),
        st.builds(Exists, st.just("f")),
    ),
    st.sampled_from(VALUES),
)
def test_functions_of_a_field(function: str, atom: Any, value: Any) -> None:
    called = replace(atom, field=Call(function, "my field"))
    for expr in (called, Not(called), Or((called, replace(atom, field=str(called.field))))):
        check(expr, {"my field": value, "len(my field)": 2})
        check(expr, {"my field": [value, "x"]}, ["my field"])


def test_what_only_plain_fields_can_be_asked_is_refused_for_arrays() -> None:
    for atom in (InNetwork("a", "192.0.2.0/24"), SameAs("b", "a"), SameAs("a", "b")):
        compiled = TARGET.compile(ready(atom, ["a"]))
        assert (compiled.verdict, compiled.text) == ("unsupported", "")


# --- the pieces -----------------------------------------------------------------------------------------------------


@given(st.decimals(allow_nan=False, allow_infinity=False, places=2), st.sampled_from(["", "0", "00", ".", ".0", " "]))
def test_a_number_is_found_by_its_text_alone(number: Decimal, tail: str) -> None:
    for written in (str(int(number)), format(number, "f"), "0" + format(abs(number), "f")):
        for text in (written, written + tail, "-" + written):
            for value in (number, int(number)):
                found = cql.matches(f"a=/{equal_number(value)}/", {"a": text})
                assert found is equals(text, value), (text, value)


@given(st.ip_addresses(v=4), st.integers(0, 32), st.ip_addresses(v=4))
def test_ipv4_within_ipv6_is_told_apart_digit_by_digit(inside: Any, bits: int, other: Any) -> None:
    block = ip_network(f"{inside}/{bits}", strict=False)
    mapped = said_networks("a", (str(block),)).ways[1][0]
    edges = [
        block[0],
        block[-1],
        inside,
        other,
        *(IPv4Address(int(block[at]) + by) for at, by in EDGES if int(block[at]) + by in FOUR),
    ]
    for address in edges:
        assert cql.matches(mapped, {"a": f"::ffff:{address}"}) is (address in block)
        assert cql.matches(mapped, {"a": str(address)}) is False


EDGES = ((0, -1), (-1, 1))
FOUR = range(2**32)


@given(st.text(max_size=6), st.text(max_size=6))
def test_any_name_is_quoted_or_refused(name: str, value: str) -> None:
    event = {name: value}
    for expr in (Equals(name, value, cased=True), Exists(name), SameAs(name, name, "contains", cased=True)):
        assert (
            check(expr, event) == "unsupported"
            or not is_within(TARGET.compile(ready(expr)), expr, event)
            or holds(expr, event)
        )
        check(expr, {})


def test_helpers_take_no_name_of_the_rule() -> None:
    expr = Or(
        (InNetwork("_r0", "192.0.2.0/24"), Equals("_r1", "1"), TimePart("ts", "hour", "==", 9), Equals("_t2", "x"))
    )
    query = TARGET.compile(ready(expr)).text
    assert "_r0 :=" not in query and "_r1 :=" not in query and "_t2)" not in query
    assert asked(TARGET.compile(ready(expr)), expr, {"_r0": "192.0.2.9"})
    assert not asked(TARGET.compile(ready(expr)), expr, {"_r0": "1"})
