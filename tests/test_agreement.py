"""Queries mean what rules mean: rules, events, and interpreters of the queries that know nothing of the compiler.

`make agree` does the same with 50,000 trials and with all of SigmaHQ's rules; here it is a sample.
"""

from __future__ import annotations

import json
from collections import Counter
from functools import cache

import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis.strategies import booleans, lists, sampled_from

from ruleengine.analysis.agree import Agreement, agreement, as_arrays, probes
from ruleengine.analysis.witness import NotFound, near_misses
from ruleengine.cli.verify import oracle
from ruleengine.compiling import all_ready, target
from ruleengine.compiling.keywords import with_sure_keywords
from ruleengine.ir import And, Exists, Expr, Leaf, Like, LogSource, Named, Not, Or, Regex, Rule, Single, Wild
from ruleengine.load import load
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.regex import regex_test
from ruleengine.target import Limit, Ready, composed, verdict
from ruleengine.values import Event
from tests import strategies
from tests.conftest import CI, ROOT
from tests.corpora import NIGHTLY, shared

WORDS = ("cmd", "x-y", "root from", "k", "a=b", "u00e9", "_", "/", "a", ",t")
TARGETS = ("splunk", "logscale", "python")
TRIALS = 50_000 if NIGHTLY else 3_000 if CI else 300
EVERY = 1 if NIGHTLY else 60
EVENTS = 30
SAYING = {"splunk": 0.1, "logscale": 0.1, "python": 1 - 1e-9}
"""Which share of the random trials must at least be within contract and bounds, of rules that the target can say."""


def ready(paths: list[str]) -> list[Ready]:
    problems: list[Problem] = []
    return all_ready(load(paths, problems.append).events, problems.append)


@cache
def starter() -> tuple[Ready, ...]:
    return tuple(ready([str(ROOT / "rules")]))


def asked(given: Ready, name: str, events: list[Event], expr: Expr | None = None) -> Agreement:
    """Return what comes of a rule and a query: its own, or that of another expression."""
    into = target(name)
    made = into.compile(given if expr is None else Ready(given.rule, expr, given.digest, given.arrays))
    assert made.verdict == "unsupported" or made.text
    if made.verdict == "unsupported":
        return Agreement()
    return agreement(given, made, into.contract, oracle(name), events)


@pytest.mark.parametrize("name", TARGETS)
def test_starter_rules_agree(name: str) -> None:
    total: Counter[str] = Counter()
    for given in starter():
        found = asked(given, name, probes(given.expr, EVENTS, given.arrays))
        assert found.differences == [], given.rule.title
        total["asked"] += found.asked
        total["outside"] += found.outside
    assert total["asked"] > 4 * total["outside"]


@pytest.mark.parametrize("name", TARGETS)
def test_rules_of_sigmahq_agree(name: str) -> None:
    files = [str(path) for path in sorted(shared("sigmahq").rglob("*.yml"))[::EVERY] if "regression" not in path.name]
    rules = ready(files)
    assert len(rules) > len(files) * 0.9
    for given in rules:
        found = asked(given, name, probes(given.expr, EVENTS, given.arrays))
        assert found.differences == [], given.rule.title
        assert found.asked or target(name).compile(given).verdict == "unsupported", given.rule.title


@pytest.mark.parametrize("name", TARGETS)
def test_a_query_of_another_meaning_is_found_out(name: str) -> None:
    """Each leaf of each starter rule, turned round, gives a query that is told apart by the events of the rule."""
    turned = 0
    for given in starter():
        for near in near_misses(given.expr):
            if isinstance(near.found, NotFound):
                continue
            wrong = negated(given.expr, near.leaf)
            found = asked(
                given, name, [*probes(given.expr, EVENTS, given.arrays), as_arrays(near.found, given.arrays)], wrong
            )
            if target(name).compile(Ready(given.rule, wrong, "")).verdict in ("exact", "bounded"):
                turned += 1
                assert found.differences, f"{given.rule.title}: {near.leaf.item}"
    assert turned > 50


def negated(expr: Expr, leaf: Leaf) -> Expr:
    """Return an expression with one of its leaves turned round, wherever it stands."""
    if expr is leaf:
        return Not(leaf)
    match expr:
        case And(items):
            return And(tuple(negated(item, leaf) for item in items))
        case Or(items):
            return Or(tuple(negated(item, leaf) for item in items))
        case Not(item):
            return Not(negated(item, leaf))
        case Named(word, item):
            return Named(word, negated(item, leaf))
        case _:
            return expr


def random_rule(expr: Expr) -> Ready:
    return Ready(Rule("random", LogSource(), Single((), ())), expr, "0" * 64)


@pytest.mark.parametrize("name", TARGETS)
def test_random_rules_and_events_agree(name: str) -> None:
    """A trial is a rule and an event. One whose event is outside the contract or a bound says nothing: they are few."""
    totals: Counter[str] = Counter()

    @drawn(strategies.expressions(), lists(strategies.events(), min_size=EVENTS // 3, max_size=EVENTS // 3))
    @settings(max_examples=TRIALS // (EVENTS // 3))
    def trials(expr: Expr, events: list[Event]) -> None:
        found = asked(random_rule(expr), name, events)
        assert found.differences == [], target(name).compile(random_rule(expr)).text
        totals["asked"] += found.asked
        totals["trials"] += len(events)

    trials()
    assert totals["trials"] >= TRIALS
    assert totals["asked"] > totals["trials"] * SAYING[name], totals


@drawn(
    strategies.events(), sampled_from(["cmd", "x-y", "root from", "k", "a=b", "u00e9", "_", "/", "a", ",t"]), booleans()
)
@settings(max_examples=TRIALS)
def test_a_word_found_in_a_value_of_the_line_is_in_a_value(event: Event, word: str, escaped: bool) -> None:
    """What `with_sure_keywords` asks of the line holds only where the keyword does."""
    keyword = Like(None, (Wild.MANY, word, Wild.MANY))
    surely, limits = with_sure_keywords(Not(keyword), "_raw")
    if limits:
        assert isinstance(surely, Not) and isinstance(surely.item, Regex)
        odd = {**event, "k": ['":"', word], f'"{word}': 'é\\":"', f"{word}": {"b": f'"{word}\n'}}
        for given in (event, odd, {"b": [":", True, ":", 5]}, {**event, "n": f'x":"{word}'}):
            line = json.dumps(given, ensure_ascii=escaped, separators=(",", ":"))
            assert not regex_test(surely.item.source, surely.item.flags)(line) or holds(keyword, given), line


def test_polarity_turns_wider_into_narrower() -> None:
    wide, atom = Limit("wider", "x", "why"), Exists("a")
    kinds: dict[str, Expr] = {
        "wider": And((atom, Not(Not(atom)))),
        "narrower": Or((Not(atom),)),
        "unsupported": And((atom, Not(Named("n", atom)))),
    }
    for kind, expr in kinds.items():
        assert verdict(composed(expr, lambda _: (wide,))) == kind
