"""Reading events: cases as data, what every format must keep, and that no byte of a broken file is lost in silence."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import zstandard

from ruleengine.events import read, total_bytes
from ruleengine.events.complaints import SHOWN
from ruleengine.problem import Problem
from tests.conftest import ROOT

CASES = Path(__file__).parent / "cases" / "events"
ALL = [
    pytest.param(case, id=f"{path.stem}: {case['name']}")
    for path in sorted(CASES.glob("*.toml"))
    for case in tomllib.loads(path.read_text("utf-8"))["case"]
]


def content(case: dict[str, Any]) -> bytes:
    """Return the bytes of a case's file."""
    plain = case["text"].encode(case.get("encoding", "utf-8"))
    steps = {
        "gz": gzip.compress(plain, mtime=0),
        "zst": zstandard.compress(plain),
        "zeros": bytes(512),
        "rubbish": b"rubbish behind it",
    }
    data = b"".join(steps[step] for step in case["compress"].split()) if "compress" in case else plain
    return data[: len(data) - case.get("cut", 0)]


def rendered(found: Problem) -> str:
    place = f"{found.place.line}:{found.place.column}" if found.place.line else "file"
    return f"{found.code} {place} {found.message}" + (f" / {found.hint}" if found.hint else "")


def read_case(case: dict[str, Any], folder: Path) -> tuple[str, str]:
    """Return events and problems of a case's file, one a line."""
    path = folder / case["file"]
    path.write_bytes(content(case))
    problems: list[Problem] = []
    records = list(read([str(path)], problems.append, format=case.get("format")))
    assert {record.path for record in records} | {found.place.path for found in problems} <= {str(path)}
    events = "".join(f"{record.line} {json.dumps(record.event)}\n" for record in records)
    return events, "".join(f"{rendered(found)}\n" for found in problems)


@pytest.mark.parametrize("case", ALL)
def test_case(case: dict[str, Any], tmp_path: Path) -> None:
    events, problems = read_case(case, tmp_path)
    assert problems == case["problems"]
    assert events == case["events"]


def found_in(*paths: str, **options: Any) -> tuple[list[tuple[str, int]], list[str]]:
    """Return path and line of every event, and every problem with its path."""
    problems: list[Problem] = []
    records = [(record.path, record.line) for record in read(paths, problems.append, **options)]
    return records, [f"{found.place.path} {rendered(found)}" for found in problems]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of logs, which is the current one."""
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "empty").mkdir()
    for name in ("z.ndjson", "b/a.json", "b/c/a.JSONL.gz", "b/notes.txt"):
        (tmp_path / name).write_text('{"a": 1}\n')
    (tmp_path / "x.csv").write_text("a\n1\n2\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("paths", "files"),
    [
        (["."], ["b/a.json:1", "b/c/a.JSONL.gz:1", "x.csv:2", "x.csv:3", "z.ndjson:1"]),
        (["z.ndjson", "b"], ["z.ndjson:1", "b/a.json:1", "b/c/a.JSONL.gz:1"]),
        (["b/notes.txt"], ["b/notes.txt:1"]),
        (["b/*"], ["b/a.json:1", "b/c/a.JSONL.gz:1", "b/notes.txt:1"]),
        (["**/*.json"], ["b/a.json:1"]),
        (["b/a.json", "./b/a.json", "b"], ["b/a.json:1", "b/c/a.JSONL.gz:1"]),
    ],
)
def test_paths(folder: Path, paths: list[str], files: list[str]) -> None:
    assert found_in(*paths) == ([(name, int(line)) for name, line in (file.split(":") for file in files)], [])
    taken: list[int] = []
    found_in(*paths, on_bytes=taken.append)
    named = {file.split(":")[0] for file in files}
    assert total_bytes(paths) == sum(taken) == sum((folder / name).stat().st_size for name in named)


EMPTY = (
    "empty RE601 file this folder has no event files (.ndjson .jsonl .json .csv .evtx) / "
    "name a file of another suffix itself, with its format"
)


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        ("no.json", "no.json RE601 file there is no such file or folder"),
        ("*.evtx", "*.evtx RE601 file no file matches this pattern"),
        ("empty", EMPTY),
        ("dangling.json", "dangling.json RE602 file the file cannot be opened: No such file or directory"),
    ],
)  # fmt: skip
def test_a_path_without_events_is_a_problem_and_the_rest_goes_on(folder: Path, path: str, problem: str) -> None:
    (folder / "dangling.json").symlink_to("nowhere")
    assert found_in(path, "z.ndjson") == ([("z.ndjson", 1)], [problem])
    assert total_bytes([path]) == 0


def test_a_file_whose_name_looks_like_a_pattern(folder: Path) -> None:
    (folder / "a[1].json").write_text("{}")
    assert found_in("a[1].json") == ([("a[1].json", 1)], [])


@pytest.mark.parametrize("data", [b'{"a": 1}\n{"a": 2}', gzip.compress(b'[{"a": 1},\n{"a": 2}]')], ids=["plain", "gz"])
def test_standard_input(data: bytes) -> None:
    code = "from ruleengine.events import read\nfor record in read(['-'], print): print(record)"
    done = subprocess.run([sys.executable, "-c", code], input=data, capture_output=True, cwd=ROOT, check=True)
    assert done.stdout.decode().splitlines() == [
        f"Record(event={{'a': {n}}}, path='<stdin>', line={n})" for n in (1, 2)
    ]


def test_standard_input_is_read_as_it_arrives() -> None:
    code = "from ruleengine.events import read\nfor record in read(['-'], print): print(record.line, flush=True)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for number in (1, 2):
            process.stdin.write(b'{"a": 1}\n')
            assert process.stdout.readline() == b"%d\n" % number


def test_a_closed_standard_input_is_a_problem() -> None:
    code = "from ruleengine.events import read\nlist(read(['-'], lambda found: print(found.message)))"
    command = ["sh", "-c", 'exec "$@" <&-', "sh", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "the file cannot be opened: standard input is closed\n"


def test_an_unknown_format_is_the_callers_mistake() -> None:
    with pytest.raises(ValueError, match="unknown format 'xml'; known are ndjson, json, csv, evtx"):
        list(read([], print, format="xml"))


def test_so_many_problems_are_counted_and_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text("nonsense\n" * (SHOWN + 5) + "{}\n")
    events, problems = found_in(str(path))
    assert events == [(str(path), SHOWN + 6)]
    assert len(problems) == SHOWN + 1
    assert problems[-1] == f"{path} RE608 file 5 more problems RE603 in this file are not shown"
