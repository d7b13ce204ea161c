"""Routing: what an event states about its log source, which rules are asked, and that no known match is lost by it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from ruleengine.ir import LogSource
from ruleengine.schema.logsources import HintFields, channels_of, conflict, event_source, router, source_reader

CASES = Path(__file__).parent / "cases" / "logsources"
SHARED = Path(__file__).parents[2] / "shared" / "data"
ROUTING = yaml.safe_load((CASES / "routing.yml").read_text("utf-8"))


def logs(written: dict[str, Any]) -> LogSource:
    return LogSource(category=written.get("category"), product=written.get("product"), service=written.get("service"))


@pytest.mark.parametrize("case", ROUTING, ids=[case["name"] for case in ROUTING])
def test_case(case: dict[str, Any]) -> None:
    source = event_source(case["event"], HintFields(**case.get("hints", {})))
    if states := case.get("states"):
        categories = states.get("categories")
        assert source.product == states.get("product")
        assert source.service == states.get("service")
        assert source.categories == (None if categories is None else frozenset(categories))
        assert source.complete == states["complete"]
    for asked in case.get("asked", ()):
        assert conflict(logs(asked), source) is None
    for skipped, part in case.get("skipped", ()):
        assert part in (conflict(logs(skipped), source) or "the rule is asked")


def records(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        pytest.skip(f"needs {path.name} of the shared data beside the repository")
    data = path.read_bytes()
    if path.suffix == ".zst":
        zstandard = pytest.importorskip("zstandard")
        data = zstandard.ZstdDecompressor().stream_reader(data).read()
    return (json.loads(line) for line in data.splitlines())


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ("windows-attack/events.ndjson.zst", "windows-attack/expected.jsonl.zst"),
        ("sigma-regression/events.ndjson", "sigma-regression/expected-all-rules.jsonl.zst"),
    ],
)
def test_no_known_match_is_lost(events: str, expected: str) -> None:
    """Pairs that two independent engines report are asked, so routing loses none of them."""
    sources = {event["_id"]: event_source(event) for event in records(SHARED / events)}
    pairs = [
        (rule["rule_id"], event, conflict(logs(rule["logsource"]), sources[event]))
        for rule in records(SHARED / expected)
        for event in rule["events"]
    ]
    assert len(pairs) > 150
    assert [pair for pair in pairs if pair[2]] == []


def test_no_known_cloud_match_is_lost() -> None:
    sources = {event["_id"]: event_source(event) for event in records(SHARED / "cloud/cloudtrail.ndjson.zst")}
    aws = LogSource(product="aws", service="cloudtrail")
    agreed = [row for row in records(SHARED / "cloud/expected-sigma-aws.jsonl") if row["agree"]]
    assert agreed
    assert not [event for row in agreed for event in row["sqlite"] if conflict(aws, sources[event])]


def test_channels_of() -> None:
    sysmon = ("Microsoft-Windows-Sysmon/Operational",)
    assert channels_of(LogSource(product="windows", category="process_creation")) == sysmon
    assert channels_of(LogSource(product="windows", category="iis")) == ()
    both = ("Microsoft-Windows-PowerShell/Operational", "PowerShellCore/Operational")
    assert channels_of(LogSource(product="windows", category="ps_script")) == both


NAMES: st.SearchStrategy[Any] = st.sampled_from(
    [None, "windows", "linux", "sysmon", "security", "process_creation", "registry_event", "", 3, []]
)
IDS = st.one_of(
    st.none(), st.integers(-2, 30), st.sampled_from(["1", "x", 4104, 10**5000, 1.5, float("nan"), True, {}])
)
CHANNELS = st.sampled_from([None, "Security", "Microsoft-Windows-Sysmon/Operational", "Other", ["Security"], 5])
EVENTS = st.fixed_dictionaries(
    {},
    optional={
        "Channel": CHANNELS,
        "EventID": IDS,
        "Provider_Name": st.sampled_from(["Microsoft-Windows-Sysmon", "x", None, {}]),
        "_product": NAMES,
        "_service": NAMES,
        "_category": NAMES,
    },
)
SOURCES = st.builds(
    LogSource,
    category=st.sampled_from([None, "process_creation", "registry_event", "file_event"]),
    product=st.sampled_from([None, "windows", "linux"]),
    service=st.sampled_from([None, "sysmon", "security"]),
)


@given(st.lists(EVENTS, max_size=5), st.lists(SOURCES, max_size=8))
def test_the_router_asks_exactly_the_rules_that_do_not_conflict(
    events: list[dict[str, Any]], rules: list[LogSource]
) -> None:
    ask = router(rules)
    for event in events:
        source = event_source(event)
        assert source == source_reader.__wrapped__(HintFields())(event)  # what is remembered is what is worked out
        assert ask(source) == tuple(i for i, rule in enumerate(rules) if conflict(rule, source) is None)


@given(EVENTS)
def test_a_rule_without_log_source_is_always_asked(event: dict[str, Any]) -> None:
    assert conflict(LogSource(), event_source(event)) is None


def test_a_stream_of_ever_new_or_huge_values_keeps_memory_bounded() -> None:
    read = source_reader.__wrapped__(HintFields())
    (memo,) = [cell.cell_contents for cell in read.__closure__ or () if isinstance(cell.cell_contents, dict)]
    for number in range(10_000):
        read({"Channel": "Security", "EventID": number})
    assert len(memo) <= 4096
    source = read({"Channel": "x" * 10_000_000, "EventID": 1})
    assert len(source.why) < 500
    assert not [key for key in memo if isinstance(key[0], str) and len(key[0]) > 200]
