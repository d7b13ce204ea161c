"""Random rules as they are written: every legal chain of modifiers, odd names, odd texts, metadata of any shape."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from functools import cache, reduce
from itertools import pairwise, permutations
from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from ruleengine.dsl.parts import LISTS
from ruleengine.ir import (
    Aggregate,
    Alert,
    Alias,
    And,
    Arithmetic,
    Bound,
    Correlation,
    CorrelationType,
    Expr,
    Filter,
    FirstSeen,
    InlineTest,
    Item,
    LogSource,
    Measure,
    NamedRef,
    Not,
    Number,
    Or,
    Param,
    ParamRef,
    Quantified,
    Reference,
    Rule,
    Selection,
    Sequence,
    Single,
    Step,
    Value,
    Window,
    Windowed,
)
from ruleengine.modifiers import MODIFIERS, faults

ODD = "'\"\\*?%#[](){},:|/` \t\r\n\0\x1b\x7f\x85\xa0éſ\u2028\ufeff😀aZ0-_.@=<>!&^$+~;’“"
TEXTS = st.one_of(
    st.text(st.sampled_from(ODD), max_size=12),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
    st.sampled_from([
        *("", " ", "null", "true", "5", "1e3", "0x10", "~", "*", "\\", "\\\\", "\\*", "C:\\Windows\\", "it's"),
        *("a\n", "a\nb\n", "\na", "a\n\nb", "  a\n b\n", 'say "x"\n', "a\\\nb\n", "#a", "a #b", "a: b", "- a"),
        *("%a%", "/a/", "a/b", "2024-01-01", "not", "and", "rule x", "match a == 1", "glob('a')", "1 of x", "\\x41"),
        *('"""\n', "x\ty", '"""', "''", "x" * 300),
    ]),
)  # fmt: skip
NUMBERS = st.one_of(
    st.integers(-(10**20), 10**20),
    st.decimals(allow_nan=False, allow_infinity=False, places=3),
    st.sampled_from([Decimal("0.5"), Decimal("1E+3"), Decimal("-0.0"), Decimal("7.50"), 0, -1]),
)
VALUES: SearchStrategy[Value] = st.one_of(TEXTS, TEXTS, NUMBERS, st.booleans(), st.none())
NAMES = st.one_of(
    st.sampled_from([
        *("a", "Image", "c.d", "cs-uri-query", "@timestamp", "_x", "selection_1", "not", "and", "all", "any", "them"),
        *("true", "null", "anywhere", "1", "5a", "a b", "a|b", "a[0]", "a.", ".a", "a..b", "`", "a`b", "é", "field"),
        *("contains", "exists", "hour", "count", "x:y", "a,b", "a#b", " a", "within", "then", "or", "cased", "len"),
        *("-a", "in"),
    ]),
    st.text(st.sampled_from(ODD.replace("\n", "").replace("\r", "") + "bcd"), min_size=1, max_size=6),
)  # fmt: skip


@cache
def chains(*, field: bool) -> list[tuple[str, ...]]:
    """Return every legal chain of up to three modifiers."""
    name = "a" if field else None
    tried = (chain for length in range(4) for chain in permutations(MODIFIERS, length))
    return [chain for chain in tried if not faults(name, chain)]


@st.composite
def items(draw: st.DrawFn) -> Item:
    """Leaves as written; values need not make sense, for that is said later."""
    field = draw(st.one_of(st.none(), NAMES, NAMES, NAMES))
    chain = draw(st.one_of(st.just(()), st.sampled_from(chains(field=field is not None))))
    values = draw(st.lists(VALUES, min_size=1, max_size=4).map(tuple))
    return Item(field, chain, values, len(values) != 1 or draw(st.booleans()))


def selections() -> SearchStrategy[Expr]:
    """What Sigma can have under the name of a selection: keywords, a map, or a list of maps and keywords."""
    on_a_field = items().filter(lambda item: item.field is not None or bool(item.modifiers))
    words = st.lists(VALUES, min_size=1, max_size=3).map(tuple)
    keywords = st.builds(lambda values, listed: Item(None, (), values, listed or len(values) > 1), words, st.booleans())
    maps = st.lists(on_a_field, min_size=1, max_size=3).map(lambda found: And(tuple(found)))
    listed = words.map(lambda values: Item(None, (), values, True))
    lists = st.lists(st.one_of(maps, maps, listed), min_size=1, max_size=3).map(lambda found: Or(tuple(found)))
    return st.one_of(maps, maps, lists.filter(_no_neighbours), keywords)


def _no_neighbours(expr: Or) -> bool:
    """Keywords that stand side by side in a list are one item, and alone they are no list of maps."""
    kinds = [isinstance(item, Item) for item in expr.items]
    return kinds != [True] and not any(one and other for one, other in pairwise(kinds))


def conditions(names: list[str], leaves: SearchStrategy[Expr] | None = None) -> SearchStrategy[Any]:
    """Conditions over names and patterns that select some of them, and over leaves when there are some."""
    named = st.sampled_from(names)
    shown = ["them"] if any(not name.startswith("_") for name in names) else []
    patterns = st.one_of(named.filter(lambda name: "*" not in name), st.sampled_from(["*", *shown]))
    quantified = st.builds(Quantified, st.sampled_from(["1", "all"]), patterns)
    atoms: SearchStrategy[Any] = st.one_of(named.map(NamedRef), quantified, *([leaves] if leaves is not None else []))

    def wider(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(several.map(And), several.map(Or), inner.map(Not))

    return st.recursive(atoms, wider, max_leaves=6)


KEYS = st.one_of(
    st.sampled_from(["description", "author", "date", "license", "related", "taxonomy", "references", "fields"]),
    st.sampled_from(["falsepositives", "scope", "x-own", "regression_tests_path", "simulation", "reference", "match"]),
    st.sampled_from(["let", "rule", "descripton", "a b", "1", "é", "`", "x:y", "test", "logs", "param", "or"]),
)
JSON: SearchStrategy[Any] = st.recursive(
    VALUES,
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=6,
)


@st.composite
def metadata(draw: st.DrawFn) -> tuple[tuple[str, Any], ...]:
    """Metadata of any shape; what is always a list is one."""
    keys = draw(st.lists(KEYS, max_size=4, unique=True))
    return tuple((key, draw(st.lists(JSON, max_size=3) if key in LISTS else JSON)) for key in keys)


def log_sources() -> SearchStrategy[LogSource]:
    """Log sources with odd words."""
    words = st.one_of(st.none(), st.sampled_from(["windows", "process_creation", "a/b", "a:b", "Über"]), TEXTS)
    custom = st.dictionaries(st.sampled_from(["x", "my-key", "vendor_1"]), TEXTS, max_size=2)
    return st.builds(LogSource, words, words, words, words, custom.map(lambda found: tuple(found.items())))


@st.composite
def singles(draw: st.DrawFn, *, sigma: bool) -> Single:
    """Bodies about one event; Sigma's have selections of its shapes, and no leaves in conditions."""
    names = draw(st.lists(NAMES, min_size=1, max_size=3, unique=True))
    chosen = [Selection(name, draw(selections())) for name in names]
    leaves: Any = None if sigma else items()
    condition = conditions(names, leaves)
    given = draw(st.lists(condition, min_size=1, max_size=2).map(tuple))
    return Single(tuple(chosen), given, draw(st.one_of(st.none(), st.integers(1, 10**6))))


REFERENCES = st.sampled_from(["rule_a", "b.c", "8e0b3f1c-7f3b-4a1e-9d3c-2b1a0c9d8e7f", "x-1"]).map(Reference)


@st.composite
def correlations(draw: st.DrawFn) -> Correlation:
    """Correlations of all types."""
    kind = draw(st.sampled_from(get_args(CorrelationType)))
    rules = draw(st.lists(REFERENCES, min_size=1, max_size=3).map(tuple))
    keys = draw(st.lists(NAMES, max_size=3, unique=True).map(tuple))
    named = draw(st.lists(st.sampled_from(keys), unique=True)) if keys else []
    pairs = st.lists(
        st.tuples(st.sampled_from(["rule_a", "b.c"]), NAMES), min_size=1, max_size=2, unique_by=lambda pair: pair[0]
    )
    aliases = tuple(Alias(key, tuple(draw(pairs))) for key in keys if key in named)
    plain = kind in ("temporal", "temporal_ordered")
    signs = st.sampled_from(["gt", "gte", "lt", "lte", "eq", "neq"])
    bounds = st.lists(
        st.builds(Bound, signs, NUMBERS), min_size=0 if plain else 1, max_size=2, unique_by=lambda b: b.operator
    )
    fields = (
        ()
        if kind in ("event_count", "temporal", "temporal_ordered")
        else tuple(draw(st.lists(NAMES, min_size=1, max_size=2)))
    )
    rank = draw(st.integers(0, 100)) if kind == "value_percentile" else None
    length = draw(st.integers(1, 10**6))
    return Correlation(kind, rules, keys, length, draw(bounds.map(tuple)), fields, rank, aliases, draw(st.booleans()))


# --- over time, which only the rule language says ------------------------------------------------------------------

LENGTHS = st.integers(1, 10**6)
SOME_LENGTH = st.one_of(st.none(), LENGTHS)


def terms(names: list[str]) -> SearchStrategy[Any]:
    """Figures and what is worked out from them; products bind more than sums, and both run from the left."""
    plain = st.one_of(st.integers(0, 10**6), st.sampled_from([Decimal("0.5"), Decimal("7.50")]), st.just(ParamRef("p")))
    percent = st.integers(0, 100).map(lambda number: Number(Decimal(number) / 100, percent=True))
    where = st.one_of(st.none(), conditions(names, items()))
    fields = st.lists(NAMES, min_size=1, max_size=2).map(tuple)
    names_of = st.sampled_from(["distinct", "sum", "avg", "min", "max", "median"])
    figure = st.one_of(
        plain.map(Number),
        percent,
        st.builds(Aggregate, st.just("count"), st.just(()), where, SOME_LENGTH),
        st.builds(Aggregate, names_of, fields, where, SOME_LENGTH),
        st.builds(Aggregate, st.just("percentile"), fields, where, SOME_LENGTH, st.integers(0, 100)),
    )

    def chained(parts: SearchStrategy[Any], signs: str) -> SearchStrategy[Any]:
        more = st.lists(st.tuples(st.sampled_from(signs), parts), max_size=1)
        return st.tuples(parts, more).map(lambda found: reduce(_arithmetic, found[1], found[0]))

    return chained(chained(figure, "*/"), "+-")


def _arithmetic(left: Any, more: tuple[Any, Any]) -> Arithmetic:
    return Arithmetic(more[0], left, more[1])


def wanted(names: list[str]) -> SearchStrategy[Any]:
    """Conditions of a `having`."""
    signs = st.sampled_from(["==", "!=", "<", "<=", ">", ">="])
    measures = st.builds(Measure, terms(names), signs, terms(names))
    atoms = st.one_of(measures, st.builds(FirstSeen, NAMES, SOME_LENGTH), st.sampled_from(names).map(NamedRef))

    def wider(inner: SearchStrategy[Any]) -> SearchStrategy[Any]:
        several = st.lists(inner, min_size=2, max_size=3).map(tuple)
        return st.one_of(several.map(And), several.map(Or), inner.map(Not))

    return st.recursive(atoms, wider, max_leaves=3)


@st.composite
def over_time(draw: st.DrawFn) -> Windowed | Sequence:
    """Windows with what must hold of them, and sequences."""
    single = draw(singles(sigma=False))
    names = [selection.name for selection in single.selections]
    keys = draw(st.lists(NAMES, max_size=3, unique=True).map(tuple))
    either = len(keys) > 1 and draw(st.booleans())
    window = Window(draw(st.sampled_from(["within", "tumbling", "session"])), draw(LENGTHS), keys, either)
    if draw(st.booleans()):
        return Windowed(single, window, draw(st.one_of(st.none(), wanted(names))))
    what = st.one_of(st.sampled_from(names).map(NamedRef), conditions(names, items()))
    count = st.one_of(st.none(), st.integers(1, 99))
    step = st.builds(Step, what, count, st.booleans(), st.one_of(st.none(), wanted(names)), SOME_LENGTH)
    steps = draw(st.lists(step, min_size=1, max_size=3).map(tuple))
    return Sequence(replace(single, conditions=(), timeframe_s=None), steps, window)


PARAMS: SearchStrategy[Any] = st.one_of(NUMBERS, TEXTS, st.booleans())
PIECES = st.one_of(
    TEXTS.map(lambda text: text.replace("{", "(").replace("}", ")")),
    st.sampled_from(
        ["{a}", "{ user.id }", "{`a b`}", "{`}`}", "{count()}", "{count() / 2}", "{distinct(a) + sum(`{`)}"]
    ),
)
TOLD = st.lists(PIECES, max_size=3).map("".join)
"""Texts of alerts: in braces stand fields and figures alone."""
ALERTS = st.one_of(
    st.builds(Alert, TOLD, st.just(False), st.booleans(), SOME_LENGTH),
    st.builds(Alert, st.none(), st.just(True)),
    st.builds(Alert, st.none(), st.just(False), st.just(True), SOME_LENGTH),
)


EVENTS = st.dictionaries(st.one_of(TEXTS, NAMES), JSON, max_size=3)
CASES = st.tuples(st.sampled_from(["match", "no_match", "todo_match"]), EVENTS, st.one_of(st.none(), NAMES))
TESTS = st.builds(InlineTest, TEXTS, st.lists(CASES, min_size=1, max_size=3).map(tuple))
"""Tests written in a rule, with events of any shape."""


@st.composite
def rules(draw: st.DrawFn, *, sigma: bool) -> Rule:
    """Rules as Sigma can say them, or with conditions that only the rule language has."""
    body: Any = draw(
        st.one_of(
            singles(sigma=sigma),
            singles(sigma=sigma),
            st.builds(Filter, st.lists(REFERENCES, min_size=1, max_size=2).map(tuple), singles(sigma=sigma)),
            st.builds(Filter, st.just(()), singles(sigma=sigma), st.just(True)),
            correlations(),
            *(() if sigma else (over_time(), over_time())),
        )
    )
    timed = isinstance(body, Windowed | Sequence)
    words = st.one_of(st.none(), TEXTS)
    return Rule(
        title=draw(TEXTS.filter(bool)),
        logs=draw(log_sources()),
        body=body,
        id=draw(words),
        name=draw(st.one_of(st.none(), NAMES)),
        level=draw(words),
        status=draw(words),
        tags=tuple(draw(st.lists(TEXTS, max_size=3))),
        meta=draw(metadata()),
        params=(Param("p", draw(PARAMS)),) if timed else (),
        alert=draw(st.one_of(st.none(), ALERTS)) if timed else None,
        tests=() if sigma else tuple(draw(st.lists(TESTS, max_size=2))),
    )
