"""Fields of log sources, schemas of our own events, and tag taxonomies: what the data says, and that it is sound."""

from __future__ import annotations

import doctest
import json
import re
import tomllib
from collections.abc import Iterator
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ruleengine.ir import LogSource
from ruleengine.schema import taxonomies
from ruleengine.schema.event_schemas import EventField, schema_of, schemas, sensitive_fields
from ruleengine.schema.fields import fields_of, log_sources
from ruleengine.schema.logsources import channels_of
from ruleengine.schema.tables import names, table, text

CASES = Path(__file__).parent / "cases" / "logsources"
SIGMAHQ = Path(__file__).parents[2] / "shared" / "data" / "sigmahq"
TYPES = {"string", "integer", "number", "boolean", "ip", "time", "list", "object"}


def cases(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((CASES / name).read_text("utf-8"))
    return found


def logs(written: dict[str, Any]) -> LogSource:
    return LogSource(category=written.get("category"), product=written.get("product"), service=written.get("service"))


@pytest.fixture(scope="module")
def sigmahq() -> list[dict[str, Any]]:
    """Return every document of SigmaHQ's rules."""
    if not SIGMAHQ.exists():
        pytest.skip("needs sigmahq of the shared data beside the repository")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    paths = [path for path in sorted(SIGMAHQ.rglob("*.yml")) if "regression_data" not in path.parts]
    documents = (document for path in paths for document in yaml.load_all(path.read_text("utf-8"), loader))
    return [document for document in documents if isinstance(document, dict)]


@pytest.mark.parametrize("page", ["logsources.md", "taxonomies.md"])
def test_the_examples_of_the_docs(page: str) -> None:
    result = doctest.testfile(str(Path(__file__).parents[1] / "docs" / page), module_relative=False)
    assert result.attempted and not result.failed


# --- fields --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("fields.yml"), ids=lambda case: str(logs(case["logs"])))
def test_fields(case: dict[str, Any]) -> None:
    found = fields_of(logs(case["logs"]))
    assert (found.complete if found else None) == case.get("complete")
    for name, kind in case.get("has", {}).items():
        assert found and found.types.get(name) == kind
        assert found.knows(name)
    for name, meant in case.get("unknown", {}).items():
        assert found and not found.knows(name)
        assert found.suggest(name) == meant
    for name in case.get("silent", ()):
        assert found and found.knows(name)


def test_every_type_in_the_field_tables_is_a_type() -> None:
    known = [(source, fields_of(source)) for source in log_sources()]
    assert len(known) > 130
    assert [source for source, found in known if found is None] == []
    assert {kind for _, found in known if found for kind in found.types.values()} <= TYPES


def written_fields(item: Any) -> Iterator[str]:
    match item:
        case dict():
            yield from (str(key).split("|")[0] for key in item)
        case list():
            for part in item:
                yield from written_fields(part)


def test_no_field_of_sigmahq_is_reported_and_every_log_source_is_known(sigmahq: list[dict[str, Any]]) -> None:
    """Each field that SigmaHQ uses on a complete log source was judged by hand: none is a slip."""
    reported = []
    for rule in (rule for rule in sigmahq if "logsource" in rule):
        found = fields_of(logs(rule["logsource"]))
        assert found, rule["logsource"]
        parts = [part for name, part in rule["detection"].items() if name not in ("condition", "timeframe")]
        used = {field for part in parts for field in written_fields(part) if field}
        reported += [(rule["title"], field) for field in used if not found.knows(field)]
    assert reported == []


def test_every_windows_log_source_of_sigmahq_has_a_channel(sigmahq: list[dict[str, Any]]) -> None:
    found = {logs(rule["logsource"]) for rule in sigmahq if rule.get("logsource", {}).get("product") == "windows"}
    assert len(found) > 60
    assert [str(source) for source in found if not channels_of(source)] == []


# --- our own events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", names("platform"))
def test_the_schema_files_follow_their_json_schema(name: str) -> None:
    rules = json.loads(text("event_schema.schema.json"))
    jsonschema.Draft202012Validator.check_schema(rules)
    jsonschema.validate(tomllib.loads(text(f"platform/{name}")), rules)


@pytest.mark.parametrize(
    "wrong",
    [{"type": "text"}, {"type": "string", "arrays": True}, {"about": ""}, {"values": []}, {"entity": "An Account"}],
)
def test_the_json_schema_rejects(wrong: dict[str, Any]) -> None:
    field = {"type": "string", "example": "x", "about": "y"} | wrong
    document = {"schema_version": 1, "title": "t", "fields": {"a.b": field}}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, json.loads(text("event_schema.schema.json")))


def of_type(field: EventField) -> bool:
    values = field.example if field.array else [field.example]
    assert isinstance(values, list)
    kinds: dict[str, Any] = {"integer": int, "number": (int, float), "boolean": bool}
    for value in values:
        if field.type == "ip":
            ip_address(value)
        elif field.type == "time":
            datetime.fromisoformat(value)
        elif field.type != "string" and isinstance(value, bool) != (field.type == "boolean"):
            return False
        if not isinstance(value, kinds.get(field.type, str)) or (field.values and value not in field.values):
            return False
    return True


def test_every_example_is_of_its_fields_type() -> None:
    assert {found.service for found in schemas()} == {
        "signup", "auth", "api", "payment", "moderation", "keys", "enforcement",
    }  # fmt: skip
    for found in schemas():
        assert found.time in found.fields
        assert found.id in found.fields
        assert [field for field in found.fields.values() if not of_type(field)] == []


def test_examples_use_documentation_names_and_addresses() -> None:
    for field in (field for found in schemas() for field in found.fields.values()):
        if field.type == "ip":
            assert str(field.example).startswith(("192.0.2.", "198.51.100.", "203.0.113.", "2001:db8:"))
        if field.entity == "email":
            assert str(field.example).endswith("@example.com")


def test_sensitive_fields() -> None:
    signup = sensitive_fields(LogSource(product="platform", service="signup"))
    assert {"user.email", "source.ip", "abuse.email.normalized"} <= signup
    assert "user.id" not in signup
    assert "gen_ai.input.messages" not in signup
    assert "gen_ai.input.messages" in sensitive_fields(LogSource(product="Platform", service="API"))
    assert sensitive_fields(LogSource(product="windows", service="security")) == frozenset()
    every = {field.name for found in schemas() for field in found.fields.values() if field.sensitive}
    assert sensitive_fields(LogSource(product="platform")) == sensitive_fields(LogSource()) == every


def test_schema_of() -> None:
    found = schema_of(LogSource(product="platform", service="api"))
    assert found
    assert found.fields["gen_ai.response.finish_reasons"].array
    assert found.fields["abuse.api_key.id"].entity == "api_key"
    assert schema_of(LogSource(product="platform")) is None
    assert schema_of(LogSource(product="windows", service="api")) is None


# --- taxonomies ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", cases("tags.yml"), ids=lambda case: repr(case["tag"]))
def test_tag(case: dict[str, Any]) -> None:
    found = taxonomies.check(case["tag"])
    assert found.status == case["status"]
    assert found.name == case.get("name", found.name)
    assert found.hint == case.get("hint", "")
    assert case.get("says", "") in found.message
    assert found.ok == (case["status"] in ("known", "free", "newer"))


def test_the_tables_are_sound() -> None:
    for file in names("taxonomies"):
        found = table(f"taxonomies/{file}")
        if file == "namespaces.tsv":
            continue
        ids = {row[0] for row in found.rows}
        assert len(ids) == len(found.rows)
        assert {"title", "source", "version", "read", "licence"} <= set(found.about), file
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", found.about["read"])
        for id, name, status, successor in found.rows:
            assert id == id.strip() and name == name.strip() != ""
            assert status in ("", "older", "revoked", "deprecated")
            assert not successor or status in ("revoked", "deprecated")
            for later in filter(None, successor.split(",")):
                assert later in ids
                assert taxonomies.entry("attack", later).status in ("", "older"), (id, later)  # type: ignore[union-attr]  # entry is in the table


def test_every_id_of_a_table_has_the_form_of_its_namespace() -> None:
    for namespace, file, _, example in table("taxonomies/namespaces.tsv").rows:
        assert taxonomies.check(example).status == "known", example
        if file != "-":
            for id, *_ in table(f"taxonomies/{file}").rows:
                if not re.fullmatch(r"TA\d{4}", id) or namespace != "attack":  # tactics are tagged by name
                    assert taxonomies.check(f"{namespace}.{id.lower()}").status in ("known", "retired"), id


def test_all_tags_of_sigmahq(sigmahq: list[dict[str, Any]]) -> None:
    tags = {str(tag) for rule in sigmahq for tag in rule.get("tags") or ()}
    assert len(tags) > 600
    # ATT&CK deprecated all data sources in 18; SigmaHQ has one such tag left.
    assert [tag for tag in sorted(tags) if not taxonomies.check(tag).ok] == ["attack.ds0005"]


@given(st.one_of(st.text(max_size=30), st.from_regex(r"(attack|atlas|f3|cve|tlp|owasp-llm)\.[a-zA-Z0-9._-]{0,20}")))
def test_any_text_gets_a_verdict_and_every_hint_is_a_good_tag(tag: str) -> None:
    found = taxonomies.check(tag)
    assert not found.hint or (taxonomies.check(found.hint).ok and found.hint != tag and not found.ok)
