"""Rules of others, restated in the language: those of Panther pass its tests, those of SigmaHQ mean the same.

The rules are ours; only the id of what they restate stands in their first line. The tests of Panther and the rules of
SigmaHQ lie beside the repository, and the tests here skip without them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from ruleengine.dsl.format import formatted
from ruleengine.ir import Leaf
from ruleengine.load import Loaded, load
from ruleengine.lower import digest
from ruleengine.meaning import holds
from ruleengine.problem import Problem
from ruleengine.span import Source
from ruleengine.walk import walk
from tests.conftest import CASES, ROOT
from tests.corpora import lines, shared

FOLDER = CASES / "language"
PANTHER = sorted((FOLDER / "panther").glob("*.rule"))
SIGMAHQ = sorted((FOLDER / "sigmahq").glob("*.rule"))


def restated(path: Path) -> tuple[str, Loaded]:
    """Return the id of what a rule restates, and the rule."""
    problems: list[Problem] = []
    (found,) = load([str(path)], problems.append, evaluating=False).events
    assert {problem.code for problem in problems} <= {"RE212"}, problems
    return path.read_text("utf-8").split("\n", 1)[0].removeprefix("# "), found


@cache
def panther() -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Return Panther's rules by their ids, each with its tests, and the events by theirs."""
    rules = {row["rule_id"]: row | {"cases": []} for row in lines("panther-tests/rules.jsonl")}
    for row in lines("panther-tests/expectations.jsonl"):
        rules[row["rule_id"]]["cases"].append(row)
    return rules, {row["_id"]: row["log"] for row in lines("panther-tests/events.ndjson.zst")}


@pytest.mark.parametrize("path", PANTHER, ids=[path.stem for path in PANTHER])
def test_a_rule_of_panther_passes_its_own_tests(path: Path) -> None:
    rules, events = panther()
    id, loaded = restated(path)
    assert rules[id]["shape"]["simple"]
    assert loaded.expr is not None
    asked = [row for row in rules[id]["cases"] if not row["mocked"]]
    assert {row["alert"] for row in asked} == {True, False}
    wrong = [row["test"] for row in asked if holds(loaded.expr, events[row["event"]]) != row["alert"]]
    assert wrong == []


def test_the_choice_is_wide() -> None:
    """Nested fields, arrays, absent values, networks, regular expressions and numbers all occur."""
    assert len(PANTHER) >= 30
    text = "\n".join(path.read_text("utf-8") for path in PANTHER)
    for form in (" in cidr(", " matches /", " missing", " exists", " >= ", " field(", " not in [", "scopes in ["):
        assert form in text


@cache
def sigmahq() -> dict[str, Loaded]:
    """Return SigmaHQ's rules that are restated here, by their ids."""
    wanted = {path.read_text("utf-8").split("\n", 1)[0].removeprefix("# ") for path in SIGMAHQ}
    folder = shared("sigmahq")
    files = [path for path in folder.rglob("*.yml") if any(f"\nid: {id}" in path.read_text("utf-8") for id in wanted)]
    found = load([str(path) for path in files], lambda _: None, evaluating=False)
    return {str(loaded.rule.id): loaded for loaded in found.events}


@pytest.mark.parametrize("path", SIGMAHQ, ids=[path.stem for path in SIGMAHQ])
def test_a_rule_of_sigmahq_means_the_same(path: Path) -> None:
    id, loaded = restated(path)
    other = sigmahq()[id]
    assert loaded.expr is not None
    assert other.expr is not None
    assert digest(loaded.expr, loaded.rule.logs) == digest(other.expr, other.rule.logs)
    assert loaded.rule.level == other.rule.level


@pytest.mark.parametrize("path", (*PANTHER, *SIGMAHQ), ids=[path.stem for path in (*PANTHER, *SIGMAHQ)])
def test_a_restated_rule_is_in_the_one_style(path: Path) -> None:
    text = path.read_text("utf-8")
    assert formatted(Source(str(path), text)) == text


def test_the_page_names_what_was_restated() -> None:
    page = (ROOT / "docs" / "language.md").read_text("utf-8")
    for path in (*PANTHER, *SIGMAHQ):
        assert f"`{path.read_text('utf-8').split(chr(10), 1)[0].removeprefix('# ')}`" in page
    bare = [sum("\n  let " not in path.read_text("utf-8") for path in paths) for paths in (PANTHER, SIGMAHQ)]
    words = " ".join(page.split())
    assert f"{len(PANTHER)} rules of Panther's that have unit tests, and {len(SIGMAHQ)} rules of SigmaHQ's" in words
    assert f"{bare[0]} of the {len(PANTHER)} and {bare[1]} of the {len(SIGMAHQ)} rules have no `let`" in words


def test_the_restated_rules_differ_in_form() -> None:
    chains = {
        "|".join(node.item.modifiers)
        for path in (*PANTHER, *SIGMAHQ)
        for loaded in (restated(path)[1],)
        if loaded.expr is not None
        for node in walk(loaded.expr)
        if isinstance(node, Leaf)
    }
    assert len(chains) >= 15
