"""The starter content: our rules are clean, pass their tests, fire on our fixtures, and name nobody real."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ruleengine.cli.main import guarded
from ruleengine.ir import LogSource
from ruleengine.schema.event_schemas import schema_of
from tests.conftest import ROOT

SCHEMA = json.loads((ROOT / "ruleengine" / "data" / "test-file.schema.json").read_text("utf-8"))
OUR_FILES = sorted((ROOT / "rules").rglob("*.yml"))
OUR_TESTS = [path for path in OUR_FILES if path.name.endswith(".test.yml")]


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
    rules = [path for path in OUR_FILES if path not in OUR_TESTS]
    assert [path for path in rules if path.with_suffix(".test.yml") not in OUR_TESTS] == []
    assert guarded(["match", "fixtures", "--rules", "rules", "--format", "ndjson"]) == 0
    titles = {json.loads(line)["title"] for line in capsys.readouterr().out.splitlines()}
    assert titles == {yaml.safe_load(path.read_text("utf-8"))["title"] for path in rules}


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
    assert counts == {"failed": 0, "error": 0, "passed": 4, "todo": 1}


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
