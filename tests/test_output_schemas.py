"""What the verbs print as JSON is what the published schemas say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from ruleengine.cli.main import main
from tests.conftest import CASES, ROOT

SESSIONS = CASES / "sessions"
MATCH = ["match", str(SESSIONS / "match/logs"), "--rules", str(SESSIONS / "match/rules")]
EXPLAIN = ["explain", str(SESSIONS / "explain/many.yml"), "--event"]

PRINTED = [
    ("match", [*MATCH, "--format", "ndjson"]),
    ("match", [*MATCH, "--format", "ndjson", "--include-event", "--detail"]),
    ("explain", [*EXPLAIN, str(SESSIONS / "explain/near.ndjson:1"), "--format", "json"]),
    ("explain", [*EXPLAIN, str(SESSIONS / "explain/near.ndjson:2"), "--format", "json"]),
    ("ls", ["ls", str(SESSIONS / "ls/rules"), str(ROOT / "rules"), "--format", "ndjson"]),
]


def schema(name: str) -> Draft202012Validator:
    table = json.loads((files("ruleengine") / "data" / f"{name}.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(table)
    return Draft202012Validator(table)


def values(printed: str) -> Iterator[Any]:
    if printed.startswith("["):
        yield json.loads(printed)
    else:
        yield from map(json.loads, printed.splitlines())


@pytest.mark.parametrize(("name", "command"), PRINTED, ids=[" ".join(words[:1] + words[-2:]) for _, words in PRINTED])
def test_output_is_as_its_schema_says(name: str, command: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    main(command)
    found = list(values(capsys.readouterr().out))
    assert found
    for value in found:
        schema(name).validate(value)


def test_the_array_form_of_match_holds_the_same_lines(capsys: pytest.CaptureFixture[str]) -> None:
    main([*MATCH, "--format", "ndjson"])
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    main([*MATCH, "--format", "json"])
    assert json.loads(capsys.readouterr().out) == lines
