"""Random rules, expressions and events over a few small words, so that rules and events often meet.

`expressions()` are lowered, with every kind of atom; `rules()` are as written, with every kind of modifier; `events()`
have the same fields, absent, once, several times, nested, or null.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ruleengine.ir import (
    And,
    Atom,
    Compare,
    Equals,
    Exists,
    Expr,
    InNetwork,
    Item,
    Leaf,
    Like,
    LogSource,
    Named,
    NamedRef,
    Not,
    Or,
    Pattern,
    Quantified,
    Regex,
    Rule,
    SameAs,
    Selection,
    Single,
    TimePart,
    Wild,
)
from ruleengine.strings import joined
from ruleengine.values import Event

FIELDS = ("a", "b", "c.d")
TIMES = ("2025-01-06T09:05:00Z", "2024-12-30T23:59:00Z", "2020-02-29 12:00:00", 1_735_689_600)
SCALARS: tuple[Any, ...] = (
    *(
        "",
        "a",
        "b",
        "ab",
        "BA",
        "abc",
        "a b",
        "-a",
        "é",
        "É",
        "K",
        "x\ny",
        "5",
        "5.0",
        "true",
        "10.0.0.7",
        "2001:db8::1",
    ),
    *(0, 1, 5, 6, 7.5, -3, True, False),
    *TIMES,
)
WORDS = ("a", "b", "ab", "B", "é", "5", "true", "10.0.0.7", "")
NETWORKS = ("10.0.0.0/8", "10.0.0.0/29", "192.0.2.0/24", "2001:db8::/32", "0.0.0.0/0")
REGEXES = (
    "a",
    "^a",
    "b$",
    "^a.*b$",
    "[0-9]+",
    r"\ba\b",
    "(a|b)c?",
    "^$",
    "x.y",
    "^[^a]+$",
    "a{2}",
    r"^\d{1,2}(\.\d)?$",
)


# --- expressions ---------------------------------------------------------------------------------------------------


def patterns() -> SearchStrategy[Pattern]:
    """Patterns of up to five parts."""
    parts: list[str | Wild] = ["a", "b", "ab", "É", "5", Wild.ONE, Wild.MANY]
    return st.lists(st.sampled_from(parts), max_size=5).map(_joined)


def _joined(parts: list[str | Wild]) -> Pattern:
    return joined(parts)


def atoms(field: str) -> SearchStrategy[Atom]:
    """Atoms of every kind about a field."""
    on = st.just(field)
    scalars = st.sampled_from([*WORDS, 0, 5, Decimal("7.5"), -3, True, False])
    signs = st.sampled_from(["<", "<=", ">", ">="])
    parts = st.one_of(
        st.tuples(st.sampled_from(["minute", "hour"]), st.integers(0, 23)),
        st.tuples(st.sampled_from(["day", "month", "week"]), st.integers(1, 12)),
        st.tuples(st.just("year"), st.integers(2019, 2026)),
    )
    moments = st.tuples(parts, st.sampled_from(["==", "<", "<=", ">", ">="]))
    return st.one_of(
        st.builds(Equals, on, scalars, st.booleans()),
        st.builds(Like, on, patterns(), st.booleans()),
        st.builds(Regex, on, st.sampled_from(REGEXES), st.sampled_from(["", "i", "s", "m"])),
        st.builds(Compare, on, signs, st.sampled_from([0, 5, 6, Decimal("7.5"), -3])),
        st.builds(InNetwork, on, st.sampled_from(NETWORKS)),
        st.builds(Exists, on),
        st.builds(
            SameAs, on, st.sampled_from(FIELDS), st.sampled_from(["equals", "startswith", "endswith", "contains"])
        ),
        moments.map(lambda given: TimePart(field, given[0][0], given[1], given[0][1])),  # type: ignore[arg-type]  # parts
    )


def keywords() -> SearchStrategy[Atom]:
    """Atoms about any value of an event."""
    words = st.sampled_from(["a", "ab", "É", "5", "zz"]).map(lambda word: (Wild.MANY, word, Wild.MANY))
    anywhere = st.none()
    likes = st.builds(Like, anywhere, words, st.booleans())
    return st.one_of(likes, st.builds(Regex, anywhere, st.sampled_from(REGEXES)))


def leaves() -> SearchStrategy[Leaf]:
    """Leaves of one or a few atoms about one field, or about any."""
    return st.one_of(*(_leaf(field, atoms(field)) for field in FIELDS), _leaf(None, keywords()))


def _leaf(field: str | None, tests: SearchStrategy[Atom]) -> SearchStrategy[Leaf]:
    several = st.lists(tests, min_size=2, max_size=3).map(tuple)
    spelled: SearchStrategy[Expr] = st.one_of(tests, tests, several.map(Or), several.map(And), tests.map(Not))
    return st.builds(Leaf, st.just(Item(field, (), ())), spelled)


@st.composite
def expressions(draw: st.DrawFn, most: int = 4) -> Expr:
    """Lowered expressions over up to `most` selections, each of which may be used several times."""
    selections: list[Named] = []
    for number in range(draw(st.integers(1, most))):
        group = draw(st.lists(leaves(), min_size=1, max_size=3).map(tuple))
        selections.append(Named(f"s{number}", _grouped(group, draw(st.integers(0, 2)) > 0)))
    expr: Expr = draw(_conditions(st.sampled_from(selections)))
    return expr


def _grouped(items: tuple[Expr, ...], every: bool) -> Expr:
    return items[0] if len(items) == 1 else And(items) if every else Or(items)


def _conditions(names: SearchStrategy[Any]) -> SearchStrategy[Any]:
    """Conditions over names, often of the shape `this and not that`."""

    def wider(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(several.map(And), several.map(Or), inner.map(Not))

    filtered = st.builds(lambda one, other: And((one, Not(other))), names, names)
    return st.one_of(names, filtered, st.recursive(names, wider, max_leaves=5))


# --- rules as written ----------------------------------------------------------------------------------------------

WRITTEN = st.sampled_from(["a", "ab*", "*b", "a?c", "É", "5", r"a\*", "-a /b", ""])
KINDS: tuple[tuple[tuple[str, ...], SearchStrategy[Any]], ...] = (
    ((), st.one_of(WRITTEN, st.sampled_from([5, 0, True, Decimal("7.5")]))),
    (("contains",), WRITTEN),
    (("contains", "all"), WRITTEN),
    (("startswith",), WRITTEN),
    (("endswith", "cased"), WRITTEN),
    (("neq",), WRITTEN),
    (("windash", "contains"), st.sampled_from(["-a", "/b -c", "a"])),
    (("base64offset", "contains"), st.sampled_from(["abc", "whoami"])),
    (("wide", "base64offset", "contains"), st.sampled_from(["abc"])),
    (("re",), st.sampled_from(REGEXES)),
    (("re", "i"), st.sampled_from(REGEXES)),
    (("cidr",), st.sampled_from(NETWORKS)),
    (("gte",), st.sampled_from([0, 5, Decimal("7.5")])),
    (("lt",), st.sampled_from([5, 6])),
    (("hour",), st.integers(0, 23)),
    (("year", "gte"), st.integers(2019, 2026)),
)
SINGLE: tuple[tuple[tuple[str, ...], SearchStrategy[Any]], ...] = (
    (("exists",), st.booleans()),
    (("fieldref",), st.sampled_from(FIELDS)),
    (("fieldref", "startswith"), st.sampled_from(FIELDS)),
    ((), st.none()),
)


def items() -> SearchStrategy[Item]:
    """Items as written, of every kind, and keywords."""

    def item(kind: tuple[tuple[str, ...], SearchStrategy[Any]], most: int) -> SearchStrategy[Item]:
        values = st.lists(kind[1], min_size=1, max_size=most).map(tuple)
        return st.builds(Item, st.sampled_from(FIELDS), st.just(kind[0]), values)

    words = st.lists(st.sampled_from(["a", "ab", "*b c*", "É"]), min_size=1, max_size=2).map(tuple)
    unnamed = st.builds(Item, st.none(), st.sampled_from([(), ("all",)]), words)
    return st.one_of(*(item(kind, 3) for kind in KINDS), *(item(kind, 1) for kind in SINGLE), unnamed)


@st.composite
def rules(draw: st.DrawFn) -> Rule:
    """Rules about one event as they are written; all of them can be lowered."""
    names = ("sel_a", "sel_b", "filter_a")[: draw(st.integers(1, 3))]
    selections: list[Selection] = []
    for name in names:
        group = draw(st.lists(items(), min_size=1, max_size=3).map(tuple))
        selections.append(Selection(name, _grouped(group, draw(st.booleans()))))
    references = st.sampled_from(names).map(NamedRef)
    quantified = st.builds(Quantified, st.sampled_from(["1", "all"]), st.sampled_from(["them", "sel_*"]))
    condition = draw(_conditions(st.one_of(references, quantified)))
    return Rule("made up", LogSource(product="windows"), Single(tuple(selections), (condition,)))


# --- events --------------------------------------------------------------------------------------------------------


def values() -> SearchStrategy[Any]:
    """Values of a field: mostly one scalar, also several, objects, and nothing."""
    one = st.sampled_from(SCALARS)
    lists = st.lists(st.one_of(one, st.none()), max_size=3)
    return st.one_of(one, one, one, lists, st.none(), st.just({}), st.just({"inner": "a"}))


def events() -> SearchStrategy[Event]:
    """Events with some of the fields, `c.d` as a key or as a path, and one field that no rule names."""
    dotted = st.one_of(
        st.fixed_dictionaries({}, optional={"c.d": values()}),
        st.builds(lambda value: {"c": {"d": value}}, values()),
        st.builds(lambda value, other: {"c": [{"d": value}, {"e": 1}, {"d": other}]}, values(), values()),
    )
    plain = st.fixed_dictionaries({}, optional={"a": values(), "b": values(), "other": values()})
    return st.builds(lambda one, other: {**one, **other}, plain, dotted)
