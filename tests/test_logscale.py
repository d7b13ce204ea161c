"""The LogScale target: what it writes means the rule, by an interpreter of CQL that shares no line with it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
import yaml

from ruleengine.analysis.witness import near_misses, positives
from ruleengine.ir import (
    And,
    Equals,
    Exists,
    Expr,
    Like,
    LogSource,
    Named,
    Regex,
    Rule,
    Single,
    TimePart,
)
from ruleengine.load import Loaded, load
from ruleengine.meaning import Seen, holds
from ruleengine.problem import Problem
from ruleengine.target import Compiled, Ready
from ruleengine.target.bounds import holds as within
from ruleengine.times import event_us
from ruleengine.values import Event
from ruleengine.walk import walk
from ruleengine_logscale import TARGET
from ruleengine_logscale.calls import inner
from ruleengine_logscale.lists import files
from ruleengine_oracles import cql
from tests.conftest import CASES
from tests.corpora import NIGHTLY, shared

FOLDER = CASES / "logscale"
NOW_US = 1_750_000_000_000_000
"""The time of events that state none."""
RULE = Rule("made up", LogSource(), Single((), ()))


def ready(expr: Expr, arrays: Iterable[str] = ()) -> Ready:
    return Ready(RULE, expr, "0" * 64, frozenset(arrays))


def fields_of(expr: Expr) -> set[str]:
    found = (getattr(node, name, None) for node in walk(expr) for name in ("field", "other"))
    return {inner(field) for field in found if field is not None}


def rows(data: bytes) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def asked(compiled: Compiled, expr: Expr, event: Event) -> bool:
    """Return what the oracle says of an event."""
    us = event_us(event)
    lookups = {name: rows(data) for name, data in files([expr]).items()}
    return cql.matches(compiled.text, event, timestamp_ms=(NOW_US if us is None else us) / 1000, files=lookups)


def is_within(compiled: Compiled, expr: Expr, event: Event, arrays: Iterable[str] = ()) -> bool:
    """Say whether an event keeps the contract and is within the bounds of a query."""
    assert TARGET.contract is not None
    bounds = [(limit.bound, limit.field) for limit in compiled.limits if limit.bound]
    return TARGET.contract.fits(event, fields_of(expr), frozenset(arrays)) and within(bounds, event)


def check(expr: Expr, event: Event, arrays: Iterable[str] = ()) -> str:
    """Check that a query means what the expression does, as far as it claims to; return how far that is."""
    compiled = TARGET.compile(ready(expr, arrays))
    if not compiled.text:
        assert compiled.verdict == "unsupported"
        return "unsupported"
    if not is_within(compiled, expr, event, arrays):
        return "outside"
    meant, found = holds(expr, Seen(event, NOW_US)), asked(compiled, expr, event)
    right = {"wider": found or not meant, "narrower": meant or not found}.get(compiled.verdict, meant == found)
    assert right, f"{compiled.verdict}: the rule says {meant}, the query {found}\n{compiled.text}\n{event}"
    return compiled.verdict


# --- what others get wrong ------------------------------------------------------------------------------------------


def loaded(case: dict[str, Any], folder: Path) -> Loaded:
    """Return the rule of a case: its detection with a title and a log source."""
    path = folder / "rule.yml"
    rule = {"title": case["why"], "logsource": {"category": "x"}, "detection": case["detection"]}
    path.write_text(json.dumps(rule), "utf-8")
    problems: list[Problem] = []
    (one,) = load([str(path)], problems.append).events
    assert not [found for found in problems if found.severity == "error"]
    return one


def shown(why: str, compiled: Compiled) -> str:
    limits = (f"  {each.kind}: {each.construct} {each.bound} {each.field or ''}".rstrip() for each in compiled.limits)
    return "\n".join([f"== {why} ({compiled.verdict})", compiled.text, *limits, ""])


@pytest.mark.parametrize("name", ["defects", "traps"])
def test_cases(name: str, tmp_path: Path, golden: Callable[[Path, str], None]) -> None:
    out = []
    for case in yaml.safe_load((FOLDER / f"{name}.yml").read_text("utf-8")):
        one = loaded(case, tmp_path)
        assert one.expr is not None
        compiled = TARGET.compile(ready(one.expr))
        out.append(shown(case["why"], compiled))
        for wanted, event in case["events"]:
            assert holds(one.expr, event) is wanted, (case["why"], event)
            if compiled.text and is_within(compiled, one.expr, event):
                assert asked(compiled, one.expr, event) is wanted, (case["why"], event)
    golden(FOLDER / f"{name}.txt", "\n".join(out))


# --- the whole -----------------------------------------------------------------------------------------------------


def test_every_limit_is_a_row_of_the_table() -> None:
    table = {row.construct: row for row in TARGET.capabilities}
    for row in table.values():
        assert (row.kind == "bounded") is bool(row.bound), row.construct
        assert row.kind in ("exact", "unsupported") or row.reason, row.construct
    odd: list[Expr] = [Equals("@id", "x"), Exists("a*b"), TimePart("when", "hour", "==", 1)]
    for name in ("defects", "traps"):
        for line in (FOLDER / f"{name}.txt").read_text("utf-8").splitlines():
            if line.startswith("  ") and ": " in line and line.split(":")[0].strip() in KINDS:
                assert any(line.split(": ", 1)[1].startswith(construct) for construct in table), line
    for expr in odd:
        limits = TARGET.compile(ready(expr)).limits
        assert {limit.kind for limit in limits} == {"unsupported"}
        assert {limit.construct for limit in limits} <= set(table)


KINDS = ("bounded", "wider", "narrower", "unsupported")


def test_what_a_pipeline_adds_stands_first_and_may_name_tags() -> None:
    source = Named("pipeline:falcon", Equals("#event_simpleName", "ProcessRollup2", cased=True))
    compiled = TARGET.compile(ready(And((Equals("FileName", "x.exe"), source))))
    assert compiled.text == '#event_simpleName="ProcessRollup2"\n| FileName=/\\Ax\\.exe\\z/i'


# --- SigmaHQ --------------------------------------------------------------------------------------------------------

SOME = ("rules/network", "rules/cloud", "rules/web", "rules-compliance", "rules-threat-hunting")
ALL = ("rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting")


def has_keywords(expr: Expr) -> bool:
    return any(isinstance(node, Like | Regex) and node.field is None for node in walk(expr))


def test_rules_of_sigmahq_become_the_same_query() -> None:
    """Every rule is compiled; all without keywords are exact or bounded, and agree on events made for them."""
    report: list[Problem] = []
    rules = load([str(shared(f"sigmahq/{name}")) for name in (ALL if NIGHTLY else SOME)], report.append).events
    assert {problem.code for problem in report} <= {"RE213"}
    verdicts = Counter[str]()
    for index, loaded in enumerate(rules):
        assert loaded.expr is not None
        compiled = TARGET.compile(Ready(loaded.rule, loaded.expr, "0" * 64))
        if not has_keywords(loaded.expr):
            verdicts[compiled.verdict] += 1
        if NIGHTLY or index % 10 == 0:
            misses = (miss.found for miss in near_misses(loaded.expr))
            for event in (*positives(loaded.expr), *(miss for miss in misses if isinstance(miss, dict))):
                check(loaded.expr, event)
    good = verdicts["exact"] + verdicts["bounded"]
    assert good >= 0.99 * verdicts.total()
