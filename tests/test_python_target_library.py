"""The helpers of emitted modules, one by one: each says what the law's own function says."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from ruleengine import functions, times, values
from ruleengine.ir import Wild
from ruleengine.meaning import time_part
from ruleengine.regex import regex_test
from ruleengine_python.questions import regex_text
from ruleengine_python.runtime import instants
from ruleengine_python.runtime import values as emitted
from tests import strategies
from tests.corpora import NIGHTLY
from tests.written_rules import TEXTS

MANY = 2_000 if NIGHTLY else 60


def test_the_table_of_folds_is_the_shipped_one() -> None:
    assert emitted.folds() == values.folding()


NUMBERS = st.one_of(
    st.integers(-(10**30), 10**30),
    st.floats(-1e30, 1e30),
    st.sampled_from([float("nan"), float("inf"), -float("inf"), -0.0, 1e-7]),
    st.booleans(),
    st.decimals(-(10**30), 10**30).map(str),
)


@settings(max_examples=5 * MANY)
@given(st.one_of(NUMBERS, TEXTS, st.sampled_from(strategies.SCALARS)))
def test_texts_and_numbers(value: Any) -> None:
    assert emitted.text(value) == values.text(value)
    assert emitted.number(value) == values.number(value)
    assert emitted.fold(emitted.text(value)) == values.fold(values.text(value))


CLOCKS = st.from_regex(
    r"\[?([0-9]{2}/(Jan|Dec|Xyz)/20[0-9]{2}:|20[0-9]{2}-[01][0-9]-[0-3][0-9][T t])"
    r"[0-2][0-9]:[0-5][0-9]:[0-6][0-9]([.,][0-9]{1,8})?( |)(Z|z|[+-][0-2][0-9]:?[0-9]{2})?\]?",
    fullmatch=True,
)
PARTS = ("minute", "hour", "day", "week", "month", "year")


@settings(max_examples=10 * MANY)
@given(st.one_of(CLOCKS, NUMBERS, TEXTS), st.sampled_from(PARTS))
@example("2016-12-31T23:59:60Z", "year")
@example("2016-12-31 23:59:60.123456789-01:00", "minute")
@example("[31/Dec/2016:23:59:59 +0530]", "hour")
@example("9999-12-31T23:59:60Z", "year")
@example("2021-01-03", "week")
@example(1_609_632_000.5, "week")
def test_instants(value: Any, part: str) -> None:
    assert instants.instant_us(value) == times.instant_us(value)
    assert instants.time_part(value, part) == time_part(value, part)


@pytest.mark.parametrize("value", [10**31, 10**40, -(10**40), 1e300, "9" * 40])
def test_a_number_far_beyond_all_time_is_no_instant(value: Any) -> None:
    assert instants.instant_us(value) is None


@settings(max_examples=5 * MANY)
@given(
    st.one_of(
        TEXTS,
        st.from_regex(
            r"(https?://)?([a-zA-Z]{1,3}(:[a-z])?@)?(\[::1\]|[a-zA-Z.]{1,6})(:[0-9]+)?(/[@a-z]*)?", fullmatch=True
        ),
        st.ip_addresses().map(str),
        st.integers(),
    ),
    st.sampled_from([0, 8, 24, 32, 64, 128, "24", 200]),
)
def test_functions(value: Any, bits: Any) -> None:
    assert emitted.length(value) == functions.length(value)
    assert emitted.lower(value) == functions.lower(value)
    assert emitted.domain(value) == functions.domain(value)
    assert emitted.net(value, bits) == functions.net(value, bits)


@settings(max_examples=5 * MANY)
@given(
    st.one_of(st.ip_addresses().map(str), st.ip_addresses(v=4).map(lambda found: f"::ffff:{found}"), TEXTS),
    st.one_of(st.sampled_from(strategies.NETWORKS), st.just("::ffff:0:0/96")),
)
def test_networks(value: str, written: str) -> None:
    block = values.network(written)
    found = any(address in emitted.network(written) for address in emitted.addresses(value))
    assert found is values.address_in(value, block)


@settings(max_examples=10 * MANY)
@given(strategies.patterns(), st.text("ab5É\n", max_size=8))
@example(("ab", Wild.MANY, "ba"), "aba")
@example((Wild.MANY, "ab", Wild.MANY, "b"), "ab")
@example((Wild.MANY, "a", Wild.ONE, "c", Wild.MANY), "\naabc\n")
def test_patterns(pattern: tuple[str | Wild, ...], given: str) -> None:
    parts = tuple(part if isinstance(part, str) else ... if part is Wild.MANY else None for part in pattern)
    assert emitted.like_test(parts)(given) is values.pattern_test(pattern, cased=True)(given)


REGEXES = (*strategies.REGEXES, "k+|s", "é", r"[^\s\w-]", r"(a|b|)*c{2,3}$", "(?im)^x$|É", r"\x{1F600}", "a|b$", ".")


@settings(max_examples=10 * MANY)
@given(
    st.sampled_from(REGEXES),
    st.sampled_from(["", "i", "s", "m", "ims"]),
    st.one_of(TEXTS, st.text("abcKſKkÉé😀\ud800\udc00\n x5.-_", max_size=8)),
)
@example("x.y", "s", "x\ny")
@example("x.y", "", "x\ny")
@example("é.k", "i", "É\ud800K")
@example("k", "i", "\u212a")
def test_regular_expressions(source: str, flags: str, given: str) -> None:
    assert emitted.regex_test(regex_text(source, flags)[0])(given) is regex_test(source, flags)(given)
