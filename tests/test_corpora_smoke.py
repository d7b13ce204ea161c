"""Corpora that nobody labelled: rules of SigmaHQ run over them, and plain Python agrees about those it understands."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ruleengine.values import Event
from tests import corpora
from tests.corpora import case, fired

Json = dict[str, Any]
RUNS = case("smoke")["runs"]


@pytest.mark.parametrize("run", RUNS, ids=[row["events"] for row in RUNS])
def test_rules_run_over_other_logs(run: Json) -> None:
    asked = corpora.rules(*(corpora.shared(f"sigmahq/{folder}") for folder in run["rules"]))
    given = [event for index, event in enumerate(corpora.events(run["events"])) if index % run["every"] == 0]
    found = fired(asked, given)
    assert len(given) == run["taken"]
    assert Counter(rule for _, rule in found) == run["fires"]
    assert len(found) == run["hits"]


# --- plain Python agrees ---------------------------------------------------------------------------------------------


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for below in value.values() if isinstance(value, dict) else value:
            yield from texts(below)
    elif value is not None:
        yield str(value).lower()


def naive(detection: Json, event: Event, values: Sequence[str]) -> bool:
    """Evaluate a rule of keyword lists, `contains` lists and equal fields; `values` are all texts of the event."""

    def item(key: str, wanted: Any) -> bool:
        field, _, modifier = key.partition("|")
        given = event.get(field)
        words = [str(word).lower() for word in (wanted if isinstance(wanted, list) else [wanted])]
        if given is None:
            return False
        return any(word in str(given).lower() if modifier else word == str(given).lower() for word in words)

    def selection(body: Any) -> bool:
        if isinstance(body, dict):
            return all(item(key, wanted) for key, wanted in body.items())
        return any(str(word).lower() in value for word in body for value in values)

    def any_of(found: re.Match[str]) -> str:
        return str(any(true for name, true in names.items() if name.startswith(found[1])))

    names = {name: selection(body) for name, body in detection.items() if name != "condition"}
    return bool(eval(re.sub(r"1 of (\w+)\*", any_of, detection["condition"]), {"__builtins__": {}}, names))


def understood(detection: Json) -> bool:
    """Say whether plain Python understands a rule: no wildcards, no lists of maps, only `contains`."""
    bodies = [body for name, body in detection.items() if name != "condition"]
    keys = [key for body in bodies if isinstance(body, dict) for key in body]
    maps = any(isinstance(member, dict) for body in bodies if isinstance(body, list) for member in body)
    plain = not any(set(text) & set("*?\\") for text in texts(bodies))
    words = re.search(r"\b(?<!1 )of\b|\bthem\b", detection["condition"])
    return plain and not maps and not words and all(key.partition("|")[2] in ("", "contains") for key in keys)


def test_plain_python_agrees_about_web_attacks() -> None:
    folder = corpora.shared("sigmahq/rules/web/webserver_generic")
    written = [yaml.safe_load(path.read_text("utf-8")) for path in sorted(folder.glob("*.yml"))]
    plain = {rule["id"]: rule["detection"] for rule in written if understood(rule["detection"])}
    assert len(plain) >= 5
    given = [event for index, event in enumerate(corpora.events("web-crs/events.ndjson")) if index % 2 == 0]
    found = fired([loaded for loaded in corpora.rules(folder) if loaded.rule.id in plain], given)
    assert len(found) >= 10
    expected = set()
    for event in given:
        values = list(texts({name: value for name, value in event.items() if not name.startswith("_")}))
        expected |= {(event["_id"], id) for id, detection in plain.items() if naive(detection, event, values)}
    assert found == expected


# --- the page --------------------------------------------------------------------------------------------------------


def test_the_page_shows_the_tables(golden: Callable[[Path, str], None]) -> None:
    golden(corpora.PAGE, corpora.page_now())
