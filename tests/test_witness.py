"""Witnesses: what is returned is right, what is called impossible is, and what can be found mostly is found."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ruleengine.analysis.flip import holds_flipped
from ruleengine.analysis.witness import NotFound, near_misses, positive, positives, stopped_by, strategy
from ruleengine.analysis.witness.formulas import parts_of
from ruleengine.ir import And, Equals, Expr, Item, Leaf, Like, LogSource, Named, Not, Or, Regex, Rule, Wild
from ruleengine.load import Loaded, load
from ruleengine.lower import lower
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.schema.logsources import conflict, event_source
from ruleengine.values import Event
from tests.conftest import CASES, ROOT, Run
from tests.corpora import NIGHTLY
from tests.strategies import FIELDS, SCALARS, expressions, rules

SIGMAHQ = ROOT.parent / "shared" / "data" / "sigmahq"


# --- by construct --------------------------------------------------------------------------------------------------

Case = dict[str, Any]
CASES_BY_NAME: dict[str, Case] = {
    f"{path.stem}: {case['why']}": case
    for path in sorted((CASES / "witness").glob("*.yml"))
    for case in yaml.safe_load(path.read_text("utf-8"))
}


def loaded(case: Case, folder: Path) -> Loaded:
    """Return the rule of a case: its detection with a title and a log source."""
    path = folder / "rule.yml"
    rule = {"title": case["why"], "logsource": case.get("logsource", {"category": "x"}), "detection": case["detection"]}
    path.write_text(json.dumps(rule), "utf-8")
    problems: list[Problem] = []
    (one,) = load([str(path)], problems.append).events
    assert not [found for found in problems if found.severity == "error"]
    return one


def called(leaf: Leaf) -> str:
    return "|".join((leaf.item.field or "keywords", *leaf.item.modifiers))


@pytest.mark.parametrize("name", CASES_BY_NAME)
def test_a_case(name: str, tmp_path: Path) -> None:
    case = CASES_BY_NAME[name]
    one = loaded(case, tmp_path)
    assert one.expr is not None
    logs = one.rule.logs if "logsource" in case else None
    found = positive(one.expr, logs)
    if impossible := case.get("impossible"):
        assert isinstance(found, NotFound)
        assert impossible in found.reason
        assert found.impossible is case.get("proved", True)
    else:
        assert isinstance(found, dict)
        assert holds(one.expr, found)
        assert logs is None or conflict(logs, event_source(found)) is None
        assert found == case.get("event", found)
    misses = [(called(miss.leaf), miss.found) for miss in near_misses(one.expr, logs)]
    assert [leaf for leaf, miss in misses if isinstance(miss, NotFound)] == case.get("no_near_miss", [])
    stops = [(stop.filter.name, stop.found) for stop in stopped_by(one.expr, logs)]
    assert [stop for stop, event in stops if isinstance(event, NotFound)] == case.get("not_stopped_by", [])
    assert all(event == case.get("near_misses", {}).get(leaf, event) for leaf, event in misses)


# --- properties ----------------------------------------------------------------------------------------------------


def hanging(expr: Expr, logs: LogSource | None = None) -> Iterator[tuple[Leaf | Named, Event | NotFound]]:
    """Yield every leaf and every filter with what was found for it."""
    for miss in near_misses(expr, logs):
        yield miss.leaf, miss.found
    for stopped in stopped_by(expr, logs):
        yield stopped.filter, stopped.found


def verify(expr: Expr, among: Iterable[Seen]) -> Counter[str]:
    """Check everything that is returned for an expression; count what was and was not found, given some events."""
    counts: Counter[str] = Counter()
    events = list(among)

    def judge(found: Event | NotFound, exists: bool, what: str) -> None:
        if isinstance(found, dict):
            counts[f"{what} found"] += 1
        elif exists:
            assert not found.impossible, found.reason
            counts[f"{what} missed"] += 1

    for event in (found := list(positives(expr, count=3))):
        assert holds(expr, event)
    first = positive(expr)
    assert isinstance(first, NotFound) == (not found)
    judge(first, any(holds(expr, event) for event in events), "positive")
    assert [id(miss.leaf) for miss in near_misses(expr)] == [id(leaf) for leaf in parts_of(expr)]
    for part, near in hanging(expr):
        if isinstance(near, dict):
            assert not holds(expr, near)
            assert holds_flipped(expr, near, part)
        hangs = isinstance(near, NotFound) and any(
            not holds(expr, event) and holds_flipped(expr, event, part) for event in events
        )
        judge(near, hangs, "near miss")
    return counts


FEW: tuple[Any, ...] = (
    None,
    *SCALARS[:10],
    "5",
    5,
    6,
    True,
    "10.0.0.7",
    "2025-01-06T09:05:00Z",
    ["a", "b"],
    ["ab", 5],
    {"x": 1},
)
UNIVERSE: list[Seen] = [
    Seen({field: value for field, value in zip(FIELDS, combination, strict=True) if value is not None})
    for combination in product(FEW, repeat=len(FIELDS))
][::23]


def test_what_is_returned_is_right_and_most_of_what_there_is_is_found() -> None:
    counts: Counter[str] = Counter()

    @settings(
        max_examples=1000 if NIGHTLY else 40, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
    )
    @given(expressions())
    def check(expr: Expr) -> None:
        counts.update(verify(expr, UNIVERSE))

    check()
    for what in ("positive", "near miss"):
        assert counts[f"{what} found"] > 20
        assert counts[f"{what} missed"] <= 0.05 * counts[f"{what} found"], counts


@settings(max_examples=25)
@given(rules())
def test_rules_as_written(rule: Rule) -> None:
    problems: list[Problem] = []
    expr = lower(rule, problems.append)
    assert expr is not None, problems
    verify(expr, ())


@settings(max_examples=25)
@given(expressions(most=2), st.data())
def test_the_strategy_yields_events(expr: Expr, data: st.DataObject) -> None:
    event = data.draw(strategy(expr))
    assert holds(expr, event) in (True, False)
    json.dumps(event)


def test_the_strategy_yields_matches_and_misses() -> None:
    expr = And((leaf("a", Equals("a", "x")), Not(leaf("b", Equals("b", 5)))))
    seen: set[bool] = set()

    @settings(max_examples=100, derandomize=True)
    @given(strategy(expr))
    def look(event: Event) -> None:
        seen.add(holds(expr, event))

    look()
    assert seen == {True, False}


def leaf(field: str | None, test: Expr) -> Leaf:
    return Leaf(Item(field, (), ()), test)


def test_a_selection_that_is_used_twice_is_one_part() -> None:
    shared = Named("s", leaf("a", Equals("a", "x")))
    other = Named("t", leaf("b", Equals("b", "y")))
    exclusive = Or((And((shared, Not(other))), And((Not(shared), other))))
    misses = list(near_misses(exclusive))
    assert len(misses) == 2
    assert all(isinstance(miss.found, dict) and holds_flipped(exclusive, miss.found, miss.leaf) for miss in misses)
    (never,) = near_misses(And((shared, Not(shared))))
    assert isinstance(never.found, NotFound)
    assert never.found.impossible


# --- bounds --------------------------------------------------------------------------------------------------------


def _hostile() -> dict[str, Expr]:
    many = [Like("a", (Wild.MANY, f"{number:04}", Wild.MANY)) for number in range(1500)]
    pairs = tuple(Or((Equals(f"f{n}", "x"), Equals(f"g{n}", "x"))) for n in range(300))
    clash = And((*pairs, *(Not(pair) for pair in pairs[-1:]), Equals("z", "x")))
    apart = tuple(Not(And((Equals("a", str(n)), Equals("b", str(n))))) for n in range(300))
    hard = And(tuple(Or((Regex("a", f"^.{{{n}}}$"), Regex("a", f"x{n}$"))) for n in range(1, 40)))
    return {
        "all of many": leaf("a", And(tuple(many))),
        "none of many": And((leaf("a", Regex("a", "^[0-9]{4}$")), Not(leaf("a", Or(tuple(many)))))),
        "choices before a contradiction": clash,
        "many filters": And((leaf("a", Like("a", (Wild.ONE,) * 50)), *apart)),
        "regular expressions that exclude each other": hard,
        "a long text": leaf("a", And((Like("a", (Wild.MANY, "ab" * 200_000)), Like("a", ("ba" * 200_000, Wild.MANY))))),
        "a long sample": leaf("a", Regex("a", "a{1000}" * 30)),
    }


@pytest.mark.parametrize("name", _hostile())
def test_a_hostile_rule_ends(name: str) -> None:
    expr = _hostile()[name]
    started = time.process_time()
    found = positive(expr)
    assert time.process_time() - started < 5
    assert isinstance(found, NotFound) or holds(expr, found)


def test_the_same_rule_gives_the_same_events() -> None:
    words = "witness", "rules/abuse", "--near-miss", "--format", "ndjson", "--count", "3"
    code = f"import sys; from ruleengine.cli.main import main; sys.exit(main({list(words)!r}))"
    runs = [
        subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, env={"PYTHONHASHSEED": str(seed)})
        for seed in (1, 2)
    ]
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout


# --- SigmaHQ -------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not SIGMAHQ.is_dir(), reason="the folder ../shared with SigmaHQ's rules is not here")
def test_sigmahq_rules_have_witnesses() -> None:
    """RULEENGINE_NIGHTLY=1 asks for every rule and every leaf; else for about every twentieth file."""
    files = sorted(str(path) for path in SIGMAHQ.rglob("*.yml"))[:: 1 if NIGHTLY else 20]
    counts: Counter[str] = Counter()
    given = [one for one in load(files, lambda _: None).events if one.expr is not None]
    for one in given:
        assert one.expr is not None
        found = positive(one.expr, one.rule.logs)
        counts["rules"] += isinstance(found, dict)
        if isinstance(found, dict):
            assert holds(one.expr, found)
            assert conflict(one.rule.logs, event_source(found)) is None
        for part, near in hanging(one.expr, one.rule.logs):
            if isinstance(near, dict):
                assert not holds(one.expr, near)
                assert holds_flipped(one.expr, near, part)
            counts["parts"] += isinstance(near, dict)
            counts["unproved"] += isinstance(near, NotFound) and not near.impossible
    assert counts["rules"] >= 0.999 * len(given)
    assert counts["parts"] > 3 * len(given)
    assert counts["unproved"] <= 0.001 * counts["parts"]


# --- the verb ------------------------------------------------------------------------------------------------------


def test_the_events_of_the_verb_match_when_read_again(ruleengine: Run, tmp_path: Path) -> None:
    made = ruleengine("witness", "rules/abuse", "--count", "2", "--format", "events")
    assert made.returncode == 0, made.stderr
    (tmp_path / "made.ndjson").write_text(made.stdout, "utf-8")
    done = ruleengine("match", tmp_path / "made.ndjson", "--rules", "rules/abuse", "--format", "ndjson")
    lines = {json.loads(line)["line"] for line in done.stdout.splitlines()}
    assert lines == set(range(1, len(made.stdout.splitlines()) + 1))


def test_the_verb_says_which_leaf(ruleengine: Run) -> None:
    rule = "rules/linux/ssh_root_password_login.yml"
    done = ruleengine("witness", rule, "--near-miss", "--format", "json")
    rows = json.loads(done.stdout)
    assert [row["kind"] for row in rows] == ["match", "near_miss", "near_miss", "stopped"]
    assert all(row["event"] is not None and row["schema_version"] == 1 for row in rows)
    assert all(row["path"] == rule and row["line"] > 1 and row["part"] for row in rows[1:])
    text = ruleengine("witness", rule, "--near-miss")
    assert f"line {rows[1]['line']}: only `keywords` keeps this from matching" in text.stdout
    assert "only the filter `filter_console`" in text.stdout


IMPOSSIBLE = (
    "title: t\nlogsource:\n  category: c\ndetection:\n  s:\n    a: x\n  f:\n    a: X\n  condition: s and not f\n"
)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["never.yml"], 1, "no event matches (impossible): whenever `a` is 'x', also `a` is 'X'"),
        (["never.yml", "broken.yml"], 3, "unknown modifier"),
        (["rules/abuse", "--count", "0"], 2, "--count"),
        (["empty"], 5, "no rule was selected"),
    ],
)
def test_exit_codes(ruleengine: Run, tmp_path: Path, words: list[str], code: int, said: str) -> None:
    (tmp_path / "never.yml").write_text(IMPOSSIBLE, "utf-8")
    (tmp_path / "broken.yml").write_text(IMPOSSIBLE.replace("a: X", "a|containz: X"), "utf-8")
    (tmp_path / "empty").mkdir()
    done = ruleengine("witness", *words, cwd=tmp_path)
    assert done.returncode == code, done.stderr
    assert said in done.stdout + done.stderr


def test_hypothesis_is_not_loaded_by_the_verb() -> None:
    code = "import sys, ruleengine.cli.witness; sys.exit('hypothesis' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT).returncode == 0


def test_a_log_source_that_contradicts_the_condition_has_no_event() -> None:
    expr = leaf("Channel", Equals("Channel", "Security"))
    logs = LogSource(product="windows", service="sysmon")
    found = positive(expr, logs)
    assert isinstance(found, NotFound)
    assert "service sysmon" in found.reason
    assert isinstance(positive(expr), dict)
