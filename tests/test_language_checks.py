"""The checks on rules of the language: what they say and where, and what they leave alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ruleengine.checks import check
from ruleengine.checks.written import document
from ruleengine.draw import draw
from ruleengine.dsl.show import show
from ruleengine.load import load
from ruleengine.problem import Problem, in_order
from tests.conftest import CASES, ROOT, Run
from tests.test_starter import unexpected

FOLDER = CASES / "language" / "checks"
FILES = sorted(FOLDER.glob("*.rule"))


def found_in(path: str) -> list[Problem]:
    found: list[Problem] = []
    check(load([path], found.append, evaluating=False).rules, found.append)
    return in_order(found)


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_what_is_said_of_rules_in_the_language(
    path: Path, golden: Callable[[Path, str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(FOLDER)
    found = found_in(path.name)
    assert (found == []) is (path.stem == "silent"), found
    golden(path.with_suffix(".txt"), "".join(f"{each.severity}: {draw(each)}" for each in found))


OURS = sorted(path for path in (ROOT / "rules").rglob("*.yml") if not path.name.endswith(".test.yml"))


@pytest.mark.parametrize("path", OURS, ids=[path.stem for path in OURS])
def test_a_rule_has_the_same_metadata_in_both_languages(path: Path, tmp_path: Path) -> None:
    """What the checks read of a `.rule` file is what they read of the YAML it came from, each at a place of its own."""
    (loaded,) = load([str(path)], unexpected).rules
    written = tmp_path / "a.rule"
    written.write_text(show(loaded.rule), "utf-8")
    (again,) = load([str(written)], unexpected).rules
    ours, theirs = document(again.rule), document(loaded.rule)
    assert ours is not None and theirs is not None
    assert {**ours, "detection": 0} == {**theirs, "detection": 0}
    for key, value in ours.items():
        if isinstance(value, str) and key not in ("detection", "description"):
            assert value in ours.value_span(key).text
        if isinstance(value, list):
            assert [str(entry) in ours[key].item_span(index).text for index, entry in enumerate(value)].count(
                False
            ) == 0


def test_what_yaml_is_told_of_is_told_of_the_language(tmp_path: Path) -> None:
    """A rule with slips in its metadata gets the same codes in both."""
    text = (
        "title: T\nname: n\nid: nope\nstatus: almost\nlevel: hi\ndate: 2026-13-01\ntags: [attack.t9999]\n"
        "description: d\nauthor: a\nlogsource: {product: platform, service: auht}\n"
        "detection: {selection: {user.idd: x, user.id: null}, idle: {user.id: y}, condition: not selection}\n"
    )
    sigma = tmp_path / "a.yml"
    sigma.write_text(text, "utf-8")
    (loaded,) = load([str(sigma)], lambda _: None, evaluating=False).rules
    written = tmp_path / "a.rule"
    written.write_text(show(loaded.rule), "utf-8")
    codes = sorted(found.code for found in found_in(str(sigma)))
    assert sorted(found.code for found in found_in(str(written))) == codes
    assert {"RE310", "RE313", "RE402", "RE404", "RE407", "RE411"} <= set(codes)


KINDS = """
rule one
  match a == 1
rule many
  match a == 2
  within 10m by b
rule steps
  let x = a == 3
  sequence x then x
  within 10m by b
rule counted
  rules one
  within 10m by b
  having count() > 5
filter less
  rules one
  match not b == 1
"""


def test_ls_says_what_kind_of_rule_each_is(ruleengine: Run, tmp_path: Path) -> None:
    (tmp_path / "a.rule").write_text(KINDS, "utf-8")
    done = ruleengine("ls", "a.rule", "--format", "json", cwd=tmp_path)
    found = [(row["name"], row["kind"]) for row in json.loads(done.stdout)]
    assert found == [
        ("one", "rule"),
        ("many", "window"),
        ("steps", "sequence"),
        ("counted", "correlation"),
        ("less", "filter"),
    ]
