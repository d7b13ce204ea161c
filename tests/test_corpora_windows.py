"""Rules of SigmaHQ on real attack telemetry of Windows: what three other engines agree on, and what we say beyond it.

RULEENGINE_NIGHTLY=1 takes all 55,250 events; else those that anybody names, and every fortieth of the others.
"""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ruleengine.load import Loaded
from ruleengine.values import Event
from tests import corpora
from tests.corpora import NIGHTLY, Pair, case, check_decision, fired, pairs

EVENTS = "windows-attack/events.ndjson.zst"


PARTS = 4
"""Test processes share the events among them."""


@pytest.fixture
def asked() -> tuple[Loaded, ...]:
    return corpora.windows_rules()


@pytest.fixture(scope="module")
def expected() -> list[dict[str, Any]]:
    return corpora.lines("windows-attack/expected.jsonl.zst")


@pytest.fixture(scope="module")
def disputed(expected: list[dict[str, Any]]) -> dict[Pair, list[str]]:
    """The pairs that the engines do not agree on, each with the engines that report it."""
    return {(event, row["rule_id"]): by for row in expected for event, by in row.get("disputed", {}).items()}


@pytest.fixture(scope="module")
def agreed(expected: list[dict[str, Any]], disputed: dict[Pair, list[str]]) -> set[Pair]:
    return pairs(expected) - disputed.keys()


@pytest.fixture(scope="module")
def given(agreed: set[Pair], disputed: dict[Pair, list[str]], nested: dict[str, Event]) -> dict[str, Event]:
    """The events to try, by id: those somebody names, those that also have a nested form, and some others."""
    named = nested.keys() | {event for event, _ in agreed | disputed.keys() | pairs(case("windows-attack")["extra"])}
    found = {}
    total = 0
    for event in corpora.events("windows-attack/events.ndjson.zst"):
        if NIGHTLY or event["_id"] in named or total % 40 == 0:
            found[event["_id"]] = event
        total += 1
    assert total == case("windows-attack")["counts"]["events"]
    assert named <= found.keys()
    return found


@pytest.fixture(scope="module")
def nested() -> dict[str, Event]:
    return {event["_id"]: event for event in corpora.events("windows-attack/nested-sample.ndjson")}


@pytest.mark.parametrize("part", range(PARTS))
def test_what_the_engines_agree_on_fires_and_nothing_else(
    asked: tuple[Loaded, ...],
    agreed: set[Pair],
    disputed: dict[Pair, list[str]],
    given: dict[str, Event],
    part: int,
) -> None:
    table = case("windows-attack")
    chosen = dict(list(given.items())[part::PARTS])
    found = fired(asked, chosen.values())
    here = {pair for pair in agreed if pair[0] in chosen}
    extra = {pair for pair in pairs(table["extra"]) if pair[0] in chosen}
    assert sorted(here - found) == [], "these should fire"
    assert found - here - disputed.keys() == extra, "these should not fire, or be proven"


def test_the_numbers_on_the_page(asked: tuple[Loaded, ...], agreed: set[Pair], disputed: dict[Pair, list[str]]) -> None:
    table = case("windows-attack")
    fires = pairs([row for row in table["decisions"] if row["fires"]])
    assert table["counts"] == {
        "rules asked": len(asked),
        "events": table["counts"]["events"],
        "pairs the engines agree on": len(agreed),
        "of these missing": 0,
        "disputed pairs": len(disputed),
        "of these that fire": len(fires),
        "extra pairs": len(pairs(table["extra"])),
        "pairs that fire": len(agreed | fires | pairs(table["extra"])),
    }


def test_every_disputed_pair_is_decided_and_the_engine_decides_so(
    asked: tuple[Loaded, ...], disputed: dict[Pair, list[str]], given: dict[str, Event]
) -> None:
    rows = case("windows-attack")["decisions"]
    assert sum(len(row["events"]) for row in rows) == len(disputed), "each pair once"
    assert pairs(rows) == disputed.keys()
    found = fired(asked, [given[event] for event in sorted({event for event, _ in disputed})])
    by_id = {loaded.rule.id: loaded for loaded in asked}
    for row in rows:
        assert row["why"].endswith(".")
        for event in row["events"]:
            assert disputed[event, row["rule"]] == row["by"]
            check_decision(row, by_id[row["rule"]], given[event], found)


def test_every_extra_pair_is_proven_by_plain_python(asked: tuple[Loaded, ...], given: dict[str, Event]) -> None:
    """All that the rule asks for are words in any value: `in` looks for them, in the event as it was read."""
    [row] = case("windows-attack")["extra"]
    [event] = (given[id] for id in row["events"])
    [loaded] = [loaded for loaded in asked if loaded.rule.id == row["rule"]]
    check_decision({**row, "fires": True}, loaded, event, fired(asked, [event]))
    assert loaded.rule.span
    detection = yaml.safe_load(loaded.rule.span.source.text)["detection"]
    words = detection["keywords"]["|all"]
    assert (detection["condition"], len(words)) == ("keywords", 4)
    values = [str(value).lower() for name, value in event.items() if not name.startswith("_")]
    assert all(any(word.lower() in value for value in values) for word in words)
    assert event["_service"] == yaml.safe_load(loaded.rule.span.source.text)["logsource"]["service"]


def test_nested_events_fire_the_same_rules_as_flat_ones(
    asked: tuple[Loaded, ...], nested: dict[str, Event], given: dict[str, Event]
) -> None:
    assert len(nested) == 498
    same = fired(asked, [given[id] for id in nested])
    assert len(same) >= 100
    assert fired(asked, nested.values()) == same
