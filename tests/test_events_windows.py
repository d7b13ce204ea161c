"""Windows events: nested and binary ones against the flat form that others made of the same records."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ruleengine.events import read
from ruleengine.problem import Problem
from tests.conftest import ROOT

SHARED = ROOT.parent / "shared" / "data"
REGRESSION = SHARED / "sigmahq" / "regression_data"
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="the folder of shared data is not beside this one")

# What our form has and the flat files leave out: attributes of Correlation and EventID, and of elements of UserData.
MORE = {
    "Correlation_ActivityID": 94,
    "EventID_Qualifiers": 75,
    "Certificate_fileRef": 2,
    "Certificate_subjectName": 2,
    "CorrelationAuxInfo_SeqNumber": 2,
    "CorrelationAuxInfo_TaskId": 2,
    "EventAuxInfo_ProcessName": 2,
    "Flags_CRYPT_ACQUIRE_ALLOW_NCRYPT_KEY_FLAG": 2,
    "Flags_value": 2,
    "Result_value": 2,
}


def events(*paths: Path) -> list[dict[str, Any]]:
    problems: list[Problem] = []
    found = [record.event for record in read([str(path) for path in paths], problems.append)]
    assert problems == []
    return found


@needs_shared
def test_nested_events_become_the_flat_ones_field_by_field() -> None:
    regression, attack = SHARED / "sigma-regression", SHARED / "windows-attack"
    nested = events(regression / "nested-events.ndjson.zst", attack / "nested-sample.ndjson")
    flat = {event["_id"]: event for event in events(regression / "events.ndjson", attack / "events.ndjson.zst")}
    assert len(nested) == 656
    more: Counter[str] = Counter()
    for event in nested:
        expected = flat[event["_id"]]
        for name in event.keys() | expected.keys():
            if name not in expected:
                more[name] += 1
            elif name not in event:
                assert name in ("_case", "_src", "_product", "_service", "_category"), name  # added by hand
            elif isinstance(event[name], bool):
                assert expected[name] == str(event[name]).lower()  # the flat files spell booleans
            else:
                assert (event[name], type(event[name])) == (expected[name], type(expected[name])), name
    assert more == MORE


def trimmed(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without blanks at the end of its texts, which the JSON twins lost."""
    return {name: value.rstrip() if isinstance(value, str) else value for name, value in event.items()}


@needs_shared
def test_binary_logs_hold_what_their_json_twins_hold() -> None:
    pytest.importorskip("evtx")
    logs = sorted(REGRESSION.rglob("*.evtx"))
    assert len(logs) > 100
    for log in logs:
        if log.parent.name == "proc_creation_win_susp_right_to_left_override":
            continue  # its twin is a recording of its own: another clock and another case
        for twin in log.parent.glob("*.json"):
            binary = events(log)
            for event in events(twin):
                same = [trimmed(found) for found in binary if found["EventRecordID"] == event["EventRecordID"]]
                assert trimmed(event) in same, twin


@needs_shared
@pytest.mark.parametrize(
    ("start", "change", "code", "message"),
    [
        (0, b"rubbish!", "RE602", "not an event log that can be read"),
        (4096, b"ElfChnX\0", "RE603", "Invalid EVTX chunk header magic"),
        (4096 + 16, b"\x09", "RE603", "the log announces 9 records, but only 1 could be read"),
        (4096 + 512 + 40, b"\xff" * 100, "RE603", "a record after number 0 is damaged: "),
        (60_000, None, "RE604", "the event log ends in the middle of a chunk of records: the file is cut off"),
        (0, None, "", ""),
    ],
)
def test_a_damaged_log_is_a_problem(tmp_path: Path, start: int, change: bytes | None, code: str, message: str) -> None:
    pytest.importorskip("evtx")
    data = bytearray(next(log for log in sorted(REGRESSION.rglob("*.evtx")) if len(events(log)) == 1).read_bytes())
    if change is None:
        del data[start or len(data) :]
    else:
        data[start : start + len(change)] = change
    path = tmp_path / "a.evtx"
    path.write_bytes(data)
    problems: list[Problem] = []
    list(read([str(path)], problems.append))
    assert [problem.code for problem in problems] == [code] * bool(code)
    assert not problems or message in problems[0].message


@needs_shared
def test_a_log_in_a_pipe_and_its_progress(tmp_path: Path) -> None:
    pytest.importorskip("evtx")
    log = min(REGRESSION.rglob("*.evtx"))
    taken: list[int] = []
    direct = [(record.line, record.event) for record in read([str(log)], print, on_bytes=taken.append)]
    assert sum(taken) == log.stat().st_size
    code = "from ruleengine.events import read\nfor record in read(['-'], print): print((record.line, record.event))"
    with log.open("rb") as source:
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, stdin=source, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "".join(f"{row}\n" for row in direct)


def test_without_the_package_a_problem_says_what_to_install(tmp_path: Path) -> None:
    path = tmp_path / "a.evtx"
    path.write_bytes(b"ElfFile\0" + bytes(4088))
    code = (
        "import sys; sys.modules['evtx'] = None\n"
        "from ruleengine.events import read\n"
        f"list(read([{str(path)!r}], lambda found: print(found.code, found.hint)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "RE610 pip install 'ruleengine[evtx]'\n"


@pytest.mark.parametrize(("data", "code"), [(b"", "RE602"), (b"no log", "RE602"), (b"ElfFile\0", "RE602")])
def test_what_is_no_log(tmp_path: Path, data: bytes, code: str) -> None:
    pytest.importorskip("evtx")
    path = tmp_path / "a.evtx"
    path.write_bytes(data)
    problems: list[Problem] = []
    assert list(read([str(path)], problems.append)) == []
    assert [problem.code for problem in problems] == [code]
