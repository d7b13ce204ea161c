"""Blocks of lines: whatever a file is cut into, the same lines, numbers and problems come out as line by line."""

from __future__ import annotations

import gzip
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from ruleengine.events import Block, Record, read, read_blocks, records
from ruleengine.events.blocks import cut
from ruleengine.events.complaints import SHOWN, Complaints
from ruleengine.events.json_text import decode
from ruleengine.events.stream import Stream
from ruleengine.problem import Problem, problem
from tests.conftest import ROOT

NESTED = b'{"Event": {"System": {"EventID": "7"}}}'
LINES = st.sampled_from((b"", b"\r", b"{}", b'{"a": 1}', b'{"a": "xyz"}\r', NESTED, b"[1]", b"{", b"\xff"))
FILES = st.builds(
    lambda lines, end: b"\n".join(lines) + end, st.lists(LINES, max_size=30), st.sampled_from((b"", b"\n", b"\n\n"))
)
ENCODINGS = st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "utf-32"))
PACKERS: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".zst": zstandard.compress}


def pieces(data: bytes, sizes: list[int]) -> Iterator[bytes]:
    """Cut data into pieces of these sizes, the rest into pieces of 7 bytes; empty pieces are among them."""
    for size in sizes:
        yield data[:size]
        data = data[size:]
    yield from (data[start : start + 7] for start in range(0, len(data), 7))


@given(
    st.text("ab\n\r", max_size=120).map(str.encode) | FILES,
    st.lists(st.integers(0, 40), max_size=12),
    st.integers(1, 30),
    st.integers(2, 60),
)
def test_blocks_hold_every_line_that_is_not_too_long(data: bytes, sizes: list[int], size: int, limit: int) -> None:
    said: list[Problem] = []
    complaints = Complaints("x", said.append)
    stream = Stream("x", pieces(data, sizes))
    blocks = list(cut(stream, complaints, size, limit))

    lines = data.split(b"\n")
    wanted = [(number, line) for number, line in enumerate(lines, 1) if len(line) <= limit]
    if not lines[-1]:  # behind the last newline there is no line
        wanted.pop()
    assert [line for block in blocks for line in block.lines()] == wanted
    assert [(found.code, found.place.line) for found in said] == [
        ("RE605", number) for number, line in enumerate(lines, 1) if len(line) > limit
    ]
    assert stream.rows == len(lines)

    for block in blocks:
        assert block.data
        assert block.data.endswith(b"\n") or block is blocks[-1]
        held = len(block.data.split(b"\n", 1)[0])  # the line that had begun in an earlier piece
        assert len(block.data) <= held + size * 3 // 2 + 1 or block.data.count(b"\n") <= 1


@given(FILES, st.integers(1, 50), ENCODINGS, st.sampled_from(["", *PACKERS]))
def test_blocks_and_records_are_what_lines_say(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, size: int, encoding: str, packed: str
) -> None:
    if encoding != "utf-8":
        data = data.decode(errors="replace").encode()
    written = data if encoding == "utf-8" else data.decode().encode(encoding)
    path = tmp_path_factory.getbasetemp() / f"blocks.ndjson{packed}"
    path.write_bytes(PACKERS[packed](written) if packed else written)

    said: list[Problem] = []
    complaints = Complaints(str(path), said.append)
    events = [decode(line, complaints, number) for number, line in enumerate(data.split(b"\n"), 1)]
    wanted = [number for number, event in enumerate(events, 1) if event is not None]

    for found in (events_of(path, size), read_of(path)):
        assert [record.line for record in found[0]] == wanted
        assert found[1] == said
    assert events_of(path, size) == read_of(path)


def events_of(path: Path, size: int) -> tuple[list[Record], list[Problem]]:
    """Return the events of a file by way of its blocks, and the problems."""
    said: list[Problem] = []
    found: list[Record] = []
    for part in read_blocks([str(path)], said.append, size=size):
        assert isinstance(part, Block)
        found += records(part)
    return found, said


def read_of(path: Path) -> tuple[list[Record], list[Problem]]:
    said: list[Problem] = []
    return list(read([str(path)], said.append)), said


@given(FILES, st.sampled_from(sorted(PACKERS)), st.floats(0, 1), st.integers(1, 50))
def test_of_a_file_that_is_cut_off_half_a_line_is_not_told(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, packed: str, share: float, size: int
) -> None:
    whole = tmp_path_factory.getbasetemp() / f"cut.ndjson{packed}"
    whole.write_bytes(PACKERS[packed](data))
    every, problems = events_of(whole, size)
    whole.write_bytes(whole.read_bytes()[: max(5, int(share * whole.stat().st_size))])
    found, said = events_of(whole, size)
    assert found == every[: len(found)]
    if said and said[-1].code == "RE604":
        assert said[:-1] == problems[: len(said) - 1]
        assert said[-1].place.line <= data.count(b"\n") + 1
    else:
        assert said == problems


def test_a_damaged_file_loses_no_line_without_a_word(tmp_path: Path) -> None:
    """All lines before the damage are there or told, also those of the piece in which the damage was met."""
    path = tmp_path / "a.ndjson.zst"
    frame = zstandard.compress(b'{"a": 1}\nbroken\n{"a": 2}\n{"a":')
    path.write_bytes(frame + b"no frame")
    found, said = events_of(path, 1 << 18)
    assert [record.line for record in found] == [1, 3]
    assert [(problem.code, problem.place.line) for problem in said] == [("RE603", 2), ("RE604", 4)]


def test_other_formats_are_records(tmp_path: Path) -> None:
    for name, text in (("a.json", '[{"Event": {"System": {"EventID": "7"}}}]'), ("b.csv", "EventID\n7\n")):
        (tmp_path / name).write_text(text)
    found = list(read_blocks([str(tmp_path)], print))
    assert [part.event for part in found if isinstance(part, Record)] == [{"EventID": 7}, {"EventID": "7"}]


ARRIVING = """
from ruleengine.events import read_blocks
for block in read_blocks(["-"], print):
    print(block.first_line, block.data, flush=True)
"""


def test_a_block_does_not_wait_to_be_full() -> None:
    command = [sys.executable, "-c", ARRIVING]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0, cwd=ROOT) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(b'{"a": 1}\n\n{"a"')
        assert process.stdout.readline() == b"1 b'{\"a\": 1}\\n\\n'\n"
        process.stdin.write(b': 2}\n{"a"')
        assert process.stdout.readline() == b"3 b'{\"a\": 2}\\n'\n"
        process.stdin.close()
        assert process.stdout.readline() == b"4 b'{\"a\"'\n"


@pytest.mark.parametrize("sizes", [[3, 2], [SHOWN, 5], [SHOWN - 1, 1, 1], [SHOWN + 7, 0, SHOWN + 1], [1] * 5])
def test_complaints_about_parts_are_those_about_the_whole(sizes: list[int]) -> None:
    parts: list[Problem] = []
    joined = Complaints("x", parts.append)
    whole: list[Problem] = []
    once = Complaints("x", whole.append)
    line = 0
    for size in sizes:
        said: list[Problem] = []
        part = Complaints("x", said.append)
        for _ in range(size):
            line += 1
            for each in (part, once):
                each.say("RE603" if line % 3 else "RE605", "broken", line)
        joined.join(said, part.counts)
    joined.finish()
    once.finish()
    assert parts == whole
    assert joined.counts == once.counts


def test_what_is_counted_and_not_shown_stays_a_count() -> None:
    said: list[Problem] = []
    complaints = Complaints("x", said.append)
    shown = [problem("RE603", "x", f"number {number}") for number in range(SHOWN)]
    complaints.join(shown, Counter({"RE603": SHOWN + 9}))
    complaints.finish()
    assert said[:-1] == shown
    assert said[-1].message == "9 more problems RE603 in this file are not shown"
