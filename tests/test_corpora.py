"""Rules and events that nobody on the team wrote: regression cases of SigmaHQ, Hayabusa's samples, clouds, crawlers.

The windows-attack corpus is in test_corpora_windows.py, corpora that nobody labelled in test_corpora_smoke.py. What we
say about pairs that other engines do not agree on is in tests/cases/corpora, and on the page docs/corpora.md.
RULEENGINE_NIGHTLY=1 asks every crawler pattern about every user agent; else about every eighth, and those it finds.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from ruleengine.load import Loaded, load
from ruleengine.problem import Problem
from ruleengine.regex import NotPortable, parse
from ruleengine.values import Event
from tests import corpora
from tests.conftest import Run
from tests.corpora import NIGHTLY, Pair, case, check_decision, fired, pairs

Json = dict[str, Any]


def by_rule(asked: tuple[Loaded, ...]) -> dict[str, Loaded]:
    return {str(loaded.rule.id): loaded for loaded in asked}


# --- sigma-regression ----------------------------------------------------------------------------------------------

FLAT = "sigma-regression/events.ndjson"
NESTED = "sigma-regression/nested-events.ndjson.zst"


@pytest.fixture
def windows() -> tuple[Loaded, ...]:
    return corpora.windows_rules()


def recorded(name: str) -> dict[str, Event]:
    """The events that both forms have: all but the raw line, which is judged apart."""
    apart = case("sigma-regression")["apart"]["event"]
    return {event["_id"]: event for event in corpora.events(name) if event["_id"] != apart}


@pytest.fixture(scope="module")
def regression() -> set[Pair]:
    return fired(corpora.windows_rules(), recorded(FLAT).values())


def test_own_rules_and_also_rules_fire_and_no_others(regression: set[Pair], windows: tuple[Loaded, ...]) -> None:
    table = case("sigma-regression")
    cases = [row for row in corpora.lines("sigma-regression/expectations.jsonl") if row["rule"]]
    own = pairs(cases, "matching_events")
    owner = {event: row["rule_id"] for row in cases for event in row["events"]}
    others = {(event, rule) for event, rule in regression if owner[event] != rule}
    also = {(row["rule_id"], rule) for row in cases for rule in row["also_fires"]}
    assert {row["rule_id"] for row in cases} <= by_rule(windows).keys()
    assert regression - others == own
    assert {rule for _, rule in own} == {row["rule_id"] for row in cases}
    assert {(owner[event], rule) for event, rule in others} == also
    twice = [(owner[event], rule) for event, rule in sorted(others)]
    assert {pair for pair in twice if twice.count(pair) > 1} == {(table["twice"]["case"], table["twice"]["rule"])}
    assert table["counts"] == {
        "cases with an EVTX": len(cases),
        "events in both forms": len(owner),
        "cases whose own rule fires": len({rule for _, rule in regression & own}),
        "own pairs": len(own),
        "other rules that fire in a case": len(also),
        "pairs of these": len(others),
        "pairs that fire": len(regression),
    }


def test_every_windows_rule_fires_where_the_engines_say(regression: set[Pair]) -> None:
    rows = corpora.lines("sigma-regression/expected-all-rules.jsonl.zst")
    disputed = {(event, row["rule_id"]) for row in rows for event in row.get("disputed", {})}
    assert regression - disputed == pairs(rows) - disputed


def test_nested_events_fire_the_same_rules(regression: set[Pair], windows: tuple[Loaded, ...]) -> None:
    nested = recorded(NESTED)
    assert nested.keys() == recorded(FLAT).keys()
    assert fired(windows, nested.values()) == regression


def test_disputed_pairs_are_decided(regression: set[Pair], windows: tuple[Loaded, ...]) -> None:
    rows = case("sigma-regression")["decisions"]
    expected = corpora.lines("sigma-regression/expected-all-rules.jsonl.zst")
    disputed = {(event, row["rule_id"]): by for row in expected for event, by in row.get("disputed", {}).items()}
    assert pairs(rows) == disputed.keys()
    given, known = recorded(FLAT), by_rule(windows)
    for row in rows:
        for event in row["events"]:
            assert disputed[event, row["rule"]] == row["by"]
            check_decision(row, known[row["rule"]], given[event], regression)


def test_the_raw_line_is_judged_apart() -> None:
    apart = case("sigma-regression")["apart"]
    own = corpora.rules(corpora.shared("sigma-regression/rules"))
    [event] = [event for event in corpora.events(FLAT) if event["_id"] == apart["event"]]
    assert fired(own, [event]) == ({(apart["event"], apart["case"])} if apart["fires"] else set())
    [rule] = [loaded.rule for loaded in own if loaded.rule.id == apart["case"]]
    assert rule.span
    words = yaml.safe_load(rule.span.source.text)["detection"]["keywords"]
    assert any(word.lower() in event["message"].lower() for word in words)


def test_the_command_on_the_page_says_the_same(ruleengine: Run) -> None:
    [line] = re.findall(r"^    ruleengine (match .*)$", corpora.PAGE.read_text("utf-8"), re.M)
    own = corpora.rules(corpora.shared("sigma-regression/rules"))
    given = list(corpora.events(NESTED))
    done = ruleengine(*line.split())
    assert (done.returncode, done.stderr) == (0, "")
    printed = [json.loads(row) for row in done.stdout.splitlines()]
    assert {(given[row["line"] - 1]["_id"], row["rule"]) for row in printed} == fired(own, given)
    assert len(printed) >= 146


# --- hayabusa-samples ----------------------------------------------------------------------------------------------


def test_hayabusa_samples() -> None:
    table = case("hayabusa-samples")
    rows = corpora.lines("hayabusa-samples/expectations.jsonl")
    asked = corpora.rules(corpora.shared("hayabusa-samples/rules"))
    given = {event["_id"]: event for event in corpora.events("hayabusa-samples/events.ndjson")}
    found = fired(asked, given.values())
    firing = {row["rule_id"] for row in rows if any((event, row["rule_id"]) in found for event in row["events"])}
    agreed = {row["rule_id"] for row in rows if row["azuma_matches"]}
    assert agreed - firing == set()
    words = {False: "no", None: "not loaded"}
    others = {row["rule_id"]: words[row["azuma_matches"]] for row in rows if row["rule_id"] not in agreed}
    assert {row["rule"]: row["azuma"] for row in table["decisions"]} == others
    assert table["counts"] == {
        "rules": len(list(corpora.shared("hayabusa-samples/rules").glob("*.yml"))),
        "rules that load": len(asked),
        "rules that azuma says match": len(agreed),
        "of these that fire": len(agreed & firing),
        "others that fire": len(firing - agreed),
        "others that do not": len(rows) - len(firing | agreed),
    }
    known, samples = by_rule(asked), {row["rule_id"]: row["events"] for row in rows}
    for row in table["decisions"]:
        [event] = (given[id] for id in samples[row["rule"]])
        check_decision(row, known[row["rule"]], event, found)
        added = {name: event[source] if source else "" for name, source in row.get("would_fire_with", {}).items()}
        assert row["fires"] is not bool(added), "a rule that does not fire says what it lacks"
        assert (event["_id"], row["rule"]) in fired([known[row["rule"]]], [event | added])


# --- cloud ---------------------------------------------------------------------------------------------------------


def dotted(event: Event) -> Event:
    """The event with its objects spelled out as names with dots, as SIEMs store it."""

    def leaves(value: Any, name: str) -> Iterator[tuple[str, Any]]:
        if not isinstance(value, dict):
            yield name, value
            return
        for key, below in value.items():
            yield from leaves(below, f"{name}.{key}" if name else key)

    return dict(leaves(event, ""))


def test_cloudtrail_as_written_and_with_dotted_names(tmp_path: Path) -> None:
    table = case("cloud")
    asked = corpora.rules(corpora.unpacked("cloud/sigma-rules-aws.tar.zst", tmp_path))
    given = {event["_id"]: event for event in corpora.events("cloud/cloudtrail.ndjson.zst")}
    found = fired(asked, given.values())
    rows = corpora.lines("cloud/expected-sigma-aws.jsonl")
    agreed = pairs([row for row in rows if row["agree"]], "sqlite")
    unsure = [row for row in rows if not row["agree"]]
    decided = table["decisions"]
    reported = pairs(unsure, "sqlite") | pairs(unsure, "azuma")
    assert pairs(decided) == reported
    assert found == agreed | pairs([row for row in decided if row["fires"]])
    for row in decided:
        for event in row["events"]:
            check_decision(row, by_rule(asked)[row["rule"]], given[event], found)
    assert table["counts"] == {
        "rules asked": len(asked),
        "events": len(given),
        "pairs the engines agree on": len(agreed),
        "of these missing": len(agreed - found),
        "pairs they do not agree on": len(reported),
        "extra pairs": len(found - agreed - reported),
    }
    assert fired(asked, map(dotted, given.values())) == found


# --- bot-useragents ------------------------------------------------------------------------------------------------


def as_rules(patterns: list[str]) -> str:
    """One rule a pattern; JSON strings are YAML strings."""
    head = 'title: Crawler {0}\nid: "{0}"\nlogsource: {{category: webserver}}\n'
    rule = f"{head}detection:\n  s:\n    user_agent|re: {{1}}\n  condition: s\n"
    return "---\n".join(rule.format(index, json.dumps(text)) for index, text in enumerate(patterns))


def test_crawler_patterns_find_what_python_finds(tmp_path: Path) -> None:
    table = case("bot-useragents")
    rows = corpora.lines("bot-useragents/patterns.jsonl")
    expected = {row["pattern"]: row["events"] for row in corpora.lines("bot-useragents/expected-re-search.jsonl")}
    path = tmp_path / "crawlers.yml"
    path.write_text(as_rules([row["pattern"] for row in rows]), "utf-8")
    problems: list[Problem] = []
    asked = {rows[int(str(one.rule.id))]["pattern"]: one for one in load([str(path)], problems.append).events}
    refused = [row["pattern"] for row in rows if row["pattern"] not in asked]
    assert refused == [row["pattern"] for row in table["refused"]]
    assert len(problems) == len(refused)
    given = {event["_id"]: event for event in corpora.events("bot-useragents/events.ndjson")}
    finds = {(event, pattern) for pattern in asked for event in expected[pattern]}
    assert finds >= {(event, row["pattern"]) for row in rows if row["pattern"] in asked for event in row["must_match"]}
    missing = [pair for pair in finds if not fired([asked[pair[1]]], [given[pair[0]]])]
    assert missing == []
    some = [event for index, event in enumerate(given.values()) if NIGHTLY or index % 8 == 0]
    found = {(event, rows[int(rule)]["pattern"]) for event, rule in fired(tuple(asked.values()), some)}
    assert found == {
        (event["_id"], pattern) for event in some for pattern in asked if event["_id"] in expected[pattern]
    }
    assert table["counts"] == {
        "patterns": len(rows),
        "user agents": len(given),
        "patterns refused": len(refused),
        "pairs that fire": len(finds),
    }


@pytest.mark.parametrize("pattern", [r"bot(?!-ok)", r"(?<=x)bot", r"(b)ot\1", r"(?P<n>bot)(?P=n)", r"b++ot"])
def test_a_pattern_outside_the_subset_is_refused(pattern: str) -> None:
    with pytest.raises(NotPortable):
        parse(pattern)
