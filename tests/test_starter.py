"""The starter content: our rules are clean, pass their tests, fire on our fixtures, and name nobody real."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ruleengine.cli.main import guarded
from ruleengine.ir import LogSource, Single
from ruleengine.load import load
from ruleengine.meaning import holds
from ruleengine.problem import Problem, in_order
from ruleengine.schema.event_schemas import schema_of
from ruleengine.testing.collect import collect
from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "ruleengine" / "data" / "test-file.schema.json").read_text("utf-8"))
OUR_FILES = sorted((ROOT / "rules").rglob("*.yml"))
OUR_TESTS = [path for path in OUR_FILES if path.name.endswith(".test.yml")]


def unexpected(found: Problem) -> None:
    """Stand where no problem is to be reported."""
    pytest.fail(f"{found.place} {found.message}")


@pytest.mark.parametrize("path", OUR_TESTS, ids=[path.stem for path in OUR_TESTS])
def test_our_test_files_are_of_the_published_form(path: Path) -> None:
    jsonschema.validate(yaml.safe_load(path.read_text("utf-8")), SCHEMA)


def test_the_starter_rules_pass_their_tests(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    assert guarded(["test", "rules"]) == 0, capsys.readouterr().out


def test_every_starter_rule_fires_on_the_fixtures_and_has_tests(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    rules = load(["rules"], unexpected).rules
    about_one = [loaded.rule for loaded in rules if loaded.expr is not None]
    assert len(rules) - len(about_one) == 9
    untested = [rule for rule in about_one if not any(collect([rule.source.path] if rule.source else [], unexpected))]
    assert untested == []
    assert guarded(["match", "fixtures", "--rules", "rules", "--format", "ndjson"]) == 0
    out, err = capsys.readouterr()
    assert {json.loads(line)["title"] for line in out.splitlines()} == {rule.title for rule in about_one}
    assert "9 rules over time are not evaluated yet" in err


def test_the_twelve_rules_in_the_language_are_in_style_and_complete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve rules of the language for abuse, each with parameters or lists that a project sets for itself."""
    monkeypatch.chdir(ROOT)
    every = [loaded.rule for loaded in load(["rules/abuse"], unexpected).rules]
    ours = [rule for rule in every if rule.source and rule.source.path.endswith(".rule")]
    assert len(ours) == 12
    assert guarded(["fmt", "--check", *sorted(str(path) for path in Path("rules").rglob("*.rule"))]) == 0
    for rule in ours:
        assert rule.id and uuid.UUID(rule.id).version == 4, rule.name
        assert any(tag.startswith("abuse.") for tag in rule.tags), rule.name
        assert {"description", "falsepositives"} <= {key for key, _ in rule.meta}, rule.name
        assert isinstance(rule.body, Single) or (rule.alert and rule.alert.text), rule.name


def test_a_project_sets_parameters_for_our_rules(tmp_path: Path) -> None:
    """The example in our `params.yaml`, and a wrong one, which is told."""
    (tmp_path / "ruleengine.toml").touch()
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    path = tmp_path / "rules" / "params.yaml"
    event = {"event.action": "charge", "source.geo.country_iso_code": "PT", "abuse.account.age_s": 90_000}
    event |= {"abuse.payment.card_country": "JP", "abuse.ip.kind": "vpn"}
    for setting, fires in (("86400", False), ("100000", True)):
        path.write_text(f"stolen_card_first_charge: {{max_age_s: {setting}}}\n")
        (loaded,) = load([str(tmp_path / "rules" / "abuse" / "stolen_card_first_charge.rule")], unexpected).rules
        assert loaded.expr is not None
        assert holds(loaded.expr, event) is fires


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", ""),
        ("# nothing\n", ""),
        ("stolen_card_first_charge: {max_age: 1}", "has no parameter `max_age` did you mean `max_age_s`?"),
        ("stolen_card_first_charge: {max_age_s: a day}", "the parameter `max_age_s` takes a number"),
        ("stolen_card_first_charge: {max_age_s: [1]}", "the parameter `max_age_s` takes a number"),
        ("stolen_card_first_charge: 86400", "takes its parameters, by their names"),
        ("stolen_card: {max_age_s: 1}", "no rule that was read is called `stolen_card`"),
        ("- stolen_card_first_charge", "the file is a mapping"),
        ("stolen_card_first_charge: {", "this is not YAML"),
    ],
)
def test_settings_that_are_none_are_told(tmp_path: Path, text: str, said: str) -> None:
    shutil.copytree(ROOT / "rules", tmp_path / "rules")
    (tmp_path / "ruleengine.toml").touch()
    (tmp_path / "rules" / "params.yaml").write_text(text)
    found: list[Problem] = []
    assert len(load([str(tmp_path / "rules")], found.append).rules) == 27
    assert len(in_order(found)) == bool(said)
    assert all(each.code == ("RE103" if "YAML" in said else "RE815") for each in found)
    assert all(said in f"{each.message} {each.hint}" for each in found)


def test_the_starter_rules_are_clean(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert guarded(["check", "rules", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["problems"] == []


def test_the_fixtures_name_nobody_and_nowhere_real() -> None:
    """Addresses are of RFC 5737 and 3849, domains of RFC 2606."""
    for path in sorted((ROOT / "fixtures").rglob("*.ndjson")):
        text = path.read_text("utf-8")
        for found in re.findall(r"\b\d+\.\d+\.\d+\.\d+\b", re.sub(r"Chrome/[\d.]+|v4\.0\.\d+", "", text)):
            assert found.startswith(("192.0.2.", "198.51.100.", "203.0.113.")), (path.name, found)
        for found in re.findall(r'"[\w.+-]+@([\w.-]+)"', text):
            assert re.search(r"(^|\.)example(\.(com|net|org))?$", found), (path.name, found)


def test_the_examples_of_the_guide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The guide's rule, its tests and its recording, each as the page says."""
    text = (ROOT / "docs" / "testing.md").read_text("utf-8")
    blocks = re.findall(r"^```(?:yaml|json)\n(.*?)^```$", text, re.M | re.S)
    names = ("whoami_all.yml", "whoami_all.test.yml", "recorded.test.yml", "whoami.ndjson")
    for name, block in zip(names, blocks, strict=False):
        (tmp_path / name).write_text(block, "utf-8")
    monkeypatch.chdir(tmp_path)
    assert guarded(["test", ".", "--format", "json=out.json"]) == 0
    counts = json.loads((tmp_path / "out.json").read_text())["counts"]
    assert counts == {"failed": 0, "error": 0, "passed": 4, "todo": 1, "unevaluated": 0}


TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "ip": str,
    "time": str,
    "integer": int,
    "number": (int, float),
    "boolean": bool,
}
WRONG_ON_PURPOSE = {("moderation", "abuse.content.score", "unavailable")}  # a hard negative: a score that is a text


def flat(value: Any, prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the fields of an event by their dotted names."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from flat(inner, f"{prefix}.{name}" if prefix else name)
    else:
        yield prefix, value


@pytest.mark.parametrize("path", sorted((ROOT / "fixtures" / "abuse").glob("*.ndjson")), ids=lambda path: path.stem)
def test_platform_fixtures_follow_their_schemas(path: Path) -> None:
    for line in path.read_text("utf-8").splitlines():
        event = json.loads(line)
        event.pop("@expect", None)
        service = event["_service"]
        schema = schema_of(LogSource(product=event["_product"], service=service))
        assert schema, service
        for name, value in flat({key: value for key, value in event.items() if key[0] != "_"}):
            field = schema.fields[name]
            values = value if isinstance(value, list) and field.array else [value]
            for one in values:
                if one is None or (service, name, one) in WRONG_ON_PURPOSE:
                    continue
                assert isinstance(one, TYPES[field.type]), (name, one)
                assert not field.values or one in field.values, (name, one)
