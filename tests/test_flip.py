"""What an event hangs on: pivots and hindrances against turning parts of a rule by hand."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from ruleengine.analysis.flip import hindrances, holds_flipped, near, pivots
from ruleengine.ir import And, Equals, Expr, Item, Leaf, Named, Not, Or
from ruleengine.meaning import holds
from ruleengine.walk import leaves, rebuild, walk


def leaf(name: str) -> Leaf:
    return Leaf(Item(name, (), (1,)), Equals(name, 1))


def shapes() -> st.SearchStrategy[Expr]:
    """Conditions over six selections; one selection may stand in several places, as in rules."""
    a, b, c, d, e, f = (leaf(name) for name in "abcdef")
    named: list[Expr] = [
        Named("s1", a),
        Named("s2", And((b, c))),
        Named("s3", Or((And((d,)), And((e, a))))),
        Named("s4", f),
    ]
    return st.recursive(
        st.sampled_from(named),
        lambda inner: st.one_of(
            st.builds(Not, inner),
            st.builds(And, st.lists(inner, max_size=3).map(tuple)),
            st.builds(Or, st.lists(inner, max_size=3).map(tuple)),
        ),
        max_leaves=8,
    )


EVENTS = st.dictionaries(st.sampled_from("abcdef"), st.sampled_from([1, 2]))


def turned(expr: Expr, node: Expr) -> Expr:
    """Return the expression with one part, wherever it stands, replaced by its negation."""

    def change(current: Expr) -> Expr:
        return Not(current) if current == node else current

    return rebuild(expr, change)


@settings(max_examples=200)
@given(shapes(), EVENTS)
def test_pivots_are_what_turning_one_part_shows(expr: Expr, event: dict[str, int]) -> None:
    found = pivots(expr, event)
    assert found.holds == holds(expr, event)
    for node in walk(expr):
        if isinstance(node, Leaf | Named):
            assert (node in found) == (holds(turned(expr, node), event) != found.holds)
            assert holds_flipped(expr, event, node) == holds(turned(expr, node), event)
    assert near(expr, event) == (
        not found.holds and any(holds(turned(expr, node), event) for node in walk(expr) if isinstance(node, Leaf))
    )


@settings(max_examples=100)
@given(shapes(), EVENTS)
def test_hindrances_are_enough_and_no_fewer_are(expr: Expr, event: dict[str, int]) -> None:
    """Where each leaf stands once, turning them makes the event match, and no smaller set does."""
    standing = list(leaves(expr))
    if len({item.item.field for item in standing}) < len(standing):
        return
    needed = hindrances(expr, event)
    if holds(expr, event):
        assert needed == ()
        return
    fewest = None
    for count in range(len(standing) + 1):
        if any(holds(all_turned(expr, some), event) for some in itertools.combinations(standing, count)):
            fewest = count
            break
    assert len(needed) == (fewest or 0)
    if fewest:
        assert holds(all_turned(expr, needed), event)


def all_turned(expr: Expr, nodes: tuple[Leaf, ...]) -> Expr:
    for node in nodes:
        expr = turned(expr, node)
    return expr
