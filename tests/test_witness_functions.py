"""Witnesses of conditions on functions of fields: what is made is right, and there is something for every leaf."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ruleengine.analysis.flip import holds_flipped
from ruleengine.analysis.witness import NotFound, near_misses, positive, stopped_by
from ruleengine.ir import And, Call, Compare, Equals, Exists, Expr, Item, Leaf, Like, Not, Or, Wild
from ruleengine.load import Loaded, load
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from tests.conftest import CASES, ROOT, Run
from tests.corpora import NIGHTLY
from tests.test_witness import verify

RULES = CASES / "witness" / "functions.rule"


def events_of(*paths: Path) -> list[Loaded]:
    """Return the rules about one event in files that are read without an error."""
    problems: list[Problem] = []
    found = load([str(path) for path in paths], problems.append, evaluating=False).rules
    assert [each for each in problems if each.severity == "error"] == []
    return [one for one in found if one.expr is not None]


def test_what_is_made_for_functions(ruleengine: Run, golden: Callable[[Path, str], None]) -> None:
    done = ruleengine("witness", RULES.name, "--near-miss", cwd=RULES.parent)
    golden(RULES.with_suffix(".txt"), done.stdout)


WITHOUT = {"capitals_among_small_letters", "too_long"}


@pytest.mark.parametrize("one", events_of(RULES), ids=lambda one: one.rule.name)
def test_every_leaf_on_a_function_has_a_match_and_a_near_miss(one: Loaded) -> None:
    assert one.expr is not None
    found = positive(one.expr)
    assert isinstance(found, NotFound) is (one.rule.name in WITHOUT)
    assert isinstance(found, NotFound) or holds(one.expr, found)
    for miss in near_misses(one.expr):
        if one.rule.name == "small_letters_of_a_text_in_capitals" and isinstance(miss.found, NotFound):
            continue  # whatever has the capitals has the small letters as well
        assert isinstance(miss.found, dict), miss
        assert not holds(one.expr, miss.found)
        assert holds_flipped(one.expr, miss.found, miss.leaf)


OURS = sorted((ROOT / "rules").rglob("*.rule"))


@pytest.mark.parametrize("one", events_of(*OURS), ids=lambda one: one.rule.name)
def test_the_starter_rules_in_the_language_have_witnesses(one: Loaded) -> None:
    assert one.expr is not None
    assert isinstance(positive(one.expr, one.rule.logs), dict)
    assert [part for part in near_misses(one.expr, one.rule.logs) if isinstance(part.found, NotFound)] == []
    assert [part for part in stopped_by(one.expr, one.rule.logs) if isinstance(part.found, NotFound)] == []


NAMES = st.sampled_from(["example.com", "a.b.example", "192.0.2.7", "x", "[2001:db8::1]"])
LENGTH, LOWER, DOMAIN = Call("len", "x"), Call("lower", "x"), Call("domain", "x")


@given(st.integers(0, 60), st.integers(0, 30), st.text("abcXYZ. /", min_size=1, max_size=8))
def test_a_text_of_a_length_is_found(least: int, more: int, part: str) -> None:
    """There is one when the part fits in; else one value has the length, and another the part."""
    bounds = (Compare(LENGTH, ">=", least), Compare(LENGTH, "<=", least + more))
    expr = And((*bounds, Like(LOWER, (Wild.MANY, part, Wild.MANY))))
    found = positive(expr)
    assert isinstance(found, dict)
    assert holds(expr, found)
    assert isinstance(found["x"], list) is (len(part) > least + more)


@given(NAMES, NAMES, st.integers(20, 80))
def test_a_domain_of_a_length_and_not_another(name: str, other: str, length: int) -> None:
    item = Item(DOMAIN, (), ())
    expr = And((Leaf(item, Equals(DOMAIN, name)), Not(Leaf(item, Equals(DOMAIN, other))), Equals(LENGTH, length)))
    found = positive(expr)
    if name == other:
        assert isinstance(found, NotFound)
        assert found.impossible
    else:
        assert isinstance(found, dict)
        assert holds(expr, found)


FEW = (
    None,
    "",
    "a",
    "ABC",
    "a.example",
    "https://a.example/x",
    "bob@b.example",
    "192.0.2.7",
    "10.0.0.9",
    5,
    ["a", "ABCD"],
)
UNIVERSE = [
    Seen({name: value for name, value in (("x", one), ("y", other)) if value is not None})
    for one in FEW
    for other in FEW
]


@st.composite
def atoms(draw: st.DrawFn) -> Leaf:
    """Leaves on a field, or on what a function makes of it."""
    field = draw(st.sampled_from(["x", "y"]))
    function = draw(st.sampled_from(["", "len", "lower", "domain", "net"]))
    made = Call(function, field, *([24] if function == "net" else [])) if function else field
    words = st.sampled_from(["a", "ABC", "a.example", "b.example", "192.0.2.0/24", "10.0.0.0/24", "", "abc"])
    texts = st.one_of(
        st.builds(Equals, st.just(made), words, st.booleans()),
        st.builds(lambda word: Like(made, (word, Wild.MANY) if word else (Wild.MANY,)), words),
        st.just(Exists(made)),
    )
    lengths = st.one_of(
        st.builds(Compare, st.just(made), st.sampled_from(["<", "<=", ">", ">="]), st.integers(-1, 12)),
        st.builds(Equals, st.just(made), st.integers(0, 12)),
        st.just(Exists(made)),
    )
    return Leaf(Item(made, (), ()), draw(lengths if function == "len" else texts))


def of(leaves: st.SearchStrategy[Leaf]) -> st.SearchStrategy[Expr]:
    """Conditions over leaves."""

    def wider(inner: st.SearchStrategy[Expr]) -> st.SearchStrategy[Expr]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(several.map(And), several.map(Or), inner.map(Not))

    return st.recursive(leaves, wider, max_leaves=5)


def test_what_is_found_is_right_and_what_is_called_impossible_is() -> None:
    counts: Counter[str] = Counter()

    @settings(max_examples=2000 if NIGHTLY else 120, suppress_health_check=[HealthCheck.too_slow])
    @given(of(atoms()))
    def check(expr: Expr) -> None:
        counts.update(verify(expr, UNIVERSE))

    check()
    for what in ("positive", "near miss"):
        assert counts[f"{what} found"] > 50
        assert counts[f"{what} missed"] <= 0.05 * counts[f"{what} found"], counts
