"""Bounds of the event reader: memory that does not grow, and hostile files that cost neither memory nor minutes."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
import time
from pathlib import Path
from typing import IO

import pytest
import zstandard

from ruleengine.events import read
from ruleengine.events.complaints import Complaints
from ruleengine.events.lines import lines
from ruleengine.events.stream import Stream
from ruleengine.problem import Problem
from tests.conftest import ROOT

MEASURE = """
import resource, sys
from ruleengine.events import read
problems = []
list(read([], problems.append))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for _ in read(sys.argv[1:], problems.append))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(count, len(problems), (peak - before) // 1024, problems[0].message if problems else "")
"""
LINE = json.dumps({"EventID": 1, "CommandLine": "x" * 2000}).encode() + b"\n"
ROW = b"1," + b"x" * 2000 + b"\n"
MB = 1 << 20


def bomb(path: Path, head: bytes, part: bytes, size: int) -> str:
    """Write `size` bytes of a repeated part, compressed, and return the path."""
    times, block = size // (len(part) * 64), part * 64
    with path.open("wb") as target:
        if path.suffix == ".zst":
            with zstandard.ZstdCompressor().stream_writer(target) as frames:
                frames.write(head)
                for _ in range(times):
                    frames.write(block)
        else:
            with gzip.open(target, "wb") as members:
                members.write(head)
                for _ in range(times):
                    members.write(block)
    return str(path)


def measure(path: str, source: IO[bytes] | None = None) -> tuple[int, int, int, str]:
    """Return events, problems, megabytes of memory above the start, and the first message, of a process of its own."""
    command = [sys.executable, "-c", MEASURE, path]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, stdin=source)
    events, problems, growth, message = done.stdout.rstrip("\n").split(" ", 3)
    return int(events), int(problems), int(growth), message


@pytest.mark.parametrize(
    ("name", "head", "part", "most"),
    [
        ("a.ndjson.zst", b"", LINE, 60),
        ("a.ndjson.gz", b"", LINE, 60),
        ("a.csv.zst", b"a,b\n", ROW, 60),
        ("a.ndjson.zst", b"[", b" ", 200),  # a line that never ends
        ("a.json.zst", b"[", b"[" * 99 + b"\n", 700),  # a document over its limit
    ],
)
def test_memory_stays_small(tmp_path: Path, name: str, head: bytes, part: bytes, most: int) -> None:
    size = (100 if name == "a.ndjson.gz" or part == ROW else 300) * MB
    events, problems, growth, message = measure(bomb(tmp_path / name, head, part, size))
    whole = len(part) > 100
    assert events == (size // (len(part) * 64) * 64 if whole else 0)
    assert problems == (0 if whole else 1)
    assert whole or "MB and was" in message
    assert growth < most


def test_memory_stays_small_in_a_pipe(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.ndjson.zst", b"", LINE, 100 * MB)
    with Path(path).open("rb") as source:
        events, problems, growth, _ = measure("-", source)
    assert (events, problems) == (100 * MB // (len(LINE) * 64) * 64, 0)
    assert growth < 60


def test_a_quote_without_an_end_costs_one_row_and_no_memory(tmp_path: Path) -> None:
    path = bomb(tmp_path / "a.csv.zst", b'a,b\n1,"x\n', ROW, 100 * MB)
    events, problems, growth, message = measure(path)
    assert (events, problems) == (100 * MB // (len(ROW) * 64) * 64, 1)
    assert message == "a value in this row is longer than 1 MB, or its quote has no end"
    assert growth < 60


def test_a_line_over_the_limit_is_skipped_and_the_next_is_read() -> None:
    problems: list[Problem] = []
    pieces = iter((b"ab", b"c\nabcde", b"fgh", b"i\nabc\n", b"\n", b"abcdefghi"))
    found = list(lines(Stream("x", pieces), Complaints("x", problems.append), limit=6))
    assert found == [(1, b"abc"), (3, b"abc"), (4, b"")]
    assert [(problem.code, problem.place.line) for problem in problems] == [("RE605", 2), ("RE605", 5)]


HOSTILE = {
    "open objects": ("a.json", b"{\n" * 200_000),
    "open arrays": ("a.json", b"[" * 1_000_000),
    "open names": ("a.ndjson", b'{"a":' * 200_000),
    "open elements": ("a.json", b"[\n" + b'  {"a": [\n  {"x":1}\n' * 30_000),
    "quotes": ("a.json", b'"' * 1_000_000),
    "backslashes": ("a.json", b'["' + b"\\" * 1_000_000),
    "surrogates": ("a.ndjson", b'{"a":"' + b"\\ud800" * 100_000 + b'"}'),
    "digits": ("a.ndjson", b'{"a":' + b"9" * 1_000_000 + b"}"),
    "exponent": ("a.ndjson", b'{"a":1e' + b"9" * 1_000_000 + b"}"),
    "quotes in CSV": ("a.csv", b"a,b\n" + b'x,"\n' * 50_000),
    "columns of one name": ("a.csv", b"a," * 100_000 + b"\n"),
    "many columns": ("a.csv", b",".join(b"c%d" % n for n in range(50_000)) + b"\n" + b"," * 49_999),
    "one long line of nothing known": ("x", b"z" * 2_000_000),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_files_are_read_in_seconds(tmp_path: Path, case: str) -> None:
    name, data = HOSTILE[case]
    path = tmp_path / name
    path.write_bytes(data)
    problems: list[Problem] = []
    begin = time.process_time()
    events = sum(1 for _ in read([str(path)], problems.append))
    assert events or problems
    assert time.process_time() - begin < 5
